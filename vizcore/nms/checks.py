"""What is refused at the door, in one sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Real, Shaped
from torch import Tensor

from vizcore.nms.result import NMSError

MAX_COORDINATE = 1e9  # beyond this a float32 area loses whole pixels, and nothing is a picture any more


def check_candidates(
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Real[Tensor, "0"] | Sequence[Sequence[float]],
    scores: Real[Tensor, " N"] | Real[np.ndarray, " N"] | Sequence[float],
    labels: Int[Tensor, " N"] | Shaped[np.ndarray, " N"] | Sequence[int] | Sequence[str] | None,
    *,
    max_boxes: int,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Brings candidates to plain CPU tensors, or says in one sentence what is wrong with them.

    Args:
        boxes: xyxy, pixels.
        scores: in [0, 1].
        labels: class of each box, as numbers or as names (numbered as they first appear), or None if classes do not
            matter.
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
        labels = _own(_numbered(labels))
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


def check_positive(name: str, value: float) -> float:
    """Returns ``value`` if it is a positive number.

    Raises:
        NMSError: it is not.
    """
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise NMSError("{name} must be a positive number; got {value}.", name=name, value=value)
    return float(value)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Returns ``value`` if it is one of the choices.

    Raises:
        NMSError: it is not.
    """
    if value not in choices:
        raise NMSError(
            "{name} must be one of {choices}; got {value}.", name=name, choices=", ".join(choices), value=value
        )
    return value


def _own(values: Tensor | np.ndarray | Sequence[Any]) -> Tensor:
    """Copies: a trace stays what it is when its caller writes into the array it gave (which may also be read-only)."""
    if isinstance(values, Tensor):
        return values.detach().cpu().clone()
    return torch.from_numpy(np.array(values)) if isinstance(values, np.ndarray) else torch.tensor(values)


def _numbered(labels: Tensor | np.ndarray | Sequence[Any]) -> Tensor | np.ndarray | Sequence[Any]:
    """Names as numbers, in the order of their first appearance; anything else as it is.

    Raises:
        NMSError: names and numbers are mixed, or a label is neither.
    """
    if isinstance(labels, Tensor):
        return labels
    listed = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if not any(isinstance(label, str) for label in listed):
        if all(isinstance(label, (int, float, list, np.number, Tensor)) for label in listed):
            return labels
        raise NMSError("Labels must be whole numbers, one per class.")
    if not all(isinstance(label, str) for label in listed):
        raise NMSError("Labels must be all numbers or all names.")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(listed))}
    return [numbers[label] for label in listed]


def _refuse_first(wrong: Tensor | None, template: str) -> None:
    if wrong is not None and bool(wrong.any()):
        raise NMSError(template, index=int(wrong.nonzero()[0, 0]))
