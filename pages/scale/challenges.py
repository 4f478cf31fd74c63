"""The challenges of scale: each is marked from what the page shows, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from pages.scale.state import View
from vizcore import scale

LONG = 200
"""Pixels from which a side is long."""
FEW_PIXELS = 0.25


@dataclass(frozen=True, eq=False)
class Outcome:
    """What challenges and questions are marked from.

    Attributes:
        view: what the page shows.
    """

    view: View

    @property
    def taught_at(self) -> tuple[str, ...]:
        """Names of the resolutions at which the box teaches."""
        return tuple(level.resolution.name for level in self.view.levels if level.valid)


Rule = Callable[[Outcome, Translate], str | None]
"""None where the outcome solves the challenge, else a hint that fits it."""


def everywhere(outcome: Outcome, _: Translate) -> str | None:
    """A box that teaches at all three resolutions."""
    if len(outcome.taught_at) == len(scale.RESOLUTIONS):
        return None
    return _(
        "It teaches at {count} of 3 resolutions. All three ranges must hold its size.", count=len(outcome.taught_at)
    )


def long_and_small(outcome: Outcome, _: Translate) -> str | None:
    """A box of at least 200 pixels that teaches at the high resolution, with the paper's ranges."""
    x1, y1, x2, y2 = outcome.view.box
    if outcome.view.ranges[2][1] != scale.RESOLUTIONS[2].valid[1]:
        return _("Leave the high resolution’s range as the paper has it: up to 80 pixels.")
    if max(x2 - x1, y2 - y1) < LONG:
        return _("Its longer side has {side} pixels; at least 200 are asked for.", side=f"{max(x2 - x1, y2 - y1):g}")
    if "high" not in outcome.taught_at:
        return _("√(width · height) is above 80 pixels. How thin must a box of 200 pixels be?")
    return None


def no_gap(outcome: Outcome, _: Translate) -> str | None:
    """Ranges that neither overlap nor leave a gap."""
    notes = scale.notes_on(outcome.view.ranges)
    if not notes:
        return None
    kinds = [note.kind for note in notes]
    return _("Gaps: {gaps}, overlaps: {overlaps}.", gaps=kinds.count("gap"), overlaps=kinds.count("overlap"))


def cheap_cover(outcome: Outcome, _: Translate) -> str | None:
    """A scene whose chips at the high resolution have less than a quarter of its pixels."""
    view = outcome.view
    if view.part != "chips" or view.level != "high":
        return _("Open “Chips” at the high resolution.")
    trace = view.chips
    if not len(trace.chips):
        return _("No object of this scene is valid there.")
    share = trace.pixels / trace.whole_pixels
    if share < FEW_PIXELS:
        return None
    return _("The chips have {share} % of the pixels; less than 25 % is asked for.", share=f"{100 * share:.0f}")


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown."""
    _ = page.translate
    listed: tuple[tuple[str, Rule, str, str], ...] = (
        (
            "everywhere",
            everywhere,
            _("Three lessons from one object"),
            _("Move the ranges or the box so that it teaches at all three resolutions."),
        ),
        (
            "long_and_small",
            long_and_small,
            _("Long, and yet small"),
            _("Find a box of at least 200 pixels length that teaches at the high resolution."),
        ),
        (
            "no_gap",
            no_gap,
            _("Seamless"),
            _("Set the ranges so that they neither overlap nor leave a gap."),
        ),
        (
            "cheap_cover",
            cheap_cover,
            _("A cheap cover"),
            _("Find a scene whose chips at the high resolution have less than a quarter of its pixels."),
        ),
    )
    return [
        Challenge(name, title, task, lambda rule=rule: rule(outcome, _))  # type: ignore[misc]
        for name, rule, title, task in listed
    ]
