"""What a reader has made of a step, as a class room's board and overlay show it.

No page declares anything for this: whatever a reader can do on a page stands in its link. A step may say beside how
good it is, by its ``measure``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.kit.tour import Step
from pages.rooms.limits import LONGEST_VALUE, MOST_VALUES

if TYPE_CHECKING:
    from pages.kit.page import Page

_OPENED = "work_opened"
_MEASURE = "work_measure"


def begin(concept: str) -> None:
    """A view of a page is opened anew: nothing was made of it yet."""
    st.session_state.get(_OPENED, {}).pop(concept, None)


def note_measure(step: Step, outcome: Any) -> None:
    """In a class room: measures what stands on the page in this run.

    Args:
        step: that is open.
        outcome: what the page computed in this run.
    """
    if step.measure is None or st.session_state.get("room") is None:
        return
    value = step.measure(outcome)
    st.session_state[_MEASURE] = round(float(value), 3) if math.isfinite(value) else None


def work_of(page: Page) -> dict[str, Any]:
    """At a page's end: the link parameters that the step asks for, those that differ by now, and their measure."""
    opened = st.session_state.setdefault(_OPENED, {})
    number, before = opened.get(page.concept, (None, {}))
    now = {name: page.pictures.get(name, text) for name, text in page.written.items() if name not in ("tour", "solved")}
    if number != page.tour_number:
        before = now
        opened[page.concept] = (page.tour_number, now)
    step = page.step
    asked = step.controls if step is not None else ()
    revealed = step.then if step is not None and page.revealed else ()
    values = {
        name: text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
        for name, text in now.items()
        if name in asked or (before.get(name, "") != text and name not in revealed)
    }
    return {
        "place": f"{page.concept}.{step.name if step is not None else 'laboratory'}",
        "values": dict(list(values.items())[:MOST_VALUES]),
        "value": st.session_state.pop(_MEASURE, None),
    }
