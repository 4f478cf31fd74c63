"""The challenges of ThunderNet: each is marked from what the page shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.thundernet import network
from pages.thundernet.state import View
from vizcore import thundernet

MOST_ADDS = 250
"""Million multiply-adds that the diet allows."""
HEAVY = 0.5
"""Share of the multiply-adds from which a head is heavy."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What challenges and questions are marked from.

    Attributes:
        view: what the page shows.
    """

    view: View

    @property
    def budget(self) -> thundernet.Budget:
        """What the detector of the switches costs, without times."""
        return network.counted(self.view.design)

    @property
    def adds(self) -> float:
        """Its multiply-adds, millions."""
        return self.budget.total.multiply_adds / 1e6

    @property
    def trace(self) -> thundernet.ThunderNetTrace:
        """The detection part on the page's picture."""
        return network.trace_of(self.view.picture)

    def at_cell(self) -> dict[str, float]:
        """The three terms and their sum at the page's cell, in its channel."""
        maps = self.trace.term_maps(self.view.channel)
        return {name: float(values[self.view.cell]) for name, values in maps.items()}


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def observe(view: View) -> Outcome:
    """What the page shows now."""
    return Outcome(view)


def diet(outcome: Outcome, _: Translate) -> str | None:
    """At most 250 million multiply-adds at 320 pixels, with CEM and SAM."""
    design = outcome.view.design
    if design.input_size != thundernet.SIZE:
        return _("The input has {size} pixels; 320 are asked for.", size=design.input_size)
    if not (design.cem and design.sam):
        return _("Context and attention must stay on.")
    if outcome.adds > MOST_ADDS:
        return _(
            "{count} million multiply-adds now; at most {most} are allowed. Which block has most of them?",
            count=f"{outcome.adds:.0f}",
            most=MOST_ADDS,
        )
    return None


def heavy_head(outcome: Outcome, _: Translate) -> str | None:
    """A head with more than half of all multiply-adds behind the largest backbone."""
    design, share = outcome.view.design, outcome.budget.share("head")
    if design.backbone != "snet535":
        return _("Take the largest backbone.")
    if share <= HEAVY:
        return _(
            "The head has {share} % of the multiply-adds. How many numbers of a region does it read, and into how wide "
            "a layer?",
            share=f"{100 * share:.0f}",
        )
    return None


def overruled(outcome: Outcome, _: Translate) -> str | None:
    """A cell whose local term the other two overrule."""
    if outcome.view.part != "maps" or outcome.view.look != "context":
        return _("Open “Context and attention”, and look at context.")
    terms = outcome.at_cell()
    if terms["local"] * terms["context"] < 0:
        return None
    return _(
        "From C4 {local}, sum {total}: the same sign. Look for a cell where C4 is weak and C5 strong.",
        local=f"{terms['local']:.2f}",
        total=f"{terms['context']:.2f}",
    )


def same_bin(outcome: Outcome, _: Translate) -> str | None:
    """A region all of whose bins read the map within one cell."""
    if outcome.view.part != "region":
        return _("Open “Pooling a region”.")
    points = network.pooled(outcome.view).points.reshape(-1, 2)
    cells = len(np.unique(np.floor(points / thundernet.STRIDE), axis=0))
    if cells == 1:
        return None
    return _("Its 196 samples lie in {count} cells of 16 × 16 pixels; make it smaller.", count=cells)


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "diet",
            diet,
            _("On a diet"),
            _(
                "At 320 pixels, with context and attention on, come down to {most} million multiply-adds.",
                most=MOST_ADDS,
            ),
        ),
        (
            "heavy_head",
            heavy_head,
            _("Top-heavy"),
            _("With the largest backbone, build a head that takes more than half of all multiply-adds."),
        ),
        (
            "overruled",
            overruled,
            _("Overruled"),
            _("Find a cell where the sum has another sign than the term from C4."),
        ),
        (
            "same_bin",
            same_bin,
            _("Forty-nine bins, one cell"),
            _("Drag the region so that all its bins read within a single cell of the map."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
