"""The graph of a real network, folded by module."""

from __future__ import annotations

import streamlit as st

from pages.autograd import state
from pages.autograd.state import View
from pages.kit.graph import folded_network
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore.autograd.networks import NETWORKS
from vizcore.autograd.packing import pack_network


def show(page: Page, view: View) -> None:
    """The offer, and the graph if it was taken."""
    _ = page.translate
    page.toggle(state.REAL, _("The graph of a real network"))
    if view.real:
        page.select(state.NETWORK, _("Network"), dict(NETWORKS), few=True)
        st.caption(
            _("Random weights, two random images of 64 × 64 pixels, one backward pass. Nothing here is trained.")
        )
        folded_network(page.key("network_graph"), compute(pack_network, view.network), presenter=page.presenting)
