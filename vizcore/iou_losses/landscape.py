"""A loss and its gradient over every place, or every size, that the predicted box could have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.iou_losses.losses import as_box, loss_and_gradient
from vizcore.iou_losses.settings import DEFAULTS, LossSettings

OVER = ("position", "size")


@dataclass(frozen=True, eq=False)
class LossLandscape:
    """One loss on a grid of predicted boxes.

    Attributes:
        kind: the loss.
        over: "position": x, y are the center, width and height stand still. "size": x, y are width and height round
            a fixed center.
        x: ``[W]`` pixels.
        y: ``[H]`` pixels.
        loss: ``[H, W]``.
        gradient: ``[H, W, 2]`` with respect to x and y, per pixel. The descent goes against it.
        box: ``[4]`` the predicted box that was moved, xyxy.
        target: ``[4]`` xyxy.
    """

    kind: str
    over: str
    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    box: np.ndarray
    target: np.ndarray

    @property
    def flat_share(self) -> float:
        """Share of the grid on which the gradient is zero, in [0, 1]."""
        return float((self.gradient == 0).all(-1).mean())

    @property
    def span(self) -> tuple[float, float] | None:
        """The least and the largest loss on the grid; None where it is no number anywhere."""
        finite = self.loss[np.isfinite(self.loss)]
        return (float(finite.min()), float(finite.max())) if finite.size else None

    def box_at(self, x: float, y: float) -> tuple[float, float, float, float]:
        """The predicted box that this point of the landscape stands for, xyxy."""
        x1, y1, x2, y2 = (float(number) for number in self.box)
        if self.over == "position":
            width, height, center_x, center_y = x2 - x1, y2 - y1, x, y
        else:
            width, height, center_x, center_y = x, y, (x1 + x2) / 2, (y1 + y2) / 2
        return (center_x - width / 2, center_y - height / 2, center_x + width / 2, center_y + height / 2)


def loss_landscape(
    kind: str,
    box: Sequence[float] | Float[Tensor, "4"],
    target: Sequence[float] | Float[Tensor, "4"],
    *,
    size: tuple[int, int],
    over: str = "position",
    resolution: int = 61,
    settings: LossSettings = DEFAULTS,
) -> LossLandscape:
    """Evaluates a loss and its gradient over a grid of predicted boxes, in one batched call.

    Args:
        kind: one of ``KINDS``.
        box: the predicted box, xyxy, pixels.
        target: xyxy, pixels.
        size: (height, width) of the canvas; the grid covers it, or the sizes that fit on it.
        over: "position" or "size".
        resolution: grid points along the longer side of the canvas, at least 2.
        settings: conventions.

    Raises:
        ValueError: ``over`` or ``resolution`` is none of the above.
    """
    if over not in OVER:
        raise ValueError(f"over must be one of {OVER}: {over!r}")
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2: {resolution}")
    box, target = as_box(box), as_box(target)
    height, width = size
    columns = max(2, round(resolution * width / max(size)))
    rows = max(2, round(resolution * height / max(size)))
    # Sizes begin at one step, not at 0: the edge of what a loss can say is a preset of its own.
    start_x, start_y = (0.0, 0.0) if over == "position" else (width / columns, height / rows)
    x = torch.linspace(start_x, width, columns, dtype=torch.float64)
    y = torch.linspace(start_y, height, rows, dtype=torch.float64)
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    center = (box[:2] + box[2:]) / 2
    if over == "position":
        centers = torch.stack([grid_x, grid_y], dim=-1)
        sizes = (box[2:] - box[:2]).expand_as(centers)
    else:
        sizes = torch.stack([grid_x, grid_y], dim=-1)
        centers = center.expand_as(sizes)
    boxes = torch.cat([centers - sizes / 2, centers + sizes / 2], dim=-1).reshape(-1, 4)
    loss, gradient = loss_and_gradient(kind, boxes, target.expand_as(boxes), settings=settings)
    low, high = gradient[:, :2], gradient[:, 2:]
    # center = (x1 + x2)/2 moves both edges; width = x2 − x1 round a fixed center moves each by half.
    along = low + high if over == "position" else (high - low) / 2
    return LossLandscape(
        kind=kind,
        over=over,
        x=x.numpy(),
        y=y.numpy(),
        loss=loss.reshape(rows, columns).numpy(),
        gradient=along.reshape(rows, columns, 2).numpy(),
        box=box.numpy(),
        target=target.numpy(),
    )
