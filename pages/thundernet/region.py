"""A region cut out of the map: which channel feeds which bin."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.thundernet import network, source, state
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.figures import thundernet as figures
from vizcore.thundernet import script as scripts


def show(page: Page, view: View) -> Shown:
    """Draws the region on the picture, and its bins."""
    _ = page.translate
    places = source.show(page, view)
    with places[0]:
        page.number(state.OUTPUT, _("Output (0 to 4)"))
    with places[1]:
        page.select(
            state.CONVENTION,
            _("Samples of a bin"),
            {"average": _("average (torchvision)"), "max": _("maximum (the authors’ code)")},
        )
    with st.spinner(_("Running the backbone…")):
        trace, pooled = network.trace_of(view.picture), network.pooled(view)
    left, right = st.columns([1, 1.1], gap="medium")
    with left:
        stage(
            page.key("region"),
            **state.region_stage(page, view.picture, view.box),
            photo=trace.pixels,
            min_size=1,
            title=_("A region to drag over the picture"),
            presenter=page.presenting,
        )
    with right:
        if not page.asks:
            _show_bins(page, view, pooled)
    return Shown(
        scripts.write_region_script(network.write_source(page, view), box=view.box, output=view.output, seed=state.SEED)
        if view.convention == "average"
        else "",
        lambda: _rows(pooled),
        "grad2box-region",
    )


def _show_bins(page: Page, view: View, pooled: thundernet.PooledRegion) -> None:
    _ = page.translate
    chart(
        page,
        "bins",
        figures.plot_region(pooled, view.output, translate=_),
        alt=_(
            "Output {output}: 7 × 7 bins read channels {first} to {last}.",
            output=view.output,
            first=int(pooled.channels[view.output].min()),
            last=int(pooled.channels[view.output].max()),
        ),
    )
    st.caption(
        _(
            "The number in a bin is the channel that it reads: 49 · output + 7 · row + column. Its color is the "
            "value, from 2 × 2 samples in the bin."
        )
    )


def _rows(pooled: thundernet.PooledRegion) -> list[dict[str, object]]:
    return [
        {
            "output": output,
            "row": row,
            "column": column,
            "channel": int(pooled.channels[output, row, column]),
            "value": float(pooled.values[output, row, column]),
        }
        for output in range(thundernet.OUTPUTS)
        for row in range(thundernet.BINS)
        for column in range(thundernet.BINS)
    ]
