"""Which answer to scale: what each way reuses, and where it can be tried here."""

from __future__ import annotations

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.scale.state import View


def show(page: Page, view: View) -> Shown:
    """Shows the table, and the ways to the pages that show its rows."""
    _ = page.translate
    page.lesson("answers")
    with st.container(horizontal=True):
        for concept, words in (
            ("image_pyramid", _("Image pyramid")),
            ("fpn", _("Feature pyramid")),
            ("nms", _("NMS stepper")),
        ):
            st.page_link(
                f"pages/{concept}/page.py",
                label=words,
                icon=":material/arrow_forward:",
                query_params={"lang": page.language},
            )
    return Shown()
