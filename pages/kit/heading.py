"""The head of a page: what it is about, what to do first, and beside that its few actions."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def draw_heading(title: str, tagline: str) -> DeltaGenerator:
    """Draws title and tagline, both translated; returns the place of the actions beside them."""
    with st.container(key="head", horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(key="head_words", gap="xxsmall"):
            st.title(title, anchor=False)
            st.markdown(f":gray[{tagline}]")
        return st.container(key="head_actions", horizontal=True, vertical_alignment="center", width="content")
