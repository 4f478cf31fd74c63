"""Ways from one page to another."""

from __future__ import annotations

import streamlit as st

from pages.kit.page import Page


def link_to(page: Page, concept: str, label: str, *, icon: str = "arrow_forward", **query: str) -> None:
    """Draws a link to another page, in the reader's language.

    Args:
        page: the open page.
        concept: the other page's name.
        label: in the reader's language.
        icon: name of a Material symbol.
        query: what that page is to show; with ``tour="0"`` its laboratory.
    """
    st.page_link(
        f"pages/{concept}/page.py",
        label=label,
        icon=f":material/{icon}:",
        query_params={**query, "lang": page.language},
    )
