"""The three losses, and what two rules ask of a cell, as the browser runs them under a hand."""

from __future__ import annotations

import torch
from torch import Tensor

from vizcore import browser
from vizcore.models.fcos import CENTER_RADIUS
from vizcore.varifocalnet.curves import loss_of_score
from vizcore.varifocalnet.losses import LOSSES, check_weights


def compile_losses(*, alpha: float, gamma: float) -> str:
    """``focal(p, q)``, ``quality_focal(p, q)`` and ``varifocal(p, q)``, each with its gradient by p.

    Args:
        alpha: weight of negatives.
        gamma: exponent.

    Raises:
        VarifocalNetError: A weight is negative.
    """
    check_weights(alpha, gamma)
    examples = tuple(torch.tensor([a, a / 2], dtype=torch.float64) for a in (0.6, 0.5))

    def of(kind: str) -> str:
        def loss(p: Tensor, q: Tensor) -> Tensor:
            return loss_of_score(kind, p, q, alpha=alpha, gamma=gamma)

        return browser.to_javascript(loss, examples, name=kind, gradient_inputs=(0,), argument_names=("p", "q"))

    return "\n".join(of(kind) for kind in LOSSES)


def owned_terms(
    x: Tensor,
    y: Tensor,
    x1: Tensor,
    y1: Tensor,
    x2: Tensor,
    y2: Tensor,
    stride: Tensor,
    low: Tensor,
    high: Tensor,
) -> Tensor:
    """1 where FCOS's rule gives a cell a box that is alone in the picture, else 0; elementwise ``assign_targets``."""
    nearest = torch.minimum(torch.minimum(x - x1, x2 - x), torch.minimum(y - y1, y2 - y))
    farthest = torch.maximum(torch.maximum(x - x1, x2 - x), torch.maximum(y - y1, y2 - y))
    off_center = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())
    owned = (nearest > 0) & (off_center < CENTER_RADIUS * stride) & (farthest > low) & (farthest <= high)
    return torch.where(owned, torch.ones_like(x), torch.zeros_like(x))


def candidate_terms(
    x: Tensor, y: Tensor, side: Tensor, x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor
) -> dict[str, Tensor]:
    """What ATSS asks of a cell: ``iou`` of its square with the box, ``away`` and whether it is ``inside``; elementwise.

    Args:
        x: of the cell's middle, pixels.
        y: likewise.
        side: of the cell's square, pixels.
        x1: left side of the box.
        y1: top side.
        x2: right side.
        y2: bottom side.
    """
    half = side / 2
    wide = (torch.minimum(x + half, x2) - torch.maximum(x - half, x1)).clamp(min=0)
    high = (torch.minimum(y + half, y2) - torch.maximum(y - half, y1)).clamp(min=0)
    shared = wide * high
    nearest = torch.minimum(torch.minimum(x - x1, x2 - x), torch.minimum(y - y1, y2 - y))
    dx, dy = x - (x1 + x2) / 2, y - (y1 + y2) / 2
    return {
        "iou": shared / (side * side + (x2 - x1) * (y2 - y1) - shared),
        "away": dx * dx + dy * dy,
        "inside": torch.where(nearest > 0, torch.ones_like(x), torch.zeros_like(x)),
    }


def compile_rules() -> str:
    """``owned(x, y, x1, y1, x2, y2, stride, low, high)`` and ``candidate(x, y, side, x1, y1, x2, y2)``."""
    parts = (
        (owned_terms, "owned", ("x", "y", "x1", "y1", "x2", "y2", "stride", "low", "high")),
        (candidate_terms, "candidate", ("x", "y", "side", "x1", "y1", "x2", "y2")),
    )
    return "\n".join(
        browser.to_javascript(
            function,
            tuple(torch.tensor([place + 1.0, place + 2.5], dtype=torch.float64) for place in range(len(names))),
            name=name,
            gradient_inputs=(),
            argument_names=names,
        )
        for function, name, names in parts
    )
