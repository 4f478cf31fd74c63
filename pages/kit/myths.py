"""The myth card: a claim that is often repeated, our own figures for and against it, and a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from pages.kit.page import Page

Verdict = Literal["holds", "holds_if", "fails"]


def show_myth(
    page: Page, *, claim: str, verdict: Verdict, because: str, evidence: Callable[[], None], source: str = ""
) -> None:
    """Shows a myth card.

    Args:
        page: the open page.
        claim: what is said, translated; one sentence.
        verdict: what our figures make of it.
        because: under which condition it holds, or why it fails; translated Markdown with the figures set in.
        evidence: draws charts or tables into the card.
        source: where the claim comes from, translated Markdown.
    """
    say = page.translate
    badge = {
        "holds": (say("Verdict: holds"), ":material/check_circle:", "green"),
        "holds_if": (say("Verdict: holds if …"), ":material/balance:", "orange"),
        "fails": (say("Verdict: does not hold"), ":material/cancel:", "red"),
    }[verdict]
    with st.container(border=True):
        head, mark = st.columns([3, 1], vertical_alignment="center")
        head.markdown(f":material/auto_stories: **{say('Often said:')}** “{claim}”")
        with mark:
            st.badge(badge[0], icon=badge[1], color=badge[2])  # type: ignore[arg-type]
        evidence()
        st.markdown(because)
        if source:
            st.caption(source)
