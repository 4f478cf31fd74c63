"""The network and its trace: torchvision's feature pyramid as an oracle, photos of all kinds, thresholds."""

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import FeaturePyramidNetwork

from tests.vizcore.fpn.detectors import CONFIG, CONFIGS, make_detector, random_stages
from vizcore import fpn
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.models.fcos import (
    FCOS,
    STAGE_CHANNELS,
    Detector,
    FCOSConfig,
    as_input,
    detections,
    level_points,
    level_sizes,
)


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


def test_the_middle_of_a_cell(detector):
    trace = fpn.trace_fpn(detector, np.zeros((600, 1024, 3), np.uint8))  # halved
    # A cell of 16 pixels of the input is 32 of the photo: row 2, column 5 is centred at (5.5, 2.5) times that.
    assert trace.cell_center("P4", (2, 5)) == (176, 80)
    assert trace.cell_center("P4", (2, 5)) == tuple(trace.points("P4").reshape(-1, 32, 2)[2, 5])


def test_final_boxes_by_level_and_as_rows(trace):
    found = fpn.refilter(trace, score_threshold=0.0, iou_threshold=0.6)
    counts = found.count_by_level()
    assert list(counts) == list(CONFIG.levels)
    assert sum(counts.values()) == len(found.keep) > 0
    rows = fpn.detection_rows(found, [f"class {label}" for label in range(CONFIG.num_classes)])
    assert {name: [row["level"] for row in rows].count(name) for name in CONFIG.levels} == counts
    for row, index in zip(rows, found.keep, strict=True):
        assert row["label"] == f"class {found.labels[index]}"
        assert row["score"] == pytest.approx(found.scores[index], abs=1e-6)
        assert [row[side] for side in ("x1", "y1", "x2", "y2")] == pytest.approx(found.boxes[index], abs=1e-3)
        assert [row["row"], row["column"]] == found.cells[index].tolist()
    assert not any(fpn.refilter(trace, score_threshold=1.0, iou_threshold=0.6).count_by_level().values())
