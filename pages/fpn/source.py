"""The picture: its controls, its scene or photo in a script, and the room for each part's own controls."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import state
from pages.fpn.state import View
from pages.kit.page import Page
from pages.kit.pictures import Picture, pick_photo
from vizcore.data.script import write_photo, write_scene


def show(page: Page, view: View) -> tuple[DeltaGenerator, ...]:
    """Draws one row: what is looked at.

    Returns:
        Three places in the same row, for what the open part asks.
    """
    _ = page.translate
    row = st.columns([1.1, 1.2, 1.2, 1.2, 1.4], vertical_alignment="bottom", gap="small")
    with row[0]:
        page.select(state.SOURCE, _("Picture"), {"scene": _("A drawn scene"), "photo": _("A photo")})
    with row[1]:
        if view.source == "scene":
            page.number(state.SCENE, _("Scene"))
        else:
            pick_photo(page, state.PHOTO)
    return tuple(row[2:])


def write_source(picture: Picture) -> str:
    """How a script gets the picture."""
    if picture.kind == "scene":
        return write_scene(int(picture.name))
    return write_photo(None if picture.is_own else picture.name, variable="picture")
