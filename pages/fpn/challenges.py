"""The challenges of the feature pyramid: each is marked from what the page shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pages.fpn import network
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import fpn

NARROW = 0.25
"""Of what a cell could see: on so much at most lies 95 % of a narrow field's gradient."""
COVERING = 0.99
AGREEING = 0.97
SMALLEST, LARGEST = 8.0, 190.0
"""Sides of the drawn objects, pixels."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a challenge is marked from.

    Attributes:
        view: the controls.
        run: the detector over the picture.
        field: what the cell in question sees; None unless that part of the page is open.
    """

    view: View
    run: Run
    field: fpn.EffectiveField | None


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def observe(view: View, run: Run) -> Outcome:
    """What the page shows now."""
    asked = view.part == "cell"
    return Outcome(view, run, network.field_of(view.picture, view.cell_level, view.cell) if asked else None)


def small_lost(outcome: Outcome, _: Translate) -> str | None:
    """One arrow cut: a small object lost, every large one still found."""
    run, cuts = outcome.run, outcome.view.cuts
    if run.drawn is None:
        return _("Choose a drawn scene: only there it is known what is to be found.")
    if len(cuts) != 1:
        return _("{count} arrows are cut now; cut exactly one.", count=len(cuts))
    before, now = run.count(run.whole), run.count(run.after)
    if now["small"][0] >= before["small"][0]:
        return _(
            "Small objects found: {before} before the cut, {now} now. On which level would you look for them?",
            before=before["small"][0],
            now=now["small"][0],
        )
    if now["large"][0] < before["large"][0] or not before["large"][0]:
        return _(
            "Large objects found: {before} before the cut, {now} now. They must stay; another arrow, or another scene?",
            before=before["large"][0],
            now=now["large"][0],
        )
    return None


def apart(outcome: Outcome, _: Translate) -> str | None:
    """P4 by the paper's rule as published, another level by FCOS."""
    owner = fpn.find_owner(outcome.run.whole, np.asarray(outcome.view.box))
    if owner.level != 4:
        return _(
            "By area the box belongs to P{level} (before rounding {value}). √(w · h) must reach 224 pixels of the "
            "network’s input.",
            level=owner.level,
            value=f"{owner.value:.2f}",
        )
    if not owner.fcos_levels:
        return _("No cell is responsible for this box. Is it too thin to hold a cell’s middle?")
    if "P4" in owner.fcos_levels:
        return _("FCOS gives it to P4 too.")
    return None


def nobody(outcome: Outcome, _: Translate) -> str | None:
    """A box that no cell has to find."""
    owner = fpn.find_owner(outcome.run.whole, np.asarray(outcome.view.box))
    if min(owner.size) < 2:
        return _("The box is {side} pixels thin; at least 2 are asked for.", side=f"{min(owner.size):g}")
    if not owner.fcos_levels:
        return None
    return _(
        "{count} cells on {levels} are responsible for it. A cell needs its middle inside the box: how far apart are "
        "the middles of the finest level?",
        count=owner.num_cells,
        levels=_(", ").join(owner.fcos_levels),
    )


def one_rule(outcome: Outcome, _: Translate) -> str | None:
    """A canonical size at which both rules agree on squares of this data's sizes."""
    config = outcome.run.whole.config
    curve = fpn.ownership_curve(config, smallest=SMALLEST, largest=LARGEST, **outcome.view.rule)
    share = curve.agreement
    if share > AGREEING:
        return None
    return _(
        "Between 8 and 190 pixels they agree on {share} % of the sizes. FCOS’s P4 begins at a side of {side} pixels: "
        "where does the paper’s begin?",
        share=f"{100 * share:.0f}",
        side=f"{fpn.first_side(config, 'P4'):.0f}",
    )


def narrow_field(outcome: Outcome, _: Translate) -> str | None:
    """A theoretical field as wide as the picture, and most of the gradient on a small part of it."""
    field = outcome.field
    if field is None:
        return _("Open “What a cell sees”.")
    if field.theoretical_share < COVERING:
        return _("The theoretical field of this cell does not cover the whole picture.")
    if field.area_share > NARROW:
        return _(
            "95 % of the gradient lies on {share} % of the picture; at most {limit} % is wanted.",
            share=f"{100 * field.area_share:.0f}",
            limit=f"{100 * NARROW:.0f}",
        )
    return None


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "small_lost",
            small_lost,
            _("The small ones first"),
            _("Under “Maps and cuts”, cut a single arrow so that a small object is lost and all large ones stay."),
        ),
        (
            "apart",
            apart,
            _("Two opinions"),
            _("Drag the box so that P4 owns it by the paper’s rule and FCOS gives it to another level."),
        ),
        (
            "nobody",
            nobody,
            _("Nobody’s box"),
            _("Find a box, at least 2 pixels wide and high, that no cell of this detector learns to find."),
        ),
        (
            "one_rule",
            one_rule,
            _("Make them agree"),
            _("Choose k₀ and the canonical size so that both rules agree on squares of 8 to 190 pixels."),
        ),
        (
            "narrow_field",
            narrow_field,
            _("Could, but does not"),
            _(
                "Find a cell that could see the whole picture, yet 95 % of its gradient lies on at most {limit} % of "
                "it.",
                limit=f"{100 * NARROW:.0f}",
            ),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
