"""The panel that hands the view over as a program."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit.page import Page


def reproduce_panel(page: Page, script: str) -> None:
    """Shows a short script that prints the numbers on the screen, with a copy button.

    The script stands alone: it imports torch (and torchvision), not this app, unless the numbers come from one of our
    own models. Tests run it in a fresh interpreter and compare.

    Args:
        page: the open page.
        script: Python source with the present values set in.
    """
    with reproduce_place(page):
        st.code(script, language="python")


def reproduce_place(page: Page) -> DeltaGenerator:
    """The panel without its script, for a page whose script changes while the panel stands."""
    with st.expander(page.translate("Reproduce in PyTorch"), icon=":material/code:"):
        st.caption(page.translate("Paste this into a plain Python interpreter: it prints the numbers shown above."))
        return st.container()
