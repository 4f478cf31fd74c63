"""What outputs see: gradients against theory, the blind spot and its cure, paths through masks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.autoregressive.small_models import random_model
from vizcore.autoregressive import (
    AutoregressiveError,
    blind_spot,
    build,
    count_paths,
    dependencies,
    leak_test,
    receptive_field,
    trace_paths,
)
from vizcore.autoregressive.training import Recipe
from vizcore.models.made import MADE


@pytest.mark.parametrize("kind", ["pixelcnn", "gated_pixelcnn"])
@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    layers=st.integers(1, 3),
    kernel=st.sampled_from((3, 5)),
    seed=st.integers(0, 99),
)
@settings(max_examples=15)
def test_the_gradient_sees_the_theoretical_field(kind, size, layers, kernel, seed):
    recipe = Recipe(1, 0.1, 0.0, hidden=16, layers=layers, kernel=kernel)
    model = build(kind, size, recipe=recipe, seed=seed)
    found = dependencies(model, probes=24)
    for pixel in range(size[0] * size[1]):
        place = divmod(pixel, size[1])
        field = receptive_field(layers, kernel, gated=kind == "gated_pixelcnn", pixel=place, size=size)
        assert np.array_equal(found.sees[pixel].reshape(size), field), place


def test_the_blind_spot_by_hand():
    # Two 3×3 masked convolutions: from (2, 2) the first step back goes left or to the row above, at most one to the
    # right; the second likewise. (1, 4) would need two to the right in one row up: unseen, though within reach.
    field = receptive_field(2, 3, pixel=(2, 2), size=(5, 5))
    assert field.astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert np.argwhere(blind_spot(2, 3, pixel=(2, 2), size=(5, 5))).tolist() == [[1, 4]]


@given(
    layers=st.integers(1, 5),
    kernel=st.sampled_from((3, 5, 7)),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    data=st.data(),
)
def test_gates_leave_no_blind_spot_and_fields_stay_in_the_past(layers, kernel, height, width, data):
    size = (height, width)
    pixel = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    assert not blind_spot(layers, kernel, gated=True, pixel=pixel, size=size).any()
    plain = receptive_field(layers, kernel, pixel=pixel, size=size)
    gated = receptive_field(layers, kernel, gated=True, pixel=pixel, size=size)
    assert not (plain & ~gated).any()
    assert not gated.reshape(-1)[pixel[0] * width + pixel[1] :].any()
    deeper = receptive_field(layers + 1, kernel, pixel=pixel, size=size)
    assert not (plain & ~deeper).any()


def test_deep_stacks_stay_blind():
    # However deep: a path to the right has to climb, one row for each column.
    assert blind_spot(50, 3, pixel=(2, 2), size=(5, 9))[1, 4:].all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layers": 0}, "at least one masked convolution"),
        ({"kernel": 4}, "odd and at least 3"),
        ({"kernel": 1}, "odd and at least 3"),
        ({"pixel": (5, 0)}, "no pixel \\(5, 0\\) in a picture of 5 × 5"),
        ({"pixel": (0, -1)}, "no pixel \\(0, -1\\)"),
    ],
)
def test_fields_that_cannot_be(arguments, sentence):
    with pytest.raises(AutoregressiveError, match=sentence):
        receptive_field(**{"layers": 2, "kernel": 3, "pixel": (2, 2), "size": (5, 5), **arguments})


@pytest.mark.parametrize("kind", ["fvsbn", "nade"])
def test_what_may_be_seen_is_seen(kind):
    found = dependencies(random_model(kind, (3, 3), order=torch.randperm(9, generator=torch.Generator())))
    assert not found.missing.any()
    assert np.array_equal(found.sees, found.allowed)


def test_looking_changes_no_model():
    model = build("made", (2, 2))
    before = [parameter.clone() for parameter in model.parameters()]
    dependencies(model)
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(before, model.parameters(), strict=True))


@given(num_pixels=st.integers(2, 8), seed=st.integers(0, 99), leak=st.booleans())
def test_paths_and_gradients_agree(num_pixels, seed, leak):
    model = MADE(num_pixels, (12, 12), seed=seed, leak=leak)
    paths = count_paths(model)
    sees = dependencies(model, probes=32).sees
    assert not (sees & (paths == 0)).any()  # a unit that is off for every probe may hide a path, never invent one
    for output in range(num_pixels):
        for pixel in range(num_pixels):
            lit = trace_paths(model, pixel, output)
            product = lit[0].astype(float)
            for layer in lit[1:]:
                product = layer.astype(float) @ product
            assert product[output, pixel] == paths[output, pixel]
            assert all(layer.any() for layer in lit) == (paths[output, pixel] > 0)
            assert not lit[0][:, np.arange(num_pixels) != pixel].any()
    with pytest.raises(AutoregressiveError):
        trace_paths(model, num_pixels, 0)


@pytest.mark.parametrize("kind", ["made", "made_leak", "gated_pixelcnn"])
def test_one_output_alone_is_the_same_row(kind):
    whole, one = leak_test(kind, size=(5, 4)), leak_test(kind, size=(5, 4), output=13)
    assert (one.sees[13] >= whole.sees[13]).all()  # more pictures are tried for a MADE, so hardly a unit stays off
    assert one.sees[13].sum() == whole.sees[13].sum() or kind != "gated_pixelcnn"
    assert not np.delete(one.missing | one.sees, 13, 0).any()
    assert one.leaks.any() == (kind == "made_leak")
    with pytest.raises(AutoregressiveError, match="pictures of 20 pixels"):
        leak_test(kind, size=(5, 4), output=20)
