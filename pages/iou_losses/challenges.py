"""The challenges of the IoU playground: each is marked from the boxes, and says what is still missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pages.iou_losses.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore.figures.iou_losses import TITLES
from vizcore.iou_losses import LossComparison

Span = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        view: the controls and the boxes.
        comparison: what every loss says of the boxes.
        apart: least and largest GIoU loss of the placements without overlap that this session saw, this one too; None
            if there was none.
    """

    view: View
    comparison: LossComparison
    apart: Span | None

    @property
    def overlap(self) -> bool:
        """Whether the boxes share an area."""
        return self.comparison.parts["iou"] > 0

    def loss(self, kind: str) -> float:
        """The loss of one kind."""
        return self.comparison.of(kind)[0]


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def widen(apart: Span | None, comparison: LossComparison) -> Span | None:
    """The range of GIoU losses without overlap, with this placement if it is one and its loss is a number."""
    loss = comparison.of("giou")[0]
    if comparison.parts["iou"] > 0 or not math.isfinite(loss):
        return apart
    return (loss, loss) if apart is None else (min(apart[0], loss), max(apart[1], loss))


def two_placements(outcome: Outcome, _: Translate) -> str | None:
    """Two placements with IoU 0 and GIoU losses more than 0.5 apart, seen in this session."""
    apart = outcome.apart
    if apart is not None and apart[1] - apart[0] > 0.5:
        return None
    if outcome.overlap:
        return _("The boxes overlap: IoU is {iou}. Pull them apart.", iou=f"{outcome.comparison.parts['iou']:.3f}")
    if apart is None or not math.isfinite(outcome.loss("giou")):
        return _no_number(outcome, "giou", _)
    return _(
        "IoU is 0. So far GIoU’s loss went from {low} to {high} over such placements; go nearer, and further away.",
        low=f"{apart[0]:.2f}",
        high=f"{apart[1]:.2f}",
    )


def giou_agrees(outcome: Outcome, _: Translate) -> str | None:
    """Different boxes with C = U."""
    if outcome.view.box == outcome.view.target:
        return _("Identical boxes agree about everything. Find two that differ.")
    if not outcome.overlap:
        return _("Disjoint boxes always leave empty room in the enclosing box, so C > U.")
    if not abs(outcome.loss("giou") - outcome.loss("iou")) <= 1e-6:
        parts = outcome.comparison.parts
        return _(
            "C − U is {gap} px²: some of the enclosing box is covered by neither.",
            gap=f"{parts['enclosing_area'] - parts['union']:.0f}",
        )
    return None


def blind_diou(outcome: Outcome, _: Translate) -> str | None:
    """One center, two shapes."""
    iou, diou, ciou = (outcome.loss(kind) for kind in ("iou", "diou", "ciou"))
    for kind, loss in (("iou", iou), ("diou", diou), ("ciou", ciou)):
        if not math.isfinite(loss):
            return _no_number(outcome, kind, _)
    if abs(diou - iou) > 1e-6:
        return _(
            "The centers are {distance} px apart, so DIoU adds a penalty.",
            distance=f"{outcome.comparison.parts['distance']:.1f}",
        )
    if not ciou - diou > 0.1:
        return _(
            "DIoU’s penalty is 0, but CIoU adds only {gap}. Make the shapes differ more.", gap=f"{ciou - diou:.3f}"
        )
    return None


def nan_gradient(outcome: Outcome, _: Translate) -> str | None:
    """No height: a finite loss, no gradient."""
    loss, gradient = outcome.comparison.of("ciou")
    if not math.isfinite(loss):
        return _("The loss itself is no number here. It should be finite, only the gradient NaN.")
    if all(map(math.isfinite, gradient)):
        return _("CIoU’s gradient is finite. Which box has no w/h ratio with a finite slope?")
    return None


def blind_ciou(outcome: Outcome, _: Translate) -> str | None:
    """Two lines of no width round one center: no overlap, no distance, one ratio."""
    _loss, gradient = outcome.comparison.of("ciou")
    distance = outcome.comparison.parts["distance"]
    if outcome.view.box == outcome.view.target:
        return _("The boxes are the same. They should differ.")
    if not all(map(math.isfinite, gradient)):
        return _("NaN is not zero. Without height the slope of atan(w/h) is lost; without width it is not.")
    if not gradient.any():
        return None
    if distance > 0:
        return _("The centers are {distance} px apart and pull.", distance=f"{distance:.1f}")
    if outcome.overlap:
        return _("The overlap still pulls. Which boxes have none, even round one center?")
    return _("Only the ratio w/h still pulls. Which ratio can two different boxes share, and have no overlap?")


def _no_number(outcome: Outcome, kind: str, _: Translate) -> str:
    """Why nothing can be said of a loss here."""
    comparison = outcome.comparison
    index = comparison.kinds.index(kind)
    return _(
        "{loss}’s loss is no number here, so it cannot be compared. {reasons}",
        loss=TITLES[kind],
        reasons=" ".join(_(reason) for reason in comparison.reasons[index]),
    )


def observe(page: Page, view: View, comparison: LossComparison) -> Outcome:
    """What the challenges are marked from; the session remembers how far GIoU's loss went without an overlap."""
    apart = widen(page.recall("apart_seen"), comparison)
    page.remember("apart_seen", apart)
    return Outcome(view, comparison, apart)


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "two_placements",
            two_placements,
            _("Same IoU, another GIoU"),
            _("find two placements with IoU 0 whose GIoU losses differ by more than 0.5."),
        ),
        (
            "giou_agrees",
            giou_agrees,
            _("GIoU has nothing to add"),
            _("find two different boxes for which GIoU and IoU losses agree."),
        ),
        (
            "blind_diou",
            blind_diou,
            _("What DIoU cannot see"),
            _("make DIoU’s loss equal IoU’s while CIoU’s is larger by more than 0.1."),
        ),
        (
            "nan_gradient",
            nan_gradient,
            _("A finite loss without a gradient"),
            _("make CIoU’s loss finite and its gradient NaN."),
        ),
        (
            "blind_ciou",
            blind_ciou,
            _("What CIoU cannot see"),
            _("make CIoU’s gradient zero in all four coordinates, though the boxes differ."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
