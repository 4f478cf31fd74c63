"""Which anchors learn from which objects, and which are kept out because an object is not valid.

Reference:
    Bharat Singh, Larry S. Davis. An Analysis of Scale Invariance in Object Detection – SNIP. CVPR 2018,
    arXiv 1711.08189: all objects, valid or not, take part in the assignment; an anchor that overlaps an invalid one by
    more than 0.3 teaches nothing. Shaoqing Ren et al. Faster R-CNN. NIPS 2015, arXiv 1506.01497 (positive from 0.7 or
    the best of its object, negative below 0.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torchvision.ops import box_iou

STRIDE: Final = 16
SIZES: Final = (32, 64, 128, 256, 512)
RATIOS: Final = (0.5, 1.0, 2.0)
POSITIVE: Final = 0.7
NEGATIVE: Final = 0.3
IGNORED: Final = 0.3
"""An anchor that overlaps an invalid object by more is left out."""
_CHUNK: Final = 64  # boxes at a time: a scene's map has 15,360 anchors


@dataclass(frozen=True, eq=False)
class Assignment:
    """What each anchor learns.

    Attributes:
        labels: ``[A]`` int64: 1 object, 0 nothing, -1 left out (between the thresholds), -2 left out because of an
            object that is not valid, even where it also fits a valid one.
        object_of: ``[A]`` int64: the valid object that a positive anchor learns; -1 for the others.
        best_iou: ``[M]`` float32: of each object with the best anchor, in [0, 1].
    """

    labels: np.ndarray
    object_of: np.ndarray
    best_iou: np.ndarray


def grid_anchors(
    size: tuple[int, int], *, stride: int = STRIDE, sizes: tuple[int, ...] = SIZES, ratios: tuple[float, ...] = RATIOS
) -> Float[Tensor, "A 4"]:
    """The anchors of a single map, xyxy in pixels of the picture, not clipped.

    Args:
        size: (height, width) of the picture.
        stride: pixels between neighbouring cells.
        sizes: square roots of areas.
        ratios: height over width.
    """
    rows, columns = -(-size[0] // stride), -(-size[1] // stride)
    side = torch.tensor(sizes, dtype=torch.float32).repeat_interleave(len(ratios))
    ratio = torch.tensor(ratios, dtype=torch.float32).repeat(len(sizes))
    half = torch.stack([side / ratio.sqrt(), side * ratio.sqrt()], dim=1) / 2
    y, x = torch.meshgrid((torch.arange(rows) + 0.5) * stride, (torch.arange(columns) + 0.5) * stride, indexing="ij")
    middles = torch.stack([x, y], dim=-1)[:, :, None]
    return torch.cat([middles - half, middles + half], dim=-1).reshape(-1, 4)


def best_overlaps(boxes: Float[Tensor, "M 4"], anchors: Float[Tensor, "A 4"]) -> Float[Tensor, " M"]:
    """Of each box the IoU with its best anchor; 0 where there are no anchors."""
    if not len(anchors):
        return torch.zeros(len(boxes))
    parts = [box_iou(part.float(), anchors).amax(1) for part in boxes.split(_CHUNK)]
    return torch.cat(parts) if parts else torch.zeros(0)


def assign(anchors: Float[Tensor, "A 4"], boxes: Float[Tensor, "M 4"], is_valid: Bool[Tensor, " M"]) -> Assignment:
    """Assigns anchors to objects, by SNIP's rule.

    Args:
        anchors: xyxy.
        boxes: all objects, valid or not, xyxy in the same pixels.
        is_valid: which of them teach at this resolution.
    """
    labels = torch.zeros(len(anchors), dtype=torch.int64)
    object_of = torch.full((len(anchors),), -1, dtype=torch.int64)
    if not len(boxes) or not len(anchors):
        return Assignment(labels.numpy(), object_of.numpy(), np.zeros(len(boxes), dtype=np.float32))
    overlaps = box_iou(anchors.float(), boxes.float())
    best, owner = overlaps.max(1)
    best_of_object = overlaps.amax(0)
    labels[best >= NEGATIVE] = -1
    positive = best >= POSITIVE
    # The best anchors of an object learn it even below the threshold; ties all do.
    is_best = (overlaps == best_of_object) & (best_of_object > 0)
    owner = torch.where(is_best.any(1) & ~positive, is_best.int().argmax(1), owner)
    positive |= is_best.any(1)
    labels[positive] = 1
    object_of[positive] = owner[positive]
    near_invalid = (overlaps[:, ~is_valid] > IGNORED).any(1)
    labels[near_invalid | (positive & ~is_valid[owner])] = -2
    object_of[labels != 1] = -1
    return Assignment(labels.numpy(), object_of.numpy(), best_of_object.numpy())


def assigned_anchors(box: tuple[float, float, float, float], size: tuple[int, int], *, valid: bool) -> Assignment:
    """What the anchors of a single map learn from one object.

    Args:
        box: xyxy, pixels of the resized picture.
        size: (height, width) of that picture.
        valid: whether the object teaches at this resolution.
    """
    return assign(grid_anchors(size), torch.tensor([box], dtype=torch.float32), torch.tensor([valid]))
