"""The lesson face of a page: the words of one step beside a large picture, and only the controls that it needs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.kit import asking, link, room, tour, work
from pages.kit import language as lang
from pages.kit.components import mount
from pages.kit.values import keep_for_page, opened_steps

if TYPE_CHECKING:
    from pages.kit.page import Page

PIECE = "shared/lesson"
_SECTION_ICONS = {
    "try": ":material/touch_app:",
    "misconceptions": ":material/psychology_alt:",
    "sources": ":material/link:",
}


def show_section(page: Page, section: str, *, title: str | None, expanded: bool) -> None:
    """Shows a section of the page's lesson file, folded under ``title`` when one is given."""
    text = lang.lesson_sections(page.concept, page.language)[section]
    if title is None:
        st.markdown(text)
        return
    with st.expander(title, expanded=expanded, icon=_SECTION_ICONS.get(section, ":material/menu_book:")):
        st.markdown(text)


@contextmanager
def beside_words(page: Page) -> Iterator[None]:
    """Draws the step's words on the left; what the page draws inside goes to the right."""
    assert page.step is not None
    words = tour.words_of(page.concept, page.step, page.language)
    with st.container(key="lesson"):
        left, right = st.columns([4, 11], gap="medium")
    with left, st.container(key="lesson_words"):
        st.markdown(f"#### {words.title}")
        st.markdown(words.text)
        page.controls_place = st.container(key="lesson_controls")
        if words.question:
            with st.container(key="lesson_question"):
                asking.ask(page, page.step, words)
        page.verdict_place = st.container(key="lesson_verdict")
        _navigate(page, page.step)
    with right, st.container(key="lesson_picture"):
        yield


def tell(page: Page, outcome: Any) -> None:
    """Says what became of the reader's answer, and what is to be seen now.

    Args:
        page: the open page.
        outcome: what the page computed in this run; handed to the step's own functions.
    """
    step = page.step
    if step is None or page.verdict_place is None:
        return
    words = tour.words_of(page.concept, step, page.language)
    told = page.told
    work.note_measure(step, outcome)
    if room.seat() is not None and step.question is not None:
        right = asking.note_asked(page, step, outcome)
        labels = {tour.DONE: page.translate("done")} if right == tour.DONE else words.answers
        room.note_question(asking.key_of(page, step), labels, right)
    if isinstance(step.question, tour.BringAbout) and told is None and step.question.done(outcome):
        asking.answer(page, step, tour.DONE, right=True)
        room.give_answer(asking.key_of(page, step), tour.DONE)
        st.rerun()  # what is revealed is drawn by a run that knows it
    if told is None:
        asking.offer_another_try(page, step, words, outcome)
    with page.verdict_place:
        open_still = step.question is not None and told is None
        skipped = isinstance(step.question, tour.BringAbout) and told == tour.WAIVED and not step.question.done(outcome)
        if open_still or skipped:  # what was not brought about is not to be seen
            if words.hint and (skipped or page.recall(f"{asking.name_of(step)}_hint")):
                st.info(tour.fill(words.hint, step.numbers(outcome)), icon=":material/lightbulb:")
            return
        if step.question is not None:
            asking.judge(page, step, words, outcome)
        if words.seen:
            st.markdown(tour.fill(words.seen, step.numbers(outcome)))


def go(concept: str, steps: tuple[tour.Step, ...], number: int) -> None:
    """Opens a step, or the laboratory, which keeps the view as it is.

    Args:
        concept: the page's name.
        steps: its tour.
        number: of the step, from 1; ``tour.LABORATORY`` for everything.
    """
    opened = opened_steps()
    opened[concept] = number or opened.get(concept, 1)
    keep_for_page(concept, **{**(tour.state_at(steps, number) if number else {}), "tour": number})


def _navigate(page: Page, step: tour.Step) -> None:
    """Back, dots, Next; keys, the ring, the first movement and the progress are the piece's."""
    key, number, count, locked = page.key("tour_piece"), page.tour_number, len(page.steps), "tour" in page.locked

    def moved() -> None:
        said = st.session_state.get(key)
        go_to = said.get("go") if isinstance(said, Mapping) else None
        to = go_to.get("to") if isinstance(go_to, Mapping) else None
        if isinstance(to, int) and not isinstance(to, bool) and 0 <= to <= count and not (locked and to == 0):
            if to == number:
                asking.forget(page, step)
            go(page.concept, page.steps, to)

    opened = page.recall("tour_opened", ("", 0))
    if opened[1] != number:
        opened = (uuid.uuid4().hex[:8], number)
        page.remember("tour_opened", opened)
    say, counted = page.translate, asking.tally(page)
    mount(
        PIECE,
        key=key,
        on_go_change=page.guarded(moved),
        data={
            "concept": page.concept,
            "number": number,
            "count": count,
            "opened": opened[0],
            "plays": step.plays,
            "answered": page.revealed,
            "tried": asking.tried(page, step) is not None,
            "look_at": step.look_at,
            "key_prefix": page.key(""),
            "may_leave": not locked,
            "presenter": page.presenting,
            "text": {
                "tour": say("Steps of the lesson"),
                "back": say("Back"),
                "next": say("Next"),
                "end": say("Open the laboratory"),
                "again": say("Reset this step"),
                "step": say("Step {step} of {count}"),
                "left": say("about {minutes} min to go", minutes=tour.minutes_left(page.steps, number)),
                "keys": say("Keys: N for next, B for back"),
                "done": say(
                    "The lesson is done. Questions solved at once: {at_once}, after another try: {later},"
                    " shown: {shown}.",
                    **counted,
                ),
                "unanswered": say("This is the last step. Its question is still open."),
            },
        },
    )


def enter(page: Page) -> None:
    """Decides which face a page shows, and sets what the step sets when it is opened.

    A link to a view that names no step opens the laboratory; a bare one the first step, or where the reader was.
    """
    opened = opened_steps()
    asked, views = page.incoming.get("tour"), [name for name in page.incoming if name not in ("tour", "solved")]
    if asked is None and views:
        page.set(tour=tour.LABORATORY)
    number = page.value(link.number("tour", 0, len(page.steps), 1, step=1))
    if number and not views and opened.get(page.concept) != number:
        page.set(**tour.state_at(page.steps, number))
    if number:
        opened[page.concept] = number
    page.tour_number = number
    if page.step is not None:
        page.offered = frozenset(page.step.controls)
        asking.take_reveal(page, page.step)


def offer_other_face(page: Page) -> None:
    """The button that leads from the lesson to the laboratory and back."""
    if "tour" in page.locked:
        return
    say, concept = page.translate, page.concept
    to = tour.LABORATORY if page.step is not None else opened_steps().get(concept, 1)

    def other() -> None:
        opened_steps()[concept] = page.tour_number
        go(concept, page.steps, to)
        if to and (step := page.steps[to - 1]) and page.recall(asking.name_of(step)) is not None:
            keep_for_page(concept, **step.then)

    inside = page.step is not None
    label, icon = (say("Laboratory"), "science") if inside else (say("Lesson"), "school")
    st.button(label, key=page.key("face"), icon=f":material/{icon}:", on_click=page.guarded(other))
