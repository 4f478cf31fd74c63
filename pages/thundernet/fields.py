"""What a cell sees with 3 × 3 and with 5 × 5 kernels."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.thundernet import network, state, words
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.figures import thundernet as figures
from vizcore.thundernet import script as scripts


def show(page: Page, view: View) -> Shown:
    """Draws both gradients, then what the recursion says of every map."""
    _ = page.translate
    columns = st.columns([1, 1, 2], vertical_alignment="bottom")
    with columns[0]:
        page.select(state.BACKBONE, _("Backbone"), words.BACKBONES)
    with columns[1]:
        page.select(state.LEVEL, _("Map"), {name: name for name in thundernet.MAPS})
    draw(page, view)
    _show_table(page, view)
    return Shown(scripts.write_fields_script(view.design.backbone, view.level))


def draw(page: Page, view: View) -> None:
    """The gradients side by side."""
    _ = page.translate
    with st.spinner(_("Two backward passes…")):
        fields = network.fields_of(view.design, view.level)
    small, large = fields
    chart(
        page,
        "fields",
        figures.plot_fields(fields, translate=_),
        alt=_(
            "95 % of the gradient lies in a square of {small} pixels with 3×3 kernels and of {large} pixels with 5×5.",
            small=small.side,
            large=large.side,
        ),
    )
    st.caption(
        _(
            "Brightness: the root of how much each pixel moves the middle cell of {level}, in an untrained network. "
            "Solid: 95 % of it, {small} px and {large} px wide. Dotted: all that can reach the cell. Dashed: the "
            "detector’s picture, 320 px.",
            level=view.level,
            small=small.side,
            large=large.side,
        )
    )


def _show_table(page: Page, view: View) -> None:
    _ = page.translate
    table(
        [
            {
                _("Map"): level,
                _("3×3, by recursion (px)"): compute(
                    thundernet.theoretical_size, view.design.backbone, level, kernel=3
                ),
                _("5×5, by recursion (px)"): compute(
                    thundernet.theoretical_size, view.design.backbone, level, kernel=5
                ),
            }
            for level in thundernet.MAPS
        ]
    )
