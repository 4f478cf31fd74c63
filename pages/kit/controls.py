"""How a widget is drawn: what it shows is the value that the page computes with, wherever and whenever it mounts.

Streamlit tells the browser a value once, in the run that sets it. What is not mounted then (a closed popover, an
inactive part, a collapsed sidebar) never hears of it, shows the widget's own default when it mounts, and sends that
back as if the reader had chosen it. Widgets with options are also known to the browser by the words shown, which are
others in another language. So here

* each widget is always drawn *with* its present value, which is what a late one begins with;
* it gets another identity whenever its value was set by anything but itself, whenever its language changes, and when it
  comes back after a run without it: the browser then forgets what it had.

The value itself is the page's, in the session under the same key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.kit import platform


def draw(key: str, value: Any, language: str, widget: Callable[[str, Any], Any]) -> Any:
    """Draws a widget that shows a value.

    Args:
        key: the widget's key in the session.
        value: what it shows.
        language: of its words.
        widget: called with key and value; draws the widget and returns its answer.

    Returns:
        The widget's answer: the value, or what its own bounds made of it.
    """
    known = st.session_state.setdefault("controls", {})
    completed = st.session_state.get("completed_runs", 0)
    mounts, last_run = known.get(key, (0, -1))
    if last_run < completed:  # the last complete run was without it
        mounts += 1
    identity = f"{language}/{version(key)}/{mounts}"
    drawn = st.session_state.setdefault("identities", {})
    if drawn.get(key) != identity or platform.is_set_by_code(key):
        platform.forget(key)
        drawn[key] = identity
    known[key] = (mounts, completed + 1)
    with platform.identity(identity):
        return widget(key, value)


def run_is_complete() -> None:
    """Called at the end of a run that drew all of its page."""
    st.session_state["completed_runs"] = st.session_state.get("completed_runs", 0) + 1


def version(key: str) -> int:
    """How often a value was set by anything but the widget or piece that shows it."""
    return st.session_state.get("versions", {}).get(key, 0)


def raise_version(key: str) -> None:
    """Notes that a value was set from outside: whoever shows it takes it over."""
    versions = st.session_state.setdefault("versions", {})
    versions[key] = versions.get(key, 0) + 1
