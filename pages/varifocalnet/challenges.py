"""The challenges of the VarifocalNet page, marked from what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.varifocalnet import losses, network
from pages.varifocalnet.state import View
from vizcore import varifocalnet

FLAT, STEEP = 0.05, 0.3
"""Gradients that count as none, and as strong."""
TIMES = 2


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge or a lesson's question is marked from; None for what another part would compute.

    Attributes:
        view: the controls.
        curves: of the three losses.
        star: of the box.
        assignment: of the box.
        rankings: of the candidates.
        runs: what their cards say of the trained detectors.
        error: why the box says nothing.
    """

    view: View
    curves: varifocalnet.LossCurves | None = None
    star: varifocalnet.StarTrace | None = None
    assignment: varifocalnet.AssignmentTrace | None = None
    rankings: dict[str, network.Ranking] | None = None
    runs: dict[str, dict[str, Any]] | None = None
    error: varifocalnet.VarifocalNetError | None = None

    @property
    def found(self) -> Any:
        """What the open part computed."""
        return {"star": self.star, "assign": self.assignment, "ranking": self.rankings}[self.view.part]

    def slope(self, kind: str) -> float:
        """Gradient of a loss by p, at the view's p and q."""
        assert self.curves is not None
        return float(np.interp(self.view.p, self.curves.p, self.curves.gradient[kind]))

    def value(self, kind: str) -> float:
        """A loss at the view's p and q."""
        assert self.curves is not None
        return float(np.interp(self.view.p, self.curves.p, self.curves.loss[kind]))


def observe(view: View) -> Outcome:
    """What the open part computes; a box that nothing can be said of is kept as an error."""
    try:
        if view.part == "losses":
            return Outcome(view, curves=losses.curves(view))
        if view.part == "star":
            return Outcome(view, star=network.star(view))
        if view.part == "assign":
            return Outcome(view, assignment=network.assignment(view))
        if view.part == "ranking":
            return Outcome(view, rankings=network.rankings())
        if view.part == "measured":
            return Outcome(view, runs=network.trained_cards())
    except varifocalnet.VarifocalNetError as error:
        return Outcome(view, error=error)
    return Outcome(view)


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def vanish(outcome: Outcome, _: Translate) -> str | None:
    """The varifocal gradient is gone, the focal one is not."""
    if outcome.curves is None:
        return _("Open “Three losses”.")
    if outcome.view.q == 0:
        return _("q is 0: take a positive.")
    varifocal, focal = abs(outcome.slope("varifocal")), abs(outcome.slope("focal"))
    if varifocal <= FLAT and focal >= STEEP:
        return None
    return _(
        "Varifocal pulls with {varifocal}, focal with {focal}.", varifocal=f"{varifocal:.2f}", focal=f"{focal:.2f}"
    )


def two_levels(outcome: Outcome, _: Translate) -> str | None:
    """ATSS takes cells of two levels."""
    if outcome.assignment is None:
        return _("Open “Who is positive?”.")
    found = outcome.assignment
    levels = sorted({float(found.strides[cell]) for cell in found.atss})
    if len(levels) >= 2:
        return None
    return _("All positives have stride {stride}.", stride=f"{levels[0]:g}") if levels else _("There is no positive.")


def apart(outcome: Outcome, _: Translate) -> str | None:
    """One rule has at least twice as many positives as the other, which has some."""
    if outcome.assignment is None:
        return _("Open “Who is positive?”.")
    few, many = sorted((len(outcome.assignment.atss), len(outcome.assignment.fcos)))
    if few and many >= TIMES * few:
        return None
    return _(
        "ATSS has {atss} positives, the center rule {fcos}.",
        atss=len(outcome.assignment.atss),
        fcos=len(outcome.assignment.fcos),
    )


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "vanish",
            vanish,
            _("Content at q"),
            _("Find a positive whose score the varifocal loss leaves alone while the focal loss still pulls strongly."),
        ),
        (
            "two_levels",
            two_levels,
            _("Two levels at once"),
            _("Place the object so that ATSS takes positives from two levels."),
        ),
        (
            "apart",
            apart,
            _("Two rules, two opinions"),
            _("Find an object for which one rule has at least twice as many positives as the other, and neither none."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
