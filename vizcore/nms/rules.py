"""What the rules say of an overlap and of an order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.nms.overlaps import pairwise_overlaps
from vizcore.nms.result import NMSOptions


@dataclass(frozen=True, eq=False)
class DecayCurve:
    """What an overlap multiplies a score by, sampled.

    Attributes:
        overlaps: ``[P]`` 0 … 1.
        factors: ``[P]`` in [0, 1].
    """

    overlaps: np.ndarray
    factors: np.ndarray


def decay_factor(ious: Float[Tensor, "..."], options: NMSOptions) -> Float[Tensor, "..."]:
    """Says what an overlap multiplies a score by under these rules: 0 or 1 if hard, a curve if soft.

    Args:
        ious: in [0, 1] (or the DIoU criterion, in [-1, 1]).
        options: the rules; for matrix the numerator f(IoU) alone, for fusion the hard rule (merged or not).

    Returns:
        Factors in [0, 1], float64.
    """
    ious = torch.as_tensor(ious).double()
    if options.method == "soft_gaussian" or (options.method == "matrix" and options.matrix_kernel == "gaussian"):
        return torch.exp(-(ious**2) / options.sigma)
    if options.method == "matrix":
        return 1 - ious
    beyond = exceeds(ious, options)
    return torch.where(beyond, 1 - ious if options.method == "soft_linear" else torch.zeros_like(ious), 1.0)


def sample_decay(options: NMSOptions, *, num_points: int = 201) -> DecayCurve:
    """Samples ``decay_factor`` over [0, 1].

    Args:
        options: the rules.
        num_points: at least 2.

    Returns:
        The curve.
    """
    overlaps = torch.linspace(0, 1, num_points, dtype=torch.float64)
    return DecayCurve(overlaps.numpy(), decay_factor(overlaps, options).numpy())


def best_first(scores: Float[Tensor, " N"] | Float[np.ndarray, " N"], *, most: int) -> np.ndarray:
    """Gives the indices of the best candidates, for a detector that proposes more than can be stepped through.

    Args:
        scores: any.
        most: how many to take.

    Returns:
        ``[min(N, most)]`` indices, best score first, ties in their order.
    """
    return np.argsort(-np.asarray(scores), kind="stable")[:most]


def order_by_score(scores: np.ndarray, options: NMSOptions) -> np.ndarray:
    """Gives the boxes that take part, best score first."""
    ids = np.flatnonzero(scores >= options.score_threshold)
    tie_break = ids if options.ties == "first" else -ids
    return ids[np.lexsort((tie_break, -scores[ids]))]


def first_best(values: np.ndarray, options: NMSOptions) -> int:
    """Gives the place of the largest value; of equal ones the first or the last, as the rules have it."""
    return int(values.argmax()) if options.ties == "first" else len(values) - 1 - int(values[::-1].argmax())


def rule_overlaps(boxes: Tensor, others: Tensor, options: NMSOptions) -> Tensor:
    """Measures what these rules hold against the threshold, every box with every other: ``[A, B]``."""
    power = options.distance_power if options.method == "diou" else None
    return pairwise_overlaps(boxes, others, distance_power=power, pixel_inclusive=options.pixel_inclusive)


def exceeds(overlaps: Tensor, options: NMSOptions) -> Tensor:
    """Compares in double precision, as torchvision does: the threshold must not be rounded to float32."""
    wide = overlaps.double()
    return wide >= options.iou_threshold if options.suppress_equal else wide > options.iou_threshold
