"""Shares of an attention on a box, by hand and by what they must be."""

from dataclasses import replace

import numpy as np
import pytest

from tests.vizcore.detr.detectors import small_detector
from vizcore import detr
from vizcore.data.scenes import draw_scene


@pytest.fixture(scope="module")
def trace() -> detr.DETRTrace:
    recorded = detr.trace_detr(small_detector(), draw_scene("validation", 0).pixels)
    return replace(recorded, grid=(4, 6), cell=10.0)


def test_tokens_whose_centre_lies_in_the_box(trace: detr.DETRTrace) -> None:
    # Centres at 5, 15, 25, … across and down; the border counts.
    inside = detr.tokens_on(trace, np.array([15, 0, 40, 16], float)).reshape(4, 6)
    assert np.argwhere(inside).tolist() == [[0, 1], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3]]
    half = detr.tokens_on(trace, np.array([15, 0, 40, 16], float), scale=0.5).reshape(4, 6)
    assert np.argwhere(half).tolist() == [[0, 2]]  # x from 21.25 to 33.75, y from 4 to 12
    assert not detr.tokens_on(trace, np.array([16, 6, 24, 14], float)).any()  # between all centres


def test_a_token_lies_under_a_mask_with_its_centre(trace: detr.DETRTrace) -> None:
    mask = np.zeros((33, 60), bool)  # the lowest centres, at 35, lie below the picture
    mask[5, 15] = mask[16:24, 16:24] = mask[25:, 55:] = True
    under = detr.tokens_under(trace, mask).reshape(4, 6)
    assert np.argwhere(under).tolist() == [[0, 1], [2, 5]]


def test_shares_by_hand(trace: detr.DETRTrace) -> None:
    weights = np.zeros((4, 6))
    weights[1, 2], weights[1, 1], weights[3, 5] = 0.5, 0.375, 0.125
    shares = detr.attention_shares(trace, weights.ravel(), np.array([5, 0, 45, 30], float))
    # The middle is x from 13 to 37, y from 6 to 24: the tokens (1, 1) and (1, 2) both lie there.
    assert shares == (0.875, 0, 0.125)
    # Here it is x from 18 to 42: (1, 1) lies at the edge, which begins at x = 10.
    assert detr.attention_shares(trace, weights.ravel(), np.array([10, 0, 50, 30], float)) == (0.5, 0.375, 0.125)


def test_shares_are_everything(trace: detr.DETRTrace) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        weights = random.dirichlet(np.ones(24))
        corner = random.uniform(-10, 50, 2)
        shares = detr.attention_shares(trace, weights, np.concatenate([corner, corner + random.uniform(0, 40, 2)]))
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0
