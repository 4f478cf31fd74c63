"""How much two boxes overlap, under the conventions that detectors have used, and what is refused at the door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from vizcore.errors import ExplainedError

MAX_COORDINATE = 1e9  # beyond this a float32 area loses whole pixels, and nothing is a picture any more


class NMSError(ExplainedError, ValueError):
    """Candidates or options that no suppression can be run on; the sentence says why."""


def pairwise_overlaps(
    boxes: Float[Tensor, "A 4"],
    others: Float[Tensor, "B 4"],
    *,
    distance_power: float | None = None,
    pixel_inclusive: bool = False,
) -> Float[Tensor, "A B"]:
    """Measures every box against every other: IoU, or IoU less the distance of the centres (the DIoU-NMS criterion).

    The order of the operations is that of ``torchvision.ops.nms``, in the dtype of the boxes, so that a pair
    exactly on the threshold is decided the same way. A pair without area (0/0) measures 0.

    Args:
        boxes: xyxy, pixels.
        others: xyxy, pixels.
        distance_power: power β of the distance term (ρ²/c²)^β; None: plain IoU. Paper 1, its darknet code 0.6.
        pixel_inclusive: count x2 and y2 as pixels inside the box, so that a box is ``x2 - x1 + 1`` wide (before 2018).

    Returns:
        IoU in [0, 1], or IoU - (ρ²/c²)^β in [-1, 1].

    Reference:
        Zheng et al., Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression, AAAI 2020,
        arXiv 1911.08287.
    """
    one = 1.0 if pixel_inclusive else 0.0
    ax1, ay1, ax2, ay2 = boxes.unsqueeze(1).unbind(-1)
    bx1, by1, bx2, by2 = others.unsqueeze(0).unbind(-1)
    width = torch.minimum(ax2, bx2).sub_(torch.maximum(ax1, bx1)).add_(one).clamp_(min=0)
    height = torch.minimum(ay2, by2).sub_(torch.maximum(ay1, by1)).add_(one).clamp_(min=0)
    intersection = width.mul_(height)
    union = (ax2 - ax1 + one) * (ay2 - ay1 + one) + (bx2 - bx1 + one) * (by2 - by1 + one)
    union = union.sub_(intersection)
    iou = intersection.div_(union).masked_fill_(union == 0, 0)
    if distance_power is None:
        return iou
    centre_distance = ((bx1 + bx2 - ax1 - ax2) / 2) ** 2 + ((by1 + by2 - ay1 - ay2) / 2) ** 2
    enclosing_width = torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1) + one
    enclosing_height = torch.maximum(ay2, by2) - torch.minimum(ay1, by1) + one
    diagonal = enclosing_width**2 + enclosing_height**2
    penalty = (centre_distance / diagonal).masked_fill_(diagonal == 0, 0)
    return iou - penalty**distance_power


def check_candidates(
    boxes: Real[Tensor, "N 4"] | Real[Tensor, "0"] | Sequence[Sequence[float]],
    scores: Real[Tensor, " N"] | Sequence[float],
    labels: Int[Tensor, " N"] | Sequence[int] | None,
    *,
    max_boxes: int,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Brings candidates to plain CPU tensors, or says in one sentence what is wrong with them.

    Args:
        boxes: xyxy, pixels.
        scores: in [0, 1].
        labels: class of each box, or None if the classes do not matter.
        max_boxes: how many boxes are accepted.

    Returns:
        Boxes in float32 or float64 as given, scores in float64, labels in int64 or None.

    Raises:
        NMSError: wrong shape or length, too many, not finite, inverted, or a score outside [0, 1].
    """
    boxes, scores = _own(boxes), _own(scores)
    if boxes.numel() == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise NMSError(
            "Boxes must be a table of four columns x1, y1, x2, y2; got shape {shape}.", shape=tuple(boxes.shape)
        )
    if scores.dim() != 1 or len(scores) != len(boxes):
        raise NMSError(
            "Each box needs one score: got {boxes} boxes and scores of shape {shape}.",
            boxes=len(boxes),
            shape=tuple(scores.shape),
        )
    if len(boxes) > max_boxes:
        raise NMSError(
            "{number} boxes are too many to record decision by decision; the limit is {limit}. "
            "Raise the score threshold or keep the best {limit} first.",
            number=len(boxes),
            limit=max_boxes,
        )
    if not boxes.is_floating_point():
        boxes = boxes.double()
    elif boxes.dtype not in (torch.float32, torch.float64):
        boxes = boxes.float()
    scores = scores.double()
    if labels is not None:
        labels = _own(labels)
        if labels.dim() != 1 or len(labels) != len(boxes):
            raise NMSError(
                "Each box needs one label: got {boxes} boxes and labels of shape {shape}.",
                boxes=len(boxes),
                shape=tuple(labels.shape),
            )
        if labels.is_floating_point() and not bool((labels == labels.round()).all()):
            raise NMSError("Labels must be whole numbers, one per class.")
        labels = labels.long()

    _refuse_first(~torch.isfinite(boxes).all(1), "Box {index} has a coordinate that is not a finite number.")
    _refuse_first(
        boxes.abs().amax(1) > MAX_COORDINATE if len(boxes) else None, "Box {index} lies beyond a billion pixels."
    )
    inverted = (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])
    _refuse_first(inverted, "Box {index} is inverted: x2 must not be less than x1, nor y2 less than y1.")
    _refuse_first(~torch.isfinite(scores), "Score {index} is not a finite number, so the boxes cannot be put in order.")
    outside = (scores < 0) | (scores > 1)
    _refuse_first(outside, "Score {index} lies outside [0, 1]; put logits through a sigmoid first.")
    return boxes, scores, labels


def check_fraction(name: str, value: float) -> float:
    """Returns ``value`` if it lies in [0, 1].

    Raises:
        NMSError: it does not, or is no number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0.0 <= number <= 1.0:
        raise NMSError("{name} must lie in [0, 1]; got {value}.", name=name, value=value)
    return number


def _own(values: Tensor | np.ndarray | Sequence[Any]) -> Tensor:
    """Copies: a trace stays what it is when its caller writes into the array it gave (which may also be read-only)."""
    if isinstance(values, Tensor):
        return values.detach().cpu().clone()
    return torch.from_numpy(np.array(values)) if isinstance(values, np.ndarray) else torch.tensor(values)


def _refuse_first(wrong: Tensor | None, template: str) -> None:
    if wrong is not None and bool(wrong.any()):
        raise NMSError(template, index=int(wrong.nonzero()[0, 0]))
