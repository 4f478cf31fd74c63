"""Sampling: what is drawn is what the model says, however it is drawn, and every step of it is recorded."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.autoregressive.small_models import KINDS, random_model
from vizcore.autoregressive import (
    FREE,
    AutoregressiveError,
    FullTable,
    SamplingCancelledError,
    flip_pixel,
    list_pictures,
    log_likelihood,
    pack_sampling,
    pixel_order,
    sample,
    trace_sampling,
)
from vizcore.autoregressive.sampling import draw_noise
from vizcore.packing import unpack

SEQUENTIAL = KINDS[1:]


@pytest.mark.parametrize("kind", KINDS)
@given(
    height=st.integers(1, 4),
    width=st.integers(1, 5),
    order=st.sampled_from(("raster", "reverse", "random")),
    seed=st.integers(0, 999),
    num_classes=st.sampled_from((0, 3)),
    temperature=st.sampled_from((0.5, 1.0, 2.0)),
)
@settings(max_examples=15)
def test_computing_nothing_twice_changes_nothing(kind, height, width, order, seed, num_classes, temperature):
    size = (height, width)
    chosen = None if kind == "independent" else pixel_order(order, size, seed=seed)
    model = random_model(kind, size, order=chosen, num_classes=num_classes, seed=seed)
    labels = torch.arange(7) % 3 if num_classes else None
    fast = sample(model, 7, seed=seed, labels=labels, temperature=temperature)
    plain = sample(model, 7, seed=seed, labels=labels, temperature=temperature, incremental=False, batch=3)
    assert np.allclose(fast.probabilities, plain.probabilities, atol=1e-10)
    assert np.array_equal(fast.pictures, plain.pictures)
    # And both are the forward pass on the finished picture.
    logits = model(torch.from_numpy(fast.pictures).double(), labels)
    assert np.allclose((logits / temperature).sigmoid().detach(), fast.probabilities, atol=1e-10)


@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_samples_occur_as_often_as_enumeration_says(kind):
    model = random_model(kind, (2, 2), order=pixel_order("columns", (2, 2)), seed=3)
    num = 20_000
    drawn = sample(model, num, seed=0, batch=num).pictures
    counts = np.bincount(drawn @ np.array([8, 4, 2, 1]), minlength=16)
    p = log_likelihood(model, list_pictures(4)).exp().detach().numpy()
    assert (np.abs(counts / num - p) <= 4.5 * np.sqrt(p * (1 - p) / num) + 1e-9).all()
    # The mean log-likelihood of samples is minus the entropy.
    mean = log_likelihood(model, torch.from_numpy(drawn)).mean().item()
    spread = np.sqrt((p * (np.log(p) - (p * np.log(p)).sum()) ** 2).sum() / num)
    assert abs(mean - (p * np.log(p)).sum()) < 4.5 * spread


def test_a_pixel_is_one_where_its_number_is_below_its_probability():
    model = random_model("nade", (3, 3), seed=1)
    trace = trace_sampling(model, 5, size=(3, 3))
    assert np.array_equal(trace.picture, trace.noise < trace.probabilities)
    assert np.array_equal(trace.picture, sample(model, 4, seed=5).pictures[0])
    x = torch.from_numpy(trace.picture)[None]
    assert trace.log_probabilities.sum() == pytest.approx(log_likelihood(model, x).item())
    assert np.allclose(trace.logits, model(x.double()).detach()[0])


@pytest.mark.parametrize("kind", SEQUENTIAL)
@given(seed=st.integers(0, 999), pixel=st.integers(0, 11))
@settings(max_examples=15)
def test_a_flipped_pixel_changes_nothing_before_it(kind, seed, pixel):
    model = random_model(kind, (3, 4), order=pixel_order("random", (3, 4), seed=seed), seed=seed)
    trace = trace_sampling(model, seed, size=(3, 4))
    again = trace_sampling(model, seed, size=(3, 4), given=flip_pixel(trace, pixel))
    step = int(np.flatnonzero(trace.order == pixel)[0])
    before = trace.order[:step]
    assert np.array_equal(again.picture[before], trace.picture[before])
    assert again.picture[pixel] == 1 - trace.picture[pixel]
    assert again.exact
    assert again.forced.sum() == step + 1
    after = trace.order[step + 1 :]
    assert np.array_equal(again.picture[after], again.noise[after] < again.probabilities[after])


def test_the_picture_so_far():
    model = random_model("fvsbn", (1, 3), order=[2, 0, 1])
    trace = trace_sampling(model, 0, size=(1, 3))
    assert trace.picture_at(0).tolist() == [FREE] * 3
    assert trace.picture_at(1).tolist() == [FREE, FREE, int(trace.picture[2])]
    assert trace.picture_at(3).tolist() == trace.picture.tolist()


def test_completions_have_the_conditional_distribution():
    model = random_model("made", (2, 2), seed=4)
    known = torch.tensor([1, 0, FREE, FREE])
    num = 20_000
    found = sample(model, num, given=known, seed=2, batch=num)
    assert found.exact
    assert (found.forced_log_probabilities == 0).all()
    assert (found.pictures[:, :2] == [1, 0]).all()
    pictures = list_pictures(4)
    joint = log_likelihood(model, pictures).exp().detach()
    agrees = (pictures[:, :2] == torch.tensor([1.0, 0.0])).all(1)
    p = (joint[agrees] / joint[agrees].sum()).numpy()
    counts = np.bincount(found.pictures[:, 2] * 2 + found.pictures[:, 3], minlength=4)
    assert (np.abs(counts / num - p) <= 4.5 * np.sqrt(p * (1 - p) / num)).all()


def test_a_completion_against_the_order_is_named_and_weighted():
    # Two pixels that are always alike; the second is prescribed. Drawn in order, the first does not know of it.
    model = FullTable(torch.tensor([0.5, 0, 0, 0.5]))
    found = sample(model, 1000, given=torch.tensor([FREE, 1]), seed=0)
    assert not found.exact
    weights = np.exp(found.forced_log_probabilities)
    first = found.pictures[:, 0]
    assert 0.4 < first.mean() < 0.6  # as if nothing were known
    assert (weights * first).sum() / weights.sum() == pytest.approx(1, abs=1e-6)
    other_order = FullTable(torch.tensor([0.5, 0, 0, 0.5]), order=[1, 0])
    assert sample(other_order, 10, given=torch.tensor([FREE, 1])).pictures.tolist() == [[1, 1]] * 10


def test_futures_are_exact_for_the_next_pixel_and_average_the_others():
    model = random_model("nade", (2, 2), order=[3, 1, 0, 2], seed=2)
    trace = trace_sampling(model, 1, size=(2, 2), num_futures=3000)
    assert trace.futures is not None
    for step, pixel in enumerate(trace.order):
        done = trace.order[:step]
        assert np.array_equal(trace.futures[step, done], trace.picture[done])
        assert trace.futures[step, pixel] == pytest.approx(trace.probabilities[pixel], abs=1e-5)
    pictures = list_pictures(4).double()
    joint = log_likelihood(model, pictures).exp().detach()
    marginals = (joint[:, None] * pictures).sum(0)
    assert np.allclose(trace.futures[0], marginals, atol=4.5 * 0.5 / np.sqrt(3000))


@given(temperature=st.just(0) | st.floats(0.0625, 8), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_temperature_divides_logits(temperature, seed):
    model = random_model("pixelcnn", (2, 3), seed=seed)
    trace = trace_sampling(model, seed, size=(2, 3), temperature=temperature)
    expected = (
        1 / (1 + np.exp(-np.clip(trace.logits / temperature, -700, 700))) if temperature else (trace.logits > 0) * 1.0
    )
    assert np.allclose(trace.probabilities, expected)


def test_without_temperature_there_is_one_picture():
    model = random_model("made", (2, 3), seed=1)
    assert len(np.unique(sample(model, 20, temperature=0).pictures, axis=0)) == 1


def test_noise_does_not_depend_on_how_many_are_drawn():
    assert torch.equal(draw_noise(2, 6, seed=4), draw_noise(9, 6, seed=4)[:2])


def test_progress_goes_up_to_the_end_and_can_be_stopped_at_any_pixel():
    model = random_model("gated_pixelcnn", (2, 3))
    seen: list[tuple[int, int]] = []
    sample(model, 5, batch=2, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(pixel, 18) for pixel in range(1, 19)]  # three batches of six pixels
    for stop in (0, 3, 6, 17):
        seen.clear()
        with pytest.raises(SamplingCancelledError, match=f"after {stop} of 18 pixels"):
            sample(
                model,
                5,
                batch=2,
                on_progress=lambda done, total: seen.append((done, total)),
                is_cancelled=lambda stop=stop: len(seen) >= stop,
            )


def test_a_trace_travels():
    model = random_model("nade", (2, 3), num_classes=3)
    trace = trace_sampling(model, 0, size=(2, 3), label=1, num_futures=4, temperature=0.5)
    header, arrays = unpack(pack_sampling(trace))
    assert header == {"size": [2, 3], "temperature": 0.5, "label": 1, "exact": True}
    assert arrays["futures"].shape == (6, 6)
    assert np.array_equal(arrays["picture"], trace.picture)
    assert np.array_equal(arrays["noise"], trace.noise)
    assert "futures" not in unpack(pack_sampling(trace_sampling(model, 0, size=(2, 3), label=1)))[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num": 0}, "At least one picture"),
        ({"temperature": -1.0}, "-1.0 is not"),
        ({"temperature": float("nan")}, "nan is not"),
        ({"given": torch.tensor([0, 1, 2, FREE])}, "2 is neither"),
        ({"given": torch.tensor([0, 1])}, "this one has 2"),
        ({"labels": torch.tensor([1])}, "without labels"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, sentence):
    with pytest.raises(AutoregressiveError) as caught:
        sample(random_model("made", (2, 2)), **{"num": 1, **arguments})
    assert sentence in str(caught.value)


def test_a_size_that_is_not_the_models_is_refused():
    with pytest.raises(AutoregressiveError, match="this one has 9"):
        trace_sampling(random_model("made", (2, 2)), size=(3, 3))
    trace = trace_sampling(random_model("made", (2, 2)), size=(2, 2))
    with pytest.raises(IndexError, match="no pixel 4"):
        flip_pixel(trace, 4)
