"""The picture and the network that sees it: their controls, and room in the same row for each part's own."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.detr import state
from pages.detr.state import ModelView
from pages.kit.page import Page
from pages.kit.pictures import Picture, pick_photo
from vizcore.data.script import write_photo, write_scene


def show(page: Page, view: ModelView, *, networks: bool = True) -> tuple[DeltaGenerator, ...]:
    """Draws one row: who looks, and what is looked at.

    Args:
        page: the page.
        view: what it shows.
        networks: whether there is more than one who can look.

    Returns:
        Three places in the same row.
    """
    _ = page.translate
    widths = [1.1, 1.1, 1.7, 1.2, 1.1]
    if networks and page.offers(state.NETWORK.name):
        whose, *row = st.columns([1.3, *widths], vertical_alignment="bottom", gap="small")
        with whose:
            page.select(state.NETWORK, _("Network"), {"ours": _("Trained here"), "paper": _("The authors’ (COCO)")})
    else:
        row = st.columns(widths, vertical_alignment="bottom", gap="small")
    with row[0]:
        page.select(state.SOURCE, _("Picture"), {"scene": _("A drawn scene"), "photo": _("A photo")})
    with row[1]:
        if view.source == "scene":
            page.number(state.SCENE, _("Scene"))
        else:
            pick_photo(page, state.PHOTO)
    return tuple(row[2:])


def write_source(picture: Picture) -> str:
    """How a program gets the picture."""
    if picture.kind == "scene":
        return write_scene(int(picture.name))
    return write_photo(None if picture.is_own else picture.name, variable="picture")
