"""Which level knows the class: how sure the surest window of each is."""

from __future__ import annotations

import streamlit as st

from pages.image_pyramid.search import Search
from pages.kit.chart import chart
from pages.kit.page import Page
from vizcore import image_pyramid
from vizcore.figures import image_pyramid as figures


def show(page: Page, found: Search) -> None:
    """Draws the class looked for beside those of which some level is surer."""
    _ = page.translate
    st.subheader(_("Which level knows it?"), anchor=False)
    rivals = image_pyramid.find_rivals(found.levels, found.label)
    left, right = st.columns([1.3, 1], gap="large", vertical_alignment="center")
    with left:
        chart(
            page,
            "levels",
            figures.plot_level_scores(
                found.trace,
                {found.names[rival]: image_pyramid.best_windows(found.levels, rival) for rival in rivals},
                name=found.name,
                translate=_,
            ),
            alt=_(
                "Best probability of “{name}” by level: {values}.",
                name=found.name,
                values=", ".join(f"{number + 1}: {peak:.2f}" for number, peak in enumerate(found.trace.peaks)),
            ),
        )
    with right:
        page.lesson("levels")
