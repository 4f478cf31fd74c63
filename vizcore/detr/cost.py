"""What it costs to give a query a target: class, distance and overlap.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 3.1.

    As in the authors' code, and unlike the loss, the class part is the probability and not its logarithm: then it is of
    the same size as the other two parts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vizcore.detr.errors import (
    BAD_LABEL,
    BAD_SHAPE,
    NEGATIVE_SIZE,
    NOT_FINITE,
    DETRError,
)


class MatchCost(NamedTuple):
    """Costs of giving each query each target, already weighted.

    Attributes:
        total: ``[Q, T]`` sum of the three parts.
        class_part: ``[Q, T]`` minus the probability of the target's class, times its weight.
        bbox_part: ``[Q, T]`` L1 distance of the boxes in sides of the picture, times its weight.
        giou_part: ``[Q, T]`` minus their GIoU, times its weight.
    """

    total: Tensor
    class_part: Tensor
    bbox_part: Tensor
    giou_part: Tensor


def match_cost(
    logits: Float[Tensor, "Q K1"],
    boxes_cxcywh: Float[Tensor, "Q 4"],
    labels: Int64[Tensor, " T"],
    targets_cxcywh: Float[Tensor, "T 4"],
    *,
    cost_class: float = 1,
    cost_bbox: float = 5,
    cost_giou: float = 2,
) -> MatchCost:
    """Costs of giving each query each target of one picture.

    Args:
        logits: of the classes; the last one is "no object".
        boxes_cxcywh: predicted, in sides of the picture.
        labels: of the targets.
        targets_cxcywh: in sides of the picture.
        cost_class: weight of the class part.
        cost_bbox: weight of the L1 part.
        cost_giou: weight of the GIoU part.

    Raises:
        DETRError: If shapes do not fit, a number is not finite, a box has a negative size, or a label is not a class.
    """
    check_predictions(logits, boxes_cxcywh)
    labels = labels.long()  # an empty list of labels comes as float
    check_targets(labels, targets_cxcywh, num_classes=logits.shape[1] - 1)
    return MatchCost(
        *_parts(logits, boxes_cxcywh, labels, targets_cxcywh, (float(cost_class), float(cost_bbox), float(cost_giou)))
    )


def batch_costs(
    logits: Float[Tensor, "B Q K1"],
    boxes_cxcywh: Float[Tensor, "B Q 4"],
    labels: Int64[Tensor, "B T"],
    targets_cxcywh: Float[Tensor, "B T 4"],
    weights: tuple[float, float, float],
) -> Float[Tensor, "B Q T"]:
    """Total costs of many pictures at once, unchecked; targets that only fill the row up get some cost too."""
    return _parts(logits, boxes_cxcywh, labels, targets_cxcywh, weights)[0]


def _parts(
    logits: Tensor, boxes: Tensor, labels: Tensor, targets: Tensor, weights: tuple[float, float, float]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    probabilities = logits.softmax(-1)
    wanted = labels.unsqueeze(-2).expand(*logits.shape[:-1], labels.shape[-1])
    class_part = -weights[0] * probabilities.gather(-1, wanted)
    bbox_part = weights[1] * (boxes.unsqueeze(-2) - targets.unsqueeze(-3)).abs().sum(-1)
    giou_part = -weights[2] * generalized_iou(boxes.unsqueeze(-2), targets.unsqueeze(-3))
    return class_part + bbox_part + giou_part, class_part, bbox_part, giou_part


def generalized_iou(
    first_cxcywh: Float[Tensor, "... 4"], second_cxcywh: Float[Tensor, "... 4"]
) -> Float[Tensor, "..."]:
    """GIoU of boxes paired by broadcasting; 0 where both are the same point.

    Reference:
        Rezatofighi et al. Generalized Intersection over Union. CVPR 2019, arXiv 1902.09630.
    """
    return pair_giou(*first_cxcywh.unbind(-1), *second_cxcywh.unbind(-1))


def pair_giou(
    x: Tensor, y: Tensor, width: Tensor, height: Tensor, tx: Tensor, ty: Tensor, twidth: Tensor, theight: Tensor
) -> Tensor:
    """GIoU of a box and a target given by centre and size, elementwise: what the browser computes under a hand too."""
    x1, x2, y1, y2 = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    tx1, tx2, ty1, ty2 = tx - twidth / 2, tx + twidth / 2, ty - theight / 2, ty + theight / 2
    across = (torch.minimum(x2, tx2) - torch.maximum(x1, tx1)).clamp(min=0)
    down = (torch.minimum(y2, ty2) - torch.maximum(y1, ty1)).clamp(min=0)
    intersection = across * down
    union = width * height + twidth * theight - intersection
    enclosing = (torch.maximum(x2, tx2) - torch.minimum(x1, tx1)) * (torch.maximum(y2, ty2) - torch.minimum(y1, ty1))
    # A union or an enclosing box of nothing belongs to boxes without area: their ratio is 0, not 0 / 0.
    iou = intersection / torch.where(union > 0, union, torch.ones_like(union))
    return iou - (enclosing - union) / torch.where(enclosing > 0, enclosing, torch.ones_like(enclosing))


def check_predictions(logits: Tensor, boxes_cxcywh: Tensor) -> None:
    """Refuses predictions that cannot be matched.

    Raises:
        DETRError: see :func:`match_cost`.
    """
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise DETRError(BAD_SHAPE, name="logits", wanted="[queries, classes + 1]", found=list(logits.shape))
    if boxes_cxcywh.shape != (len(logits), 4):
        raise DETRError(BAD_SHAPE, name="boxes", wanted=f"[{len(logits)}, 4]", found=list(boxes_cxcywh.shape))
    if not logits.isfinite().all():
        raise DETRError(NOT_FINITE, name="logits")
    _check_boxes("boxes", boxes_cxcywh)


def check_targets(labels: Tensor, targets_cxcywh: Tensor, *, num_classes: int) -> None:
    """Refuses targets that cannot be matched.

    Raises:
        DETRError: see :func:`match_cost`.
    """
    if targets_cxcywh.shape != (len(labels), 4):
        raise DETRError(BAD_SHAPE, name="targets", wanted=f"[{len(labels)}, 4]", found=list(targets_cxcywh.shape))
    _check_boxes("targets", targets_cxcywh)
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if len(wrong):
        raise DETRError(BAD_LABEL, label=int(wrong[0]), last=num_classes - 1, none=num_classes)


def _check_boxes(name: str, boxes: Tensor) -> None:
    if not boxes.isfinite().all():
        raise DETRError(NOT_FINITE, name=name)
    rows = torch.nonzero((boxes[:, 2:] < 0).any(1))[:, 0]
    if len(rows):
        raise DETRError(NEGATIVE_SIZE, name=name, row=int(rows[0]))
