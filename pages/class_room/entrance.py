"""The two doors of the class room: one for students, one for teachers."""

from __future__ import annotations

import contextlib

import streamlit as st

from pages.class_room import lessons
from pages.kit import room, walk
from pages.kit.language import translator
from pages.kit.page import Page
from pages.kit.room_words import gone_words
from pages.rooms.lesson import Lesson, LessonError, read_lesson, read_lines, write_lesson
from pages.rooms.limits import LONGEST_NAME
from pages.rooms.secret import read_code

_OWN = "own"


def show(page: Page, seat: room.Seat | None) -> None:
    """Draws both doors; why one stayed closed stands above them."""
    _ = page.translate
    if seat is not None and seat.reason not in ("", "stranger"):
        st.info(gone_words(translator("room_words"))[seat.reason], icon=":material/meeting_room:")
    elif seat is not None and not seat.reason:
        st.info(_("Connecting…"), icon=":material/meeting_room:")
    join, teach = st.columns(2, gap="large")
    with join, st.container(border=True):
        _show_join(page, seat)
    with teach, st.container(border=True):
        _show_teach(page)


def _show_join(page: Page, seat: room.Seat | None) -> None:
    _ = page.translate
    st.subheader(_("Join a class"), anchor=False)
    code_key, name_key = page.key("code"), page.key("name")
    with st.form(page.key("join"), border=False):
        st.text_input(
            _("Code"), seat.code if seat else "", key=code_key, max_chars=12, placeholder="BCD FGH", autocomplete="off"
        )
        st.text_input(_("Nickname, if you like"), key=name_key, max_chars=LONGEST_NAME, autocomplete="off")
        st.caption(_("No account. Only your teacher sees your nickname, and the room forgets it within twelve hours."))

        def join() -> None:
            code = read_code(st.session_state.get(code_key))
            page.remember("wrong_code", code is None)
            if code is not None:
                room.join_room(code, st.session_state.get(name_key) or "")

        st.form_submit_button(
            _("Join"), on_click=page.guarded(join), type="primary", key=page.key("join_now"), width="stretch"
        )
    if page.recall("wrong_code"):
        st.warning(_("A code has six letters; look at the screen of your class."), icon=":material/keyboard:")


def _show_teach(page: Page) -> None:
    _ = page.translate
    st.subheader(_("Teach a class"), anchor=False)
    ready = lessons.ready_lessons(page)
    names = {**{concept: lesson.title for concept, lesson in ready.items()}, _OWN: _("A sequence of my own")}
    chosen = st.selectbox(_("Lesson"), list(names), format_func=lambda name: names[name], key=_lesson_key(page))
    if chosen == _OWN:
        st.text_input(_("Title"), key=page.key("own_title"), max_chars=LONGEST_NAME)
        st.text_area(
            _("Links, one on each line: copy them from any page"),
            key=page.key("own_links"),
            max_chars=100_000,
            placeholder="nms?tour=1\niou_losses?tour=3",
        )
        st.file_uploader(_("Or a lesson that was saved"), "json", key=page.key("own_file"))
    try:
        lesson = _chosen_lesson(page)
    except LessonError as error:
        lesson = None
        if error.line:
            st.warning(_("Line {line} is no view of this app.", line=error.line), icon=":material/link_off:")
        else:
            st.warning(_("This file is no lesson."), icon=":material/link_off:")
    if lesson is not None:
        with st.expander(_("{count} steps", count=len(lesson.links))):
            for number, link in enumerate(lesson.links, start=1):
                st.markdown(f"{number}\\. {lessons.heading_of(page, link)}")
            st.download_button(
                _("Save the lesson as a file"),
                write_lesson(lesson),
                "grad2box-lesson.json",
                "application/json",
                icon=":material/download:",
                on_click="ignore",
            )
            _show_walk(page, lesson)
    st.button(
        _("Open the room"),
        key=page.key("open"),
        on_click=page.guarded(_open),
        args=(page,),
        disabled=lesson is None,
        type="primary",
        width="stretch",
        icon=":material/meeting_room:",
    )


def _show_walk(page: Page, lesson: Lesson) -> None:
    """The link by which students walk the lesson alone, without a room."""
    _ = page.translate
    packed = walk.pack(lesson)
    if packed is None:
        st.caption(_("This lesson is too long for a link; its file can be of any length."))
        return
    base = (st.context.url or "").partition("?")[0].partition("#")[0]
    st.markdown(_("A link by which anyone walks this lesson alone, without a room:"))
    st.code(f"{base}?walk=1{packed}", language=None, wrap_lines=False)


def _open(page: Page) -> None:
    """Opens a room with what is chosen now, which may be later than what was drawn."""
    with contextlib.suppress(LessonError):
        lesson = _chosen_lesson(page)
        if lesson is not None:
            room.open_room(lesson.links, lesson.title)


def _lesson_key(page: Page) -> str:
    return page.key(f"lesson_{page.language}")


def _chosen_lesson(page: Page) -> Lesson | None:
    """The lesson that is chosen; None while there is nothing in it.

    Raises:
        LessonError: what the teacher put together is none.
    """
    held, concepts = st.session_state, tuple(lessons.page_titles())
    chosen = held.get(_lesson_key(page))
    if chosen != _OWN:
        return lessons.ready_lessons(page).get(str(chosen))
    file = held.get(page.key("own_file"))
    if file is not None:
        return read_lesson(file.getvalue(), concepts)
    title, text = held.get(page.key("own_title")), held.get(page.key("own_links"))
    return read_lines(text, title or page.translate("My lesson"), concepts) if text else None
