"""The anchors of one cell, and how many there are."""

from __future__ import annotations

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from pages.kit.ways import link_to
from pages.thundernet import network, source, state
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.figures import theme


def show(page: Page, view: View) -> Shown:
    """Draws the anchors of the page's cell over the picture."""
    _ = page.translate
    places = source.show(page, view)
    with places[0]:
        page.toggle(state.CENTERS, _("Middles of all cells"))
    trace = network.trace_of(view.picture)
    own = thundernet.anchor_boxes(view.cell)
    ratios = len(thundernet.ANCHOR_RATIOS)
    boxes = [
        StageBox(
            f"a{place}",
            state.corners(anchor),
            color=theme.CATEGORICAL[place // ratios],
            fill=False,
            detail=_("{size}² pixels", size=thundernet.ANCHOR_SIZES[place // ratios]),
        )
        for place, anchor in enumerate(own)
    ]
    if view.centers:
        boxes += state.MIDDLES
    stage(
        page.key("anchors"),
        boxes=boxes,
        size=state.PIXELS,
        photo=trace.pixels,
        mode="select",
        bounds=False,
        version=state.cell_version(page, view.picture),
        title=_("The 25 anchors of one cell on a picture of 320 pixels"),
        presenter=page.presenting,
    )
    inside = int(((own[:, :2] >= 0) & (own[:, 2:] <= thundernet.SIZE)).all(1).sum())
    st.caption(
        _(
            "Cell in row {row}, column {column}: 25 anchors, five sizes in five shapes; {inside} of them lie wholly "
            "inside the picture. The map has 20 × 20 cells, so there are {count} anchors. Press the middle of another "
            "cell to see its own.",
            row=view.cell[0],
            column=view.cell[1],
            inside=inside,
            count=f"{len(thundernet.anchor_boxes()):,}",
        )
    )
    words = _("A feature pyramid gives each size a level of its own: see who owns a box")
    link_to(page, "fpn", words, part="owner", tour="0")
    return Shown()
