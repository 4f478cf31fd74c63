"""A page in a class room: it follows what the teacher shows, hands answers on, and waits for what is revealed.

The socket is the browser's (``assets/components/room/bar.js``). This side knows of a room what the bar says: which view
to show, what was revealed, what this reader answered. All of it is believed as little as a link is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.kit.components import mount
from pages.kit.language import translator
from pages.kit.room_words import bar_words
from pages.kit.walk import open_view
from pages.kit.work import work_of
from pages.rooms.reading import MessageError, clean_name, read_link
from pages.rooms.secret import read_code

if TYPE_CHECKING:
    from pages.kit.page import Page

KEY = "room_bar"
PIECE = "room/bar"
_STATE = "room"
ENDED = ("closed", "kicked", "unknown", "locked", "full", "slow", "flood", "stranger", "unreadable", "forbidden")
_QUESTION = re.compile(r"[a-z_]{2,40}\.[a-z0-9_]{1,40}")
_VALUE = re.compile(r"[A-Za-z0-9_.+-]{1,40}")

_STYLE = """<style>
.stMainBlockContainer { padding-bottom: calc(3rem + var(--g2b-class, 3rem)) !important; }
[data-testid="stSidebarContent"] { padding-bottom: var(--g2b-class, 3rem); }
:root:has(.st-key-lesson) { --g2b-room: calc(100vh - 9.5rem - var(--g2b-class, 3rem)) !important; }
:root .st-key-lesson_words { max-height: calc(100vh - 9rem - var(--g2b-class, 3rem)) !important; }
</style>"""
_PRESENTER_STYLE = """<style>
:root:root:has(.st-key-lesson) { --g2b-room: calc(100vh - 11.5rem - var(--g2b-class, 3rem)) !important; }
@media (min-height: 801px) {
  :root:root .st-key-lesson_words { max-height: calc(100vh - 11rem - var(--g2b-class, 3rem)) !important; }
}
</style>"""


@dataclass(frozen=True)
class Seat:
    """What this session has in a room.

    Attributes:
        code: of the room; empty while one is being opened.
        role: ``teacher`` or ``student``; empty while not let in.
        reason: why not, or why no more; one of ``ENDED``, or empty.
        name: nickname.
        title: of the lesson.
        revealed: questions whose answers may be shown.
        answers: of this reader, by question.
    """

    code: str
    role: str = ""
    reason: str = ""
    name: str = ""
    title: str = ""
    revealed: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=dict)


def seat() -> Seat | None:
    """The seat of this session; None outside of a room."""
    state = st.session_state.get(_STATE)
    return state["seat"] if state else None


def enter(pages: Mapping[str, Any], concept: str) -> Any:
    """Before a page runs: takes over what the browser says of the room, and opens the page that the teacher shows.

    Args:
        pages: Streamlit's pages by concept.
        concept: the page that is asked for.

    Returns:
        Where :func:`draw` puts the bar; None outside of a room.
    """
    asked = read_code(st.query_params.get("room"))
    state = st.session_state.get(_STATE)
    if asked is not None and asked != st.session_state.get("room_left") and state is None:
        state = _begin(asked, None)
    if asked is None:
        st.session_state.pop("room_left", None)
    if state is None:
        return None
    told = _told(state)
    if told:
        state["seat"] = _seat_of(told, state["seat"])
        if state["seat"].role:
            state["hello"] = None  # done: whoever is in does not ask again
        _follow(told, state, pages, concept)
    presents = bool(st.session_state.get("shell", {}).get("present"))
    st.html(_STYLE + (_PRESENTER_STYLE if presents else ""))
    return st.container(key="room_place")


def draw(place: Any, concept: str) -> None:
    """After a page ran: draws the bar, with what the page left for it."""
    state = st.session_state.get(_STATE)
    if place is None or state is None:
        return
    noted = st.session_state.pop("room_page", None) or {"concept": concept, "step": 0, "of": 0, "solved": 0}
    with place:
        mount(
            PIECE,
            key=KEY,
            on_told_change=_heard,
            data={
                "token": state["token"],
                "code": state["seat"].code,
                "hello": state["hello"],
                "page": noted,
                "answer": state["answer"],
                "taken": state["taken"][0],
                "presenter": bool(st.session_state["shell"].get("present")),
                "text": bar_words(translator("room_words")),
            },
        )


def open_room(links: Sequence[str], title: str) -> None:
    """Asks for a new room, from a callback."""
    _begin("", {"type": "open", "links": list(links), "title": title})


def join_room(code: str, name: str) -> None:
    """Asks to be let into a room, from a callback."""
    _begin(code, {"type": "join", "code": code, "name": clean_name(name)})


def leave_room() -> None:
    """Leaves the room, from a callback."""
    state = st.session_state.pop(_STATE, None)
    if state is not None:
        st.session_state["room_left"] = state["seat"].code


def in_link(page: Page) -> dict[str, str]:
    """At a page's end: the room as part of its link; and how far its reader is, for the teacher's board."""
    mine = seat()
    if mine is None:
        return {}
    noted = st.session_state.setdefault("room_page", {})
    solved = page.written.get("solved", "")
    noted |= {
        "concept": page.concept,
        "step": page.tour_number,
        "of": len(page.steps),
        "solved": len(solved.split(".")) if solved else 0,
    }
    noted["work"] = work_of(page)
    return {"room": mine.code} if mine.code else {}


def note_question(question: str, labels: Mapping[str, str], right: object) -> None:
    """What a page asks in this run, so that the bar can draw the answers.

    Args:
        question: ``<concept>.<step>``.
        labels: words of the answers, by value; empty for a number.
        right: the right answer, as it would be given; for the teacher's eyes, until it is revealed.
    """
    mine = seat()
    if mine is None:
        return
    known = mine.role == "teacher" or question in mine.revealed
    asked = {"key": question, "labels": dict(labels), "right": as_answer(right) if known else ""}
    st.session_state.setdefault("room_page", {})["question"] = asked


def as_answer(value: object) -> str:
    """An answer as a room knows it."""
    return f"{value:.6g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)


def give_answer(question: str, value: object) -> None:
    """Gives an answer, or another one; nothing outside of a room."""
    state = st.session_state.get(_STATE)
    if state is not None:
        state["answer"] = {"question": question, "value": as_answer(value)}


def given(question: str) -> str | None:
    """What this reader answered; None before."""
    state = st.session_state.get(_STATE)
    if state is None:
        return None
    answer = state["answer"]
    if answer is not None and answer["question"] == question:
        return str(answer["value"])
    answers: Mapping[str, str] = state["seat"].answers
    return answers.get(question)


def _begin(code: str, hello: dict[str, Any] | None) -> dict[str, Any]:
    """Another room: what was said of the one before is not believed any more."""
    state = {
        "token": uuid.uuid4().hex,
        "hello": hello,
        "seat": Seat(code),
        "answer": None,
        "taken": (0, 0),
        "gone": "",
    }
    st.session_state[_STATE] = state
    return state


def _told(state: Mapping[str, Any]) -> Mapping[str, Any]:
    heard = st.session_state.get(KEY)
    told = heard.get("told") if isinstance(heard, Mapping) else None
    return told if isinstance(told, Mapping) and told.get("token") == state["token"] else {}


def _seat_of(told: Mapping[str, Any], before: Seat) -> Seat:
    """What the bar says, as far as it can be believed."""
    name, title = told.get("name"), told.get("title")
    answers = told.get("answers")
    return Seat(
        code=read_code(told.get("code")) or before.code,
        role=told["role"] if told.get("role") in ("teacher", "student") else "",
        reason=told["reason"] if told.get("reason") in ENDED else "",
        name=clean_name(name) if isinstance(name, str) else "",
        title=clean_name(title) if isinstance(title, str) else "",
        revealed=before.revealed | _questions(told.get("revealed")),
        answers={
            **before.answers,
            **{
                key: value
                for key, value in (answers.items() if isinstance(answers, Mapping) and len(answers) <= 4 else ())
                if _matches(_QUESTION, key) and _matches(_VALUE, value)
            },
        },
    )


def _questions(value: object) -> frozenset[str]:
    return (
        frozenset(str(key) for key in value[:4] if _matches(_QUESTION, key)) if isinstance(value, list) else frozenset()
    )


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _follow(told: Mapping[str, Any], state: dict[str, Any], pages: Mapping[str, Any], concept: str) -> None:
    """Opens what the bar asks for: a page of the app, or the view that the teacher shows."""
    go = told.get("go")
    if isinstance(go, str) and go and go != state["gone"]:
        state["gone"] = go
        if go.partition(".")[0] == "class_room" != concept:
            st.switch_page(pages["class_room"])
    asked = (told.get("view"), told.get("again"))
    if not all(type(number) is int for number in asked) or asked == state["taken"] or not told.get("link"):
        return
    state["taken"] = asked
    try:
        target, _, query = read_link(told.get("link")).partition("?")
    except MessageError:
        return
    if target not in pages or target == "class_room":
        return
    open_view(f"{target}?{query}")
    if target != concept:
        st.switch_page(pages[target])


def _heard() -> None:
    """Streamlit keeps a component's state only for an event that somebody listens to."""
