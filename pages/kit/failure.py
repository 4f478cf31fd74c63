"""What a failure looks like: on the page that failed, with a way out, and with the traceback in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.kit import language as lang
from pages.kit.values import reset_page

_LOG = logging.getLogger("grad2box")


def guarded(concept: str, callback: Callable[..., Any]) -> Callable[..., None]:
    """A callback whose failure is shown by its page, in its place, with a way out.

    Streamlit runs callbacks before app.py; what one of them raises would replace the whole app.
    """

    def call(*args: Any, **options: Any) -> None:
        try:
            callback(*args, **options)
        except Exception as error:
            _LOG.error("a callback of page %s failed", concept, exc_info=error)
            st.session_state["failed"] = (concept, error)

    return call


def show_failure(error: Exception, concept: str) -> None:
    """Tells a reader what to do when a page fails; the log gets the traceback."""
    _LOG.error("page %s failed", concept, exc_info=error)
    say = lang.translator("kit")
    with st.container(key="failure"):
        st.error(
            say(
                "Something on this page went wrong ({kind}). Your other pages are untouched. Reset this page, or "
                "reload it.",
                kind=type(error).__name__,
            ),
            icon=":material/error:",
        )
    st.button(say("Reset this page"), on_click=reset_page, args=(concept,), icon=":material/restart_alt:")


def failure_of(concept: str) -> Exception | None:
    """What a callback of this page raised before this run, told once."""
    failed = st.session_state.get("failed")
    if failed is None or failed[0] != concept:
        return None
    del st.session_state["failed"]
    return failed[1]  # type: ignore[no-any-return]
