"""The three losses over the score, and the surface over score and target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from vizcore.varifocalnet.errors import VarifocalNetError
from vizcore.varifocalnet.losses import (
    ALPHA,
    GAMMA,
    LOSSES,
    check_weights,
    focal_terms,
    least_varifocal,
    quality_focal_terms,
    varifocal_terms,
)

_EDGE = 1e-3


def loss_of_score(kind: str, p: Tensor, q: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """A loss as a function of the score p itself, elementwise.

    Args:
        kind: one of ``LOSSES``.
        p: in (0, 1).
        q: targets in [0, 1].
        alpha: of the varifocal loss; the focal loss gives its positives 1 − α, so that both give negatives α.
        gamma: exponent of all three.
    """
    logits = torch.log(p) - torch.log1p(-p)
    if kind == "varifocal":
        return varifocal_terms(logits, q, alpha=alpha, gamma=gamma)
    if kind == "focal":
        return focal_terms(logits, q, alpha=1 - alpha, gamma=gamma)
    return quality_focal_terms(logits, q, beta=gamma)


@dataclass(frozen=True, eq=False)
class LossCurves:
    """Losses over the score, for one target.

    Attributes:
        q: the target.
        p: ``[P]`` scores.
        loss: kind → ``[P]``.
        gradient: kind → ``[P]`` by p.
        least: q H(q), which the varifocal loss reaches at p = q.
    """

    q: float
    p: Float64[np.ndarray, " P"]
    loss: dict[str, np.ndarray]
    gradient: dict[str, np.ndarray]
    least: float


def loss_curves(q: float, *, alpha: float = ALPHA, gamma: float = GAMMA, resolution: int = 201) -> LossCurves:
    """Computes the three curves and their gradients by autograd.

    Args:
        q: target in [0, 1].
        alpha: see :func:`loss_of_score`; at most 1 here, for the focal loss's sake.
        gamma: at least 0.
        resolution: points.

    Raises:
        VarifocalNetError: A number is outside of its range.
    """
    _check(q, alpha, gamma)
    p = torch.linspace(_EDGE, 1 - _EDGE, resolution, dtype=torch.float64, requires_grad=True)
    targets = torch.full_like(p, q)
    loss, gradient = {}, {}
    for kind in LOSSES:
        values = loss_of_score(kind, p, targets, alpha=alpha, gamma=gamma)
        (slope,) = torch.autograd.grad(values.sum(), p)
        loss[kind], gradient[kind] = values.detach().numpy(), slope.numpy()
    least = float(least_varifocal(torch.tensor(q, dtype=torch.float64)))
    return LossCurves(q, p.detach().numpy(), loss, gradient, least)


@dataclass(frozen=True, eq=False)
class LossSurface:
    """One loss over score and target.

    Attributes:
        kind: one of ``LOSSES``.
        p: ``[P]`` scores.
        q: ``[Q]`` targets; the first is 0, a negative.
        loss: ``[Q, P]``.
    """

    kind: str
    p: Float64[np.ndarray, " P"]
    q: Float64[np.ndarray, " Q"]
    loss: Float64[np.ndarray, "Q P"]


def loss_surface(kind: str, *, alpha: float = ALPHA, gamma: float = GAMMA, resolution: int = 61) -> LossSurface:
    """Computes a loss on a grid.

    Args:
        kind: one of ``LOSSES``.
        alpha: see :func:`loss_curves`.
        gamma: at least 0.
        resolution: points along each axis.

    Raises:
        VarifocalNetError: There is no such loss, or a number is outside of its range.
    """
    if kind not in LOSSES:
        raise VarifocalNetError("There is no loss {kind}; there are {known}.", kind=repr(kind), known=", ".join(LOSSES))
    _check(0.0, alpha, gamma)
    p = torch.linspace(_EDGE, 1 - _EDGE, resolution, dtype=torch.float64)
    q = torch.linspace(0, 1, resolution, dtype=torch.float64)
    loss = loss_of_score(kind, p.expand(resolution, -1), q[:, None].expand(-1, resolution), alpha=alpha, gamma=gamma)
    return LossSurface(kind, p.numpy(), q.numpy(), loss.numpy())


def _check(q: float, alpha: float, gamma: float) -> None:
    if not 0 <= q <= 1:
        raise VarifocalNetError("A target q is an IoU: it must be a number from 0 to 1.")
    check_weights(alpha, gamma)
    if alpha > 1:
        raise VarifocalNetError("alpha must be at most 1; got {alpha}.", alpha=alpha)
