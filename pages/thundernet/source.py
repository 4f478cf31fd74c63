"""The picture: its controls, and room for each part's own."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit.page import Page
from pages.kit.pictures import pick_photo
from pages.thundernet import state
from pages.thundernet.state import View


def show(page: Page, view: View) -> tuple[DeltaGenerator, ...]:
    """Draws one row: what is looked at.

    Returns:
        Two places in the same row, for what the open part asks.
    """
    _ = page.translate
    row = st.columns([1.1, 1.2, 1.2, 1.2], vertical_alignment="bottom", gap="small")
    with row[0]:
        page.select(state.SOURCE, _("Picture"), {"scene": _("A drawn scene"), "photo": _("A photo")})
    with row[1]:
        if view.source == "scene":
            page.number(state.SCENE, _("Scene"))
        else:
            pick_photo(page, state.PHOTO)
    return tuple(row[2:])
