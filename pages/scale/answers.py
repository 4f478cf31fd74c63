"""Which answer to scale: what each way reuses, and where it can be tried here."""

from __future__ import annotations

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.kit.ways import link_to
from pages.scale.state import View


def show(page: Page, view: View) -> Shown:
    """Shows the table, and the ways to the pages that show its rows."""
    _ = page.translate
    page.lesson("answers")
    with st.container(horizontal=True):
        link_to(page, "image_pyramid", _("Image pyramid"))
        link_to(page, "fpn", _("Feature pyramid"))
        link_to(page, "nms", _("NMS stepper"))
    return Shown()
