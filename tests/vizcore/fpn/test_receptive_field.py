"""What a cell sees: in theory where a linear network's gradient is, in effect what torch's gradient says."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.vizcore.fpn.detectors import CONFIG, make_detector
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models.efficientnet_lite import EfficientNetLite0
from vizcore.models.fcos import (
    FCOS,
    as_input,
)
from vizcore.seeding import seeded


def linearised(backbone):
    """The network with positive weights and nothing that bends: no cell's gradient can vanish or cancel."""
    for module in backbone.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU6 | nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    for value in backbone.parameters():
        value.data = torch.rand_like(value) + 0.1
        if value.ndim == 4:
            value.data /= value[0].numel()
    return backbone.double()


def support(maps, x, row, column):
    """First and last row and column of the input that reach a cell: the rectangle where the gradient is not zero."""
    (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), x, retain_graph=True)
    reached = gradient[0].abs().sum(0) > 0
    (rows,), (columns,) = (torch.nonzero(reached.any(1 - axis), as_tuple=True) for axis in (0, 1))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    assert reached[box[1] : box[3], box[0] : box[2]].all()  # no holes
    return box


@pytest.fixture(scope="module")
def linear_maps():
    """All maps of a wide strip, where most cells' fields end before the picture's left and right edge."""
    with seeded(1):
        backbone = linearised(EfficientNetLite0())
        fcos = make_detector(replace(CONFIG, channels=8)).double()
        for value in fcos.neck.parameters():
            value.data = torch.rand_like(value) + 0.1
        separate = FCOS(replace(CONFIG, neck="separate", channels=8)).double()
        for value in separate.neck.parameters():
            value.data = torch.rand_like(value) + 0.1
    x = torch.zeros(1, 3, 64, 1536, dtype=torch.float64, requires_grad=True)
    stages = backbone.stage_features(x)
    maps = {"fpn": {**stages, **fpn.run_neck(fcos, stages).levels}, "separate": fpn.run_neck(separate, stages).levels}
    return x, maps


MAPS = ("C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6")


@pytest.mark.parametrize(
    ("neck", "name"), [("fpn", name) for name in MAPS] + [("separate", name) for name in MAPS if name[0] == "P"]
)
def test_the_theoretical_field_is_where_the_gradient_is(linear_maps, name, neck):
    x, maps = linear_maps
    values = maps[neck][name]
    middle = values.shape[-1] // 2
    for column in (0, middle, middle + 1, middle + 2, middle + 3):  # all phases above the coarser levels
        if column >= values.shape[-1]:
            continue
        left, top, right, bottom = fpn.receptive_box(name, (0, column), neck=neck)
        expected = max(left, 0), max(top, 0), min(right, 1536), min(bottom, 64)
        assert support(values, x, 0, column) == expected


def test_theoretical_fields_by_hand():
    # C2: a 3×3 stem of stride 2, then depthwise 3×3 of stride 1, 2 and 1, all on what one pass at stride 2 leaves:
    # 1 + 2 (stem) + 2·2 (stage 1) + 2·2 (stage 2, first block) + 2·4 (second block) = 19 pixels.
    assert fpn.theoretical_receptive_field("C2") == (19, 4, -6)
    for name in MAPS:
        size, stride, offset = fpn.theoretical_receptive_field(name)
        assert stride == 2 ** int(name[1:])
        assert offset < 0 < offset + size
    # The 3×3 of P5 adds a cell of 32 pixels on each side of what C5 sees.
    assert fpn.theoretical_receptive_field("P5").size == fpn.theoretical_receptive_field("C5").size + 2 * 32
    assert (
        fpn.theoretical_receptive_field("P3", neck="separate").size == fpn.theoretical_receptive_field("C3").size + 16
    )
    with pytest.raises(ValueError, match="C6"):
        fpn.theoretical_receptive_field("C6")


def test_the_effective_field_is_torchs_gradient(detector, photo):
    field = fpn.effective_receptive_field(detector, photo, "P3", (5, 7))
    x = as_input(torch.from_numpy(photo)[None]).requires_grad_()
    levels = detector.fcos.levels(detector.backbone.stage_features(x))
    levels["P3"][0, :, 5, 7].sum().backward()
    assert torch.allclose(torch.from_numpy(field.gradient), x.grad[0].abs().sum(0))
    assert field.center == (60.0, 44.0)
    assert field.share_within(1e9) == pytest.approx(1)
    assert 0.95 <= field.share_within(field.side) < 0.97
    assert field.share_within(field.side - 4) < 0.95
    assert field.share_within(0) == 0
    assert 0 < field.area_share <= 1
    rows, columns = np.mgrid[0.5:192, 0.5:192]
    weights = field.gradient / field.gradient.sum()
    spread = math.sqrt((weights * ((rows - 44) ** 2 + (columns - 60) ** 2)).sum() / 2)
    assert field.deviation == pytest.approx(spread, rel=1e-4)


def test_all_of_the_gradient_lies_in_the_theoretical_field(detector):
    photo = draw_scene("train", 2, size=256).pixels
    for name, cell in (("C2", (30, 31)), ("C3", (10, 3)), ("C2", (0, 63))):
        field = fpn.effective_receptive_field(detector, photo, name, cell)
        left, top, right, bottom = field.theoretical_box.astype(int)
        assert (right - left) * (bottom - top) < 256**2
        assert field.gradient[top:bottom, left:right].sum() == pytest.approx(field.gradient.sum(), rel=1e-5)
        outside = field.gradient.copy()
        outside[top:bottom, left:right] = 0
        assert not outside.any()


def test_cutting_the_pathway_shrinks_what_a_cell_sees(detector, photo):
    whole = fpn.effective_receptive_field(detector, photo, "P2", (20, 20))
    cut = fpn.effective_receptive_field(detector, photo, "P2", (20, 20), cuts={"top_down"})
    assert cut.side < whole.side
    assert np.count_nonzero(cut.gradient) < np.count_nonzero(whole.gradient)


def test_a_field_on_a_scaled_photo_and_bad_cells(detector):
    photo = np.random.default_rng(1).integers(0, 256, (60, 1200, 3), dtype=np.uint8)
    field = fpn.effective_receptive_field(detector, photo, "P4", (0, 20))
    assert field.gradient.shape == (26, 512)
    box = field.box(field.side)
    assert (box[:2] >= 0).all()
    assert (box[2:] <= [1200, 60 + 1e-9]).all()
    for level, cell in (("P4", (4, 0)), ("P4", (0, -1)), ("P7", (0, 0))):
        with pytest.raises(ValueError, match=r"no cell|no stage"):
            fpn.effective_receptive_field(detector, photo, level, cell)


def test_the_share_of_the_picture_that_a_cell_could_see(detector, photo):
    small = fpn.effective_receptive_field(detector, photo, "C2", (3, 3))
    x1, y1, x2, y2 = small.theoretical_box
    assert small.theoretical_share == pytest.approx((x2 - x1) * (y2 - y1) / (192 * 192))
    assert 0 < small.theoretical_share < 1
    assert fpn.effective_receptive_field(detector, photo, "P5", (3, 3)).theoretical_share == 1
