"""Two things that are often said of DETR, against what was measured here."""

from __future__ import annotations

import streamlit as st

from pages.detr import state, words
from pages.kit.chart import table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import detr

SETS = ("duplicates", "overlapping")


def show(page: Page) -> None:
    """Draws both cards."""
    st.subheader(page.translate("Often said"), anchor=False)
    _show_suppression(page)


def _show_suppression(page: Page) -> None:
    """That DETR never needs NMS."""
    _ = page.translate
    names = words.preset_names(_)
    rows = []
    for name in SETS:
        queries, objects = detr.preset_rows(name, side=state.SIDE)
        found = compute(detr.summarise_rows, tuple(map(tuple, queries)), tuple(map(tuple, objects)), side=state.SIDE)
        sure = len(found.suppression.keep) + len(found.suppression.suppressed)
        rows.append(
            {
                _("queries and objects"): names[name],
                _("objects"): len(objects),
                _("sure queries"): sure,
                _("left by NMS"): len(found.suppression.keep),
            }
        )
    show_myth(
        page,
        claim=_("DETR never needs NMS."),
        verdict="holds_if",
        because=_(
            "It holds where the loss has taught the second query on an object to say “no object”. Before that there "
            "are duplicates, and NMS removes them: the paper finds that it helps after the first decoder layer and not "
            "after the last. And where two objects lie close together, it takes away one that was found."
        ),
        evidence=lambda: table(rows),
        source=_("Carion et al. 2020, section 4.2"),
    )
