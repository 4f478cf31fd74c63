"""Is a loss a metric? Five properties, each searched for its worst counterexample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.iou_losses.losses import box_loss
from vizcore.iou_losses.settings import DEFAULTS, LossSettings

PROPERTIES: dict[str, str] = {
    "non_negativity": "Non-negativity: d(A, B) ≥ 0",
    "identity": "Identity: d(A, B) = 0 only if A = B, and d(A, A) = 0",
    "symmetry": "Symmetry: d(A, B) = d(B, A)",
    "triangle": "Triangle inequality: d(A, C) ≤ d(A, B) + d(B, C)",
    "scale": "Scale invariance: d(sA, sB) = d(A, B)",
}
SIZE = 100.0
SCALE = 2.0
TOLERANCE = 1e-6
ROUNDS = 12


@dataclass(frozen=True, eq=False)
class MetricCheck:
    """The outcome of a search for a counterexample.

    Attributes:
        kind: the loss.
        property: a name from ``PROPERTIES``.
        holds: no counterexample was found. That is no proof.
        violation: by how much the worst case breaks the property; ≤ ``TOLERANCE`` if it holds.
        boxes: ``[2, 4]`` or, for the triangle, ``[3, 4]``: A, B, C of the worst case, xyxy.
        values: the losses that were compared, in the order of the property's text.
        num_tried: how many cases were evaluated.
    """

    kind: str
    property: str
    holds: bool
    violation: float
    boxes: np.ndarray
    values: tuple[float, ...]
    num_tried: int


Loss = Callable[[Tensor, Tensor], Tensor]


def _non_negativity(loss: Loss, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
    value = loss(a, b)
    return -value, [value]


def _identity(loss: Loss, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
    value, own = loss(a, b), loss(a, a)
    # Two boxes count as different when an edge differs by a pixel or more; then the loss should not be 0.
    different = (a - b).abs().amax(1) >= 1
    return torch.maximum(own.abs(), torch.where(different, 2 * TOLERANCE - value, -1.0)), [value, own]


def _symmetry(loss: Loss, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
    there, back = loss(a, b), loss(b, a)
    return (there - back).abs(), [there, back]


def _triangle(loss: Loss, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
    direct, first, second = loss(a, c), loss(a, b), loss(b, c)
    return direct - first - second, [direct, first, second]


def _scale(loss: Loss, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, list[Tensor]]:
    scaled, value = loss(SCALE * a, SCALE * b), loss(a, b)
    return (scaled - value).abs(), [scaled, value]


_CHECKS: dict[str, Callable[[Loss, Tensor, Tensor, Tensor], tuple[Tensor, list[Tensor]]]] = {
    "non_negativity": _non_negativity,
    "identity": _identity,
    "symmetry": _symmetry,
    "triangle": _triangle,
    "scale": _scale,
}


def search_counterexample(
    kind: str,
    property: str,
    *,
    num_tries: int = 4096,
    seed: int = 0,
    settings: LossSettings = DEFAULTS,
) -> MetricCheck:
    """Looks for the boxes that break a property of a metric the most.

    Random triples first, then some rounds in which the worst ones are varied by ever smaller amounts. Boxes lie in a
    square of ``SIZE`` pixels and are at least one pixel wide and high, so that ``eps`` plays no part.

    Args:
        kind: one of ``KINDS``.
        property: one of ``PROPERTIES``.
        num_tries: triples per round.
        seed: of the search.
        settings: conventions.

    Raises:
        ValueError: the property is unknown.
    """
    if property not in _CHECKS:
        raise ValueError(f"property must be one of {', '.join(PROPERTIES)}: {property!r}")
    generator = torch.Generator().manual_seed(seed)

    def loss(boxes: Tensor, targets: Tensor) -> Tensor:
        return box_loss(kind, boxes, targets, settings=settings)

    def judge(triples: Tensor) -> Tensor:
        violation, _ = _CHECKS[property](loss, *triples.unbind(1))
        return violation.nan_to_num(nan=-1.0)

    triples = _sound(torch.rand(num_tries, 3, 4, generator=generator, dtype=torch.float64) * SIZE)
    spread = SIZE / 4
    for _ in range(ROUNDS):
        best = triples[judge(triples).topk(max(1, num_tries // 64)).indices]
        noise = torch.randn(num_tries, 3, 4, generator=generator, dtype=torch.float64) * spread
        varied = best[torch.arange(num_tries) % len(best)] + noise
        triples = torch.cat([best, _sound(varied)])
        spread /= 2
    violation = judge(triples)
    worst = triples[violation.argmax()][None]
    _, values = _CHECKS[property](loss, *worst.unbind(1))
    return MetricCheck(
        kind=kind,
        property=property,
        holds=bool(violation.max() <= TOLERANCE),
        violation=float(violation.max()),
        boxes=worst[0, : 3 if property == "triangle" else 2].numpy(),
        values=tuple(float(value) for value in values),
        num_tried=num_tries * (ROUNDS + 1),
    )


def _sound(boxes: Float[Tensor, "N 3 4"]) -> Float[Tensor, "N 3 4"]:
    """Puts edges in order, inside the square, and at least a pixel apart; whole pixels are easier to look at."""
    edges = boxes.round().clamp(0, SIZE - 1) + 0.0  # no −0: it would be shown
    low = torch.minimum(edges[..., :2], edges[..., 2:])
    high = torch.maximum(edges[..., :2], edges[..., 2:])
    return torch.cat([low, torch.maximum(high, low + 1)], dim=-1)
