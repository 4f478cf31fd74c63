import math

import numpy as np
import pytest
import torch

from tests.vizcore.nms.candidates import pair_iou
from vizcore import nms
from vizcore.data import crowds


def plain_ap(boxes, scores, targets, threshold):
    """Average precision at one IoU threshold for one class and one picture, with the 101 recall levels."""
    free, hits = list(range(len(targets))), []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        ious = {t: pair_iou(boxes[index], targets[t]) for t in free}
        best = max(ious, key=ious.get, default=None)
        hit = best is not None and ious[best] >= threshold
        hits.append(hit)
        if hit:
            free.remove(best)
    found, points = 0, []
    for place, hit in enumerate(hits, start=1):
        found += hit
        points.append((found / len(targets), found / place))
    levels = [level / 100 for level in range(101)]
    return sum(max((p for r, p in points if r >= level - 1e-9), default=0.0) for level in levels) / 101


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_a_plain_count(seed):
    crowd = crowds.make_crowd("crowd", seed=seed)
    result = nms.evaluate_detections(crowd.boxes, crowd.scores, crowd.targets)
    arguments = (crowd.boxes.tolist(), crowd.scores.tolist(), crowd.targets.tolist())
    assert result.ap50 == pytest.approx(plain_ap(*arguments, 0.5), abs=1e-9)
    assert result.ap75 == pytest.approx(plain_ap(*arguments, 0.75), abs=1e-9)
    assert result.ap == pytest.approx(np.mean([plain_ap(*arguments, 0.5 + 0.05 * k) for k in range(10)]), abs=1e-6)
    assert result.ap50 == pytest.approx(result.precision50.mean())


def test_perfect_and_missing_detections():
    """One of two objects found: precision 1 up to recall 1/2, that is 51 of 101 levels."""
    targets = np.array([[0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    perfect = nms.evaluate_detections(targets, [0.9, 0.8], targets)
    assert (perfect.ap, perfect.precision, perfect.recall) == (pytest.approx(1), 1, 1)
    half = nms.evaluate_detections(targets[:1], [0.9], targets)
    assert half.ap == pytest.approx(51 / 101)
    assert half.lost.tolist() == [1]
    none = nms.evaluate_detections(np.zeros((0, 4)), np.zeros(0), targets)
    assert (none.ap, none.recall) == (0, 0)
    assert math.isnan(none.precision)
    no_truth = nms.evaluate_detections(targets, [0.9, 0.8], np.zeros((0, 4)))
    assert math.isnan(no_truth.ap)
    assert no_truth.precision == 0
    wrong_class = nms.evaluate_detections(targets, [0.9, 0.8], targets, labels=[0, 1], target_labels=[0, 0])
    assert wrong_class.matched.tolist() == [0, -1]
    wrong_picture = nms.evaluate_detections(targets, [0.9, 0.8], targets, images=[0, 1])
    assert wrong_picture.recall == 0.5


@pytest.mark.parametrize("seed", range(8))
def test_in_the_crowd_hard_nms_loses_a_true_object_and_soft_nms_does_not(seed):
    crowd = crowds.make_crowd("crowd", seed=seed)
    boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
    hard = nms.summarise_kept(nms.trace_nms(boxes, scores), crowd.targets)
    assert hard.lost.tolist() == [1]
    for method in ("soft_linear", "soft_gaussian", "matrix"):
        soft = nms.trace_nms(boxes, scores, method=method, score_threshold=0.05)
        assert nms.summarise_kept(soft, crowd.targets).lost.tolist() == []


def test_two_classes_on_one_spot_need_class_aware_suppression():
    crowd = crowds.make_crowd("two_classes")
    boxes, scores, labels = map(torch.from_numpy, (crowd.boxes, crowd.scores, crowd.labels))
    truth = {"labels": crowd.labels, "target_labels": crowd.target_labels}
    assert nms.summarise_kept(nms.trace_nms(boxes, scores), crowd.targets, **truth).lost.tolist() == [1]
    aware = nms.trace_nms(boxes, scores, labels=labels)
    assert nms.summarise_kept(aware, crowd.targets, target_labels=crowd.target_labels).lost.tolist() == []
