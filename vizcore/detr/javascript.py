"""What a pair costs, as the browser computes it while a hand moves a box or a weight."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from vizcore import browser
from vizcore.detr.cost import pair_giou

_BOXES = ("x", "y", "width", "height", "tx", "ty", "twidth", "theight")
ARGUMENT_NAMES: Final = (*_BOXES, "probability", "cost_class", "cost_bbox", "cost_giou")


def pair_cost(
    x: Tensor,
    y: Tensor,
    width: Tensor,
    height: Tensor,
    tx: Tensor,
    ty: Tensor,
    twidth: Tensor,
    theight: Tensor,
    probability: Tensor,
    cost_class: Tensor,
    cost_bbox: Tensor,
    cost_giou: Tensor,
) -> dict[str, Tensor]:
    """Cost of giving one query one target, elementwise: what ``match_cost`` says of the pair.

    Args:
        x: of the predicted box's centre, in sides of the picture.
        y: likewise.
        width: of the predicted box.
        height: likewise.
        tx: of the target's centre.
        ty: likewise.
        twidth: of the target.
        theight: likewise.
        probability: that the query gives the target's class, in [0, 1].
        cost_class: weight of the class part.
        cost_bbox: weight of the L1 part.
        cost_giou: weight of the GIoU part.

    Returns:
        ``total`` and its parts, ``class_part``, ``bbox_part`` and ``giou_part``.
    """
    class_part = -cost_class * probability
    distance = (x - tx).abs() + (y - ty).abs() + (width - twidth).abs() + (height - theight).abs()
    bbox_part = cost_bbox * distance
    giou_part = -cost_giou * pair_giou(x, y, width, height, tx, ty, twidth, theight)
    return {
        "total": class_part + bbox_part + giou_part,
        "class_part": class_part,
        "bbox_part": bbox_part,
        "giou_part": giou_part,
    }


def compile_cost() -> str:
    """``pair_cost`` as a JavaScript function of that name; ``ARGUMENT_NAMES`` are its arguments."""
    example = tuple(
        torch.tensor([0.5 + 0.01 * place, 0.4 + 0.02 * place, 0.3], dtype=torch.float64)
        for place in range(len(ARGUMENT_NAMES))
    )
    return browser.to_javascript(
        pair_cost, example, name="pair_cost", gradient_inputs=(), argument_names=ARGUMENT_NAMES
    )
