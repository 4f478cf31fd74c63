"""The class in the cost as -p and as -log p, over a training that is made up here."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torchvision.ops import box_convert, box_iou, generalized_box_iou

from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.detr.history import TrainingStrip
from vizcore.models.detr import CANVAS

NUM_QUERIES, NUM_TIMES = 30, 2


@pytest.fixture(scope="module")
def strip() -> TrainingStrip:
    random = np.random.default_rng(5)
    shape = (NUM_TIMES, 2, NUM_QUERIES)
    boxes = np.concatenate([random.uniform(0.2, 0.8, (*shape, 2)), random.uniform(0.05, 0.4, (*shape, 2))], -1)
    logits = 3 * random.normal(size=(*shape, 7))
    return TrainingStrip(np.array([10, 20]), np.array([3, 0]), logits.astype(np.float32), boxes.astype(np.float32))


def test_what_changes_is_what_scipy_says_of_both_costs(strip: TrainingStrip) -> None:
    found = detr.compare_class_costs(strip)
    assert found.steps.tolist() == [10, 20]
    scenes = [draw_scene("validation", index, size=CANVAS) for index in (3, 0)]
    assert found.num_objects == sum(len(scene.labels) for scene in scenes)
    for time in range(NUM_TIMES):
        changed, values, overlaps = 0, ([], [], []), ([], [])
        for place, scene in enumerate(scenes):
            p = torch.from_numpy(strip.logits[time, place]).softmax(-1).numpy()[:, scene.labels]
            boxes = box_convert(torch.from_numpy(strip.boxes[time, place]), "cxcywh", "xyxy")
            targets = torch.from_numpy(scene.boxes).float() / CANVAS
            centred = box_convert(targets, "xyxy", "cxcywh")
            distance = torch.cdist(torch.from_numpy(strip.boxes[time, place]), centred, p=1)
            by_place = (5 * distance - 2 * generalized_box_iou(boxes, targets)).numpy()
            iou = box_iou(boxes, targets).numpy()
            both = [dict(zip(*linear_sum_assignment(part + by_place)[::-1], strict=True)) for part in (-p, -np.log(p))]
            changed += sum(both[0][target] != both[1][target] for target in range(len(targets)))
            for kept, part in zip(values, (-p, -np.log(p), by_place), strict=True):
                kept.append(part.ravel())
            for kept, owners in zip(overlaps, both, strict=True):
                kept += [iou[owners[target], target] for target in range(len(targets))]
        assert found.changed[time] == changed > 0
        spans = [np.subtract(*np.percentile(np.concatenate(part), [95, 5])) for part in values]
        assert [found.spread[time], found.log_spread[time], found.place_spread[time]] == pytest.approx(spans, abs=1e-4)
        assert [found.best[time], found.log_best[time]] == pytest.approx([np.mean(each) for each in overlaps], abs=1e-5)


def test_without_a_weight_of_the_class_nothing_changes(strip: TrainingStrip) -> None:
    found = detr.compare_class_costs(strip, weights=(0, 5, 2))
    assert found.changed.tolist() == [0, 0]
    assert found.spread.tolist() == found.log_spread.tolist() == [0, 0]
    assert found.best.tolist() == found.log_best.tolist()


def test_fewer_queries_than_objects_leave_some_without_overlap(strip: TrainingStrip) -> None:
    few = TrainingStrip(strip.steps, strip.scenes, strip.logits[:, :, :1], strip.boxes[:, :, :1])
    found = detr.compare_class_costs(few)
    assert np.all(found.best <= 2 / found.num_objects)


def test_on_the_shipped_training_p_is_bounded_and_its_logarithm_is_not() -> None:
    found = detr.compare_class_costs(detr.load_strip())
    assert np.all(found.spread <= 1)
    assert np.all(found.log_spread[1:] > 3 * found.spread[1:])
    assert np.all(found.changed > 0)
    assert np.all(found.changed < found.num_objects / 4)  # most objects get the same query either way
