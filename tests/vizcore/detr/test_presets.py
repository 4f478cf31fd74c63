"""Every preset shows what it is there for."""

import numpy as np
import pytest
import torch

from vizcore import detr
from vizcore.detr.presets import PRESETS, MatchingPreset, load_preset


def cost_of(preset: MatchingPreset, boxes: torch.Tensor | None = None) -> torch.Tensor:
    chosen = preset.boxes_cxcywh if boxes is None else boxes
    return detr.match_cost(preset.logits, chosen, preset.labels, preset.targets_cxcywh).total


@pytest.mark.parametrize("name", PRESETS)
def test_probabilities_sum_to_one_and_boxes_lie_in_the_picture(name):
    preset = load_preset(name)
    torch.testing.assert_close(preset.logits.exp().sum(1), torch.ones(len(preset.logits), dtype=torch.float64))
    for boxes in (preset.boxes_cxcywh, preset.targets_cxcywh):
        assert torch.all(boxes[:, :2] - boxes[:, 2:] / 2 >= 0)
        assert torch.all(boxes[:, :2] + boxes[:, 2:] / 2 <= 1)


def test_in_the_scene_each_object_gets_its_query():
    queries, targets = detr.match(cost_of(load_preset("scene")))
    assert list(zip(queries.tolist(), targets.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_greedy_is_worse():
    cost = cost_of(load_preset("greedy"))
    greedy, optimal = detr.match_greedily(cost), detr.trace_matching(cost)
    assert greedy.total > optimal.total + 0.1
    assert sorted(zip(greedy.queries, greedy.targets, strict=True)) == [(0, 0), (1, 1)]
    assert optimal.targets.tolist() == [1, 0]


def test_of_two_on_one_object_one_is_left():
    preset = load_preset("duplicates")
    queries, targets = detr.match(cost_of(preset))
    assert dict(zip(queries.tolist(), targets.tolist(), strict=True)) == {0: 0, 2: 1}
    suppressed = detr.suppress(preset.logits, preset.boxes_cxcywh)
    assert suppressed.suppressed.tolist() == [1]  # a suppression takes the same one away
    # And the loss pushes it to "no object".
    logits = preset.logits.clone().requires_grad_()
    loss = detr.set_loss(logits[None, None], preset.boxes_cxcywh[None, None], [preset.labels], [preset.targets_cxcywh])
    loss["class"].backward()
    push = -logits.grad
    assert push[1, -1] > 0 > push[1, 0]
    assert push[0, 0] > 0 > push[0, -1]


def test_a_suppression_loses_what_the_matching_finds():
    preset = load_preset("overlapping")
    queries, _ = detr.match(cost_of(preset))
    assert queries.tolist() == [0, 1]
    suppressed = detr.suppress(preset.logits, preset.boxes_cxcywh)
    assert suppressed.keep.tolist() == [0]
    assert suppressed.suppressed.tolist() == [1]
    assert suppressed.unsure.tolist() == [2]


def test_more_objects_than_queries():
    preset = load_preset("crowded")
    queries, targets = detr.match(cost_of(preset))
    assert queries.tolist() == [0, 1, 2]
    assert set(range(len(preset.labels))) - set(targets.tolist()) == {3, 4}


def test_a_small_step_turns_the_assignment_over():
    preset = load_preset("flip")
    query, box = preset.moved
    after = preset.boxes_cxcywh.clone()
    after[query] = box
    before, behind = detr.match(cost_of(preset))[1], detr.match(cost_of(preset, after))[1]
    assert before.tolist() == [0, 1]
    assert behind.tolist() == [1, 0]
    assert (after - preset.boxes_cxcywh).abs().max() == 2 / 64


def test_there_is_no_other():
    with pytest.raises(ValueError, match="there is no preset 'none'; there are scene, greedy"):
        load_preset("none")


# -- suppression -------------------------------------------------------------------------------------------------------


def test_classes_do_not_suppress_each_other():
    box = torch.tensor([[0.5, 0.5, 0.25, 0.5]]).expand(3, 4)
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [3.0, 0.0, 0.0]])
    found = detr.suppress(logits, box)
    assert found.keep.tolist() == [0, 1]
    assert found.suppressed.tolist() == [2]
    np.testing.assert_allclose(found.scores, logits.softmax(1)[:, :2].amax(1))


@pytest.mark.parametrize("number", [0, 4])
def test_nobody_is_sure(number):
    found = detr.suppress(torch.zeros(number, 4), torch.full((number, 4), 0.25))
    assert len(found.keep) == len(found.suppressed) == 0
    assert found.unsure.tolist() == list(range(number))


def test_boxes_beyond_the_picture_are_suppressed_class_by_class_too():
    """torchvision shifts classes apart by the greatest coordinate: negative ones would let them collide."""
    boxes = torch.tensor([[-1.0, -1.0, 0.5, 0.25], [0.25, 0.25, 0.5, 0.25], [-1.0, -1.0, 0.5, 0.25]])
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 3.0, 0.0]])
    assert detr.suppress(logits, boxes).keep.tolist() == [0, 1, 2]
