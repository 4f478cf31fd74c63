"""Who owns a box: torchvision's level mapper as an oracle, FCOS's rule cell by cell, anchors."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops.poolers import LevelMapper

from tests.javascript import evaluate_javascript
from tests.vizcore.fpn.detectors import CONFIG, CONFIGS
from vizcore import fpn
from vizcore.browser import to_javascript
from vizcore.models.fcos import (
    Detector,
)


def torchvision_level(boxes, k_min, k_max, size, level):
    return LevelMapper(k_min, k_max, canonical_scale=size, canonical_level=level)([boxes]) + k_min


@given(
    st.lists(st.tuples(*[st.floats(0, 2000, width=32)] * 4), min_size=1, max_size=20),
    st.integers(1, 3),
    st.integers(3, 7),
    st.sampled_from([(224, 4), (100, 3), (32, 2)]),
)
def test_levels_are_torchvisions(corners, k_min, k_max, canonical):
    points = torch.tensor(corners, dtype=torch.float32)
    boxes = torch.cat([torch.minimum(points[:, :2], points[:, 2:]), torch.maximum(points[:, :2], points[:, 2:])], 1)
    size, level = canonical
    ours = fpn.roi_level(boxes, k_min=k_min, k_max=k_max, canonical_size=size, canonical_level=level)
    value = fpn.roi_level_value(boxes, canonical_size=size, canonical_level=level)
    clear = ((value - value.round()).abs() > 1e-5) | value.isinf()  # on a border the last bit of a root decides
    assert torch.equal(ours[clear], torchvision_level(boxes, k_min, k_max, size, level)[clear])
    assert ours.dtype == torch.int64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_level_jumps_where_the_paper_says(dtype):
    # √(w h) = 224 is level 4 and every doubling one more; 112 × 448 has the same area as 224 × 224.
    boxes = torch.tensor(
        [[0, 0, 111.9, 111.9], [0, 0, 112, 112], [5, 5, 229, 229], [0, 0, 112, 448], [0, 0, 223.9, 224],
         [0, 0, 448, 448], [0, 0, 2000, 2000], [0, 0, 3, 3]], dtype=dtype
    )  # fmt: skip
    assert fpn.roi_level(boxes).tolist() == [2, 3, 4, 4, 3, 5, 5, 2]
    assert torch.equal(fpn.roi_level(boxes), torchvision_level(boxes, 2, 5, 224, 4))
    assert fpn.roi_level_value(boxes)[2].item() == 4


def test_boxes_without_an_area_go_to_the_finest_level():
    boxes = torch.tensor([[3.0, 3, 3, 9], [9, 9, 3, 3], [0, 0, math.nan, 5], [0, 0, math.inf, 5]])
    assert fpn.roi_level(boxes).tolist() == [2, 2, 2, 5]
    assert fpn.roi_level(boxes[:1]).tolist() == torchvision_level(boxes[:1], 2, 5, 224, 4).tolist()
    assert fpn.roi_level_value(boxes)[0].item() == -math.inf
    assert fpn.roi_level(torch.zeros(0, 4)).shape == (0,)
    with pytest.raises(ValueError, match="k_min"):
        fpn.roi_level(boxes, k_min=5, k_max=4)
    with pytest.raises(ValueError, match="canonical_size"):
        fpn.roi_level(boxes, canonical_size=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16, torch.int32, torch.float64])
def test_the_level_does_not_depend_on_the_type_of_the_numbers(dtype):
    # 300 × 300 is beyond float16: its area is infinite there, and the level was the coarsest.
    boxes = torch.tensor([[0, 0, 300, 300], [0, 0, 64, 64]], dtype=dtype)
    assert fpn.roi_level(boxes).tolist() == [4, 2]
    assert fpn.roi_level_value(boxes)[0].item() == pytest.approx(4 + math.log2(300 / 224), abs=1e-5)
    assert fpn.roi_level(boxes.tolist()).tolist() == [4, 2]


def test_the_browser_says_the_same_levels():
    generator = np.random.default_rng(0)
    sides = 2 ** generator.uniform(-1, 11, (4000, 2))
    sides[:40] = 0, 5
    sides[40:80] = 2.0 ** np.arange(40)[:, None] * 7
    sides[80:90] = [-3, 8]
    examples = [torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)]
    torch_sides = torch.from_numpy(sides).unbind(1)
    for function in (
        fpn.level_value,
        fpn.level_number,
        lambda w, h: fpn.fcos_center_level(w, h, CONFIG),
    ):
        source = to_javascript(function, examples, name="level", gradient_inputs=())
        found = evaluate_javascript(source, "level", sides)[:, 0]
        assert np.allclose(found, function(*torch_sides).numpy(), rtol=0, atol=1e-12)


def brute_force_owners(config, input_size, box):
    """FCOS's rule spelled out cell by cell."""
    owners = {}
    x1, y1, x2, y2 = box
    for level, stride, (low, high) in zip(config.levels, config.strides, config.ranges, strict=True):
        cells = []
        for row in range(input_size[0] // stride):
            for column in range(input_size[1] // stride):
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                sides = (x - x1, y - y1, x2 - x, y2 - y)
                near = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2)) < 1.5 * stride
                if min(sides) > 0 and near and low < max(sides) <= high:
                    cells.append((row, column))
        owners[level] = cells
    return owners


@settings(max_examples=40)
@given(st.tuples(*[st.integers(0, 256)] * 4), st.sampled_from([2, 3]))
def test_owners_follow_the_rule_cell_by_cell(corners, finest):
    config = replace(CONFIG, finest=finest)
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    found = fpn.cell_owners(config, (256, 192), np.array([x1, y1, x2, y2]))
    expected = brute_force_owners(config, (256, 192), (x1, y1, x2, y2))
    assert {name: [tuple(cell) for cell in cells.tolist()] for name, cells in found.items()} == expected


def test_a_box_right_on_a_cell_belongs_to_the_level_of_its_centre():
    for config in CONFIGS[:2]:
        for level, stride, (low, high) in zip(config.levels, config.strides, config.ranges, strict=True):
            half = (low + (min(high, 4 * low) if low else high)) / 2
            middle = 2.5 * stride + 64 * math.ceil(half / 64)
            box = np.array([middle - half, middle - half, middle + half, middle + half])
            owners = fpn.cell_owners(config, (1024, 1024), box)
            number = fpn.fcos_center_level(torch.tensor(2 * half), torch.tensor(2 * half), config)
            assert f"P{int(number)}" == level
            assert [int(middle // stride)] * 2 in owners[level].tolist()


def test_fcos_levels_by_hand():
    # P3 answers up to 3 · 8 = 24 pixels, P4 up to 48, P5 up to 96, P6 beyond; a border belongs to the finer level.
    config = replace(CONFIG, finest=3)
    farthest = torch.tensor([0.0, 24, 24.5, 48, 96, 97, math.inf])
    assert fpn.fcos_level(farthest, config).tolist() == [3, 3, 4, 4, 5, 6, 6]
    assert fpn.fcos_level(farthest, replace(config, neck="top")).tolist() == [5] * 7


def test_the_two_rules_over_size():
    curve = fpn.ownership_curve(replace(CONFIG, finest=3))
    assert (
        curve.paper.tolist()
        == fpn.roi_level(torch.from_numpy(curve.sides)[:, None] * torch.tensor([0, 0, 1, 1])).tolist()
    )
    for side, paper, fcos in zip(curve.sides, curve.paper, curve.fcos, strict=True):
        assert paper == min(max(math.floor(4 + math.log2(side / 224) + 1e-6), 2), 5)
        assert fcos == (3 if side <= 48 else 4 if side <= 96 else 5 if side <= 192 else 6)


def test_anchors_have_the_papers_areas_and_ratios():
    for level, side in zip(("P2", "P3", "P4", "P5", "P6"), (32, 64, 128, 256, 512), strict=True):
        stride = 2 ** int(level[1:])
        anchors = fpn.level_anchors(level, (2, 3))
        assert anchors.shape == (2 * 3 * 3, 4)
        width, height = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
        assert np.allclose(width * height, side**2, rtol=0.05)  # torchvision rounds corners to whole pixels
        assert np.allclose((height / width).reshape(-1, 3), [0.5, 1, 2], rtol=0.05)
        centers = ((anchors[:, :2] + anchors[:, 2:]) / 2).reshape(2, 3, 3, 2)
        assert np.allclose(centers[1, 2], [2 * stride, stride])


def test_an_owner_speaks_in_pixels_of_the_input(detector: Detector) -> None:
    photo = np.zeros((600, 1024, 3), dtype=np.uint8)
    trace = fpn.trace_fpn(detector, photo)  # halved
    owner = fpn.find_owner(trace, np.array([100.0, 100, 548, 548]))
    assert owner.size == (224, 224)
    assert (owner.level, owner.value, owner.farthest) == (4, 4.0, 112)
    assert set(owner.fcos_levels) <= {"P5", "P6"}
    tenth = fpn.find_owner(trace, np.array([100.0, 100, 548, 548]), canonical_size=448, canonical_level=5)
    assert tenth.level == 4


def test_where_the_papers_rule_changes_levels():
    bands = fpn.paper_bands()
    assert bands == (("P2", 0, 112), ("P3", 112, 224), ("P4", 224, 448), ("P5", 448, None))
    moved = fpn.paper_bands(canonical_size=100, canonical_level=3)
    assert moved == (("P2", 0, 100), ("P3", 100, 200), ("P4", 200, 400), ("P5", 400, None))
    for name, low, high in moved:
        for side, inside in ((low, True), (low - 1, low == 0), (high or 1e6, high is None)):
            level = fpn.roi_level(torch.tensor([[0, 0, side, side]]), canonical_size=100, canonical_level=3)
            assert (f"P{int(level)}" == name) == inside


def test_where_fcos_begins_to_use_a_level():
    config = replace(CONFIG, finest=3)
    side = fpn.first_side(config, "P4")
    assert side == 48  # P3 answers for distances of up to 3 · 8 = 24 pixels, half the side of a centred square
    just_above = torch.tensor([side, side + 1])
    assert fpn.fcos_center_level(just_above, just_above, config).tolist() == [3, 4]


def test_agreement_is_the_share_of_equal_levels():
    curve = fpn.OwnershipCurve(np.arange(4.0), np.array([2, 3, 4, 5]), np.array([2, 3, 5, 5]))
    assert curve.agreement == 0.75


def test_what_an_owner_adds_up():
    cells = {"P3": np.zeros((3, 2), int), "P4": np.zeros((0, 2), int), "P5": np.zeros((2, 2), int)}
    owner = fpn.Ownership(size=(9.0, 16.0), level=2, value=-0.2, farthest=8.0, cells=cells)
    assert (owner.side, owner.num_cells, owner.fcos_levels) == (12, 5, ("P3", "P5"))
