"""The panel that hands the view over as a program."""

from __future__ import annotations

import re

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
    with reproduce_place(page, needs_vizcore=needs_vizcore(script)):
        st.code(script, language="python")


def reproduce_place(page: Page, *, needs_vizcore: bool) -> DeltaGenerator:
    """The panel without its script, for a page whose script changes while the panel stands.

    Args:
        page: the open page.
        needs_vizcore: whether the script uses one of our own models, and so is no use without this project.
    """
    with st.expander(page.translate("Reproduce in PyTorch"), icon=":material/code:"):
        st.caption(
            page.translate(
                "It uses a model of this project: in the project’s folder run `pip install .` once, then paste this "
                "into a Python interpreter. It prints the numbers shown above."
            )
            if needs_vizcore
            else page.translate("Paste this into a plain Python interpreter: it prints the numbers shown above.")
        )
        return st.container()


def needs_vizcore(script: str) -> bool:
    """Whether a script imports this project's library."""
    return re.search(r"^(from|import) vizcore\b", script, re.MULTILINE) is not None
