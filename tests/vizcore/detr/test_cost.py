"""Costs: each part held to another library, and to hand values."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_convert, generalized_box_iou

from tests.vizcore.detr.predictions import random_boxes, random_set
from vizcore import detr
from vizcore.detr.cost import generalized_iou


def test_giou_is_torchvisions():
    first, second = random_boxes(300, seed=1), random_boxes(200, seed=2)
    expected = generalized_box_iou(*(box_convert(boxes, "cxcywh", "xyxy") for boxes in (first, second)))
    torch.testing.assert_close(generalized_iou(first[:, None], second), expected, rtol=1e-9, atol=1e-12)


def test_parts_are_what_each_library_says():
    logits, boxes, labels, targets = random_set(40, 15)
    cost = detr.match_cost(logits, boxes, labels, targets, cost_class=3, cost_bbox=7, cost_giou=11)
    torch.testing.assert_close(cost.class_part, -3 * logits.softmax(1)[:, labels])
    torch.testing.assert_close(cost.bbox_part, 7 * torch.cdist(boxes, targets, p=1))
    overlap = generalized_box_iou(*(box_convert(each, "cxcywh", "xyxy") for each in (boxes, targets)))
    torch.testing.assert_close(cost.giou_part, -11 * overlap)
    torch.testing.assert_close(cost.total, cost.class_part + cost.bbox_part + cost.giou_part)


def test_the_papers_weights_are_the_default():
    logits, boxes, labels, targets = random_set(5, 3)
    default = detr.match_cost(logits, boxes, labels, targets).total
    said = detr.match_cost(logits, boxes, labels, targets, cost_class=1, cost_bbox=5, cost_giou=2).total
    assert torch.equal(default, said)


def test_by_hand():
    """A sure query on the very box: -1·p + 5·0 - 2·1. One beside it, half as wide: L1 = 0.5 + 0.25, and the GIoU below.

    The target spans x 0.25 to 0.75, the second box 0.875 to 1.125, both y 0.25 to 0.75: no overlap, union
    0.25 + 0.125 = 0.375, enclosing box 0.875 × 0.5 = 0.4375, so GIoU = -(0.4375 - 0.375) / 0.4375 = -1/7.
    """
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]])  # probabilities 1/4 and 1/2 of class 0
    boxes = torch.tensor([[0.5, 0.5, 0.5, 0.5], [1.0, 0.5, 0.25, 0.5]])
    cost = detr.match_cost(logits, boxes, torch.tensor([0]), boxes[:1])
    assert cost.class_part[:, 0].tolist() == pytest.approx([-0.25, -0.5])
    assert cost.bbox_part[:, 0].tolist() == pytest.approx([0.0, 5 * 0.75])
    assert cost.giou_part[:, 0].tolist() == pytest.approx([-2.0, 2 / 7])


def test_no_object_has_no_part_in_the_cost():
    """Two queries of equal class probability cost the same, however sure the rest is of nothing."""
    logits = torch.tensor([[1.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
    box = torch.tensor([[0.5, 0.5, 0.25, 0.125]])
    cost = detr.match_cost(logits, box.expand(2, 4), torch.tensor([0]), box)
    assert cost.total[0, 0] == pytest.approx(cost.total[1, 0].item())


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1000))
def test_bounds(num_queries, num_targets, seed):
    cost = detr.match_cost(*random_set(num_queries, num_targets, seed=seed))
    assert cost.total.shape == (num_queries, num_targets)
    assert torch.all((cost.class_part <= 0) & (cost.class_part >= -1))
    assert torch.all(cost.bbox_part >= 0)
    assert torch.all((cost.giou_part >= -2) & (cost.giou_part <= 2))


def test_boxes_without_area_have_a_cost():
    """0 / 0 would make the whole matrix unusable: two points get IoU 0, and the box around them is empty."""
    point = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    assert generalized_iou(point, point).tolist() == [0.0]
    away = torch.tensor([[0.75, 0.25, 0.0, 0.0]])
    assert generalized_iou(point, away).tolist() == [-1.0]  # nothing but emptiness between them
    cost = detr.match_cost(torch.zeros(1, 3), point, torch.tensor([0]), point)
    assert cost.total.isfinite().all()


def test_gradients_flow_through_the_parts():
    logits, boxes, labels, targets = random_set(4, 3)
    boxes.requires_grad_()
    detr.match_cost(logits, boxes, labels, targets).total.sum().backward()
    assert boxes.grad.isfinite().all()
    assert boxes.grad.abs().sum() > 0


BOX = torch.tensor([[0.5, 0.5, 0.25, 0.125]])
LOGITS = torch.zeros(1, 3)
LABEL = torch.tensor([1])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (LOGITS, torch.tensor([[0.5, 0.5, -0.25, 0.25]]), LABEL, BOX),
            "Box 0 of boxes has a negative width or height; a box must not be inside out.",
        ),
        (
            (LOGITS, BOX, LABEL, torch.tensor([[0.5, 0.5, 0.25, -0.25]])),
            "Box 0 of targets has a negative width or height; a box must not be inside out.",
        ),
        (
            (LOGITS, BOX, torch.tensor([2]), BOX),
            'There is no class 2: classes run from 0 to 1, and 2 is "no object".',
        ),
        (
            (LOGITS, BOX, torch.tensor([-1]), BOX),
            'There is no class -1: classes run from 0 to 1, and 2 is "no object".',
        ),
        (
            (LOGITS + torch.nan, BOX, LABEL, BOX),
            "logits holds a number that is not finite; nothing can be matched with it.",
        ),
        (
            (LOGITS, BOX * torch.inf, LABEL, BOX),
            "boxes holds a number that is not finite; nothing can be matched with it.",
        ),
        ((LOGITS, BOX[:, :3], LABEL, BOX), "boxes must have the shape [1, 4], not [1, 3]."),
        ((LOGITS, BOX, LABEL, BOX[:0]), "targets must have the shape [1, 4], not [0, 4]."),
        ((LOGITS[0], BOX, LABEL, BOX), "logits must have the shape [queries, classes + 1], not [3]."),
        ((LOGITS[:, :1], BOX, LABEL, BOX), "logits must have the shape [queries, classes + 1], not [1, 1]."),
    ],
)
def test_what_cannot_be_matched_is_refused_in_a_sentence(arguments, sentence):
    with pytest.raises(detr.DETRError) as caught:
        detr.match_cost(*arguments)
    assert str(caught.value) == sentence
