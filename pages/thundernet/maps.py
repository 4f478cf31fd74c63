"""CEM's three terms and SAM's mask, cell by cell."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.kit.ending import Shown
from pages.kit.live import live, media_url
from pages.kit.page import Page
from pages.thundernet import network, source, state, words
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.data.photos import encode_jpeg
from vizcore.figures import theme
from vizcore.thundernet import script as scripts

TITLES = ("context", "attention")
UNKNOWN = {"context": "context", "attention": "attended"}
"""The map that a question is about, and that is not shown before it is answered."""


def show(page: Page, view: View) -> Shown:
    """Draws the picture and the maps; one channel of 245."""
    _ = page.translate
    places = source.show(page, view)
    with places[0]:
        page.select(state.LOOK, _("Look at"), {"context": _("context (CEM)"), "attention": _("attention (SAM)")})
    with places[1]:
        page.number(state.CHANNEL, _("Channel"))
    with st.spinner(_("Running the backbone…")):
        trace, maps = network.trace_of(view.picture), network.maps_of(view)
    signs = words.map_words(_)
    high = max(float(np.abs(values).max()) for name, values in maps.items() if name != "mask") or 1.0
    key = page.key("maps")
    live(
        "thundernet/maps",
        key=key,
        data={
            "photo": media_url(encode_jpeg(trace.pixels), "image/jpeg", f"{key}-photo"),
            "maps": [
                {
                    "name": name,
                    "title": _("before") if name == "context" and view.look == "attention" else signs[name][1],
                    "sign": "" if name == "context" and view.look == "attention" else signs[name][0],
                    "range": [0.0, 1.0] if name == "mask" else [-high, high],
                    "hidden": page.asks and name == UNKNOWN[view.look],
                }
                for name in maps
            ],
            "cell": list(view.cell),
            "version": state.cell_version(page, view.picture),
            "scale": list(theme.SCALE),
            "presenter": page.presenting,
            "text": words.maps_text(_, label=_label(page, view)),
        },
        payload=thundernet.pack_maps(maps),
    )
    if page.shows("rest"):
        st.caption(
            _(
                "The backbone is EfficientNet-Lite0, trained on ImageNet. The pieces behind it have random weights: "
                "how they combine maps is seen as in any ThunderNet, what a trained one would find is not. All maps "
                "but the mask share one color scale, −{high} to {high}; the mask’s is 0 to 1.",
                high=f"{high:.1f}",
            )
        )
    return Shown(
        scripts.write_cell_script(
            network.write_source(page, view), cell=view.cell, channel=view.channel, seed=state.SEED
        )
    )


def _label(page: Page, view: View) -> str:
    _ = page.translate
    if view.look == "context":
        return _("A picture, the three terms of context enhancement, and their sum.")
    return _("A picture, a map before attention, the mask, and the map after.")
