"""Two things that are often said of DETR, against what was measured here."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.detr import network, state, words
from pages.kit.chart import table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import detr

SETS = ("duplicates", "overlapping")
SURE, OFTEN = 0.5, 20
"""Score from which on a query is sure, and in how many scenes it has to be."""


def show(page: Page) -> None:
    """Draws both cards."""
    st.subheader(page.translate("Often said"), anchor=False)
    _show_suppression(page)
    if network.is_shipped():
        _show_anchors(page)


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


def _show_anchors(page: Page) -> None:
    """That queries are anchors, measured on the network that was trained here."""
    _ = page.translate
    places = compute(detr.load_places, folder=network.FOLDER)
    sure = places.scores > np.float32(SURE)
    # Of each query that is often sure: how many classes it names, and how far apart the sizes lie that it takes.
    often = np.flatnonzero(sure.sum(0) >= OFTEN)
    rows = []
    for query in often.tolist():
        boxes, labels = places.boxes[sure[:, query], query], places.labels[sure[:, query], query]
        low, high = np.percentile(np.sqrt(boxes[:, 2] * boxes[:, 3]), [10, 90])
        apart = np.nan
        if places.start_boxes is not None:
            apart = float(np.abs(boxes[:, :2] - places.start_boxes[query, :2]).max(1).mean())
        rows.append((len(np.unique(labels)), float(high / max(low, 1e-6)), apart))
    if not rows:
        return
    classes, ratio, apart = (float(np.median(column)) for column in zip(*rows, strict=True))
    show_myth(
        page,
        claim=_("Object queries are anchors."),
        verdict="fails",
        because=_(
            "An anchor has one size and one place, the same for every picture. Over {scenes} scenes, the "
            "{queries} queries that are often sure name {classes} classes each (median), and their large boxes "
            "are {ratio} times as wide as their small ones. But queries have habits: on average their boxes lie "
            "within {apart} of the picture’s side from where ours begin. The paper’s begin nowhere.",
            scenes=len(places.scores),
            queries=len(rows),
            classes=f"{classes:g}",
            ratio=f"{ratio:.1f}",
            apart=f"{apart:.2f}",
        ),
        evidence=lambda: None,
        source=_("Each query’s places are drawn in the part “Queries”."),
    )
