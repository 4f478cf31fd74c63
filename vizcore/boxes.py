"""Box geometry that ``torchvision.ops`` lacks, and the edge at which typed or linked coordinates are checked.

Plain ``boxes`` are xyxy in pixels, continuous: a box from 0 to 4 is 4 wide (no "+1"). Another format carries its name.
Conversions between xyxy, xywh and cxcywh are ``torchvision.ops.box_convert``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Real
from torch import Tensor

from vizcore.errors import ExplainedError

COORDINATE_LIMIT = 100_000.0


class BoxError(ExplainedError, ValueError):
    """A box that cannot be computed with."""


@dataclass(frozen=True)
class BoxCorrection:
    """What was changed in a box that could be mended: a sentence to show beside it.

    Attributes:
        template: the English sentence with named fields; it is the key for a translation.
        values: what goes into the fields.
    """

    template: str
    values: dict[str, object]

    def __str__(self) -> str:
        return self.template.format(**self.values)


@dataclass(frozen=True)
class CheckedBox:
    """A box that is safe to compute with.

    Attributes:
        box: (x1, y1, x2, y2) with ``x1 <= x2`` and ``y1 <= y2``, finite. Zero width or height is kept: it is a lesson.
        corrections: what had to be changed, in the order of the changes; empty if nothing was.
    """

    box: tuple[float, float, float, float]
    corrections: tuple[BoxCorrection, ...] = ()


def check_box(coordinates: Sequence[object], *, size: tuple[int, int] | None = None) -> CheckedBox:
    """Checks four typed coordinates: mends what has one obvious meaning, refuses the rest.

    An inverted box is turned round, a coordinate beyond the limit is pulled back to it, a box outside the canvas is
    moved to its nearest edge. A coordinate that is not a number has no nearest meaning and is refused. A box without
    width or height passes, with a remark: what the losses do there is worth seeing.

    Args:
        coordinates: x1, y1, x2, y2 as numbers or as text.
        size: (height, width) of the canvas; None for an unbounded plane, on which negative coordinates are fine.

    Raises:
        BoxError: there are not four coordinates, or one of them is not a finite number.
    """
    if isinstance(coordinates, str) or len(coordinates) != 4:
        raise BoxError("A box needs four coordinates x1, y1, x2, y2; got {count}.", count=len(coordinates))
    numbers = [_coordinate(name, value) for name, value in zip(("x1", "y1", "x2", "y2"), coordinates, strict=True)]
    corrections: list[BoxCorrection] = []

    if any(abs(number) > COORDINATE_LIMIT for number in numbers):
        corrections.append(
            BoxCorrection("Coordinates beyond ±{limit} were pulled back to it.", {"limit": f"{COORDINATE_LIMIT:g}"})
        )
        numbers = [min(max(number, -COORDINATE_LIMIT), COORDINATE_LIMIT) for number in numbers]

    x1, y1, x2, y2 = numbers
    if x2 < x1 or y2 < y1:
        corrections.append(BoxCorrection("The box was inverted; its edges were put in order.", {}))
        x1, x2 = sorted((x1, x2))
        y1, y2 = sorted((y1, y2))

    if size is not None:
        height, width = size
        shift_x = _shift_inside(x1, x2, width)
        shift_y = _shift_inside(y1, y2, height)
        if shift_x or shift_y:
            corrections.append(
                BoxCorrection(
                    "The box lay outside the canvas ({width} × {height}) and was moved to its edge.",
                    {"width": width, "height": height},
                )
            )
            x1, x2, y1, y2 = x1 + shift_x, x2 + shift_x, y1 + shift_y, y2 + shift_y

    if x1 == x2 or y1 == y2:
        corrections.append(BoxCorrection("The box has no area; it is kept, to show what the losses make of it.", {}))
    return CheckedBox((x1, y1, x2, y2), tuple(corrections))


def _coordinate(name: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise BoxError("{name} is not a number: {value}.", name=name, value=str(value)[:40]) from None
    if not math.isfinite(number):
        raise BoxError("{name} is {value}; a coordinate must be finite.", name=name, value=number)
    return number


def _shift_inside(low: float, high: float, limit: float) -> float:
    """How far an interval that misses [0, limit] must move to touch it from inside; 0 if it overlaps already."""
    if high < 0:
        return -low if high - low <= limit else -high
    if low > limit:
        return limit - high if high - low <= limit else limit - low
    return 0.0


def check_boxes(boxes: Float[Tensor, "N 4"]) -> None:
    """Refuses a tensor of boxes that a figure could only draw wrongly.

    Raises:
        BoxError: the shape is not [N, 4], or a box has a coordinate that is not finite or edges in the wrong order.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise BoxError("Boxes must have the shape [N, 4]; got {shape}.", shape=list(boxes.shape))
    finite = torch.isfinite(boxes).all(dim=1)
    if not finite.all():
        raise BoxError("Box {index} has a coordinate that is not finite.", index=int((~finite).nonzero()[0, 0]))
    ordered = (boxes[:, :2] <= boxes[:, 2:]).all(dim=1)
    if not ordered.all():
        raise BoxError("Box {index} is inverted: x2 < x1 or y2 < y1.", index=int((~ordered).nonzero()[0, 0]))


def as_boxes(boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]]) -> Real[Tensor, "N 4"]:
    """Boxes as a tensor that areas can be computed with, whatever they came as.

    An area in float16 overflows at 256 × 256 pixels, one in int32 at 46341 × 46341. So half precision and integers
    become float32, as ``torchvision.ops``' losses upcast them; float32 and float64 stay. A tensor keeps its graph.

    Args:
        boxes: a table of four columns: a tensor, an array or lists.

    Raises:
        BoxError: it is no table of four columns of numbers.
    """
    if not isinstance(boxes, Tensor):
        try:
            table = np.asarray(boxes)
        except ValueError:  # rows of different length
            table = np.empty(0, dtype=object)
        if table.dtype.kind not in "fiub":
            raise BoxError("Boxes must be numbers in four columns x1, y1, x2, y2.")
        boxes = torch.from_numpy(table.astype(table.dtype.newbyteorder("="))).reshape(table.shape)
        boxes = boxes.reshape(0, 4) if boxes.numel() == 0 else boxes
    if boxes.is_complex() or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise BoxError("Boxes must have the shape [N, 4]; got {shape}.", shape=list(boxes.shape))
    return upcast(boxes)


def upcast(values: Real[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Float32 for half precision and integers; float32 and float64 as they are."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def intersect_boxes(boxes: Float[Tensor, "N 4"], others: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """The overlap of each pair; inverted (x2 < x1 or y2 < y1) where a pair does not overlap."""
    return torch.cat([torch.maximum(boxes[:, :2], others[:, :2]), torch.minimum(boxes[:, 2:], others[:, 2:])], dim=1)


def enclose_boxes(boxes: Float[Tensor, "N 4"], others: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """The smallest box round each pair."""
    return torch.cat([torch.minimum(boxes[:, :2], others[:, :2]), torch.maximum(boxes[:, 2:], others[:, 2:])], dim=1)


def boxes_to_distances_ltrb(
    boxes: Real[Tensor, "... 4"],
    points: Real[Tensor, "... 2"],
) -> Float[Tensor, "... 4"]:
    """Distances from (x, y) points to the left, top, right and bottom edge; negative where the point lies outside.

    Args:
        boxes: xyxy, pixels.
        points: (x, y), pixels; leading dimensions broadcast, so ``boxes[None], points[:, None]`` gives every pair.
    """
    boxes, points = upcast(boxes), upcast(points)  # bytes would wrap round below 0
    return torch.cat([points - boxes[..., :2], boxes[..., 2:] - points], dim=-1)


def distances_ltrb_to_boxes(
    distances_ltrb: Real[Tensor, "... 4"],
    points: Real[Tensor, "... 2"],
) -> Float[Tensor, "... 4"]:
    """The inverse of :func:`boxes_to_distances_ltrb`."""
    distances_ltrb, points = upcast(distances_ltrb), upcast(points)
    return torch.cat([points - distances_ltrb[..., :2], points + distances_ltrb[..., 2:]], dim=-1)


def paired_box_iou(
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    others: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
) -> Float[Tensor, " N"]:
    """Intersection over union of box i with other i; 0 where both have no area (``torchvision.ops.box_iou``: NaN).

    Half precision and integers are computed in float32.

    Raises:
        BoxError: one of the two is no table of four columns of numbers, or they have not the same number of rows.
    """
    boxes, others = as_boxes(boxes), as_boxes(others)
    if len(boxes) != len(others):
        raise BoxError("Each box needs one other: got {count} and {others}.", count=len(boxes), others=len(others))
    overlap = intersect_boxes(boxes, others)
    width, height = (overlap[:, 2:] - overlap[:, :2]).clamp(min=0).unbind(1)
    intersection = width * height
    union = _area(boxes) + _area(others) - intersection
    return torch.where(union > 0, intersection / torch.where(union > 0, union, 1), 0)


def _area(boxes: Float[Tensor, "N 4"]) -> Float[Tensor, " N"]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
