"""IoU and its relatives as regression losses: values, gradients, landscapes, descents, the DIoU paper's simulation."""

from vizcore.iou_losses.degeneracies import REASONS, degeneracies, explain_not_finite, reasons_for
from vizcore.iou_losses.losses import (
    DEFAULTS,
    KINDS,
    LOSSES,
    LossInfo,
    LossSettings,
    box_loss,
    box_parts,
    loss_and_gradient,
    loss_terms,
)

__all__ = [
    "DEFAULTS",
    "KINDS",
    "LOSSES",
    "REASONS",
    "LossInfo",
    "LossSettings",
    "box_loss",
    "box_parts",
    "degeneracies",
    "explain_not_finite",
    "loss_and_gradient",
    "loss_terms",
    "reasons_for",
]
