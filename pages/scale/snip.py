"""SNIP, measured: one detector trained in three ways and tested in two, as its cards tell."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.numbers import written
from pages.kit.page import Page
from pages.scale.state import View
from vizcore.figures import scale as figures
from vizcore.training import cards

LIKE = 0.01
"""Average precisions that differ by less are alike: another seed moves them as far."""
SIZES = ("small", "medium", "large")


def show(page: Page, view: View) -> Shown:
    """Draws the six figures, and says what they say."""
    _ = page.translate
    found = {card.name: card for card in measured()}
    if page.step is not None and not page.revealed:
        del found["scale_snip"]  # what the lesson asks for
    qualities = {name: card.qualities for name, card in found.items()}
    chart(
        page,
        "trainings",
        figures.plot_trainings(qualities, translate=_),
        alt=_(
            "Average precision of six ways: {list}.",
            list=_("; ").join(
                f"{_(figures.TRAINING_NAMES[name])}, {_(figures.TEST_NAMES[test])} {quality['ap']:.2f}"
                for name, tests in qualities.items()
                for test, quality in tests.items()
            ),
        ),
    )
    if page.step is None:
        page.lesson("snip")
    if not page.shows("verdict"):
        return Shown()
    st.markdown(verdict(page, qualities))
    table(
        [
            {
                _("trained on"): _(figures.TRAINING_NAMES[name]),
                _("test"): _(figures.TEST_NAMES[test]),
                **{_(label): f"{quality[figure]:.3f}" for figure, label in figures.QUALITY_NAMES.items()},
                "AP50": f"{quality['ap50']:.3f}",
                _("pixels seen"): f"{_pixels(found[name], test):.2f}×",
                _("steps"): found[name].steps,
            }
            for name, tests in qualities.items()
            for test, quality in tests.items()
        ]
    )
    return Shown()


def measured() -> tuple[cards.ScaleCard, ...]:
    """What the trainings reached."""
    found: tuple[cards.ScaleCard, ...] = compute(cards.list_scale_cards)
    return found


def verdict(page: Page, qualities: dict[str, dict[str, dict[str, float]]]) -> str:
    """What the figures say of SNIP against the two other trainings."""
    _ = page.translate
    snip = qualities["scale_snip"]["three"]
    lines = []
    for other, test in (("scale_multi", "three"), ("scale_one", "one")):
        rival = qualities[other][test]
        said = {
            "other": _(figures.TRAINING_NAMES[other]),
            "tested": _(figures.TEST_NAMES[test]),
            "snip": f"{snip['ap']:.3f}",
            "rival": f"{rival['ap']:.3f}",
        }
        if abs(snip["ap"] - rival["ap"]) < LIKE:
            line = _("**SNIP and “{other}” ({tested}) are alike:** AP {snip} and {rival}.", **said)
        elif snip["ap"] > rival["ap"]:
            line = _("**SNIP is better than “{other}” ({tested}):** AP {snip} against {rival}.", **said)
        else:
            line = _("**SNIP is worse than “{other}” ({tested}):** AP {snip} against {rival}.", **said)
        gains = {size: written(snip[f"ap_{size}"] - rival[f"ap_{size}"], "+.3f") for size in SIZES}
        lines.append(f"- {line} " + _("Small {small}, medium {medium}, large {large}.", **gains))
    return "\n".join(lines)


def _pixels(card: cards.ScaleCard, test: str) -> float:
    """Pixels looked at in a test, over those of the scene."""
    sides = card.sides if test == "three" else [card.size]
    return sum(side**2 for side in sides) / card.size**2
