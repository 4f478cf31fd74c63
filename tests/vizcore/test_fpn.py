"""The feature pyramid: torchvision's network and level mapper as oracles, cuts, receptive fields, views, costs."""

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.poolers import LevelMapper

from tests.javascript import evaluate_javascript
from vizcore import fpn
from vizcore.browser import to_javascript
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.models.efficientnet_lite import EfficientNetLite0
from vizcore.models.fcos import (
    FCOS,
    PYRAMID_SCALES,
    STAGE_CHANNELS,
    Detector,
    FCOSConfig,
    as_input,
    detections,
    level_points,
    level_sizes,
)
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16, num_convs=1)
CONFIGS = (CONFIG, replace(CONFIG, finest=3), replace(CONFIG, neck="separate"), replace(CONFIG, neck="top"))


def make_detector(config, seed=0):
    """Random weights, the shared backbone; biases too, or a cut lateral would not be told from a zero."""
    with seeded(seed):
        fcos = FCOS(config)
        for block in fcos.neck.modules():
            if isinstance(block, nn.Conv2d):
                nn.init.normal_(block.bias, std=0.1)
        nn.init.normal_(fcos.head.class_logits.weight, std=0.3)
    return fcos


@pytest.fixture(scope="module")
def detector():
    return Detector(make_detector(CONFIG))


@pytest.fixture(scope="module")
def photo():
    return draw_scene("validation", 3, size=192).pixels


@pytest.fixture(scope="module")
def trace(detector, photo):
    return fpn.trace_fpn(detector, photo)


def random_stages(config, top, seed):
    """Stages whose sizes are any that a ceiling division makes: odd ones too."""
    height, width = top
    generator = torch.Generator().manual_seed(seed)
    stages = {}
    for name in reversed(config.stages):
        stages[name] = torch.randn(1, STAGE_CHANNELS[name], height, width, generator=generator)
        height, width = (2 * side - int(torch.randint(0, 2, (), generator=generator)) for side in (height, width))
    return dict(sorted(stages.items()))


# -- the network ----------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from([2, 3, 4, 5]), st.integers(0, 1000))
def test_the_neck_is_torchvisions_feature_pyramid(height, width, finest, seed):
    config = replace(CONFIG, finest=finest)
    fcos = make_detector(config, seed)
    stages = random_stages(config, (height, width), seed)
    independent = FeaturePyramidNetwork([STAGE_CHANNELS[name] for name in config.stages], config.channels)
    independent.load_state_dict(fcos.neck.state_dict())
    read = []  # what each 3×3 convolution is given
    for block in independent.layer_blocks:
        block.register_forward_hook(lambda _block, inputs, _output: read.append(inputs[0]))
    with torch.inference_mode():
        ours = fpn.run_neck(fcos, stages)
        theirs = independent(OrderedDict(stages))
    for name, values in theirs.items():
        assert torch.equal(ours.levels[f"P{name[1:]}"], values)
    for level, values in zip(reversed(ours.merged), read, strict=True):
        assert torch.equal(ours.merged[level], values)
    assert torch.equal(ours.levels["P6"], ours.levels["P5"][..., ::2, ::2])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.neck}-{config.finest}")
def test_nothing_cut_is_what_the_model_computes(config):
    fcos = make_detector(config)
    stages = random_stages(replace(config, neck="fpn"), (3, 4), 1)
    with torch.inference_mode():
        expected, found = fcos.levels(stages), fpn.run_neck(fcos, stages).levels
    assert list(found) == list(expected) == list(config.levels)
    for name, values in expected.items():
        assert torch.equal(found[name], values)


def test_the_trace_holds_the_models_own_maps(detector, photo, trace):
    with torch.inference_mode():
        stages = detector.backbone.stage_features(as_input(torch.from_numpy(photo)[None]))
        levels = detector.fcos.levels(stages)
        neck = fpn.run_neck(detector.fcos, stages)
    for name, values in (stages | levels).items():
        assert np.array_equal(trace.maps(name), values[0].numpy())
        assert trace.maps(name).dtype == np.float32
        assert trace.strides[name] == 2 ** int(name[1:])
    for name, values in neck.merged.items():
        assert np.array_equal(trace.merged[name], values[0].numpy())
        lateral, upsampled, merged = trace.merge(name)
        assert np.array_equal(lateral + upsampled, merged)
        if name != "P5":
            assert np.array_equal(trace.upsampled[name], upsampled)
            above = trace.merged[f"P{int(name[1:]) + 1}"]
            assert np.array_equal(upsampled, above.repeat(2, 1).repeat(2, 2))  # nearest: each cell four times
    assert "P5" not in trace.upsampled
    assert not trace.merge("P5")[1].any()
    with pytest.raises(KeyError):
        trace.merge("P6")
    assert set(trace.seconds) == {"resize", "backbone", "neck", "head", "candidates", "nms"}


def test_final_boxes_are_those_that_the_evaluation_counts(detector):
    scene = draw_scene("validation", 5, size=256)
    with torch.inference_mode():
        output = detector(as_input(torch.from_numpy(scene.pixels)[None]))
    points = level_points(level_sizes((256, 256), CONFIG.strides), CONFIG.strides)
    threshold = 0.2
    expected = detections(output, points, (256, 256), score_threshold=threshold, iou_threshold=0.5)
    found = fpn.trace_fpn(detector, scene.pixels, score_threshold=threshold, iou_threshold=0.5)
    assert len(found.keep) > 5
    assert np.array_equal(found.input_boxes[found.keep], expected.boxes.numpy())
    assert np.array_equal(found.boxes, found.input_boxes)  # a scene this small is not scaled
    assert np.array_equal(found.scores[found.keep], expected.scores.numpy())
    assert np.array_equal(found.labels[found.keep], expected.labels.numpy())
    assert np.array_equal(found.level_of[found.keep], points.levels[expected.cells].numpy())
    assert np.array_equal(found.cells[found.keep], points.cells[expected.cells].numpy())


# -- cuts -----------------------------------------------------------------------------------------------------------


def changed_levels(trace, other):
    return {name for name in trace.levels if not np.array_equal(trace.levels[name], other.levels[name])}


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ("top_down", {"P2", "P3", "P4"}),
        ("top_down:P2", {"P2"}),
        ("top_down:P3", {"P2", "P3"}),
        ("top_down:P4", {"P2", "P3", "P4"}),
        ("lateral:C2", {"P2"}),
        ("lateral:C3", {"P2", "P3"}),
        ("lateral:C4", {"P2", "P3", "P4"}),
        ("lateral:C5", {"P2", "P3", "P4", "P5", "P6"}),
    ],
)
def test_a_cut_changes_what_lies_behind_it_and_nothing_else(detector, trace, cut, expected):
    cut_trace = fpn.retrace(detector, trace, cuts={cut})
    assert changed_levels(trace, cut_trace) == expected
    assert cut_trace.cuts == {cut}
    assert cut_trace.stages.keys() == trace.stages.keys()
    for level in ("P2", "P3", "P4", "P5"):
        lateral, upsampled, merged = cut_trace.merge(level)
        assert np.array_equal(lateral + upsampled, merged)
        silent = ("top_down", f"top_down:{level}", *(["lateral:C5"] if level == "P4" else []))  # P5 alone is above P4
        assert upsampled.any() == (level != "P5" and cut not in silent)
        assert lateral.any() == (cut != f"lateral:C{level[1:]}")


def test_without_the_pathway_a_pyramid_is_separate_levels_with_the_same_weights(detector, trace):
    separate = FCOS(replace(CONFIG, neck="separate"))
    own = separate.state_dict()
    for name in own:
        parts = name.split(".")
        theirs = ".".join([*parts[:3], "0", *parts[3:]]) if parts[0] == "neck" else name
        own[name] = detector.fcos.state_dict()[theirs]
    separate.load_state_dict(own)
    cut = fpn.retrace(detector, trace, cuts={"top_down"})
    with torch.inference_mode():
        levels = separate.levels({name: torch.from_numpy(x)[None] for name, x in trace.stages.items()})
    for name, values in levels.items():  # to the last bits: the detector's weights lie channels innermost
        assert np.allclose(cut.levels[name], values[0].numpy(), rtol=1e-4, atol=1e-4)
        assert name in ("P5", "P6") or not np.allclose(trace.levels[name], values[0].numpy(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("neck", ["separate", "top"])
def test_other_necks_are_traced_too_even_from_a_pyramids_stages(detector, trace, photo, neck):
    other = Detector(make_detector(replace(CONFIG, neck=neck)), detector.backbone)
    own = fpn.trace_fpn(other, photo)
    assert tuple(own.levels) == other.fcos.config.levels
    assert set(own.stages) == set(trace.stages)
    for level in own.merged:
        lateral, upsampled, merged = own.merge(level)
        assert not upsampled.any()
        assert np.array_equal(lateral, merged)
    assert not any(maps.any() for maps in own.upsampled.values())
    taken_over = fpn.retrace(other, trace, cuts=())
    assert np.array_equal(taken_over.boxes, own.boxes)
    assert np.array_equal(taken_over.keep, own.keep)


def test_retrace_starts_from_the_recorded_stages(detector, trace, monkeypatch):
    def refuse(_x):
        raise AssertionError("the backbone ran")

    monkeypatch.setattr(detector.backbone, "stage_features", refuse)
    cut = fpn.retrace(detector, trace, cuts={"top_down"})
    healed = fpn.retrace(detector, cut, cuts=frozenset())
    assert not changed_levels(trace, healed)
    assert np.array_equal(healed.boxes, trace.boxes)
    assert np.array_equal(healed.keep, trace.keep)
    assert healed.seconds["backbone"] == trace.seconds["backbone"]
    assert not np.array_equal(cut.scores, trace.scores)


def test_a_cut_from_the_start_is_a_cut_afterwards(detector, photo, trace):
    cuts = {"top_down:P3", "lateral:C4"}
    at_once, later = fpn.trace_fpn(detector, photo, cuts=cuts), fpn.retrace(detector, trace, cuts=cuts)
    assert not changed_levels(at_once, later)
    assert np.array_equal(at_once.scores, later.scores)


def test_the_cuts_that_a_neck_has():
    names = ("top_down", "top_down:P4", "top_down:P3", "lateral:C5", "lateral:C4", "lateral:C3")
    assert fpn.possible_cuts(replace(CONFIG, finest=3)) == names
    assert fpn.possible_cuts(replace(CONFIG, neck="top")) == ("lateral:C5",)
    assert fpn.possible_cuts(replace(CONFIG, neck="separate", finest=4)) == ("lateral:C5", "lateral:C4")


@pytest.mark.parametrize("cut", ["", "top_down:P5", "lateral:P3", "lateral:C6", "backbone", "<script>"])
def test_an_unknown_cut_is_refused(detector, trace, cut):
    with pytest.raises(ValueError, match="cuts must be among"):
        fpn.retrace(detector, trace, cuts={cut})


# -- photos of all kinds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "resized", "padded"),
    [
        ((16, 16), (16, 16), (64, 64)),
        ((1, 1), (1, 1), (64, 64)),
        ((60, 1200), (26, 512), (64, 512)),  # 1:20
        ((1, 3000), (1, 512), (64, 512)),
        ((3000, 1), (512, 1), (512, 64)),
        ((600, 400), (512, 341), (512, 384)),
    ],
)
def test_photos_of_any_shape(detector, size, resized, padded):
    generator = np.random.default_rng(0)
    photo = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
    trace = fpn.trace_fpn(detector, photo, score_threshold=0.05)
    assert (trace.image_size, trace.resized_size, trace.input_size) == (size, resized, padded)
    assert len(trace.boxes) > 0
    assert (trace.boxes >= 0).all()
    assert (trace.boxes[:, 2:] <= np.array(size[::-1])).all()
    assert (trace.boxes[:, 2:] > trace.boxes[:, :2]).all()
    assert np.allclose(trace.to_input(trace.boxes), trace.input_boxes, atol=1e-3)
    assert trace.scale == max(resized) / max(size)
    for level, stride in zip(trace.config.levels, trace.config.strides, strict=True):
        assert trace.levels[level].shape == (CONFIG.channels, padded[0] // stride, padded[1] // stride)
    assert fpn.pca_rgb(trace.levels["P6"]).dtype == np.uint8


def test_a_photo_is_scaled_down_but_never_up():
    assert fpn.resized_size((100, 80)) == (100, 80)
    assert fpn.resized_size((1024, 512)) == (512, 256)
    x, size = fpn.prepare(np.full((1024, 512, 3), 200, dtype=np.uint8))
    assert size == (512, 256)
    assert x.shape == (1, 3, 512, 256)
    assert torch.allclose(x, torch.tensor((200 - 127) / 128), atol=1e-5)  # a flat colour stays flat


def test_padding_is_the_mean_colour():
    x, _ = fpn.prepare(np.full((30, 70, 3), 255, dtype=np.uint8))
    assert x.shape == (1, 3, 64, 128)
    assert not x[:, :, 30:].any()
    assert not x[:, :, :, 70:].any()
    assert torch.allclose(x[:, :, :30, :70], torch.tensor(1.0))


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((8, 8), dtype=np.uint8),
        np.zeros((8, 8, 4), dtype=np.uint8),
        np.zeros((8, 8, 3), dtype=np.float32),
        np.zeros((0, 8, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_photo_is_refused(detector, photo):
    with pytest.raises(ValueError, match="photo must be uint8"):
        fpn.trace_fpn(detector, photo)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, math.nan])
def test_a_threshold_lies_between_0_and_1(detector, photo, trace, threshold):
    for thresholds in ({"score_threshold": threshold}, {"iou_threshold": threshold}):
        with pytest.raises(ValueError, match="threshold"):
            fpn.trace_fpn(detector, photo, **thresholds)
        with pytest.raises(ValueError, match="threshold"):
            fpn.refilter(trace, **({"score_threshold": 0.3, "iou_threshold": 0.5} | thresholds))


@pytest.mark.parametrize(("score_threshold", "iou_threshold"), [(0.1, 0.3), (0.4, 0.6), (1.0, 0.6), (0.2, 1.0)])
def test_other_thresholds_need_no_other_pass(detector, photo, trace, score_threshold, iou_threshold):
    fresh = fpn.trace_fpn(detector, photo, score_threshold=score_threshold, iou_threshold=iou_threshold)
    again = fpn.refilter(trace, score_threshold=score_threshold, iou_threshold=iou_threshold)
    assert np.array_equal(fresh.boxes[fresh.keep], again.boxes[again.keep])
    assert (again.scores[again.keep] > np.float32(score_threshold)).all()
    assert (np.diff(again.scores[again.keep]) <= 0).all()


def test_a_trace_of_the_largest_photo_fits_the_memory():
    """With the most maps that we would ship: P2 to P6 of 64 channels, or P3 to P6 of 96."""
    for config in (FCOSConfig("fpn", finest=2, channels=64), FCOSConfig("fpn", finest=3, channels=96)):
        trace = fpn.trace_fpn(Detector(FCOS(config)), np.zeros((512, 512, 3), dtype=np.uint8))
        assert trace.nbytes <= 25e6
        held = [getattr(trace, name) for name in ("boxes", "input_boxes", "scores", "labels", "level_of", "cells")]
        held += [*trace.stages.values(), *trace.laterals.values(), *trace.levels.values(), trace.keep]
        owners = {}  # a view would keep the array that it looks at
        for array in held:
            while array.base is not None and isinstance(array.base, np.ndarray):
                array = array.base
            owners[array.__array_interface__["data"][0]] = array.nbytes
        assert sum(owners.values()) <= 25e6


def test_places_on_the_photo(detector):
    trace = fpn.trace_fpn(detector, load_sample("coffee").pixels)  # 600 × 400: scaled by 512 / 600
    scale = 512 / 600
    assert trace.scale == scale
    # The first cell of P4 has its middle 8 input pixels from the corner.
    assert trace.points("P4")[0] == pytest.approx([8 / scale, 8 * 400 / 341], rel=1e-6)
    assert len(trace.points("P4")) == trace.levels["P4"][0].size
    assert trace.cell_box("P5", (1, 2)) == pytest.approx([64 / scale, 32 * 400 / 341, 96 / scale, 64 * 400 / 341])


# -- who owns a box -------------------------------------------------------------------------------------------------


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


# -- receptive fields -----------------------------------------------------------------------------------------------


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


# -- views ----------------------------------------------------------------------------------------------------------


def random_maps(channels, height, width, seed=0):
    return np.random.default_rng(seed).normal(size=(channels, height, width)).astype(np.float32)


def test_views_are_what_numpy_says():
    maps = random_maps(7, 5, 4)
    assert fpn.channel_views(maps, "mean") == pytest.approx(maps.mean(0), abs=1e-6)
    assert np.array_equal(fpn.channel_views(maps, "max"), maps.max(0))
    assert fpn.channel_views(maps, "norm") == pytest.approx(np.linalg.norm(maps, axis=0) / math.sqrt(7), abs=1e-6)
    assert np.array_equal(fpn.channel_views(maps, "channel", channel=3), maps[3])
    for kind, channel in (("median", None), ("channel", None), ("channel", 7), ("channel", -1)):
        with pytest.raises(ValueError, match="must be one of"):
            fpn.channel_views(maps, kind, channel=channel)


def test_principal_components_are_the_singular_vectors():
    maps = random_maps(9, 12, 10) * np.arange(1, 10, dtype=np.float32)[:, None, None]
    cells = maps.reshape(9, -1).T.astype(np.float64)
    centred = cells - cells.mean(0)
    _, _, vectors = np.linalg.svd(centred, full_matrices=False)
    expected = []
    for direction in vectors[:3]:
        direction = direction * np.sign(direction[np.abs(direction).argmax()])
        values = centred @ direction
        low, high = np.quantile(values, (0.01, 0.99))
        expected.append(np.clip((values - low) / (high - low), 0, 1) * 255)
    found = fpn.pca_rgb(maps).reshape(-1, 3)
    assert np.abs(found - np.stack(expected, 1)).max() <= 1


def test_the_colours_of_maps_that_say_nothing():
    for maps in (np.full((8, 4, 4), 3.7, dtype=np.float32), random_maps(8, 1, 1), np.zeros((2, 3, 3), np.float32)):
        assert np.unique(fpn.pca_rgb(maps)).tolist() == [128]
    maps = random_maps(8, 6, 6)
    assert np.array_equal(fpn.pca_rgb(maps), fpn.pca_rgb(maps.copy()))


@pytest.mark.parametrize("per", ["channel", "level"])
@pytest.mark.parametrize(("shape", "side"), [((10, 8, 8), 8), ((5, 4, 2), 8), ((1, 1, 1), 3), ((24, 64, 48), 16)])
def test_a_sheet_holds_every_channel(shape, side, per):
    maps = random_maps(*shape)
    columns, rows, (height, width) = fpn.atlas_layout(shape[0], shape[1:], side=side)
    sheet = fpn.channel_atlas(maps, side=side, per=per)
    assert sheet.shape == (rows * height, columns * width)
    assert max(height, width) == side
    assert rows * columns >= shape[0] > (rows - 1) * columns
    tiles = F.interpolate(torch.from_numpy(maps)[None], size=(height, width), mode="area")[0].numpy()
    for channel, tile in enumerate(tiles):  # area and nearest agree where a map is repeated a whole number of times
        top, left = channel // columns * height, channel % columns * width
        low, high = (tile.min(), tile.max()) if per == "channel" else (tiles.min(), tiles.max())
        expected = 127.5 if high == low else (tile - low) / (high - low) * 255
        assert np.abs(sheet[top : top + height, left : left + width] - expected).max() <= 0.51


def test_a_sheet_needs_a_channel_a_side_and_a_scale():
    with pytest.raises(ValueError, match="channel or level"):
        fpn.channel_atlas(random_maps(2, 2, 2), per="row")
    with pytest.raises(ValueError, match="atlas"):
        fpn.atlas_layout(4, (2, 2), side=0)


def test_values_under_a_point(detector, trace):
    # Pixel (100, 37) of a scene that is not scaled: column 25, row 9 of stride 4, column 3, row 1 of stride 32.
    values = fpn.values_at(trace, 100.0, 37.0, kind="max")
    assert values["C2"].cell == values["P2"].cell == (9, 25)
    assert values["P5"].cell == (1, 3)
    for name, (value, (row, column)) in values.items():
        assert value == trace.maps(name)[:, row, column].max()
    channel = fpn.values_at(trace, 100.0, 37.0, kind="channel", channel=20)
    assert set(channel) == {"C2", "C3", "C4", "C5"}  # the levels have 16 channels
    assert channel["C3"].value == trace.stages["C3"][20, 4, 12]
    corner = fpn.values_at(trace, 1e9, -5.0)
    assert corner["P4"].cell == (0, 11)


def test_a_colour_scale_survives_a_flat_map_and_an_outlier():
    assert fpn.value_range(np.full((3, 3), 2.0, np.float32)) == (1.5, 2.5)
    view = np.zeros((20, 20), np.float32)
    view[:, 10:], view[0, 0] = 1, 1000
    low, high = fpn.value_range(view)
    assert (low, high) == (0, 1)
    assert fpn.to_bytes(view, low, high)[0, 0] == 255
    assert np.unique(fpn.to_bytes(view, low, high)).tolist() == [0, 255]


# -- the four designs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.neck}-{config.finest}")
def test_costs_are_torchs_own_count(config):
    detector = Detector(make_detector(config))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        detector(torch.zeros(1, 3, 128, 192))
    cost = fpn.detector_cost(config, (128, 192))
    assert cost.multiply_adds * 2 == counter.get_total_flops()
    backbone = [*detector.backbone.stem.parameters(), *detector.backbone.stages.parameters()]
    assert cost.parameters == sum(p.numel() for p in [*backbone, *detector.fcos.parameters()])
    assert cost.seconds is None
    convolved = []
    for layer in detector.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: convolved.append(output.numel()))
    with torch.no_grad():
        detector(torch.zeros(1, 3, 128, 192))
    assert cost.activation_bytes == 4 * sum(convolved)


def test_nodes_have_the_sizes_of_the_real_maps(trace):
    by_name = {design.name: design for design in fpn.designs(CONFIG, trace.input_size)}
    assert [by_name[name].letter for name in fpn.DESIGNS] == ["a", "b", "c", "d"]
    for node in by_name["fpn"].nodes:
        if node.kind in ("stage", "level"):
            assert (node.channels, *node.size) == trace.maps(node.name).shape
            assert node.stride == trace.strides[node.name]
    assert {edge.cut for edge in by_name["fpn"].edges} - {""} == {*fpn.possible_cuts(CONFIG)} - {"top_down"}
    for design in by_name.values():
        names = [node.name for node in design.nodes]
        assert len(set(names)) == len(names)
        assert {name for edge in design.edges for name in (edge.start, edge.end)} <= set(names)
        kinds = {node.name: node.kind for node in design.nodes}
        for edge in design.edges:
            assert (edge.kind == "head") == (kinds[edge.end] == "prediction")
        assert {edge.kind == "top_down" for edge in design.edges} == (
            {True, False} if design.name == "fpn" else {False}
        )
    images = [node for node in by_name["image_pyramid"].nodes if node.kind == "image"]
    assert [node.size for node in images] == [(192 * scale, 192 * scale) for scale in PYRAMID_SCALES]
    assert by_name["image_pyramid"].cost.multiply_adds == sum(
        fpn.detector_cost(replace(CONFIG, neck="top"), (192 * scale, 192 * scale)).multiply_adds
        for scale in PYRAMID_SCALES
    )
    # The pathway only copies and adds: (c) and (d) have the same convolutions.
    assert by_name["separate"].cost == by_name["fpn"].cost
    assert by_name["image_pyramid"].cost.parameters == by_name["top"].cost.parameters


def test_times_are_measured(detector):
    progress = []
    designs = fpn.measure_designs({"fpn": detector}, (64, 64), repeats=1, report=progress.append)
    assert [design.name for design in designs] == list(fpn.DESIGNS)
    assert all(design.cost.seconds > 0 for design in designs)
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1)
    assert [replace(design, cost=replace(design.cost, seconds=None)) for design in designs] == list(
        fpn.designs(CONFIG, (64, 64))
    )


# -- how large the objects are --------------------------------------------------------------------------------------


def test_sizes_of_scenes():
    progress = []
    sizes = fpn.scene_sizes("validation", 3, report=progress.append)
    scenes = [draw_scene("validation", index) for index in range(3)]
    assert sizes.counts.tolist() == [len(scene.boxes) for scene in scenes]
    first = scenes[0].boxes[0]
    assert sizes.sizes[0] == pytest.approx(math.sqrt((first[2] - first[0]) * (first[3] - first[1])))
    assert np.array_equal(sizes.labels, np.concatenate([scene.labels for scene in scenes]))
    assert progress == [1 / 3, 2 / 3, 1]
    assert len(sizes.sizes) == len(sizes.visible) == sizes.counts.sum()


def test_size_classes_are_cocos():
    from pycocotools.cocoeval import Params

    low, high = (Params(iouType="bbox").areaRng[place][1] for place in (1, 2))
    assert (math.sqrt(low), math.sqrt(high)) == fpn.SIZE_BORDERS
    boxes = np.array([[0, 0, 31, 32], [0, 0, 32, 32], [0, 0, 96, 96], [0, 0, 96, 97]])
    sizes = fpn.SceneSizes(fpn.box_sizes(boxes), np.zeros(4, int), np.ones(4), np.array([4]))
    assert sizes.size_classes == {"small": 2, "medium": 2, "large": 2}
    assert fpn.measure_sizes([]).size_classes == {"small": 0, "medium": 0, "large": 0}
