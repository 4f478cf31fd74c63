"""How much two boxes overlap, under the conventions that detectors have used."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def pairwise_overlaps(
    boxes: Float[Tensor, "A 4"],
    others: Float[Tensor, "B 4"],
    *,
    distance_power: float | None = None,
    pixel_inclusive: bool = False,
) -> Float[Tensor, "A B"]:
    """Measures every box against every other: IoU, or IoU less the distance of the centers (the DIoU-NMS criterion).

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
