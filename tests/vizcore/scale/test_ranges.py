"""Valid ranges at their borders, one object at three resolutions, and what anchors are kept out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizcore.scale import (
    RESOLUTIONS,
    RangeNote,
    ScaleError,
    assign,
    best_overlaps,
    grid_anchors,
    notes_on,
    resize_factor,
    trace_object,
    valid,
)

RANGES = [resolution.valid for resolution in RESOLUTIONS]


def squares(*sides):
    return torch.tensor([[10.0, 20.0, 10 + side, 20 + side] for side in sides], dtype=torch.float64)


def brute(box, low, high, bounds):
    """The rule in words, for one box and one range."""
    x1, y1, x2, y2 = box
    if bounds == "closed":
        return low <= math.sqrt((x2 - x1) * (y2 - y1)) <= high
    return low <= math.sqrt(math.floor(x2 - x1) * math.floor(y2 - y1)) < high


@pytest.mark.parametrize("bounds", ["closed", "half_open"])
def test_the_borders_against_a_table(bounds):
    sides = (0.0, 1.0, 39.0, 40.0, 40.5, 79.0, 80.0, 80.5, 81.0, 119.0, 120.0, 160.0, 160.5, 161.0, 500.0)
    boxes = squares(*sides)
    got = valid(boxes, ranges=RANGES, bounds=bounds)
    assert got.tolist() == [[brute(box, low, high, bounds) for low, high in RANGES] for box in boxes.tolist()]
    at = dict(zip(sides, got.tolist(), strict=True))
    assert at[80.0] == ([False, True, True] if bounds == "closed" else [False, True, False])
    assert at[80.5] == [False, True, False]  # half open: ⌊80.5⌋ = 80, which is not below 80 either
    assert at[120.0] == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(0, 400)] * 4), min_size=1, max_size=6),
    st.floats(0, 200),
    st.floats(0, 200),
    st.sampled_from(["closed", "half_open"]),
)
def test_any_box_and_range_against_the_words(corners, low, high, bounds):
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    got = valid(torch.tensor(boxes, dtype=torch.float64), ranges=[(low, high)], bounds=bounds)
    expected = [brute(box, low, high, bounds) for box in boxes]
    sizes = [math.sqrt((x2 - x1) * (y2 - y1)) for x1, y1, x2, y2 in boxes]
    for value, wanted, size in zip(got[:, 0].tolist(), expected, sizes, strict=True):
        # A root that lands on a border may round either way.
        assert value == wanted or min(abs(size - low), abs(size - high)) < 1e-9


def test_a_thin_box_counts_by_its_area():
    # 5 × 400: √2000 = 44.7, valid in the middle although 400 pixels long.
    thin = torch.tensor([[0.0, 0.0, 5.0, 400.0]])
    assert valid(thin, ranges=RANGES).tolist() == [[False, True, True]]


def test_every_size_is_valid_somewhere_by_the_papers_ranges():
    assert valid(squares(*range(1, 2000, 7)), ranges=RANGES).any(1).all()
    assert notes_on(RANGES) == (RangeNote("overlap", 40, 80), RangeNote("overlap", 120, 160))


@pytest.mark.parametrize(
    ("ranges", "notes"),
    [
        ([(0, 80), (120, math.inf)], [("gap", 80, 120)]),
        ([(80, 40)], [("inverted", 80, 40), ("gap", 0, math.inf)]),
        ([(10, math.inf)], [("gap", 0, 10)]),
        ([(0, 50)], [("gap", 50, math.inf)]),
        ([(0, 50), (50, math.inf)], []),
        ([], [("gap", 0, math.inf)]),
    ],
)
def test_gaps_and_inversions_are_said(ranges, notes):
    assert notes_on(ranges) == tuple(RangeNote(*note) for note in notes)


@pytest.mark.parametrize("box", [[0, 0, -1, 5], [0, 5, 5, 0], [0, 0, float("nan"), 1], [0, 0, float("inf"), 1]])
def test_boxes_that_are_none_are_refused(box):
    with pytest.raises(ScaleError):
        valid(torch.tensor([box], dtype=torch.float64), ranges=RANGES)


def test_other_refusals_and_the_empty_case():
    with pytest.raises(ScaleError):
        valid(squares(1), ranges=RANGES, bounds="open")
    with pytest.raises(ScaleError):
        valid(squares(1), ranges=[(math.nan, 1)])
    with pytest.raises(ScaleError):
        trace_object((0, 0, 1, 1), (100, 100), ranges=[(0, 1)])
    assert valid(torch.zeros(0, 4), ranges=RANGES).shape == (0, 3)
    assert valid(squares(1), ranges=[]).shape == (1, 0)


def test_one_object_at_three_resolutions():
    # 480 × 640: to 480 short: 1; 800 short: 1.667; 1400 short: 2.917.
    levels = trace_object((100, 100, 200, 200), (480, 640))
    assert [level.factor for level in levels] == pytest.approx([1, 800 / 480, 1400 / 480])
    assert [level.side for level in levels] == pytest.approx([100, 166.67, 291.67], abs=0.01)
    assert [level.valid for level in levels] == [False, True, False]  # the ranges are in original pixels: 100
    assert levels[2].size == (1400, 1867)
    assert resize_factor((400, 1600), RESOLUTIONS[0]) == 0.5  # the longer side decides


# -- anchors -----------------------------------------------------------------------------------------------------------


def test_a_grid_of_anchors():
    anchors = grid_anchors((64, 96))
    assert len(anchors) == 4 * 6 * 15
    middles = (anchors[:, :2] + anchors[:, 2:]) / 2
    assert middles[0].tolist() == [8, 8]
    assert middles[15].tolist() == [24, 8]
    sides = anchors[:15, 2:] - anchors[:15, :2]
    np.testing.assert_allclose(sides.prod(1).sqrt(), np.repeat([32, 64, 128, 256, 512], 3), rtol=1e-5)


def assigned_by_loop(anchors, boxes, is_valid):
    """SNIP's rule, anchor by anchor."""

    def iou(a, b):
        width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
        both = max(width, 0) * max(height, 0)
        area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return both / (sum(area) - both)

    table = [[iou(a, b) for b in boxes] for a in anchors]
    best = [max(row[m] for row in table) for m in range(len(boxes))]
    labels = []
    for row in table:
        learns = [m for m in range(len(boxes)) if row[m] >= 0.7 or (row[m] == best[m] and best[m] > 0)]
        label = 1 if learns else -1 if max(row) >= 0.3 else 0
        owner = max(learns, key=lambda m: row[m]) if learns else None
        near = any(row[m] > 0.3 and not is_valid[m] for m in range(len(boxes)))
        if near or (owner is not None and not is_valid[owner]):
            label = -2
        labels.append(label)
    return labels


def test_anchors_against_a_loop():
    boxes = [[8.0, 8.0, 40.0, 40.0], [40.0, 30.0, 110.0, 90.0], [100.0, 100.0, 112.0, 110.0]]
    anchors = grid_anchors((128, 128), sizes=(16, 32, 64))
    for is_valid in ([True, True, True], [True, False, True], [False, False, False], [True, True, False]):
        got = assign(anchors, torch.tensor(boxes), torch.tensor(is_valid))
        assert got.labels.tolist() == assigned_by_loop(anchors.tolist(), boxes, is_valid)
        assert set(got.object_of[got.labels == 1].tolist()) <= {m for m in range(3) if is_valid[m]}
        assert (got.object_of[got.labels != 1] == -1).all()


def test_an_invalid_object_takes_its_anchors_with_it():
    anchors = grid_anchors((128, 128))
    box = torch.tensor([[24.0, 24.0, 56.0, 56.0]])
    taught, shut = (assign(anchors, box, torch.tensor([value])) for value in (True, False))
    assert (taught.labels == 1).any()
    assert not (taught.labels == -2).any()
    assert not (shut.labels == 1).any()
    assert (shut.labels == -2).any()
    assert shut.best_iou == taught.best_iou


def test_nothing_to_assign():
    none = assign(grid_anchors((32, 32)), torch.zeros(0, 4), torch.zeros(0, dtype=torch.bool))
    assert (none.labels == 0).all()
    assert best_overlaps(torch.zeros(0, 4), grid_anchors((32, 32))).tolist() == []
    assert best_overlaps(torch.ones(1, 4), torch.zeros(0, 4)).tolist() == [0]
