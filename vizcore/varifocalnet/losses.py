"""Three losses of a class score: focal, quality focal and varifocal.

Reference:
    Haoyang Zhang, Ying Wang, Feras Dayoub, Niko Sünderhauf. VarifocalNet: An IoU-aware Dense Object Detector. CVPR
    2021, arXiv 2008.13367, equation 2. Tsung-Yi Lin et al. Focal Loss for Dense Object Detection. ICCV 2017, arXiv
    1708.02002. Xiang Li et al. Generalized Focal Loss. NeurIPS 2020, arXiv 2006.04388, equation 4.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.varifocalnet.errors import VarifocalNetError

ALPHA: Final = 0.75
"""Weight of a negative in the varifocal loss."""
GAMMA: Final = 2.0
LOSSES: Final = ("focal", "quality_focal", "varifocal")


def varifocal_loss(
    logits: Float[Tensor, "*any"], targets: Float[Tensor, "*any"], *, alpha: float = ALPHA, gamma: float = GAMMA
) -> Float[Tensor, "*any"]:
    """Varifocal loss of every score, not reduced.

    Where q > 0 it is the cross-entropy weighted by q: the more a box is worth, the more its score counts, easy or not.
    Where q = 0 it is the cross-entropy weighted by α p^γ: an easy negative hardly counts. The least loss of a positive
    is q H(q), not 0; only its gradient vanishes at p = q.

    Args:
        logits: of the scores p.
        targets: q, the IoU of a positive's box with its object, 0 for negatives; in [0, 1].
        alpha: weight of negatives, at least 0.
        gamma: exponent of a negative's score, at least 0. Its weight is differentiated too, so p^γ pushes down.

    Raises:
        VarifocalNetError: A target is not a number in [0, 1], or the shapes differ, or alpha or gamma is negative.
    """
    check_targets(logits, targets)
    check_weights(alpha, gamma)
    return varifocal_terms(logits, targets, alpha=alpha, gamma=gamma)


def varifocal_terms(logits: Tensor, targets: Tensor, *, alpha: float = ALPHA, gamma: float = GAMMA) -> Tensor:
    """:func:`varifocal_loss` without its checks: elementwise, for the browser and for training.

    The authors' code holds the weight p^γ constant; the paper's equation, and this, do not.
    """
    weight = torch.where(targets > 0, targets, alpha * torch.sigmoid(logits) ** gamma)
    return weight * cross_entropy(logits, targets)


def focal_terms(logits: Tensor, targets: Tensor, *, alpha: float = 0.25, gamma: float = GAMMA) -> Tensor:
    """Focal loss: cross-entropy weighted by (what p lacks)^γ, and by α for positives and 1 − α for negatives.

    It knows 0 and 1 only; a target between them, where the page draws it, is taken as a positive (1).

    Args:
        logits: of the scores p.
        targets: q; greater than 0 for positives.
        alpha: weight of positives, in [0, 1].
        gamma: exponent.
    """
    p = torch.sigmoid(logits)
    positive = alpha * (1 - p) ** gamma * -log_sigmoid(logits)
    negative = (1 - alpha) * p**gamma * -log_sigmoid(-logits)
    return torch.where(targets > 0, positive, negative)


def quality_focal_terms(logits: Tensor, targets: Tensor, *, beta: float = GAMMA) -> Tensor:
    """Quality focal loss: cross-entropy weighted by the distance of p from q to the power β; its least is 0, at p = q.

    Args:
        logits: of the scores p.
        targets: q in [0, 1].
        beta: exponent.
    """
    return (targets - torch.sigmoid(logits)).abs() ** beta * cross_entropy(logits, targets)


def log_sigmoid(x: Tensor) -> Tensor:
    """Logarithm of σ(x) without overflow, of operations that the browser knows."""
    # At 0 the minimum's gradient is shared by both sides: a half, as it should be. A clamp's would be 1.
    return torch.minimum(x, torch.zeros_like(x)) - torch.log1p(torch.exp(-x.abs()))


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """−(q log p + (1 − q) log(1 − p)) from logits, without overflow."""
    return targets * -log_sigmoid(logits) + (1 - targets) * -log_sigmoid(-logits)


def least_varifocal(q: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Q H(q): what the varifocal loss of a positive cannot fall below; it is reached at p = q."""
    return q * -(torch.xlogy(q, q) + torch.xlogy(1 - q, 1 - q))


def check_targets(logits: Tensor, targets: Tensor) -> None:
    """Refuses targets that are no IoU.

    Raises:
        VarifocalNetError: A target is not a number in [0, 1], or the shapes differ.
    """
    if logits.shape != targets.shape:
        raise VarifocalNetError(
            "Logits and targets must have one shape; got {logits} and {targets}.",
            logits=list(logits.shape),
            targets=list(targets.shape),
        )
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise VarifocalNetError("A target q is an IoU: it must be a number from 0 to 1.")
    if bool(torch.isnan(logits).any()):
        raise VarifocalNetError("A logit is not a number.")


def check_weights(alpha: float, gamma: float) -> None:
    """Refuses negative weights.

    Raises:
        VarifocalNetError: alpha or gamma is negative or not finite.
    """
    for name, value in (("alpha", alpha), ("gamma", gamma)):
        if not 0 <= value < float("inf"):
            raise VarifocalNetError("{name} must be a number from 0 on; got {value}.", name=name, value=value)
