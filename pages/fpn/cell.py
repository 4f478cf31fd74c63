"""What a cell sees: all that its kernels could reach, and where its gradient really lies."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import network, state, words
from pages.fpn.network import Run
from pages.fpn.source import write_source
from pages.fpn.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.kit.stage import stage
from vizcore import fpn
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.fpn import packing
from vizcore.fpn import script as scripts


def show(page: Page, view: View, run: Run, places: Sequence[DeltaGenerator]) -> Shown:
    """Draws the cell's field over the picture, and how fast its gradient falls off."""
    _show_controls(page, run, places)
    _ = page.translate
    level, cell = view.cell_level, view.cell
    with st.spinner(_("One backward pass…")):
        field = network.field_of(view.picture, level, cell)
    theory = fpn.theoretical_receptive_field(level)
    square = f"{field.side:.0f}"
    sentence = _(
        "Cell ({row}, {column}) of {level}: 95 % of the gradient lies in a square of {side} pixels, on {share} % of "
        "what the cell could see of this picture.",
        row=cell[0] + 1,
        column=cell[1] + 1,
        level=level,
        side=square,
        share=f"{100 * field.area_share:.0f}",
    )
    if not page.shows("rest"):  # the picture alone: it shows where the gradient lies once it may
        _show_field(page, view, run, field, sentence if page.revealed else _("What a cell sees"))
        return Shown()
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _show_field(page, view, run, field, sentence)
    with right:
        numbers = st.columns(2)
        numbers[0].metric(_("Theoretical field"), f"{theory.size} px")
        numbers[1].metric(_("95 % of the gradient"), f"{square} px")
        st.markdown(f"**{sentence}**")
        page.lesson("cell")
        chart(
            page,
            "share",
            figures.plot_gradient_share([field], translate=_),
            alt=_(
                "Share of the gradient over the side of the square: half the theoretical side holds {half} %.",
                half=f"{100 * field.share_within(theory.size / 2):.0f}",
            ),
        )
    return Shown(scripts.write_field_script(write_source(view.picture), level=level, cell=cell))


def _show_controls(page: Page, run: Run, places: Sequence[DeltaGenerator]) -> None:
    _ = page.translate
    with places[0]:
        names = {
            name: f"{name} · " + _("stride {stride}", stride=run.whole.strides[name])
            for name in state.CELL_LEVEL.options
        }
        page.select(state.CELL_LEVEL, _("Level"), names)
    with places[1]:
        page.toggle(state.POINTS, _("Points of the level"))
    with places[2]:
        page.toggle(
            state.ANCHORS,
            _("Anchors of the paper"),
            help=_("Three shapes at each cell, one area per level: 32² on P2 up to 512² on P6."),
        )


def _show_field(page: Page, view: View, run: Run, field: fpn.EffectiveField, sentence: str) -> None:
    _ = page.translate
    version = state.cell_version(page, view.picture, view.cell_level)
    stage(
        page.key("cell"),
        boxes=[],
        size=run.whole.image_size,
        photo=view.picture.pixels,
        mode="select",
        version=version,
        title=sentence,
        presenter=page.presenting,
        component="fpn/cell",
        extra={
            "version": version,
            "cell": list(view.cell),
            "color": words.COLORS.get(view.cell_level, theme.CURRENT),
            "heat_scale": list(theme.HEAT),
            "show_points": view.points,
            "key": words.cell_key(_, anchors=view.anchors and view.cell_level[0] == "P", asks=page.asks),
            "asks": page.asks,
            "text": words.cell_words(_),
        },
        payload=packing.pack_field(run.whole, field, level=view.cell_level, anchors=view.anchors),
    )
