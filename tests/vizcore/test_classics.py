"""The classics against OpenCV's own answers, and what their records count."""

import cv2
import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.detection import classics
from vizcore.image_pyramid import hog_people, viola_jones
from vizcore.image_pyramid.hog_people import trace_hog_people
from vizcore.image_pyramid.viola_jones import read_cascade, trace_viola_jones

FACE = (180, 60, 270, 175)  # of the astronaut


@pytest.fixture(scope="module")
def photo():
    return load_sample("astronaut").pixels


@pytest.fixture(scope="module")
def faces(photo):
    return trace_viola_jones(photo)


@pytest.fixture(scope="module")
def people(photo):
    return trace_hog_people(photo)


def test_the_cascade_is_the_released_one():
    stages = read_cascade()
    assert len(stages) == 25
    assert sum(len(stage.thresholds) for stage in stages) == 2913
    first = stages[0]
    assert first.corners[0].tolist() == [[6, 4, 12, 9], [6, 7, 12, 3], [0, 0, 0, 0]]
    assert first.weights[0].tolist() == [-1, 3, 0]
    for stage in stages:  # each feature's weights cancel over its area: it measures a difference
        areas = stage.corners[..., 2] * stage.corners[..., 3]
        assert (stage.weights * areas).sum(1) == pytest.approx(0)


def test_the_windows_that_pass_are_opencvs(photo, faces):
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + viola_jones.CASCADE)
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    theirs = detector.detectMultiScale(grey, scaleFactor=viola_jones.SCALE_STEP, minNeighbors=0)
    ours = faces.boxes[faces.passed == faces.num_stages]
    ours = np.concatenate([ours[:, :2], ours[:, 2:] - ours[:, :2]], axis=1)
    assert len(ours) == len(theirs) > 10
    away = np.abs(ours[:, None] - theirs[None]).max(2)  # OpenCV rounds to whole pixels
    assert away.min(0).max() <= 1.5
    assert away.min(1).max() <= 1.5


def test_every_window_is_counted_once(faces):
    assert faces.rejected.sum() + (faces.passed == faces.num_stages).sum() == sum(faces.num_windows)
    assert faces.left_after(0) == sum(faces.num_windows)
    assert faces.left_after(faces.recorded_from) == len(faces.passed)
    assert faces.left_after(faces.num_stages) == (faces.passed == faces.num_stages).sum()
    assert faces.rejected[0] > sum(faces.num_windows) / 2  # the first stage rejects most: that is why it is fast
    for number in range(faces.recorded_from, faces.num_stages):
        assert (faces.passed == number).sum() == faces.rejected[number]
    height, width = faces.level_sizes[1]
    assert faces.num_windows[1] == len(range(0, height - 23, 2)) * len(range(0, width - 23, 2))


def test_the_face_is_found_where_enough_windows_agree(photo):
    info = next(info for info in detection.list_detectors() if info.name == "haar_face")
    output = detection.run_detector(
        "haar_face", photo, score_threshold=info.score_threshold, iou_threshold=info.iou_threshold
    )
    assert len(output) >= 1
    overlaps = box_iou(torch.from_numpy(output.boxes), torch.tensor([FACE], dtype=torch.float32))
    assert overlaps.max() > 0.4
    counts = [stage.count for stage in output.stages[1:]]
    assert counts == sorted(counts, reverse=True)
    # Two neighbours are too few, three are enough.
    assert classics.agreement_score(2, 25) < info.score_threshold < classics.agreement_score(3, 25) < 1


def test_margins_are_opencvs(photo, people):
    height, width = people.level_sizes[0]
    level = cv2.resize(photo[..., ::-1].copy(), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    descriptor = cv2.HOGDescriptor()
    descriptor.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    places, weights = descriptor.detect(level, hitThreshold=-1, winStride=(8, 8), padding=(0, 0))
    on_first = people.levels == 0
    ours = {
        (int(column), int(row)): margin
        for (row, column), margin in zip(people.cells[on_first], people.margins[on_first], strict=True)
    }
    assert len(places) > 10
    for (x, y), weight in zip(places, weights.ravel(), strict=True):
        assert ours[x // 8, y // 8] == pytest.approx(weight, abs=1e-3)
    assert sum(margin >= -1 for margin in ours.values()) == len(places)


def test_half_is_the_border_of_the_template(people):
    output = classics.template_output(people, score_threshold=0.5, iou_threshold=1.0)
    assert len(output) == (people.margins > 0).sum()
    assert output.label_names == ("person",)
    best = people.margins.max()
    assert output.scores[0] == pytest.approx(1 / (1 + np.exp(-2 * best)))
    assert [stage.count for stage in output.stages][1] == len(people.margins)


@pytest.mark.parametrize("size", [(1, 1), (23, 300), (24, 24), (90, 60)])
def test_photos_that_are_too_small_or_plain(size):
    plain = np.full((*size, 3), 200, np.uint8)
    for name in classics.NAMES:
        output = detection.run_detector(name, plain, score_threshold=0.5, iou_threshold=0.5)
        assert len(output) == 0


def test_an_unknown_name_is_refused():
    with pytest.raises(detection.DetectionError, match="haar_face, hog_people"):
        classics.load("haar")
    assert hog_people.WINDOW == (128, 64)
