"""For teachers: the plan of a lesson, and links that hide or lock controls for a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from pages.kit import language as lang

if TYPE_CHECKING:
    from pages.kit.page import Page

_OPENED = "teacher_opened"


def teacher_corner(page: Page, query: Mapping[str, str]) -> None:
    """The button that opens the plan for a class and the maker of links, for whoever asks for them.

    Args:
        page: the open page, whose controls are all known by now.
        query: its link.
    """
    notes = lang.teacher_notes(page.concept, page.language)
    if not notes:
        return
    say = page.translate
    names = dict(page.labels)
    address = {name: value for name, value in query.items() if name not in ("hide", "lock", "solved", "present")}
    base = (st.context.url or "").partition("?")[0]

    @st.dialog(say("For teachers"), width="large")
    def opened() -> None:
        plan, maker = st.tabs([say("Plan for a class"), say("Link for my class")])
        with plan, st.container(key="teacher_notes"):
            st.markdown(notes)
            st.download_button(
                say("Save the plan as a file"),
                notes,
                f"grad2box-{page.concept}-plan.md",
                "text/markdown",
                icon=":material/download:",
                on_click="ignore",
            )
        with maker:
            _make_link(page, names, address, base)

    if st.button(
        "",
        key=page.key("teacher"),
        icon=":material/co_present:",
        help=say("For teachers: a plan for a class, and links that hide or lock controls"),
    ):
        opened()


def _make_link(page: Page, names: Mapping[str, str], address: Mapping[str, str], base: str) -> None:
    """Ticks for what a class shall not see or not move, and the link that follows."""
    say = page.translate
    st.markdown(say("The link opens this very view. Tick what your students shall not see, or see and not change."))
    hide = st.multiselect(say("Hide"), list(names), format_func=lambda name: names[name], key=page.key("teacher_hide"))
    rest = [name for name in names if name not in hide]
    lock = st.multiselect(say("Lock"), rest, format_func=lambda name: names[name], key=page.key("teacher_lock"))
    query = dict(address)
    if page.steps and st.toggle(
        say("Stay in the lesson: no way to the laboratory"), bool(page.tour_number), key=page.key("teacher_stay")
    ):
        lock = [*lock, "tour"]
        query["tour"] = str(page.tour_number or 1)
    for name, chosen in (("hide", hide), ("lock", lock)):
        if chosen:
            query[name] = ",".join(sorted(chosen))
    st.code(f"{base}?{urlencode(query, safe=',;:~')}", language=None, wrap_lines=True)
