"""What the two additions bring: four detection parts trained with one budget, as their cards tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.numbers import written
from pages.kit.page import Page
from pages.thundernet.state import View
from vizcore.figures import thundernet as figures
from vizcore.thundernet import script as scripts
from vizcore.training.thundernet_shipping import list_thundernet_cards

LIKE = 0.01
"""Average precisions that differ by less are alike: another seed moves them as far."""
ADDED = {
    "CEM": (("thundernet_base", "thundernet_cem"), ("thundernet_sam", "thundernet")),
    "SAM": (("thundernet_base", "thundernet_sam"), ("thundernet_cem", "thundernet")),
}
"""Of each addition: without and with it, where the other one is missing and where it is there."""


def show(page: Page, view: View) -> Shown:
    """Draws the four, and says what each addition brought."""
    _ = page.translate
    found = {str(card["name"]): card for card in compute(list_thundernet_cards)}
    qualities = {name: card["quality"] for name, card in found.items()}
    chart(
        page,
        "trained",
        figures.plot_trained(qualities, translate=_),
        alt=_(
            "Average precision: {list}.",
            list=_("; ").join(
                f"{_(figures.TRAINED_NAMES[name])} {quality['ap']:.3f}" for name, quality in qualities.items()
            ),
        ),
    )
    st.markdown("\n".join(f"- {line}" for line in verdict(page, qualities)))
    table(
        [
            {
                _("detection part"): _(figures.TRAINED_NAMES[name]),
                **{_(words): f"{card['quality'][figure]:.3f}" for figure, words in figures.QUALITY_NAMES.items()},
                _("AP50 from 24 px"): f"{card['ap50_from_24']:.3f}",
                _("parameters (10³)"): f"{card['parameters'] / 1e3:.0f}",
                _("multiply-adds (10⁶)"): f"{card['multiply_adds'] / 1e6:.0f}",
                _("ms of one core"): f"{card['milliseconds']:.0f}",
                _("steps"): card["steps"],
            }
            for name, card in found.items()
        ]
    )
    return Shown(scripts.write_budget_script(view.design))


def verdict(page: Page, qualities: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What each addition brought, with the other one and without it."""
    _ = page.translate
    lines = []
    for name, pairs in ADDED.items():
        alone, beside = (qualities[more]["ap"] - qualities[less]["ap"] for less, more in pairs)
        values = {"name": name, "alone": written(alone, "+.3f"), "beside": written(beside, "+.3f")}
        if min(alone, beside) >= LIKE:
            lines.append(_("**{name} pays:** AP {alone} alone, {beside} beside the other one.", **values))
        elif max(alone, beside) <= -LIKE:
            lines.append(_("**{name} does not pay here:** AP {alone} alone, {beside} beside the other one.", **values))
        elif max(abs(alone), abs(beside)) < LIKE:
            line = _("**{name} changes next to nothing:** AP {alone} alone, {beside} beside the other one.", **values)
            lines.append(line)
        else:
            lines.append(_("**{name}:** AP {alone} alone, {beside} beside the other one.", **values))
    return lines
