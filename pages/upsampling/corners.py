"""align_corners: where each output pixel reads by every convention, and what moves when conventions are mixed."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.upsampling import state
from pages.upsampling.state import View
from pages.upsampling.words import name_of
from vizcore import upsampling
from vizcore.figures import upsampling as figures
from vizcore.upsampling import script

BLOB = (33, (12.0, 20.0))  # side of the picture that is resized again and again, and (row, column) of its soft spot


def show(page: Page, view: View) -> Shown:
    """Draws the rulers, and the drift."""
    _show_rulers(page, view)
    _show_drift(page, view)
    return Shown(script=script.write_positions_script(view.ruler_in, view.ruler_out))


def _show_rulers(page: Page, view: View) -> None:
    _ = page.translate
    columns = st.columns(2)
    with columns[0]:
        page.slider(state.RULER_IN, _("Input pixels"))
    with columns[1]:
        page.slider(state.RULER_OUT, _("Output pixels"))
    rows = [
        compute(upsampling.sample_positions, name, view.ruler_in, view.ruler_out) for name in upsampling.CONVENTIONS
    ]
    chart(
        page,
        "positions",
        figures.plot_sample_positions(rows, translate=_),
        alt=_(
            "Where each of {out_size} output pixels reads in {in_size} input pixels.",
            out_size=view.ruler_out,
            in_size=view.ruler_in,
        ),
    )
    table(
        [
            {
                _("Convention"): name_of(_, row.convention),
                _("Source coordinate"): row.formula,
                _("Step"): f"{row.step:.4g}",
                _("First"): f"{row.positions[0]:.4g}",
                _("Last"): f"{row.positions[-1]:.4g}",
            }
            for row in rows
        ]
    )
    difference = compute(upsampling.legacy_difference, view.ruler_in, view.ruler_out)
    st.markdown(
        _(
            '`nn.UpsamplingBilinear2d` sets `align_corners=True`, `nn.Upsample(mode="bilinear")` leaves it False: '
            "here the "
            "two read up to **{difference}** input pixels apart.",
            difference=f"{difference:.4g}",
        )
    )


def _show_drift(page: Page, view: View) -> None:
    _ = page.translate
    st.markdown(f"**{_('Resizing there and back, again and again')}**")
    columns = st.columns(2)
    with columns[0]:
        page.slider(state.BETWEEN, _("Size in between, as a factor"))
    with columns[1]:
        page.slider(state.NUM_ROUNDS, _("Rounds"))
    side, centre = BLOB
    drift = compute(
        upsampling.resize_drift,
        compute(upsampling.blob, side, centre=centre),
        scale_factor=view.between,
        num_rounds=view.num_rounds,
    )
    moved = {name: f"{path[-1]:.2f}" for name, path in zip(drift.names, drift.drift, strict=True)}
    sentence = _(
        "After {rounds} rounds a soft spot has moved by {nearest} pixels with nearest, {exact} with nearest-exact, "
        "{smooth} with bilinear, and {mixed} when the conventions are mixed.",
        rounds=view.num_rounds,
        nearest=moved["nearest"],
        exact=moved["nearest_exact"],
        smooth=moved["bilinear"],
        mixed=moved["mixed"],
    )
    st.markdown(sentence)
    chart(page, "drift", figures.plot_drift(drift, translate=_), alt=sentence)
