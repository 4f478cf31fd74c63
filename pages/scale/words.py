"""Names and sentences of the scale page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore import scale
from vizcore.figures import scale as figures


def levels_sentence(_: Translate, levels: Sequence[scale.ObjectLevel]) -> str:
    """At which resolutions an object teaches.

    Args:
        _: says a label.
        levels: of one object.
    """
    names = [_(figures.RESOLUTION_NAMES[level.resolution.name]) for level in levels if level.valid]
    side = f"{levels[0].side / levels[0].factor:.1f}"
    if not names:
        return _("√(width · height) = {side} px of the original: it teaches at no resolution.", side=side)
    return _(
        "√(width · height) = {side} px of the original: it teaches at {names}.", side=side, names=_(", ").join(names)
    )


def show_notes(page: Page, ranges: Sequence[tuple[float, float]]) -> None:
    """What the ranges leave out, or hold twice."""
    _ = page.translate
    for note in scale.notes_on(ranges):
        ends = {"low": f"{note.low:g}", "high": "∞" if math.isinf(note.high) else f"{note.high:g}"}
        if note.kind == "inverted":
            st.warning(_("The range from {low} to {high} px is inverted: nothing is valid there.", **ends))
        elif note.kind == "gap":
            st.warning(_("Gap: objects between {low} and {high} px teach at no resolution.", **ends))
        else:
            st.caption(_("Overlap: objects from {low} to {high} px teach at two resolutions.", **ends))
