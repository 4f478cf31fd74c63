"""The rules of ownership as the browser runs them: the paper's for a box, FCOS's for one cell and one box."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from vizcore import browser
from vizcore.fpn.levels import CANONICAL_LEVEL, CANONICAL_SIZE, level_number, level_value
from vizcore.models.fcos import CENTER_RADIUS


def paper_rule(
    width: Tensor,
    height: Tensor,
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> dict[str, Float[Tensor, "..."]]:
    """The FPN paper's rule, elementwise: ``level``, and ``value`` before it is rounded down."""
    return {
        "level": level_number(width, height, canonical_size=canonical_size, canonical_level=canonical_level),
        "value": level_value(width, height, canonical_size=canonical_size, canonical_level=canonical_level),
    }


def cell_rule(
    x: Tensor,
    y: Tensor,
    x1: Tensor,
    y1: Tensor,
    x2: Tensor,
    y2: Tensor,
    stride: Tensor,
    low: Tensor,
    high: Tensor,
) -> dict[str, Float[Tensor, "..."]]:
    """FCOS's rule for one cell and one box alone in the picture, elementwise: what ``assign_targets`` decides.

    Args:
        x: of the cell's middle, pixels of the network's input.
        y: likewise.
        x1: left side of the box.
        y1: top side.
        x2: right side.
        y2: bottom side.
        stride: of the cell's level.
        low: the level answers for farthest sides beyond this, pixels.
        high: and up to this.

    Returns:
        ``owned`` (1 if the cell has to find the box), ``inside``, ``near``, ``in_range`` (its three conditions) and
        ``farthest`` (distance to the farthest side, pixels).
    """
    left, top, right, bottom = x - x1, y - y1, x2 - x, y2 - y
    nearest = torch.minimum(torch.minimum(left, right), torch.minimum(top, bottom))
    farthest = torch.maximum(torch.maximum(left, right), torch.maximum(top, bottom))
    off_center = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())
    in_range = (farthest > low) & (farthest <= high)
    inside, near = nearest > 0, off_center < CENTER_RADIUS * stride
    yes, no = torch.ones_like(x), torch.zeros_like(x)
    return {
        "owned": torch.where(inside & near & in_range, yes, no),
        "inside": torch.where(inside, yes, no),
        "near": torch.where(near, yes, no),
        "in_range": torch.where(in_range, yes, no),
        "farthest": farthest,
    }


def example_numbers(count: int) -> tuple[Float[Tensor, " 3"], ...]:
    """So many inputs of different numbers, for ``browser.to_javascript``."""
    return tuple(torch.arange(1.0, 4.0, dtype=torch.float64) + place for place in range(count))


def compile_rules(*, canonical_size: float = CANONICAL_SIZE, canonical_level: float = CANONICAL_LEVEL) -> str:
    """Both rules as JavaScript functions, ``paper`` and ``cell``, whose arguments have the names they have here.

    Args:
        canonical_size: side of the square that belongs to the canonical level, pixels of the input.
        canonical_level: k0.
    """

    def paper(width: Tensor, height: Tensor) -> dict[str, Tensor]:
        return paper_rule(width, height, canonical_size=canonical_size, canonical_level=canonical_level)

    parts = (
        (paper, "paper", ("width", "height")),
        (cell_rule, "cell", ("x", "y", "x1", "y1", "x2", "y2", "stride", "low", "high")),
    )
    return "\n".join(
        browser.to_javascript(
            function, example_numbers(len(names)), name=name, gradient_inputs=(), argument_names=names
        )
        for function, name, names in parts
    )
