"""The detector that was trained here, as one of the detection page's."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.ops import batched_nms, box_iou

from vizcore import detection, fpn
from vizcore.data.photos import load_sample
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.detection import pyramid_detector
from vizcore.detection.output import FATES, refilter
from vizcore.models import fcos as models
from vizcore.models.fcos import FCOS, Detector, FCOSConfig, load_fcos
from vizcore.seeding import seeded

NAME = "fcos_lite0_fpn"


@pytest.fixture(scope="module")
def network():
    with seeded(0):
        fcos = FCOS(FCOSConfig("fpn", finest=3, channels=16, num_convs=1))
        nn.init.normal_(fcos.head.class_logits.weight, std=0.3)
    return Detector(fcos)


@pytest.fixture(scope="module")
def random_detector(network):
    return pyramid_detector.as_detector(NAME, network)


@pytest.fixture(scope="module")
def output(random_detector):
    photo = load_sample("coffee").pixels
    return detection.run_detector(random_detector, photo, score_threshold=0.3, iou_threshold=0.5)


def test_the_road_is_recorded(output, network):
    assert output.name == NAME
    assert output.image_size == load_sample("coffee").pixels.shape[:2]
    assert output.label_names == CLASSES
    assert [stage.name for stage in output.stages] == [
        "resize",
        "backbone",
        "feature pyramid",
        "head",
        "candidates",
        "score threshold",
        "NMS",
    ]
    assert all(stage.seconds >= 0 for stage in output.stages)
    # 600 × 400 becomes 512 × 341, padded to 512 × 384: 64·48 + 32·24 + 16·12 + 8·6 cells with six classes each.
    assert output.stages[3].count == (64 * 48 + 32 * 24 + 16 * 12 + 8 * 6) * 6
    assert output.stages[4].count == len(output.candidates) >= 100
    assert output.stages[-1].count == len(output)
    assert output.candidates.level_names == network.fcos.config.levels


def test_candidates_know_their_cell(output, network):
    candidates = output.candidates
    strides = np.array(network.fcos.config.strides)[candidates.levels]
    scale = np.array([512 / 600, 341 / 400])
    # Every prior is the square of its cell, and every box reaches from a point in the middle of it.
    corners = candidates.cells[:, ::-1] * strides[:, None] / scale
    assert np.allclose(candidates.priors[:, :2], corners, atol=1e-3)
    assert np.allclose(candidates.priors[:, 2:] - candidates.priors[:, :2], strides[:, None] / scale, atol=1e-3)
    middle = (candidates.priors[:, :2] + candidates.priors[:, 2:]) / 2
    on_photo = (middle <= output.image_size[::-1]).all(1)
    inside = (candidates.boxes[:, :2] < middle).all(1) & (middle < candidates.boxes[:, 2:]).all(1)
    assert on_photo.any()
    assert inside[on_photo].all()
    assert (candidates.anchors == 0).all()
    for place, stride in enumerate(network.fcos.config.strides):
        cells = candidates.cells[candidates.levels == place]
        assert (cells >= 0).all()
        assert (cells < [384 // stride, 512 // stride]).all()


def test_final_boxes_are_those_of_the_trace(output, network):
    trace = fpn.trace_fpn(network, load_sample("coffee").pixels, score_threshold=0.3, iou_threshold=0.5)
    assert len(output) > 3
    assert np.array_equal(output.boxes, trace.boxes[trace.keep])
    assert np.array_equal(output.origins, trace.keep)
    kept = batched_nms(*(torch.from_numpy(column) for column in (trace.input_boxes, trace.scores, trace.labels)), 0.5)
    survivors = [index for index in kept.tolist() if trace.scores[index] > np.float32(0.3)]
    assert output.origins.tolist() == survivors[: fpn.MAX_DETECTIONS]
    assert (output.scores > 0.3).all()


def test_other_thresholds_without_another_pass(output, random_detector):
    photo = load_sample("coffee").pixels
    fresh = detection.run_detector(random_detector, photo, score_threshold=0.5, iou_threshold=0.3)
    again = refilter(output, score_threshold=0.5, iou_threshold=0.3)
    assert np.array_equal(fresh.boxes, again.boxes)
    assert np.array_equal(fresh.labels, again.labels)


@pytest.mark.parametrize("size", [(16, 16), (60, 1200), (1, 700), (1, 1)])
def test_photos_of_any_shape(random_detector, size):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = detection.run_detector(random_detector, photo, score_threshold=0.3, iou_threshold=0.5)
    assert found.image_size == size
    assert len(found.candidates) > 0
    assert (found.boxes[:, 2:] <= np.array(size[::-1])).all()
    assert {FATES[fate] for fate in found.fates} <= set(FATES)


@pytest.mark.parametrize(
    "photo",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_photo_is_explained(random_detector, photo):
    for run in (lambda **options: detection.run_detector(random_detector, photo, **options),
                lambda **options: random_detector.run(photo, **options)):  # fmt: skip
        with pytest.raises(detection.DetectionError, match="A photo must"):
            run(score_threshold=0.3, iou_threshold=0.5)
    with pytest.raises(detection.DetectionError, match="score_threshold"):
        random_detector.run(np.zeros((4, 4, 3), np.uint8), score_threshold=2, iou_threshold=0.5)


def test_it_is_offered_where_its_file_is(tmp_path, monkeypatch):
    monkeypatch.setattr(pyramid_detector, "WEIGHTS_FOLDER", tmp_path)
    monkeypatch.setattr(models, "WEIGHTS_FOLDER", tmp_path)
    assert pyramid_detector.list_infos() == ()
    assert NAME not in [info.name for info in detection.list_detectors()]
    with pytest.raises(detection.DetectionError, match="no detector named"):
        detection.load_detector(NAME)
    with pytest.raises(detection.DetectionError, match="no detector named"):
        pyramid_detector.load(NAME)
    with pytest.raises(detection.DetectionError, match="no detector named"):
        pyramid_detector.load("yolo")
    (tmp_path / "fcos_fpn.safetensors").touch()
    (info,) = pyramid_detector.list_infos()
    assert info.available
    assert info.download_bytes == 0
    assert info.num_classes == len(CLASSES)
    names = [info.name for info in detection.list_detectors()]
    assert names.index("sliding_windows_unfused") < names.index(NAME) < names.index("ssdlite320_mobilenet_v3_large")


def test_the_shipped_detector_finds_the_objects_of_unseen_scenes():
    detector = detection.load_detector(NAME)
    found = wanted = right = said = 0
    for index in range(4):
        scene = draw_scene("validation", index)
        answer = detection.run_detector(
            detector,
            scene.pixels,
            score_threshold=detector.info.score_threshold,
            iou_threshold=detector.info.iou_threshold,
        )
        overlap = box_iou(torch.from_numpy(scene.boxes), torch.from_numpy(answer.boxes)).numpy()
        agree = (overlap > 0.5) & (scene.labels[:, None] == answer.labels[None])
        found, wanted = found + int(agree.any(1).sum()), wanted + len(scene.boxes)
        right, said = right + int(agree.any(0).sum()), said + len(answer)
    assert found / wanted > 0.6
    assert right / said > 0.6


def test_the_shipped_file_is_the_one_on_the_page():
    loaded = pyramid_detector.load(NAME)
    scene = draw_scene("validation", 1, size=256)
    own = pyramid_detector.as_detector(NAME, load_fcos("fcos_fpn"))
    ours, theirs = (each.run(scene.pixels, score_threshold=0.2, iou_threshold=0.6) for each in (loaded, own))
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)  # its normalizations are folded
