"""A frame of a camera, looked at: what is sent is what the recorded cascade says, and what OpenCV says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vizcore.data.photos import load_sample
from vizcore.detection import DetectionError
from vizcore.detection.live import GROUPING, NEIGHBOURS, SCALE_STEP, SMALLEST_FACE, load_live
from vizcore.image_pyramid.mtcnn import trace_mtcnn
from vizcore.image_pyramid.viola_jones import CASCADE
from vizcore.models.mtcnn import load_mtcnn


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return cv2.resize(load_sample("astronaut").pixels[:300, :400], (320, 240), interpolation=cv2.INTER_AREA)


def test_mtcnn_answers_with_its_own_record(frame: np.ndarray) -> None:
    live = load_live("mtcnn")(frame)
    trace = trace_mtcnn(load_mtcnn(), frame, min_size=SMALLEST_FACE)
    proposals, refined, faces = live.stages
    np.testing.assert_allclose(proposals.boxes, trace.proposals, atol=1e-4)
    np.testing.assert_allclose(refined.boxes, trace.refined_boxes, atol=1e-4)
    np.testing.assert_allclose(faces.boxes, trace.boxes, atol=1e-4)
    assert len(live.boxes) == len(live.scores) == 1
    assert live.landmarks.shape == (1, 5, 2)
    (x1, y1, x2, y2), points = live.boxes[0], live.landmarks[0]
    assert ((points > (x1, y1)) & (points < (x2, y2))).all()
    assert live.num_windows == trace.num_windows
    assert live.levels[0] == (90, 120)  # 12 / 32 of the frame


def test_the_cascade_answers_as_opencv_does_in_one_call(frame: np.ndarray) -> None:
    live = load_live("haar_face")(frame)
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}{CASCADE}")
    grey = cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    wanted = cascade.detectMultiScale(
        grey, scaleFactor=SCALE_STEP, minNeighbors=NEIGHBOURS, minSize=(SMALLEST_FACE, SMALLEST_FACE)
    )
    found = live.boxes.copy()
    found[:, 2:] -= found[:, :2]
    assert sorted(map(tuple, found.tolist())) == sorted(tuple(map(float, row)) for row in wanted)
    assert GROUPING == 0.2  # OpenCV's own
    assert len(live.stages[0].boxes) > NEIGHBOURS * len(live.boxes) > 0
    assert live.landmarks.shape[1] == 0


@pytest.mark.parametrize("name", ["mtcnn", "haar_face"])
def test_an_empty_room_has_no_face(name: str) -> None:
    live = load_live(name)(np.full((240, 320, 3), 90, np.uint8))
    assert len(live.boxes) == len(live.scores) == len(live.landmarks) == 0


def test_there_is_no_other_detector() -> None:
    with pytest.raises(DetectionError):
        load_live("yolo")
