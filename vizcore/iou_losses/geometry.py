"""What the losses are made of: overlap, union, enclosing box, on unbound coordinates."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vizcore.iou_losses.settings import DEFAULTS

Coordinates = tuple[Tensor, ...]
Terms = dict[str, Tensor]


class Overlap(NamedTuple):
    """Lengths and areas of pairs of boxes, elementwise, pixels and pixels²."""

    width: Tensor
    height: Tensor
    target_width: Tensor
    target_height: Tensor
    enclosing_width: Tensor
    enclosing_height: Tensor
    intersection: Tensor
    union: Tensor


def overlap_of(
    x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor, tx1: Tensor, ty1: Tensor, tx2: Tensor, ty2: Tensor
) -> Overlap:
    """The same of x1, y1, x2, y2 of the prediction, then of the target."""
    width, height = x2 - x1, y2 - y1
    target_width, target_height = tx2 - tx1, ty2 - ty1
    shared_width = torch.minimum(x2, tx2) - torch.maximum(x1, tx1)
    shared_height = torch.minimum(y2, ty2) - torch.maximum(y1, ty1)
    intersection = shared_width.clamp(min=0) * shared_height.clamp(min=0)
    return Overlap(
        width,
        height,
        target_width,
        target_height,
        # max(x2, tx2) − min(x1, tx1) = w + w* − (min(x2, tx2) − max(x1, tx1)) saves half the minima, also backward.
        width + target_width - shared_width,
        height + target_height - shared_height,
        intersection,
        width * height + target_width * target_height - intersection,
    )


def box_parts(*coordinates: Tensor) -> Terms:
    """The geometry the losses are made of, elementwise, for drawing.

    Args:
        coordinates: eight tensors of one shape: x1, y1, x2, y2 of the prediction, then of the target.

    Returns:
        By name: ``intersection_x1`` … ``intersection_y2`` (inverted when disjoint), ``enclosing_x1`` …
        ``enclosing_y2``, ``center_x``, ``center_y``, ``target_center_x``, ``target_center_y``, and ``iou`` in [0, 1],
        ``intersection``, ``union``, ``enclosing_area`` in pixels², ``distance`` of the centers, ``diagonal`` of the
        enclosing box in pixels, ``angle`` and ``target_angle`` = atan(w/h) in degrees.
    """
    x1, y1, x2, y2, tx1, ty1, tx2, ty2 = coordinates
    overlap = overlap_of(x1, y1, x2, y2, tx1, ty1, tx2, ty2)
    center_x, center_y = (x1 + x2) / 2, (y1 + y2) / 2
    target_center_x, target_center_y = (tx1 + tx2) / 2, (ty1 + ty2) / 2
    delta_x, delta_y = center_x - target_center_x, center_y - target_center_y
    enclosing_x1, enclosing_y1 = torch.minimum(x1, tx1), torch.minimum(y1, ty1)
    enclosing_x2, enclosing_y2 = torch.maximum(x2, tx2), torch.maximum(y2, ty2)
    width, height = enclosing_x2 - enclosing_x1, enclosing_y2 - enclosing_y1
    degrees = 180 / math.pi
    return {
        "iou": overlap.intersection / (overlap.union + DEFAULTS.eps),
        "intersection_x1": torch.maximum(x1, tx1),
        "intersection_y1": torch.maximum(y1, ty1),
        "intersection_x2": torch.minimum(x2, tx2),
        "intersection_y2": torch.minimum(y2, ty2),
        "enclosing_x1": enclosing_x1,
        "enclosing_y1": enclosing_y1,
        "enclosing_x2": enclosing_x2,
        "enclosing_y2": enclosing_y2,
        "center_x": center_x,
        "center_y": center_y,
        "target_center_x": target_center_x,
        "target_center_y": target_center_y,
        "intersection": overlap.intersection,
        "union": overlap.union,
        "enclosing_area": width * height,
        "distance": torch.sqrt(delta_x * delta_x + delta_y * delta_y),
        "diagonal": torch.sqrt(width * width + height * height),
        "angle": torch.atan(overlap.width / overlap.height) * degrees,
        "target_angle": torch.atan(overlap.target_width / overlap.target_height) * degrees,
    }
