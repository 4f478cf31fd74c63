"""Whether a score is a probability: the marking by hand, and the stored counts against the stored predictions."""

from pathlib import Path

import numpy as np
import pytest

from vizcore.data.scenes import draw_scene
from vizcore.detection import calibration

PREDICTIONS = Path(__file__).with_name("fcos_fpn_predictions.npz")
SIDE = 512
FIRST_EIGHT = ((0, 0), (152, 1), (251, 2), (173, 2), (81, 9), (45, 18), (29, 19), (42, 37), (27, 25), (0, 0))
"""What the same count gave when all 500 scenes were counted, after eight of them."""


def test_a_box_is_right_when_no_surer_one_has_found_its_object() -> None:
    targets = np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    boxes = np.array(
        [
            [0.0, 0.0, 10.0, 5.0],  # IoU exactly 1/2: right, were it not for the surer one
            [0.0, 0.0, 10.0, 8.0],  # 0.8 of the same object
            [20.0, 0.0, 30.0, 10.0],  # on the other object, with the wrong class
            [20.0, 0.0, 30.0, 5.0],  # 1/2: on the threshold is found
            [20.0, 0.0, 30.0, 4.0],  # 0.4
        ]
    )
    scores = np.array([0.5, 0.9, 0.8, 0.7, 0.95])
    right = calibration.mark_right(boxes, scores, np.array([0, 0, 0, 1, 1]), targets, np.array([0, 1]))
    assert right.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("num_boxes", "num_targets"), [(0, 2), (2, 0), (0, 0)])
def test_nothing_is_right_where_there_is_nothing(num_boxes: int, num_targets: int) -> None:
    right = calibration.mark_right(
        np.zeros((num_boxes, 4)),
        np.zeros(num_boxes),
        np.zeros(num_boxes, int),
        np.zeros((num_targets, 4)),
        np.zeros(num_targets, int),
    )
    assert right.tolist() == [False] * num_boxes


def test_scores_are_counted_by_tenths_and_one_belongs_to_the_last() -> None:
    counts = calibration.count_right(np.array([0.0, 0.25, 0.29, 1.0]), np.array([False, True, False, True]))
    assert counts.sum(0).tolist() == [4, 2]
    assert counts[[0, 2, 9]].tolist() == [[1, 0], [2, 1], [1, 1]]


def test_the_stored_counts_are_those_of_the_stored_predictions() -> None:
    """All boxes, by their scores; whether they are right on the first eight scenes, for drawing 500 takes minutes."""
    with np.load(PREDICTIONS) as stored:
        found = {name: stored[name] for name in ("boxes", "scores", "labels", "counts")}
    assert len(found["counts"]) == calibration.NUM_SCENES
    nothing = np.zeros(len(found["scores"]), bool)
    measured = np.array(calibration.MEASURED)
    assert measured[:, 0].tolist() == calibration.count_right(found["scores"], nothing)[:, 0].tolist()
    assert (measured[:, 1] <= measured[:, 0]).all()
    ends = np.cumsum(found["counts"])
    counts = np.zeros((calibration.NUM_BINS, 2), int)
    for index in range(8):
        part = slice(ends[index] - found["counts"][index], ends[index])
        scene = draw_scene("validation", index, size=SIDE)
        boxes, scores, labels = (found[name][part] for name in ("boxes", "scores", "labels"))
        counts += calibration.count_right(
            scores, calibration.mark_right(boxes, scores, labels, scene.boxes, scene.labels)
        )
    assert tuple(map(tuple, counts.tolist())) == FIRST_EIGHT
    assert (np.array(FIRST_EIGHT) <= measured).all()
