"""The way on: the NMS stepper with this photo's candidates, under the same rules."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.detection import state
from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.candidates import Recording, keep_recording
from pages.kit.page import Page
from pages.kit.values import keep_for_page
from vizcore.figures.detection import milliseconds

DETECTORS_RULES = {
    "method": "hard",
    "class_aware": True,
    "suppress_equal": False,
    "ties": "first",
    "pixel_inclusive": False,
}
"""The NMS of every detector here, in the stepper's words: whatever rules it was left with, it keeps the same boxes."""


def show(page: Page, view: View, found: Found, place: DeltaGenerator) -> None:
    """Draws the button, and what the run took."""
    _ = page.translate
    with place:
        if page.button(
            "to_nms",
            _("Step through this NMS"),
            icon=":material/filter_list:",
            help=_("Opens the NMS stepper with this photo’s candidates."),
            width="stretch",
        ):
            chosen = state.thresholds(page)
            found.refilter(chosen)
            keep_recording(Recording(view.picture, found.outputs[0]))
            keep_for_page("nms", tour=0, source="photo", photo="session", **chosen, **DETECTORS_RULES)
            st.switch_page("pages/nms/page.py")
        if page.step is not None:
            return
        st.caption(
            _(
                "The network ran once, in {time}; the thresholds only filter what it found.",
                time=milliseconds(found.recorded[0].network_seconds),
            )
        )
