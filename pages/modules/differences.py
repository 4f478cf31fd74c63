"""Where the two networks part: every aspect measured on both."""

from __future__ import annotations

import streamlit as st

from pages.kit.language import Translate
from pages.kit.page import Page
from pages.modules.words import aspect_words, unbroken
from vizcore.modules import Difference, NetworkComparison, list_shown, list_silent


def show(page: Page, comparison: NetworkComparison) -> None:
    """Lists the aspects, and says how many silent differences are left."""
    _ = page.translate
    words = aspect_words(_)
    lines = [f"| {_('Measured just now')} | nn | F | |", "|:--|--:|--:|:--|"]
    lines += [
        f"| {words[entry.aspect]} | {entry.module:.4g} | {entry.functional:.4g} | {_mark(_, entry)} |"
        for entry in list_shown(comparison)
    ]
    st.markdown("\n".join(lines))
    silent = list_silent(comparison)
    if silent:
        st.caption(_("{count} silent differences left; the two repairs above remove them.", count=len(silent)))
    else:
        st.caption(_("Nothing differs silently any more. What still differs lies in what a function is."))


def _mark(_: Translate, entry: Difference) -> str:
    if entry.same:
        return f":gray[✓\u00a0{unbroken(_('alike'))}]"
    if entry.repairable:
        return f"**✗\u00a0{unbroken(_('silent'))}**"
    return f":gray[•\u00a0{unbroken(_('nature'))}]"
