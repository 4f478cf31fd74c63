"""Found, false and missed against drawn boxes: by hand, against COCO's program asked another way, and at the edges."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask

from tests.vizcore.test_detection import output_of, random_candidates
from vizcore.data.annotations import load_annotations
from vizcore.data.photos import PhotoError, list_people, list_samples, load_sample, sample_file
from vizcore.data.portraits import PER_ROW, SIDES, SIZE, portrait_boxes
from vizcore.data.script import write_photo
from vizcore.detection import DetectionError, run_detector
from vizcore.detection.script import write_truth_script
from vizcore.detection.truth import MATCH_THRESHOLDS, judge
from vizcore.nms.evaluation import evaluate_detections

# A 10 × 10 object on the left, one on the right. The first box covers half of the left one (IoU 1/2), the second three
# quarters of it, the third lies on nothing.
OBJECTS = [[0, 0, 10, 10], [50, 0, 60, 10]]
BOXES = [[0, 0, 10, 5], [0, 0, 7.5, 10], [80, 80, 90, 90]]


def test_by_hand():
    verdict = judge(output_of(BOXES, [0.75, 0.5, 0.25], iou_threshold=1.0), OBJECTS)
    assert verdict.matched.tolist() == [0, -1, -1]  # the surest takes the object, though the second fits better
    assert verdict.found_by.tolist() == [0, -1]
    assert verdict.pair_ious.tolist() == [0.5, 0.75, 0.0]
    assert verdict.best_ious.tolist() == [0.75, 0.0]
    assert (verdict.num_found, verdict.num_missed, verdict.num_false) == (1, 1, 2)
    assert (verdict.precision, verdict.recall) == (1 / 3, 1 / 2)
    # At 0.5 the first box is right and half of the objects are found: precision 1 up to recall 0.5, then 0.
    assert verdict.ap50 == pytest.approx(51 / 101)
    assert verdict.curve.tolist() == pytest.approx([1.0] * 51 + [0.0] * 50)
    # From 0.55 to 0.75 the second of the ranking is the first right one: precision 1/2. Above nothing fits.
    assert verdict.ap == pytest.approx((51 / 101) * (1 + 5 * 0.5) / 10)
    stricter = judge(output_of(BOXES, [0.75, 0.5, 0.25], iou_threshold=1.0), OBJECTS, match_threshold=0.6)
    assert stricter.matched.tolist() == [-1, 0, -1]
    assert stricter.curve.tolist() == pytest.approx([0.5] * 51 + [0.0] * 50)


def test_ap_counts_boxes_below_the_detectors_own_threshold():
    sure = judge(output_of(BOXES[1:2], [0.5], score_threshold=0.75), OBJECTS[:1])
    assert (len(sure.matched), sure.num_missed) == (0, 1)
    assert math.isnan(sure.precision)
    assert sure.ap50 == pytest.approx(1)
    below = judge(output_of(BOXES[1:2], [0.05], score_threshold=0.75), OBJECTS[:1])  # not above 0.05
    assert (below.num_ranked, below.ap) == (0, 0.0)


def test_names_do_not_count():
    boxes, labels = OBJECTS, [0, 2]
    assert judge(output_of(boxes, [0.9, 0.8], labels), OBJECTS).ap == pytest.approx(1)


@pytest.mark.parametrize("boxes", [0, 1])
def test_nothing_drawn_or_nothing_found(boxes):
    output = output_of(BOXES[:boxes], [0.5] * boxes)
    nothing_drawn = judge(output, [])
    assert nothing_drawn.num_false == boxes
    assert all(map(math.isnan, (nothing_drawn.ap, nothing_drawn.ap50, nothing_drawn.recall)))
    assert np.isnan(nothing_drawn.curve).all()
    found = judge(output, OBJECTS)
    assert found.num_missed == 2 - boxes
    assert found.best_ious.shape == (2,)


def test_a_box_without_an_area_is_missed_by_all():
    verdict = judge(output_of([[0, 0, 10, 10]], [0.5]), [[5, 5, 5, 5]])
    assert (verdict.num_missed, verdict.best_ious.tolist()) == (1, [0.0])


@pytest.mark.parametrize("threshold", [0.49, 0.52, 1.0, float("nan")])
def test_only_cocos_thresholds(threshold):
    with pytest.raises(DetectionError, match="match threshold"):
        judge(output_of(BOXES[:1], [0.5]), OBJECTS, match_threshold=threshold)


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(DetectionError, match="four columns"):
        judge(output_of(BOXES[:1], [0.5]), [[0, 0, 1]])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 10_000), st.sampled_from(MATCH_THRESHOLDS))
def test_agrees_with_a_second_matching_and_with_rle_overlaps(count, objects, seed, threshold):
    boxes, scores, _ = random_candidates(count, seed)
    truths = random_candidates(objects, seed + 1)[0].double().numpy()
    truths[0] = boxes[0].double().numpy()  # one of them fits
    output = output_of(boxes, scores, iou_threshold=1.0)
    verdict = judge(output, truths, match_threshold=threshold)
    ours = evaluate_detections(output.boxes, output.scores, truths, match_threshold=threshold)
    assert verdict.matched.tolist() == ours.matched.tolist()
    assert verdict.num_found + verdict.num_missed == objects
    assert verdict.num_found + verdict.num_false == len(output)
    assert (verdict.pair_ious[verdict.matched >= 0] >= threshold - 1e-6).all()

    def xywh(corners):
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1).astype(np.float64)

    assert np.allclose(verdict.best_ious, mask.iou(xywh(output.boxes), xywh(truths), [0] * objects).max(0))


def test_more_than_a_hundred_final_boxes_are_all_judged():
    boxes = [[x * 10.0, 0.0, x * 10.0 + 8, 8.0] for x in range(120)]
    verdict = judge(output_of(boxes, np.linspace(0.9, 0.5, 120)), boxes)
    assert (verdict.num_found, verdict.num_ranked) == (120, 100)


# -- the crowd ------------------------------------------------------------------------------------------------------


def test_the_crowd_is_where_it_says():
    pixels = load_sample("portraits").pixels
    assert pixels.shape == (*SIZE, 3)
    boxes = portrait_boxes()
    assert len(boxes) == len(SIDES) * PER_ROW == 100
    assert [box[3] - box[1] for box in boxes[::PER_ROW]] == list(SIDES)
    ground = np.ones(SIZE, bool)
    for left, top, right, bottom in boxes:
        assert ground[top:bottom, left:right].all()  # none over another
        ground[top:bottom, left:right] = False
        assert pixels[top:bottom, left:right].std() > 10  # a face, not the ground
    assert (pixels[ground] == 128).all()
    assert [note.box for note in load_annotations("portraits")] == boxes


def test_people_are_samples_too_and_described():
    people = list_people()
    assert {each.name for each in people}.isdisjoint(each.name for each in list_samples())
    assert all(each.title and each.source and each.licence for each in people)
    assert [sample_file(each.name) for each in people] == ["camera.png", "portraits.png"]
    with pytest.raises(PhotoError, match="portraits"):
        load_sample("mona")


@pytest.fixture(scope="module")
def crowd():
    photo = load_sample("portraits").pixels
    return {
        name: judge(
            run_detector(name, photo, score_threshold=score, iou_threshold=0.3),
            [note.box for note in load_annotations("portraits")],
        )
        for name, score in (("mtcnn", 0.8), ("haar_face", 0.98))
    }


def test_far_faces_are_missed_first(crowd):
    rows = {name: (verdict.found_by >= 0).reshape(-1, PER_ROW).sum(1) for name, verdict in crowd.items()}
    assert rows["mtcnn"][0] == rows["haar_face"][0] == 0  # 12 pixels: smaller than either's window
    assert (rows["mtcnn"][2:] >= 9).all()  # from 20 pixels on
    assert (rows["haar_face"][:3] == 0).all()  # its window has 24 pixels
    assert (rows["haar_face"][6:] >= 9).all()
    assert all(verdict.num_false <= 1 for verdict in crowd.values())


def test_the_script_prints_what_was_judged(crowd):
    source = write_truth_script(write_photo("portraits"), list(crowd.values()))
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=240)
    lines = ran.stdout.splitlines()
    for name, verdict in crowd.items():
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} "))
        assert lines[at].split()[1:] == [
            *map(str, (verdict.num_found, verdict.num_missed, verdict.num_false)),
            f"{verdict.ap:.4f}",
            f"{verdict.ap50:.4f}",
        ]
        told = [line.split()[-1] for line in lines[at + 1 : at + 101]]
        assert told == ["missed" if box < 0 else f"{verdict.pair_ious[box]:.4f}" for box in verdict.found_by]
