"""The set prediction loss: match first, then teach each query what it was matched to, after every decoder layer.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 3.1 and
    appendix A.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from vizcore.detr.cost import batch_costs, check_predictions, check_targets, generalized_iou
from vizcore.detr.matching import match

NO_OBJECT_WEIGHT: Final = 0.1
"""Of a query that has to say "no object", in the mean over all queries."""
COST_WEIGHTS: Final = (1.0, 5.0, 2.0)
LOSS_WEIGHTS: Final = (1.0, 5.0, 2.0)
UNUSED: Final = -2
"""In an assignment: a query that is asked nothing."""


def set_loss(
    logits: Float[Tensor, "L N Q K1"],
    boxes_cxcywh: Float[Tensor, "L N Q 4"],
    labels: Sequence[Int64[Tensor, " T"]],
    targets_cxcywh: Sequence[Float[Tensor, "T 4"]],
    *,
    cost_weights: tuple[float, float, float] = COST_WEIGHTS,
    loss_weights: tuple[float, float, float] = LOSS_WEIGHTS,
    no_object_weight: float = NO_OBJECT_WEIGHT,
) -> dict[str, Tensor]:
    """The losses of a batch, each already weighted: their sum is minimised.

    The matching is made anew after every layer and has no gradient. The class loss is a weighted mean over all queries
    of the batch: divided by the sum of the weights, not by the number of queries. The box losses are sums over matched
    pairs divided by the number of targets in the batch, at least 1.

    Args:
        logits: after each decoder layer; the last class is "no object".
        boxes_cxcywh: after each decoder layer, in sides of the picture.
        labels: of each picture's targets.
        targets_cxcywh: of each picture, in sides of the picture.
        cost_weights: of class, L1 and GIoU in the matching.
        loss_weights: of class, L1 and GIoU in the loss.
        no_object_weight: of a query without a target in the class loss.

    Returns:
        ``class``, ``bbox`` and ``giou`` of the last layer, and ``class_0``, … of the auxiliary losses of those before.

    Raises:
        DETRError: If a prediction or a target cannot be matched.
    """
    for image_labels, image_targets in zip(labels, targets_cxcywh, strict=True):
        check_targets(image_labels, image_targets, num_classes=logits.shape[-1] - 1)
    for image in range(logits.shape[1]):
        for layer in range(logits.shape[0]):
            check_predictions(logits[layer, image], boxes_cxcywh[layer, image])
    padded_labels, padded_targets, counts = pad_targets(labels, targets_cxcywh)
    losses: dict[str, Tensor] = {}
    for layer, (layer_logits, layer_boxes) in enumerate(zip(logits, boxes_cxcywh, strict=True)):
        owners = assign_batch(layer_logits, layer_boxes, padded_labels, padded_targets, counts, cost_weights)
        parts = assigned_losses(
            layer_logits,
            layer_boxes,
            owners,
            padded_labels,
            padded_targets,
            num_targets=max(sum(counts), 1),
            no_object_weight=no_object_weight,
        )
        suffix = "" if layer == len(logits) - 1 else f"_{layer}"
        for name, part, weight in zip(("class", "bbox", "giou"), parts, loss_weights, strict=True):
            losses[name + suffix] = weight * part
    return losses


def pad_targets(labels: Sequence[Tensor], targets: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[int]]:
    """Targets of a batch side by side: labels ``[N, T]``, boxes ``[N, T, 4]`` and how many of each row are real."""
    counts = [len(each) for each in labels]
    most = max([1, *counts])
    padded_labels = torch.zeros(len(counts), most, dtype=torch.int64)
    padded_targets = torch.full((len(counts), most, 4), 0.5)
    for row, (image_labels, image_targets) in enumerate(zip(labels, targets, strict=True)):
        padded_labels[row, : counts[row]] = image_labels
        padded_targets[row, : counts[row]] = image_targets
    return padded_labels, padded_targets, counts


@torch.no_grad()
def assign_batch(
    logits: Float[Tensor, "B Q K1"],
    boxes_cxcywh: Float[Tensor, "B Q 4"],
    labels: Int64[Tensor, "B T"],
    targets_cxcywh: Float[Tensor, "B T 4"],
    counts: Sequence[int],
    cost_weights: tuple[float, float, float] = COST_WEIGHTS,
) -> Int64[Tensor, "B Q"]:
    """Which target each query gets, -1 for none; a matching of its own in every row."""
    costs = batch_costs(logits.float(), boxes_cxcywh.float(), labels, targets_cxcywh, cost_weights)
    owners = torch.full(logits.shape[:2], -1)
    for row, count in enumerate(counts):
        queries, matched = match(costs[row, :, :count])
        owners[row, queries] = matched
    return owners


def assigned_losses(
    logits: Float[Tensor, "B Q K1"],
    boxes_cxcywh: Float[Tensor, "B Q 4"],
    owners: Int64[Tensor, "B Q"],
    labels: Int64[Tensor, "B T"],
    targets_cxcywh: Float[Tensor, "B T 4"],
    *,
    num_targets: float,
    no_object_weight: float = NO_OBJECT_WEIGHT,
) -> tuple[Tensor, Tensor, Tensor]:
    """Class, L1 and GIoU loss of queries that know their target, unweighted.

    Args:
        logits: the last class is "no object".
        boxes_cxcywh: in sides of the picture.
        owners: index of each query's target, -1 for none, ``UNUSED`` for a query that is asked nothing.
        labels: of the targets.
        targets_cxcywh: in sides of the picture.
        num_targets: that the box losses are divided by.
        no_object_weight: of a query without a target.
    """
    nothing = logits.shape[-1] - 1
    matched = owners >= 0
    safe = owners.clamp(min=0)
    wanted = torch.where(matched, labels.gather(1, safe), nothing)
    wanted = torch.where(owners == UNUSED, -100, wanted)
    weights = torch.ones(nothing + 1)
    weights[nothing] = no_object_weight
    flat = wanted.flatten()
    each = F.cross_entropy(logits.float().flatten(0, 1), flat, weights, ignore_index=-100, reduction="sum")
    share = weights[flat.clamp(min=0)][flat >= 0].sum().clamp(min=1e-6)
    predicted = boxes_cxcywh[matched].float()
    true = targets_cxcywh.gather(1, safe[..., None].expand(*safe.shape, 4))[matched]
    bbox = (predicted - true).abs().sum() / num_targets
    giou = (1 - generalized_iou(predicted, true)).sum() / num_targets
    return each / share, bbox, giou
