"""The losses against the formulas by hand, autograd, and finite differences; and the head for rotation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vizcore.centernet import (
    CenterNetError,
    angle_error,
    focal_loss,
    focal_terms,
    loss_maps,
    offset_loss,
    size_loss,
    turn_to_angle,
)
from vizcore.centernet.losses import focal_terms_from_logits


def plain_focal(p, y):
    """Equation 1, pixel by pixel."""
    total, peaks = 0.0, 0
    for said, wanted in zip(p.flatten().tolist(), y.flatten().tolist(), strict=True):
        if wanted == 1:
            peaks += 1
            total -= (1 - said) ** 2 * math.log(said)
        else:
            total -= (1 - wanted) ** 4 * said**2 * math.log(1 - said)
    return total / max(peaks, 1)


@pytest.mark.parametrize("peaks", [0, 1, 4])
def test_the_focal_loss_is_the_papers_equation(peaks):
    generator = torch.Generator().manual_seed(peaks)
    p = torch.rand(2, 6, 7, generator=generator) * 0.98 + 0.01
    y = torch.rand(2, 6, 7, generator=generator) * 0.99
    y.view(-1)[:peaks] = 1
    assert float(focal_loss(p, y)) == pytest.approx(plain_focal(p, y), rel=1e-5)


def test_a_pixel_by_hand():
    # At a peak, p = 1/2: (1/2)² ln 2. Beside it, Y = 1/2: (1/2)⁴ (1/2)² ln 2.
    terms = focal_terms(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.5]))
    assert terms.tolist() == pytest.approx([math.log(2) / 4, math.log(2) / 64])


def test_almost_a_peak_is_a_negative_of_almost_no_weight():
    sure = torch.tensor([0.9])
    # (1 − 0.9999)⁴ · 0.81 · ln 10: no object is asked for here, and hardly any punishment is dealt.
    assert float(focal_terms(sure, torch.tensor([0.9999]))) == pytest.approx(1e-16 * 0.81 * math.log(10), rel=0.01)
    maps = loss_maps(sure[None, None], torch.tensor([[[0.9999]]]))
    assert maps.num_peaks == 0
    assert maps.gradient.item() > 0  # it is pushed down, not up


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_certainty_costs_a_finite_sum_and_has_no_gradient(p, y):
    maps = loss_maps(torch.full((1, 1, 1), p), torch.full((1, 1, 1), y))
    assert math.isfinite(maps.loss)
    assert maps.gradient.item() == 0


def test_from_logits_it_is_the_same_and_has_a_gradient_everywhere():
    logits = torch.linspace(-8, 8, 33, dtype=torch.float64)
    for y in (0.0, 0.5, 1.0):
        target = torch.full_like(logits, y)
        torch.testing.assert_close(focal_terms_from_logits(logits, target), focal_terms(logits.sigmoid(), target))
    far = torch.tensor([-40.0], requires_grad=True)
    focal_terms_from_logits(far, torch.ones(1)).sum().backward()
    assert far.grad is not None
    assert far.grad.item() == pytest.approx(-1, abs=1e-3)


def test_the_maps_add_up_and_their_gradient_is_the_slope():
    generator = torch.Generator().manual_seed(3)
    p, y = torch.rand(1, 4, 5, generator=generator) * 0.9 + 0.05, torch.rand(1, 4, 5, generator=generator) * 0.9
    y[0, 1, 2] = 1
    y[0, 3, 3] = 1
    maps = loss_maps(p, y)
    assert maps.terms.sum() / 2 == pytest.approx(maps.loss, rel=1e-5)
    assert maps.positives.sum() == maps.num_peaks == 2
    np.testing.assert_allclose(maps.weights, (1 - y.numpy()) ** 4, atol=1e-6)
    wide, step = p.double(), 1e-6
    for place in ((0, 1, 2), (0, 0, 0), (0, 2, 4)):
        more, less = wide.clone(), wide.clone()
        more[place] += step
        less[place] -= step
        slope = (plain_focal(more, y) - plain_focal(less, y)) / (2 * step)
        assert maps.gradient[place] == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize(
    ("p", "y", "words"),
    [
        (torch.zeros(1, 2, 2), torch.zeros(1, 2, 3), "one shape"),
        (torch.full((1, 1, 1), math.nan), torch.zeros(1, 1, 1), "heatmap must hold numbers from 0 to 1"),
        (torch.full((1, 1, 1), 1.5), torch.zeros(1, 1, 1), "heatmap must hold"),
        (torch.zeros(1, 1, 1), torch.full((1, 1, 1), -0.1), "target must hold"),
    ],
)
def test_what_has_no_loss_is_refused_in_a_sentence(p, y, words):
    with pytest.raises(CenterNetError, match=words):
        focal_loss(p, y)


def test_offset_and_size_are_compared_at_the_objects_cells_alone():
    maps = torch.zeros(2, 3, 4)
    maps[:, 2, 1] = torch.tensor([0.25, 0.5])
    cells, target = torch.tensor([[1, 2], [3, 0]]), torch.tensor([[0.5, 0.0], [1.0, 0.0]])
    # |0.25 − 0.5| + |0.5 − 0| + |0 − 1| + 0, over two objects.
    assert float(offset_loss(maps, cells, target)) == float(size_loss(maps, cells, target)) == 0.875


def test_without_objects_offset_and_size_cost_nothing():
    empty = torch.zeros(0, 2)
    assert float(size_loss(torch.ones(2, 3, 3), empty.long(), empty)) == 0


@given(st.floats(0, 2 * math.pi), st.sampled_from([3, 4, 5]), st.floats(0.1, 10))
def test_an_angle_comes_back_within_its_symmetry(angle, symmetry, length):
    turn = torch.tensor([[math.cos(symmetry * angle), math.sin(symmetry * angle)]], dtype=torch.float64) * length
    found = turn_to_angle(turn, symmetry)
    assert 0 <= float(found) < 2 * math.pi / symmetry
    assert float(angle_error(found, torch.tensor([angle], dtype=torch.float64), symmetry)) < 1e-6


def test_errors_of_angles_go_the_shorter_way():
    # A square turned by 1° and one by 89° are 2° apart.
    one, other = (torch.tensor([math.radians(degrees)]) for degrees in (1.0, 89.0))
    assert float(angle_error(one, other, 4)) == pytest.approx(2, abs=1e-4)
    assert float(angle_error(one, other, 1)) == pytest.approx(88, abs=1e-4)


def test_a_symmetry_of_nothing_is_refused():
    with pytest.raises(CenterNetError, match="symmetry"):
        turn_to_angle(torch.ones(1, 2), 0)
    with pytest.raises(CenterNetError, match="symmetry"):
        angle_error(torch.ones(1), torch.ones(1), 0)
