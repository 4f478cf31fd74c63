"""The photo picker as the pages use it that are not packages yet; see :mod:`pages.kit.pictures`."""

from __future__ import annotations

import streamlit as st

from pages.kit import pictures
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.pictures import OWN
from vizcore.data import photos

__all__ = ["OWN", "pick_photo"]


def pick_photo(page: Page, *, default: str = "chelsea", camera: bool = True) -> photos.Photo:
    """Draws the picker and returns the photo to work on."""
    picture = pictures.pick_photo(page, pictures.photo_parameter(default), camera=camera)
    return st.session_state["own_photo"] if picture.is_own else compute(photos.load_sample, picture.name)
