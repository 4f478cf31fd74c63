"""The challenges of the CenterNet page, marked from what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pages.centernet import loss, network, splat
from pages.centernet.network import Decoded
from pages.centernet.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import centernet

CHEAP, COSTLY = 0.01, 2.0
"""Loss of a cell that costs nearly nothing, and of one that costs much."""
SURE = 0.9
FLOOD = 3


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge or a lesson's question is marked from; None for what another part would compute.

    Attributes:
        view: the controls.
        splat: what the objects put on the map.
        loss: of the painted prediction.
        decoded: the scene.
        card: of the trained detector.
    """

    view: View
    splat: centernet.SplatTrace | None
    loss: centernet.PaintedLoss | None
    decoded: Decoded | None
    card: Mapping[str, Any] | None


def observe(view: View, decoded: Decoded | None) -> Outcome:
    """What the open part computed."""
    return Outcome(
        view,
        splat.trace(view) if view.part == "splat" else None,
        loss.paint(view) if view.part == "loss" else None,
        decoded,
        network.card() if view.part == "measured" else None,
    )


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def lose_one(outcome: Outcome, _: Translate) -> str | None:
    """Two objects of a class in one cell."""
    if outcome.splat is None:
        return _("Open “Objects to heatmap”.")
    if any(outcome.splat.lost):
        return None
    return _("Every object has a cell of its own. Bring the centers of two of one class within 4 pixels.")


def plateau(outcome: Outcome, _: Translate) -> str | None:
    """Two objects of one class in neighbouring cells: both stay."""
    if outcome.splat is None:
        return _("Open “Objects to heatmap”.")
    cells = [(label, *cell) for label, cell in zip(outcome.view.labels, outcome.splat.cells.tolist(), strict=True)]
    for first, (label, x, y) in enumerate(cells):
        for other, ox, oy in cells[first + 1 :]:
            if label == other and max(abs(x - ox), abs(y - oy)) == 1:
                return None
    return _("No two centers of one class lie in cells that touch.")


def cheap_mistake(outcome: Outcome, _: Translate) -> str | None:
    """A sure wrong answer that costs nothing, and one that costs much."""
    if outcome.loss is None:
        return _("Open “The loss”.")
    target, said, terms = outcome.loss.target, outcome.loss.prediction, outcome.loss.maps.terms
    sure = (said >= SURE) & (target < 1)
    cheap, costly = bool((sure & (terms < CHEAP)).any()), bool((sure & (terms > COSTLY)).any())
    if cheap and costly:
        return None
    if not sure.any():
        return _("No cell without a center says 0.9 or more yet: paint.")
    return (
        _("One of them costs much already. Paint one beside the peak that costs less than 0.01.")
        if costly
        else _("None of them costs more than 2. Be surer, and farther from the peak.")
    )


def flood(outcome: Outcome, _: Translate) -> str | None:
    """Without the comparison of neighbours every object is found many times."""
    if outcome.decoded is None:
        return _("Open “Heatmap to boxes”.")
    wanted = network.decode(outcome.view, kernel=3).shown
    if outcome.decoded.shown >= FLOOD * max(wanted, 1):
        return None
    return _(
        "{shown} boxes reach the score threshold, {wanted} with 3 × 3.", shown=outcome.decoded.shown, wanted=wanted
    )


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: list[tuple[str, Rule, str, str]] = [
        ("lose_one", lose_one, _("Lose one"), _("Place two objects so that the map holds one peak for both.")),
        (
            "plateau",
            plateau,
            _("A plateau"),
            _("Put two centers of one class into cells that touch. How many peaks are left?"),
        ),
        (
            "cheap_mistake",
            cheap_mistake,
            _("A mistake that costs nothing"),
            _("Paint two cells without a center to 0.9 or more: one that costs less than 0.01, one more than 2."),
        ),
    ]
    if network.is_shipped():
        listed.append(
            (
                "flood",
                flood,
                _("A flood of boxes"),
                _("On a scene, find rules under which at least three times as many boxes are shown as with 3 × 3."),
            )
        )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
