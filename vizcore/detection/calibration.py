"""Whether a score is a probability: of the boxes with some score, how many are right?"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torchvision.ops import box_iou

NUM_BINS: Final = 10
"""Of equal width, from score 0 to 1."""
NUM_SCENES: Final = 500
"""Validation scenes behind :data:`MEASURED`."""
MEASURED: Final = (
    (154, 0),
    (13873, 5),
    (17404, 118),
    (8669, 301),
    (3288, 491),
    (1866, 876),
    (1681, 1287),
    (1806, 1677),
    (1218, 1184),
    (41, 41),
)
"""Boxes and right boxes by score, of the shapes detector (``fcos_fpn``) on :data:`NUM_SCENES` validation scenes.

What :func:`count_right` gives, summed over the scenes, for what the detector's card is computed from.
"""


def mark_right(
    boxes: Float[np.ndarray, "N 4"],
    scores: Float[np.ndarray, " N"],
    labels: Int[np.ndarray, " N"],
    targets: Float[np.ndarray, "M 4"],
    target_labels: Int[np.ndarray, " M"],
    *,
    iou_threshold: float = 0.5,
) -> Bool[np.ndarray, " N"]:
    """Which boxes find an object that no surer box has found.

    Args:
        boxes: xyxy, pixels.
        scores: in [0, 1].
        labels: class of each box.
        targets: the true objects, xyxy, pixels.
        target_labels: their classes.
        iou_threshold: from which on a box of the class finds the object.

    Reference:
        T.-Y. Lin and others: *Microsoft COCO*, ECCV 2014, arXiv 1405.0312: the matching, at one threshold.
    """
    right = np.zeros(len(boxes), dtype=bool)
    if not len(boxes) or not len(targets):
        return right
    overlaps = box_iou(torch.from_numpy(boxes).double(), torch.from_numpy(targets).double()).numpy()
    overlaps[labels[:, None] != target_labels[None, :]] = -1.0
    for index in np.argsort(-scores, kind="stable"):
        best = int(overlaps[index].argmax())
        if overlaps[index, best] >= iou_threshold:
            right[index] = True
            overlaps[:, best] = -1.0
    return right


def count_right(scores: Float[np.ndarray, " N"], right: Bool[np.ndarray, " N"]) -> Int[np.ndarray, "10 2"]:
    """Boxes, and right boxes, in each tenth of the scores.

    Args:
        scores: in [0, 1].
        right: as :func:`mark_right` says.
    """
    places = np.minimum((scores * NUM_BINS).astype(int), NUM_BINS - 1)
    return np.stack([np.bincount(places, minlength=NUM_BINS), np.bincount(places[right], minlength=NUM_BINS)], axis=1)
