"""The set prediction loss: held to a slow one written down from the paper, and to hand values."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torchvision.ops import box_convert, generalized_box_iou, generalized_box_iou_loss

from tests.vizcore.detr.predictions import random_boxes, random_set
from vizcore import detr
from vizcore.detr.loss import UNUSED, assigned_losses


def batch(counts, *, layers: int = 3, num_queries: int = 8, seed: int = 0):
    """Predictions of several layers and targets of several pictures."""
    sets = [random_set(num_queries, count, seed=seed + 10 * place) for place, count in enumerate(counts)]
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(layers, len(counts), num_queries, 5, generator=generator, dtype=torch.float64)
    boxes = random_boxes(layers * len(counts) * num_queries, seed=seed).reshape(layers, len(counts), num_queries, 4)
    return logits, boxes, [each[2] for each in sets], [each[3].float().double() for each in sets]


def slow_loss(logits, boxes, labels, targets, *, no_object_weight=0.1):
    """One layer, picture by picture, as section 3.1 says it; torch's and torchvision's own losses."""
    wanted, predicted, true = [], [], []
    for image in range(len(labels)):
        overlap = generalized_box_iou(*(box_convert(each, "cxcywh", "xyxy") for each in (boxes[image], targets[image])))
        cost = -logits[image].softmax(1)[:, labels[image]] + 5 * torch.cdist(boxes[image], targets[image], p=1)
        queries, columns = linear_sum_assignment((cost - 2 * overlap).detach().numpy())
        classes = torch.full((len(boxes[image]),), logits.shape[-1] - 1)
        classes[queries] = labels[image][columns]
        wanted.append(classes)
        predicted.append(boxes[image][queries])
        true.append(targets[image][columns])
    weight = torch.ones(logits.shape[-1], dtype=logits.dtype)
    weight[-1] = no_object_weight
    predicted, true = torch.cat(predicted), torch.cat(true)
    number = max(sum(len(each) for each in labels), 1)
    corners = (box_convert(each, "cxcywh", "xyxy") for each in (predicted, true))
    return (
        F.cross_entropy(logits.flatten(0, 1), torch.cat(wanted), weight),
        F.l1_loss(predicted, true, reduction="sum") / number,
        generalized_box_iou_loss(*corners, reduction="sum") / number,
    )


@pytest.mark.parametrize("counts", [[3], [3, 0, 5], [0, 0], [9, 2], [8]])
def test_every_layer_equals_the_slow_loss(counts):
    logits, boxes, labels, targets = batch(counts)
    losses = detr.set_loss(logits, boxes, labels, targets)
    names = ["class", "bbox", "giou"]
    assert set(losses) == {*names, *(f"{name}_{layer}" for name in names for layer in (0, 1))}
    for layer, suffix in enumerate(["_0", "_1", ""]):
        expected = slow_loss(logits[layer], boxes[layer], labels, targets)
        for name, value, weight in zip(names, expected, (1, 5, 2), strict=True):
            torch.testing.assert_close(losses[name + suffix].double(), weight * value, rtol=1e-4, atol=1e-6)


def test_gradients_equal_the_slow_losss():
    logits, boxes, labels, targets = batch([3, 0, 5], layers=1)
    gradients = []
    for loss in (
        lambda x, y: sum(detr.set_loss(x[None], y[None], labels, targets).values()),
        lambda x, y: sum(w * part for w, part in zip((1, 5, 2), slow_loss(x, y, labels, targets), strict=True)),
    ):
        x, y = logits[0].clone().requires_grad_(), boxes[0].clone().requires_grad_()
        loss(x, y).backward()
        gradients.append((x.grad, y.grad))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_class_loss_is_divided_by_the_sum_of_the_weights():
    """One query of ten has an object. All say 1/4 for what they should: each loses log 4, and so the weighted mean.

    Divided by the number of queries it would be (1 + 9 · 0.1) / 10 of that.
    """
    logits = torch.zeros(1, 1, 10, 4)
    boxes = torch.full((1, 1, 10, 4), 0.25)
    losses = detr.set_loss(logits, boxes, [torch.tensor([2])], [torch.full((1, 4), 0.25)])
    assert losses["class"].item() == pytest.approx(math.log(4))
    assert losses["bbox"].item() == losses["giou"].item() == 0.0


def test_the_weight_of_no_object_by_hand():
    """Two queries, one matched and wrong (it loses a), one that says "no object" (it loses b): (a + b / 10) / 1.1."""
    logits = torch.tensor([[[[0.0, 0.0, 3.0], [0.0, 0.0, 3.0]]]])
    boxes = torch.tensor([[[[0.5, 0.5, 0.25, 0.25], [0.25, 0.25, 0.125, 0.25]]]])
    losses = detr.set_loss(logits, boxes, [torch.tensor([0])], [boxes[0, 0, :1]])
    wrong, right = (-torch.tensor([0.0, 0.0, 3.0]).log_softmax(0)[index].item() for index in (0, 2))
    assert losses["class"].item() == pytest.approx((wrong + 0.1 * right) / 1.1)


def test_without_targets_only_the_class_is_taught():
    logits, boxes, _, _ = batch([0])
    empty = [torch.zeros(0, dtype=torch.int64)], [torch.zeros(0, 4)]
    boxes.requires_grad_()
    losses = detr.set_loss(logits, boxes, *empty)
    assert losses["bbox"] == losses["giou"] == 0
    assert losses["class"] > 0
    sum(losses.values()).backward()
    assert boxes.grad.abs().sum() == 0


def test_a_query_too_many_is_pushed_to_no_object():
    """Two queries on one object: the gradient raises "no object" for the one that is not matched, not for the other."""
    logits = torch.zeros(1, 1, 2, 3, requires_grad=True)
    boxes = torch.tensor([[[[0.5, 0.5, 0.25, 0.25], [0.5, 0.5, 0.375, 0.25]]]])
    detr.set_loss(logits, boxes, [torch.tensor([0])], [boxes[0, 0, :1]])["class"].backward()
    push = -logits.grad[0, 0]
    assert push[0, 0] > 0 > push[0, 2]
    assert push[1, 2] > 0 > push[1, 0]


def test_each_layer_is_matched_anew():
    """The first layer's boxes are swapped: with one matching for both it would lose a lot."""
    targets = torch.tensor([[0.25, 0.25, 0.25, 0.125], [0.75, 0.75, 0.125, 0.25]])
    boxes = torch.stack([targets.flip(0), targets])[:, None]
    losses = detr.set_loss(torch.zeros(2, 1, 2, 3), boxes, [torch.tensor([0, 1])], [targets])
    assert losses["bbox_0"] == losses["bbox"] == 0


def test_permuting_queries_and_targets_changes_nothing():
    logits, boxes, labels, targets = batch([4, 6])
    first = detr.set_loss(logits, boxes, labels, targets)
    order = torch.tensor([3, 1, 0, 7, 6, 2, 5, 4])
    second = detr.set_loss(
        logits[:, :, order], boxes[:, :, order], [each.flip(0) for each in labels], [each.flip(0) for each in targets]
    )
    for name, value in first.items():
        torch.testing.assert_close(second[name], value)


def test_a_query_that_is_asked_nothing_adds_nothing():
    logits, boxes, labels, targets = (each[:1] for each in batch([2], layers=1))
    owners = torch.tensor([[0, 1, -1, UNUSED, UNUSED, UNUSED, UNUSED, UNUSED]])
    arguments = (torch.stack(labels), torch.stack(targets))
    whole = assigned_losses(logits[0], boxes[0], owners, *arguments, num_targets=2)
    part = assigned_losses(logits[0][:, :3], boxes[0][:, :3], owners[:, :3], *arguments, num_targets=2)
    for one, other in zip(whole, part, strict=True):
        torch.testing.assert_close(one, other)


def test_bad_targets_are_refused_in_a_sentence():
    logits, boxes, labels, targets = batch([2])
    with pytest.raises(detr.DETRError, match="There is no class 4"):
        detr.set_loss(logits, boxes, [labels[0] * 0 + 4], targets)
    with pytest.raises(detr.DETRError, match="negative width"):
        detr.set_loss(logits, boxes, labels, [-targets[0]])
    boxes[1, 0, 3, 0] = torch.nan
    with pytest.raises(detr.DETRError, match="boxes holds a number that is not finite"):
        detr.set_loss(logits, boxes, labels, targets)
