"""Where to begin: at the first lesson, or where the reader's browser says that the last one stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.kit.components import mount
from pages.kit.page import Page
from pages.kit.values import keep_for_page

_MOST_STEPS = 20


def show(page: Page, path: Sequence[str]) -> None:
    """Draws the button that begins or goes on.

    Args:
        page: the open page.
        path: the concepts in their order.
    """
    mount("home/progress", key=_key(page), on_progress_change=_heard, data={"concepts": list(path)})
    known = progress(page, path)
    rest = [concept for concept in path if not known.get(concept, (0, 1, False))[2]]
    following = rest[0] if rest else path[0]
    words = page.translate("Start the first lesson") if not known else page.translate("Go on with the next lesson")
    if st.button(words, key=page.key("start"), type="primary", icon=":material/play_arrow:"):
        keep_for_page(following, tour=known.get(following, (1, 1, False))[0])
        st.switch_page(f"pages/{following}/page.py")


def progress_words(page: Page, path: Sequence[str]) -> dict[str, str]:
    """How far the reader is, by concept."""
    _ = page.translate
    return {
        concept: _("done") if done else _("step {at} of {of}", at=at, of=of)
        for concept, (at, of, done) in progress(page, path).items()
    }


def progress(page: Page, path: Sequence[str]) -> dict[str, tuple[int, int, bool]]:
    """Step, number of steps and whether the lesson was finished, as far as the browser can be believed."""
    state = st.session_state.get(_key(page))
    told = state.get("progress") if isinstance(state, Mapping) else None
    found = {}
    for concept in path:
        entry = told.get(concept) if isinstance(told, Mapping) else None
        if not isinstance(entry, Mapping):
            continue
        at, of = entry.get("at"), entry.get("of")
        if type(at) is int and type(of) is int and 1 <= at <= of <= _MOST_STEPS:
            found[concept] = (at, of, entry.get("done") is True)
    return found


def _key(page: Page) -> str:
    return page.key("progress")


def _heard() -> None:
    """Streamlit keeps a component's state only for an event that somebody listens to."""
