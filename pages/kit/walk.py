"""A lesson that a reader walks alone: a sequence of views from any pages, carried whole by a link, without a room.

The lesson stands in the link's ``walk``, packed, behind the number of the step: a page that is loaded again goes on
where it was. It is read with the suspicion that any link is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from pages.kit import link, work
from pages.kit.language import escape_markdown, translator
from pages.kit.values import opened_steps
from pages.rooms.lesson import Lesson, LessonError, read_lines

LONGEST = 6000
"""Characters of a packed lesson: with the page's own parameters it fits the 8 kB that proxies take."""
_STATE = "walk"
_OUTSIDE = ("class_room", "home")
_PACKED = link.text("walk", "", max_length=4 * link.MAX_TEXT)
_STYLE = """<style>
:root:has(.st-key-walk) { --g2b-walk: 3.25rem; }
:root:has(.st-key-walk):has(.st-key-lesson) { --g2b-room: calc(100vh - 9.5rem - var(--g2b-walk)) !important; }
.st-key-walk p { margin: 0; }
</style>"""


@dataclass
class Walk:
    """A walk of this session.

    Attributes:
        packed: the lesson as its link carries it.
        lesson: what it says.
        at: the step that is open, from 0.
        opens: whether the next run opens that step.
    """

    packed: str
    lesson: Lesson
    at: int
    opens: bool = False


def pack(lesson: Lesson) -> str | None:
    """A lesson as a link carries it; None if it is too long for one."""
    packed = _PACKED.write("\n".join([lesson.title, *lesson.links]))
    return packed if len(packed) <= LONGEST else None


def unpack(packed: str, concepts: tuple[str, ...]) -> Lesson:
    """Reads a packed lesson.

    Raises:
        LessonError: it is damaged, longer than any that was packed, or shows what is no page of this app.
    """
    if not packed.startswith("~") or len(packed) > LONGEST:
        raise LessonError
    try:
        title, _line, links = _PACKED.read(packed).partition("\n")
    except link.LinkError as error:
        raise LessonError from error
    return read_lines(links, title, concepts)


def enter(pages: Mapping[str, Any], concept: str, *, in_class: bool) -> None:
    """Before a page runs: takes a walk over from the link, opens the step that is due, and draws where the reader is.

    Args:
        pages: Streamlit's pages by concept.
        concept: the page that is asked for.
        in_class: whether a teacher leads; then nobody walks alone.
    """
    if in_class:
        leave()
        return
    walk = _take_over(tuple(name for name in pages if name not in _OUTSIDE), concept)
    if walk is None:
        return
    if walk.opens:
        walk.opens = False
        target = open_view(walk.lesson.links[walk.at])
        if target != concept:
            st.switch_page(pages[target])
    _draw(walk)


def open_view(view: str) -> str:
    """Lets the next page's run show a view as a visitor with its link would see it; returns the page's concept."""
    target, _, query = view.partition("?")
    opened_steps().pop(target, None)  # the step is opened as for the first time, whatever this reader did in it
    work.begin(target)
    st.session_state["visited"] = dict(parse_qsl(query, keep_blank_values=True))
    return target


def in_link() -> dict[str, str]:
    """At a page's end: the walk as part of its link."""
    walk = _present()
    return {} if walk is None else {"walk": f"{walk.at + 1}{walk.packed}"}


def leave() -> None:
    """Ends the walk; the page stays as it is."""
    walk = st.session_state.pop(_STATE, None)
    if walk is not None:
        st.session_state["walk_left"] = walk.packed


def _present() -> Walk | None:
    walk: Walk | None = st.session_state.get(_STATE)
    return walk


def _take_over(concepts: tuple[str, ...], concept: str) -> Walk | None:
    """The walk that goes on, or the one that the link brings; a link that cannot be read says so in one sentence."""
    walk = _present()
    visited = st.session_state.get("visited")
    came_back = (visited or {}).get("walk")
    asked = str(came_back or st.query_params.get("walk") or "")
    number, mark, rest = asked.partition("~")
    packed = mark + rest
    at = int(number) - 1 if number.isdecimal() and len(number) <= 2 else 0
    if walk is not None and (not asked or packed == walk.packed):
        if came_back and 0 <= at < len(walk.lesson.links):  # by Back or Forward
            walk.at = at
        return walk
    if not asked or packed == st.session_state.get("walk_left"):
        return walk
    try:
        lesson = unpack(packed, concepts)
    except LessonError:
        say = translator("walk")
        st.warning(
            say("The lesson in this link cannot be read: the link is damaged or was cut. Ask for it once more."),
            icon=":material/link_off:",
        )
        return walk
    at = min(max(0, at), len(lesson.links) - 1)
    walk = Walk(packed, lesson, at, opens=concept not in concepts)
    st.session_state[_STATE] = walk
    return walk


def _draw(walk: Walk) -> None:
    say, count = translator("walk"), len(walk.lesson.links)

    def go(to: int) -> None:
        walk.at, walk.opens = min(max(0, to), count - 1), True

    st.html(_STYLE)
    with st.container(key="walk", horizontal=True, vertical_alignment="center"):
        st.button(say("Back"), key="walk_back", on_click=go, args=(walk.at - 1,), disabled=walk.at < 1)
        st.markdown(
            say(
                "**{title}** · step {step} of {count}",
                title=escape_markdown(walk.lesson.title),
                step=walk.at + 1,
                count=count,
            )
        )
        last = walk.at + 1 >= count
        st.button(say("Next"), key="walk_next", on_click=go, args=(walk.at + 1,), disabled=last, type="primary")
        st.button(say("End the lesson"), key="walk_end", on_click=leave, type="primary" if last else "tertiary")
