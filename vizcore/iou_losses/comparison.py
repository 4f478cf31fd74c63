"""One pair of boxes, seen by every loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vizcore.iou_losses.degeneracies import explain_not_finite
from vizcore.iou_losses.geometry import box_parts
from vizcore.iou_losses.losses import as_box, loss_and_gradient
from vizcore.iou_losses.settings import DEFAULTS, LossSettings


@dataclass(frozen=True, eq=False)
class LossComparison:
    """What several losses say of one pair.

    Attributes:
        kinds: the losses, K of them.
        loss: ``[K]``.
        gradient: ``[K, 4]`` with respect to the predicted box's x1, y1, x2, y2, per pixel.
        parts: the geometry by name, see ``box_parts``.
        reasons: for each loss why it or its gradient is not finite; empty where both are.
    """

    kinds: tuple[str, ...]
    loss: np.ndarray
    gradient: np.ndarray
    parts: dict[str, float]
    reasons: tuple[tuple[str, ...], ...]

    def of(self, kind: str) -> tuple[float, np.ndarray]:
        """Loss and gradient of one kind."""
        index = self.kinds.index(kind)
        return float(self.loss[index]), self.gradient[index]

    def rows(self) -> list[dict[str, str | float]]:
        """One row of a table for each loss: its value and its gradient."""
        return [
            {
                "loss": kind,
                "value": float(self.loss[index]),
                **{
                    f"d_{axis}": float(slope)
                    for axis, slope in zip(("x1", "y1", "x2", "y2"), self.gradient[index], strict=True)
                },
            }
            for index, kind in enumerate(self.kinds)
        ]


def compare_losses(
    kinds: Sequence[str],
    box: Sequence[float],
    target: Sequence[float],
    *,
    settings: LossSettings = DEFAULTS,
) -> LossComparison:
    """Evaluates losses and gradients of one pair in float64.

    Args:
        kinds: some of ``KINDS``.
        box: predicted, xyxy, pixels.
        target: xyxy, pixels.
        settings: conventions.
    """
    boxes, targets = as_box(box)[None], as_box(target)[None]
    answers = [loss_and_gradient(kind, boxes, targets, settings=settings) for kind in kinds]
    return LossComparison(
        kinds=tuple(kinds),
        loss=np.array([loss.item() for loss, _ in answers]),
        gradient=np.array([gradient[0].numpy() for _, gradient in answers]).reshape(-1, 4),
        parts={name: part.item() for name, part in box_parts(*boxes[0], *targets[0]).items()},
        reasons=tuple(explain_not_finite(kind, boxes[0], targets[0], settings=settings) for kind in kinds),
    )
