"""Why a loss or its gradient is NaN or infinite, in a sentence: shown on the page, never hidden."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.iou_losses.geometry import Terms
from vizcore.iou_losses.losses import as_box, loss_and_gradient
from vizcore.iou_losses.settings import DEFAULTS, LossSettings

REASONS: dict[str, str] = {
    "point": "The predicted box is a point: atan(w/h) is atan(0/0), and 0/0 is NaN.",
    "no_height": (
        "The predicted box has zero height: atan of w/0 = ∞ is 90°, but its slope 1/(1 + ∞²) = 0 is multiplied by ∞, "
        "and 0 · ∞ is NaN."
    ),
    "target_point": "The target is a point: its atan(w/h) is atan(0/0), and 0/0 is NaN.",
    "no_overlap_root": "IoU is 0, and the slope of IoU^α at 0 is infinite when α < 1.",
    "no_area": "Neither box has an area and ε is 0: a quotient is 0/0, which is NaN.",
    "identical": "The boxes are identical and ε is 0: α = v / (1 − IoU + v) is 0/0, which is NaN.",
    "same_center": "The centers coincide and ε is 0: the direction between them is 0/0, which is NaN.",
    "too_large": "The boxes are so large that their squares leave the range of the number format.",
}
"""Sentences by name; which of them hold for a pair is what ``degeneracies`` answers."""

_ASPECT = ("point", "no_height", "target_point")


def degeneracies(*coordinates: Tensor, settings: LossSettings = DEFAULTS) -> Terms:
    """Which special cases hold for each pair, elementwise: 1 where the reason applies, else 0.

    Args:
        coordinates: eight tensors of one shape: x1, y1, x2, y2 of the prediction, then of the target.
        settings: conventions; ``power`` and ``eps`` open cases of their own.

    Returns:
        Tensors of 0 and 1 by the names of ``REASONS``.
    """
    x1, y1, x2, y2, tx1, ty1, tx2, ty2 = coordinates
    width, height, target_width, target_height = x2 - x1, y2 - y1, tx2 - tx1, ty2 - ty1
    one, zero = torch.ones_like(x1), torch.zeros_like(x1)
    # Differentiating a quotient divides by the square of an area: the fourth power of a length must stay in range.
    longest = (
        width.abs() + height.abs() + target_width.abs() + target_height.abs() + (x2 - tx1).abs() + (y2 - ty1).abs()
    )
    limit = torch.finfo(x1.dtype).max ** 0.25 / 8
    apart = (torch.minimum(x2, tx2) <= torch.maximum(x1, tx1)) | (torch.minimum(y2, ty2) <= torch.maximum(y1, ty1))
    no_eps = one * settings.eps == 0
    identical = (x1 == tx1) & (y1 == ty1) & (x2 == tx2) & (y2 == ty2)
    flat = (height == 0) & (width != 0)
    return {
        "point": torch.where((width == 0) & (height == 0), one, zero),
        "no_height": torch.where(flat, one, zero),
        "target_point": torch.where((target_width == 0) & (target_height == 0), one, zero),
        "no_overlap_root": torch.where(apart & (one * settings.power < 1), one, zero),
        "no_area": torch.where((width * height + target_width * target_height == 0) & no_eps, one, zero),
        "identical": torch.where(identical & no_eps, one, zero),
        "same_center": torch.where((x1 + x2 == tx1 + tx2) & (y1 + y2 == ty1 + ty2) & no_eps, one, zero),
        "too_large": torch.where(longest > limit, one, zero),
    }


_APPLIES: dict[str, tuple[str, ...]] = {
    "iou": ("no_area", "too_large"),
    "giou": ("no_area", "too_large"),
    "diou": ("no_area", "too_large"),
    "ciou": (*_ASPECT, "no_area", "identical", "too_large"),
    "eiou": ("no_area", "too_large"),
    "siou": ("no_area", "same_center", "too_large"),
    "alpha_iou": ("no_overlap_root", "no_area", "too_large"),
}


def reasons_for(kind: str) -> tuple[str, ...]:
    """The names of the special cases that can make this loss or its gradient NaN or infinite."""
    return _APPLIES.get(kind, ())


def explain_not_finite(
    kind: str,
    box: Sequence[float] | Float[Tensor, "4"],
    target: Sequence[float] | Float[Tensor, "4"],
    *,
    settings: LossSettings = DEFAULTS,
) -> tuple[str, ...]:
    """The sentences that say why this loss or its gradient is not finite here; empty if both are finite."""
    box, target = as_box(box), as_box(target)
    loss, gradient = loss_and_gradient(kind, box[None], target[None], settings=settings)
    if loss.isfinite().all() and gradient.isfinite().all():
        return ()
    holds = degeneracies(*box, *target, settings=settings)
    return tuple(REASONS[name] for name in reasons_for(kind) if holds[name])
