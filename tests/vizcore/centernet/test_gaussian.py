"""The radius and the worst box against a search, the heatmap against what it promises."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from vizcore.centernet import CenterNetError, draw_heatmap, gaussian_radius, locate_peaks, radius_cases, worst_box

SIDES = st.floats(2, 200)


def searched_iou(height: float, width: float, radius: float, *, steps: int = 7) -> float:
    """The least IoU of a box whose edges lie on a grid within the radius of their true places."""
    moves = np.linspace(-radius, radius, steps)
    boxes = np.array([0, 0, width, height]) + np.array(list(itertools.product(moves, repeat=4)))
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(1)]
    truth = torch.tensor([[0.0, 0.0, width, height]], dtype=torch.float64)
    return float(box_iou(truth, torch.from_numpy(boxes)).min())


@given(SIDES, SIDES, st.floats(0.2, 0.95))
def test_a_search_of_all_boxes_finds_the_overlap_at_the_exact_radius_and_none_beyond_it(height, width, overlap):
    radius = gaussian_radius(height, width, min_overlap=overlap)
    assert searched_iou(height, width, radius) == pytest.approx(overlap, abs=1e-6)
    assert searched_iou(height, width, 1.05 * radius) < overlap


@given(SIDES, SIDES, st.floats(0, 0.45))
def test_a_search_finds_no_worse_box(height, width, share):
    radius = share * min(height, width)
    worst = worst_box(height, width, radius)
    assert worst.iou == pytest.approx(searched_iou(height, width, radius), abs=1e-9)
    truth, box = torch.tensor([[0.0, 0, width, height]], dtype=torch.float64), torch.tensor([worst.box]).double()
    assert float(box_iou(truth, box)) == pytest.approx(worst.iou, abs=1e-6)
    assert all(abs(move) <= radius for move in worst.offsets)


def test_a_box_that_can_vanish_has_no_overlap():
    assert worst_box(10, 4, 2).iou == 0
    assert worst_box(10, 4, 50).iou == 0


def test_a_radius_of_nothing_keeps_the_box():
    assert worst_box(10, 4, 0).iou == 1
    assert gaussian_radius(10, 4, min_overlap=1) == 0


def test_radii_of_a_square_by_hand():
    # 32 × 32 at 0.7: shrunk, (32 − 2r)² = 0.7 · 32², r = 16 (1 − √0.7); released, all roots of another sign:
    # moved (64 + √(4096 − 4 · 1024 · 0.3/1.7)) / 2, shrunk the like, grown (−89.6 + √(89.6² + 4 · 2.8 · 307.2)) / 2.
    assert gaussian_radius(32, 32) == pytest.approx(16 * (1 - math.sqrt(0.7)))
    assert gaussian_radius(32, 32, formula="released") == pytest.approx(
        (-89.6 + math.sqrt(89.6**2 + 4 * 2.8 * 307.2)) / 2
    )


def test_each_case_has_the_overlap_by_its_own_way_of_being_wrong():
    h, w, o = 20.0, 50.0, 0.6
    moved, shrunk, grown = radius_cases(h, w, min_overlap=o, formula="exact")
    both = (h - moved) * (w - moved)
    assert both / (2 * h * w - both) == pytest.approx(o)
    assert (h - 2 * shrunk) * (w - 2 * shrunk) / (h * w) == pytest.approx(o)
    assert h * w / ((h + 2 * grown) * (w + 2 * grown)) == pytest.approx(o)


@given(SIDES, SIDES)
def test_the_released_radius_is_three_to_four_times_the_exact_one_and_loses_the_overlap(height, width):
    exact, released = (gaussian_radius(height, width, formula=name) for name in ("exact", "released"))
    assert 3.3 < released / exact < 4.0
    assert worst_box(height, width, released).iou < 0.3


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((0, 4), {}, "positive height and width; got 0 × 4"),
        ((4, -1), {}, "got 4 × -1"),
        ((math.nan, 4), {}, "got nan × 4"),
        ((4, 4), {"min_overlap": 0}, "overlap must be in"),
        ((4, 4), {"min_overlap": 1.5}, "overlap must be in"),
        ((4, 4), {"formula": "mine"}, "There is no formula 'mine'"),
    ],
)
def test_what_has_no_radius_is_refused_in_a_sentence(arguments, options, words):
    with pytest.raises(CenterNetError, match=words):
        gaussian_radius(*arguments, **options)


@pytest.mark.parametrize("arguments", [(4, 4, -1), (4, 4, math.nan), (0, 4, 1)])
def test_what_has_no_worst_box_is_refused_in_a_sentence(arguments):
    with pytest.raises(CenterNetError, match=r"radius must|needs a positive"):
        worst_box(*arguments)


def plain_heatmap(boxes, labels, size, num_classes):
    """Pixel by pixel, by the definition."""
    heatmap = np.zeros((num_classes, *size))
    for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
        reach = int(gaussian_radius(y2 - y1, x2 - x1))
        sigma = (2 * reach + 1) / 6
        cx, cy = math.floor((x1 + x2) / 2), math.floor((y1 + y2) / 2)
        if not (0 <= cx < size[1] and 0 <= cy < size[0]):
            continue
        for y, x in itertools.product(range(size[0]), range(size[1])):
            if abs(x - cx) <= reach and abs(y - cy) <= reach:
                value = math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
                heatmap[label, y, x] = max(heatmap[label, y, x], value)
    return heatmap


def random_boxes(number: int, size: tuple[int, int], seed: int):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(number, 2, generator=generator) * torch.tensor([size[1], size[0]]) * 1.2 - 3
    sides = torch.rand(number, 2, generator=generator) * 25 + 0.5
    return torch.cat([corners, corners + sides], 1), torch.randint(3, (number,), generator=generator)


@pytest.mark.parametrize("seed", range(5))
def test_the_heatmap_is_what_its_definition_says_pixel_by_pixel(seed):
    boxes, labels = random_boxes(9, (24, 31), seed)
    heatmap = draw_heatmap(boxes, labels, (24, 31), 3)
    np.testing.assert_allclose(heatmap.numpy(), plain_heatmap(boxes, labels, (24, 31), 3), atol=1e-6)


def test_two_objects_of_one_class_in_one_cell_are_one_peak_and_of_two_classes_two():
    boxes = torch.tensor([[2.0, 2, 8, 8], [3.0, 3, 8, 8]])  # centres (5, 5) and (5.5, 5.5)
    assert int((draw_heatmap(boxes, torch.tensor([0, 0]), (16, 16), 2) == 1).sum()) == 1
    assert int((draw_heatmap(boxes, torch.tensor([0, 1]), (16, 16), 2) == 1).sum()) == 2


def test_a_centre_off_the_map_leaves_nothing_and_no_object_an_empty_map():
    assert not draw_heatmap(torch.tensor([[-9.0, 0, 3, 4]]), torch.tensor([0]), (8, 8), 1).any()
    assert not draw_heatmap(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), (8, 8), 2).any()


def test_a_peak_knows_its_cell_offset_and_size():
    peaks = locate_peaks(torch.tensor([[1.0, 2, 4.5, 9]]), (16, 16))
    assert peaks.cells.tolist() == [[2, 5]]  # centre (2.75, 5.5)
    assert peaks.offsets.tolist() == [[0.75, 0.5]]
    assert peaks.sizes.tolist() == [[3.5, 7.0]]


@pytest.mark.parametrize(
    ("box", "label", "words"),
    [
        ([5.0, 1, 2, 4], 0, "Box 0 is inverted"),
        ([1.0, 1, 1, 4], 0, "no width or no height"),
        ([math.nan, 1, 1, 4], 0, "not finite"),
        ([1.0, 1, 3, 4], 2, "Labels must be from 0 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(box, label, words):
    with pytest.raises(CenterNetError, match=words):
        draw_heatmap(torch.tensor([box]), torch.tensor([label]), (8, 8), 2)


def test_a_map_without_cells_is_refused():
    with pytest.raises(CenterNetError, match="at least one cell"):
        draw_heatmap(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), (0, 8), 1)
