"""A part of a page that runs alone: what one control changes, without the rest of the page.

A page runs from top to bottom on every interaction. That is simple, and costs some forty messages and thirty
milliseconds. Where one control is moved far more often than the others, by forty learners at once, the page ends with
:func:`run_alone`: the part that this control changes is a fragment, and the rest stands as it was.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.kit.address import is_visited
from pages.kit.challenges import Challenge, challenge_hints, keep_solved, must_redraw, show_challenges
from pages.kit.page import Page, close_page

_LOG = logging.getLogger("grad2box")


def run_alone(
    page: Page, results: Callable[[], object], *, challenges: Sequence[Challenge], challenges_place: DeltaGenerator
) -> None:
    """Ends a page with a part that runs alone whenever one of its own controls moves.

    The link follows, since ``close_page`` ends each of its runs. The challenges are marked in each, and drawn again (by
    a run of the whole page) only when one was solved or when a hint of before still shows.

    Args:
        page: the open page.
        results: draws the controls and what they change: here, or in containers made above. What it reads of the page
            is what it was when the page last ran as a whole.
        challenges: marked from what ``results`` leaves behind.
        challenges_place: where they are drawn.
    """
    hints: dict[str, str | None] = {}
    failures: list[Exception] = []
    runs = itertools.count()

    @st.fragment
    def alone() -> None:
        again = next(runs) > 0
        if again and is_visited():  # the address is this part's too, but a link is taken over by the whole page
            st.rerun()
        try:
            results()
            hints.clear()
            hints.update(challenge_hints(page, challenges))
        except Exception as error:
            if not again:
                failures.append(error)  # for the shell; a fragment would answer in Streamlit's words
                return
            _LOG.error("page %s failed", page.concept, exc_info=error)
            st.rerun()
        if again:
            page.notices.clear()
            if must_redraw(page, hints):
                st.rerun()
        keep_solved(page, challenges, hints)
        close_page(page)

    alone()
    if failures:
        raise failures[0]
    with challenges_place:
        show_challenges(page, challenges, hints=hints)
