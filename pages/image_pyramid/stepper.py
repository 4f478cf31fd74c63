"""The window, slid: levels of the photo, what the window sees and says, and what becomes of the candidates."""

from __future__ import annotations

import streamlit as st

from pages.image_pyramid import state, words
from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.kit.live import media_url, said
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.kit.stepper import step_from, step_spec
from vizcore import image_pyramid
from vizcore.figures import theme

COLORS = {
    "current": theme.CURRENT,
    "waiting": theme.PREDICTION,
    "kept": theme.KEPT,
    "out": theme.SUPPRESSED,
    "scale": theme.sequential_colors(65),
}


def show(page: Page, view: View, found: Search) -> int:
    """Draws the levels with their steps.

    Returns:
        The position of the stepper.
    """
    trace = found.trace
    num_positions = image_pyramid.count_positions(trace, view.pace)
    told = page.is_told("step")  # by a link, or by the lesson
    new = page.is_new("trace", found.identity) and not told
    asked = state.LAST if new else view.step  # another trace: its result first
    start = num_positions - 1 if asked == state.LAST else asked
    key = state.view_key(page)
    version = f"{found.identity}.{page.version('step')}"
    summary = words.summary(page.translate, trace, found.name)
    names = {found.label, *trace.top_labels.ravel().tolist()}
    shown = stage(
        key,
        boxes=(),
        size=view.picture.size,
        photo=view.picture.pixels,
        mode="select",
        version=found.identity,
        title=summary if page.revealed else page.translate("A window slid over the levels of a pyramid"),
        presenter=page.presenting,
        component="image_pyramid/sliding_window",
        extra={
            "stepper": step_spec(
                num_positions,
                start=start,
                version=version,
                speed=5,
                state=said(key),
                most=None if page.revealed else start,
            ),
            "pace": view.pace,
            "fusion": view.fusion,
            "show_map": view.show_map,
            "show_best": page.shows("best"),
            "pictures": [
                media_url(jpeg, "image/jpeg", f"{key}-level{index}") for index, jpeg in enumerate(found.jpegs)
            ],
            "names": {str(label): found.names[label] for label in sorted(names)},
            "colors": COLORS,
            "text": words.component_words(page.translate, named=not page.asks),
        },
        payload=found.packed,
    )
    step = step_from(shown.said, num_positions, start=start, version=version)
    page.store(state.STEP, state.LAST if step == num_positions - 1 else step)
    if page.shows("rest"):
        st.caption(summary)
        page.lesson("claim")
    return step
