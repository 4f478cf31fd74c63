"""The models: normalised, autoregressive in any order, equal to plain loops, and plain about what they refuse."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.autoregressive.small_models import KINDS, random_model
from vizcore.autoregressive import (
    ORDERS,
    AutoregressiveError,
    FullTable,
    IndependentPixels,
    dependencies,
    evaluate,
    explain_likelihood,
    fit_independent,
    fit_table,
    list_pictures,
    log_likelihood,
    mixture_log_likelihood,
    pixel_order,
    sample,
)
from vizcore.models.autoregressive import MESSAGES
from vizcore.models.fvsbn import FVSBN
from vizcore.models.made import MADE
from vizcore.models.nade import NADE
from vizcore.models.pixelcnn import GatedPixelCNN, PixelCNN, causal_mask

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 2))


@pytest.mark.parametrize("kind", KINDS)
@given(size=SIZES, order=st.sampled_from(ORDERS), seed=st.integers(0, 99), num_classes=st.sampled_from((0, 3)))
@settings(max_examples=20)
def test_probabilities_of_all_pictures_sum_to_one(kind, size, order, seed, num_classes):
    order = None if kind == "independent" else pixel_order(order, size, seed=seed)
    model = random_model(kind, size, order=order, num_classes=num_classes, seed=seed)
    pictures = list_pictures(size[0] * size[1])
    labels = torch.full((len(pictures),), seed % 3) if num_classes else None
    total = log_likelihood(model, pictures, labels).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 99), data=st.data())
@settings(max_examples=20)
def test_no_output_sees_its_own_pixel_or_a_later(kind, seed, data):
    order = None if kind == "independent" else torch.tensor(data.draw(st.permutations(range(12))))
    model = random_model(kind, (3, 4), order=order, seed=seed)
    found = dependencies(model)
    assert not found.leaks.any()
    assert found.remark is None
    # By hand: changing a pixel leaves the logits of the pixels up to it in the order as they were.
    x = torch.rand(1, 12, dtype=torch.float64).round()
    place = seed % 12
    changed = x.clone()
    changed[0, model.order[place]] = 1 - x[0, model.order[place]]
    same = model.order[: place + 1]
    assert torch.equal(model(x)[:, same], model(changed)[:, same])


def fvsbn_loop(W, b, x, order):
    logits = b.clone()
    for step, pixel in enumerate(order):
        for earlier in order[:step]:
            logits[pixel] += W[pixel, earlier] * x[earlier]
    return logits


def nade_loop(W, c, V, b, x, order, activation):
    a, logits = c.clone(), torch.zeros_like(b)
    for pixel in order:
        logits[pixel] = b[pixel] + V[pixel] @ activation(a)
        a = a + W[:, pixel] * x[pixel]
    return logits


@given(seed=st.integers(0, 999), num_pixels=st.integers(1, 9), hidden=st.integers(1, 5))
def test_fvsbn_and_nade_equal_a_plain_loop(seed, num_pixels, hidden):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    order = torch.randperm(num_pixels, generator=g).tolist()
    x = (draw(4, num_pixels) > 0).double()
    W, c, V, b = draw(hidden, num_pixels), draw(hidden), draw(num_pixels, hidden), draw(num_pixels)
    for name, activation in (("relu", torch.relu), ("sigmoid", torch.sigmoid)):
        expected = torch.stack([nade_loop(W, c, V, b, row, order, activation) for row in x])
        assert torch.allclose(NADE(W, c, V, b, name, order=order)(x), expected)
    square = draw(num_pixels, num_pixels)
    expected = torch.stack([fvsbn_loop(square, b, row, order) for row in x])
    assert torch.allclose(FVSBN(square, b, order=order)(x), expected)


def test_a_copy_that_never_accumulates_sums_to_one_and_is_no_nade():
    g = torch.Generator().manual_seed(0)
    W, c, V, b = (torch.randn(*s, generator=g, dtype=torch.float64) for s in ((5, 6), (5,), (6, 5), (6,)))
    pictures = list_pictures(6).double()
    # The copied class: hidden units of step i see pixel i − 1 alone, for `a` is written anew each time.
    shifted = torch.cat([torch.zeros(len(pictures), 1), pictures[:, :-1]], 1)
    before = torch.cat([torch.zeros(5, 1), W[:, :-1]], 1)
    logits = (torch.relu(c + shifted[:, :, None] * before.T) * V).sum(-1) + b
    wrong = torch.nn.functional.logsigmoid(torch.where(pictures > 0, logits, -logits)).sum(1)
    assert wrong.exp().sum().item() == pytest.approx(1)
    assert not torch.allclose(wrong, log_likelihood(NADE(W, c, V, b), pictures))


def test_fvsbn_by_hand():
    # p(x_0 = 1) = σ(ln 3) = 3/4; p(x_1 = 1 | x_0 = 1) = σ(ln 3 − ln 3) = 1/2, and given x_0 = 0 it is 3/4.
    ln3 = math.log(3)
    model = FVSBN(torch.tensor([[9.0, 9.0], [-ln3, 9.0]]), torch.tensor([ln3, ln3]))
    found = log_likelihood(model, torch.tensor([[1, 1], [1, 0], [0, 1], [0, 0]])).exp()
    assert found.tolist() == pytest.approx([3 / 8, 3 / 8, 3 / 16, 1 / 16])


def test_nade_by_hand():
    # a_1 = 1 → logit 0 + 2·1; pixel 0 is 1: a_2 = 1 − 3 = −2, ReLU 0 → logit 0.5.
    model = NADE(torch.tensor([[-3.0, 7.0]]), torch.tensor([1.0]), torch.tensor([[2.0], [5.0]]), torch.tensor([0, 0.5]))
    assert model(torch.tensor([[1.0, 0.0]])).tolist() == [[2.0, 0.5]]


@given(
    num_pixels=st.integers(1, 10),
    hidden=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    seed=st.integers(0, 999),
)
def test_the_product_of_mades_masks_is_strictly_triangular_in_its_order(num_pixels, hidden, seed):
    order = torch.randperm(num_pixels, generator=torch.Generator().manual_seed(seed))
    model = MADE(num_pixels, hidden, order=order, seed=seed)
    for other in (model, model.with_masks(seed=seed + 1), model.with_masks(seed=seed, order=order.flip(0))):
        product = np.eye(num_pixels)
        for mask in other.masks():
            product = mask.numpy().astype(float) @ product
        in_order = product[np.ix_(other.order, other.order)]
        assert np.array_equal(np.triu(in_order), np.zeros_like(in_order))


def test_several_masks_share_weights_and_their_mixture_is_a_distribution():
    model = random_model("made", (2, 3))
    assert isinstance(model, MADE)
    others = [model.with_masks(seed=seed, order=pixel_order("random", (2, 3), seed=seed)) for seed in range(4)]
    assert all(other.weights[0] is model.weights[0] for other in others)
    pictures = list_pictures(6)
    each = torch.stack([log_likelihood(other, pictures) for other in others])
    mixture = mixture_log_likelihood(others, pictures)
    assert mixture.exp().sum().item() == pytest.approx(1)
    assert torch.allclose(mixture, each.exp().mean(0).log())
    assert not torch.allclose(each[0], each[1])


def test_training_one_set_of_masks_leaves_the_weights_of_another_alone():
    model = MADE(6, (8,), seed=1)
    before = [weight.clone() for weight in model.weights]
    model.with_masks(seed=5)(torch.zeros(1, 6))
    model(torch.zeros(1, 6))
    assert all(torch.equal(a, b) for a, b in zip(before, model.weights, strict=True))


def test_a_label_reaches_the_first_pixel():
    for kind in KINDS:
        model = random_model(kind, (2, 3), num_classes=3)
        if isinstance(model, MADE):  # five hidden units may all miss degree 0
            model = MADE(6, (64,), num_classes=3)
            torch.nn.init.normal_(model.label_weights, generator=torch.Generator().manual_seed(0))
        x = torch.zeros(2, 6, dtype=model.dtype)
        first = model(x, torch.tensor([0, 1]))[:, 0]
        assert first[0] != first[1], kind


def test_masks_a_and_b_by_hand():
    # Row by row: everything above, and to the left in the centre's row.
    assert causal_mask(3, centre=False).int().tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert causal_mask(3, centre=True).int().tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]


@given(seed=st.integers(0, 99), num_pixels=st.integers(1, 6), data=st.data())
@settings(max_examples=30)
def test_the_full_table_gives_back_its_entries_in_any_order(seed, num_pixels, data):
    table = torch.rand(2**num_pixels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    table[seed % len(table)] = 0  # an impossible picture, unless it is the only one
    table = table / table.sum()
    model = FullTable(table, order=data.draw(st.permutations(range(num_pixels))))
    found = log_likelihood(model, list_pictures(num_pixels).double()).exp()
    assert found.tolist() == pytest.approx(table.tolist(), abs=1e-12)
    assert found.sum().item() == pytest.approx(1, abs=1e-12)


def test_a_fitted_table_counts_and_independent_pixels_average():
    x = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 0]])
    assert fit_table(x).table.tolist() == [0.25, 0, 0.5, 0.25]  # 00, 01, 10, 11
    # Three ones of four and half a picture of each kind: 3.5 / 5; one of four: 1.5 / 5.
    assert fit_independent(x).biases.sigmoid().tolist() == pytest.approx([0.7, 0.3])
    with pytest.raises(AutoregressiveError, match="2\\^7 entries"):
        fit_table(torch.zeros(1, 7))
    with pytest.raises(AutoregressiveError, match=r"sum to 0\.5"):
        FullTable(torch.tensor([0.25, 0.25]))


def test_pictures_are_listed_as_binary_numbers():
    assert list_pictures(2).tolist() == [list(row) for row in itertools.product((0.0, 1.0), repeat=2)]


def test_a_probability_that_rounds_to_one_has_a_finite_log():
    model = IndependentPixels(torch.tensor([200.0, -200.0]))
    assert model(torch.zeros(1, 2)).sigmoid().tolist() == [[1.0, 0.0]]
    assert log_likelihood(model, torch.tensor([[1, 0], [0, 1]])).tolist() == [0.0, -400.0]


def test_one_pixel_is_one_probability():
    for kind in KINDS:
        model = random_model(kind, (1, 1))
        assert log_likelihood(model, torch.tensor([[0], [1]])).exp().sum().item() == pytest.approx(1)
        assert str(dependencies(model).remark) == (
            "With one pixel there is nothing before it: every model is a single probability."
        )
        assert sample(model, 3).pictures.shape == (3, 1)


def test_a_mask_with_at_most_on_the_output_leaks_and_is_named():
    model = MADE(6, (16,), leak=True, seed=0)
    found = dependencies(model)
    assert found.leaks.any()
    assert "see their own pixel or a later one" in str(found.remark)
    pictures = list_pictures(6)
    # What it calls a likelihood can be driven to 0 nats: each output copies its own pixel.
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        loss = -log_likelihood(model, pictures).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * 6 * math.log(2)  # all 64 pictures alike: no distribution goes below 6 ln 2
    assert log_likelihood(model, pictures).exp().sum().item() > 2


def test_explained_and_evaluated_by_hand():
    model = IndependentPixels(torch.tensor([math.log(3), 0.0]))
    found = explain_likelihood(model, torch.tensor([0, 1]))
    assert found.log_probabilities.tolist() == pytest.approx([math.log(1 / 4), math.log(1 / 2)])
    assert found.surprises.tolist() == [0, 1]
    assert found.bits_per_pixel == pytest.approx(1.5)  # 2 bits and 1 bit
    nats = evaluate(model, torch.tensor([[0, 1], [1, 1]]))
    # −ln 1/8 and −ln 3/8; two values: standard deviation |difference|/√2, error of the mean half the difference.
    assert nats.nats == pytest.approx(-(math.log(1 / 8) + math.log(3 / 8)) / 2)
    assert nats.half_width == pytest.approx(1.96 * math.log(3) / 2)
    assert math.isnan(evaluate(model, torch.tensor([[0, 1]])).half_width)
    assert log_likelihood(model, torch.zeros(0, 2)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: FVSBN(torch.zeros(0, 0), torch.zeros(0)), "at least one pixel"),
        (lambda: FVSBN(torch.zeros(2, 3), torch.zeros(2)), "weights is 2 × 3, and 2 × 2 was expected"),
        (lambda: FVSBN(torch.full((1, 1), math.nan), torch.zeros(1)), "weights holds a number that is not finite"),
        (
            lambda: NADE(torch.zeros(0, 2), torch.zeros(0), torch.zeros(2, 0), torch.zeros(2)),
            "NADE needs at least one hidden unit, and 0",
        ),
        (
            lambda: NADE(torch.zeros(1, 2), torch.zeros(1), torch.zeros(2, 1), torch.zeros(2), "tanh"),
            "tanh is no activation",
        ),
        (lambda: MADE(4, (0,)), "MADE needs at least one hidden unit"),
        (lambda: MADE(4, ()), "MADE needs at least one hidden unit"),
        (lambda: MADE(3, order=[0, 1, 1]), "names each of the 3 pixels once"),
        (lambda: PixelCNN((2, 2), kernel=4), "odd and at least 3"),
        (lambda: GatedPixelCNN((2, 2), layers=0), "at least one masked convolution"),
        (lambda: PixelCNN((2, 2), channels=0), "PixelCNN needs at least one hidden unit"),
        (lambda: log_likelihood(MADE(2), torch.tensor([[0.0, 0.5]])), "Pixels are 0 or 1 here, and 0.5 is neither"),
        (lambda: log_likelihood(MADE(2), torch.tensor([[0.0, math.nan]])), "nan is neither"),
        (lambda: log_likelihood(MADE(2), torch.zeros(1, 3)), "pictures of 2 pixels, and this one has 3"),
        (lambda: log_likelihood(MADE(2), torch.zeros(1, 2), torch.tensor([1])), "trained without labels"),
        (lambda: log_likelihood(MADE(2, num_classes=3), torch.zeros(1, 2)), "say which, from 0 to 2"),
        (lambda: log_likelihood(MADE(2, num_classes=3), torch.zeros(1, 2), torch.tensor([3])), "from 0 to 2"),
        (lambda: evaluate(MADE(2), torch.zeros(0, 2)), "Without a picture"),
        (lambda: mixture_log_likelihood([], torch.zeros(1, 2)), "at least one model"),
        (lambda: pixel_order("spiral", (2, 2)), "spiral is no order"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(AutoregressiveError) as caught:
        call()
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


def test_orders_by_hand():
    # Of 0 1 2 / 3 4 5.
    assert pixel_order("columns", (2, 3)).tolist() == [0, 3, 1, 4, 2, 5]
    assert pixel_order("reverse", (2, 3)).tolist() == [5, 4, 3, 2, 1, 0]
    assert sorted(pixel_order("random", (2, 3), seed=3).tolist()) == list(range(6))
    assert len(set(MESSAGES)) == len(MESSAGES)
