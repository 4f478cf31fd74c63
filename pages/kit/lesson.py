"""The lesson face of a page: the words of one step beside a large picture, and only the controls that it needs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.kit import language as lang
from pages.kit import link, room, tour, work
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
                _ask(page, page.step, words)
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
        right = tour.DONE if isinstance(step.question, tour.BringAbout) else step.question.right(outcome)
        labels = {tour.DONE: page.translate("done")} if right == tour.DONE else words.answers
        room.note_question(_key(page, step), labels, right)
    if isinstance(step.question, tour.BringAbout) and told is None and step.question.done(outcome):
        answer(page, step, tour.DONE)
        room.give_answer(_key(page, step), tour.DONE)
        st.rerun()  # what is revealed is drawn by a run that knows it
    with page.verdict_place:
        open_still = step.question is not None and told is None
        skipped = isinstance(step.question, tour.BringAbout) and told == tour.WAIVED and not step.question.done(outcome)
        if open_still or skipped:  # what was not brought about is not to be seen
            if words.hint and (skipped or page.recall(f"{_name(step)}_hint")):
                st.info(tour.fill(words.hint, step.numbers(outcome)), icon=":material/lightbulb:")
            return
        numbers = step.numbers(outcome)
        if step.question is not None:
            right, reason = tour.judge(step.question, told, outcome)
            text = tour.fill(words.reasons.get(reason, ""), numbers)
            if isinstance(step.question, tour.Choose) and not right:
                true = words.answers.get(str(step.question.right(outcome)), "")
                text = f"{text} {page.translate('The answer: {words}', words=f'**{true}**')}" if true else text
            if right:
                said = page.translate("Right.")
                st.success(f"{said} {text}", icon=":material/check_circle:")
            elif told == tour.WAIVED:
                st.info(text, icon=":material/visibility:") if text else None
            else:
                said = page.translate("Not quite.")
                st.warning(f"{said} {text}", icon=":material/undo:")
        if words.seen:
            st.markdown(tour.fill(words.seen, numbers))


def answer(page: Page, step: tour.Step, value: Any) -> None:
    """Takes an answer: it stands, and what the step reveals is set."""
    page.remember(_name(step), value)
    keep_for_page(page.concept, **step.then)


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


def _key(page: Page, step: tour.Step) -> str:
    """The question's name in a class room."""
    return f"{page.concept}.{step.name}"


def _take_reveal(page: Page, step: tour.Step) -> None:
    """In a class room the answer stands once the teacher has revealed it to all; who gave none is shown it."""
    mine = room.seat()
    if mine is None or step.question is None or page.told is not None or _key(page, step) not in mine.revealed:
        return
    page.remember(_name(step), _told_in_class(page, step))
    page.set(**step.then)


def _told_in_class(page: Page, step: tour.Step) -> Any:
    """The answer that this reader gave in the class, as the page takes it; ``tour.WAIVED`` if there is none."""
    value = room.given(_key(page, step))
    if isinstance(step.question, tour.Choose):
        return value if value in tour.words_of(page.concept, step, page.language).answers else tour.WAIVED
    try:
        return float(value) if isinstance(step.question, tour.Estimate) and value else tour.WAIVED
    except ValueError:
        return tour.WAIVED


def _name(step: tour.Step) -> str:
    return f"told_{step.name}"


def _ask(page: Page, step: tour.Step, words: tour.StepWords) -> None:
    """The question with its answers; afterwards the answers as they were given."""
    st.markdown(f"**{words.question}**")
    told, say = page.told, page.translate

    def button(name: str, label: str, action: Callable[[], None], **more: Any) -> None:
        st.button(label, key=page.key(f"tour_{step.name}_{name}"), on_click=page.guarded(action), **more)

    if told is not None:
        for value, text in words.answers.items():
            st.markdown(f":material/{'radio_button_checked' if value == told else 'radio_button_unchecked'}: {text}")
        if isinstance(step.question, tour.Estimate) and told != tour.WAIVED:
            st.markdown(say("Your answer: {value}", value=f"{told:g}"))
        return
    mine = room.seat()
    if mine is not None and mine.role == "teacher" and not isinstance(step.question, tour.BringAbout):
        for text in words.answers.values():  # the teacher asks; the class answers
            st.markdown(f":material/radio_button_unchecked: {text}")
        return
    in_class = mine is not None and mine.role == "student"
    sent = room.given(_key(page, step)) if in_class else None

    def take(value: Any) -> None:
        if in_class:
            room.give_answer(_key(page, step), value)
        else:
            answer(page, step, value)

    if isinstance(step.question, tour.Choose):
        for value, text in words.answers.items():
            kind = "primary" if value == sent else "secondary"
            button(value, text, lambda value=value: take(value), width="stretch", type=kind)  # type: ignore[misc]
    elif isinstance(step.question, tour.Estimate):
        bounds = (step.question.low, step.question.high, step.question.step)
        low, high, width = bounds if all(isinstance(bound, int) for bound in bounds) else map(float, bounds)
        typed = st.number_input(
            words.question,
            low,
            high,
            None,
            width,
            key=page.key(f"tour_{step.name}_number"),
            label_visibility="collapsed",
        )
        button(
            "answer",
            say("Answer"),
            lambda: take(typed),
            type="primary",
            disabled=typed is None,
        )
    if in_class and not isinstance(step.question, tour.BringAbout):
        if sent is not None:
            if isinstance(step.question, tour.Estimate):
                st.markdown(say("Your answer: {value}", value=sent))
            st.caption(say("Your answer is in. You can change it until your teacher reveals what is right."))
        return
    with st.container(horizontal=True):
        if words.hint and not page.recall(f"{_name(step)}_hint"):
            button("hint", say("A hint"), lambda: page.remember(f"{_name(step)}_hint", True), type="tertiary")
        label = say("Skip this") if isinstance(step.question, tour.BringAbout) else say("Show me")
        button("waive", label, lambda: answer(page, step, tour.WAIVED), type="tertiary")


def _navigate(page: Page, step: tour.Step) -> None:
    """Back, dots, Next; keys, the ring, the first movement and the progress are the piece's."""
    key, number, count, locked = page.key("tour_piece"), page.tour_number, len(page.steps), "tour" in page.locked

    def moved() -> None:
        said = st.session_state.get(key)
        go_to = said.get("go") if isinstance(said, Mapping) else None
        to = go_to.get("to") if isinstance(go_to, Mapping) else None
        if isinstance(to, int) and not isinstance(to, bool) and 0 <= to <= count and not (locked and to == 0):
            if to == number:
                for name in (_name(step), f"{_name(step)}_hint"):
                    st.session_state.pop(page.key(name), None)
            go(page.concept, page.steps, to)

    opened = page.recall("tour_opened", ("", 0))
    if opened[1] != number:
        opened = (uuid.uuid4().hex[:8], number)
        page.remember("tour_opened", opened)
    say = page.translate
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
        _take_reveal(page, page.step)


def offer_other_face(page: Page) -> None:
    """The button that leads from the lesson to the laboratory and back."""
    if "tour" in page.locked:
        return
    say, concept = page.translate, page.concept
    to = tour.LABORATORY if page.step is not None else opened_steps().get(concept, 1)

    def other() -> None:
        opened_steps()[concept] = page.tour_number
        go(concept, page.steps, to)
        if to and (step := page.steps[to - 1]) and page.recall(_name(step)) is not None:
            keep_for_page(concept, **step.then)

    inside = page.step is not None
    label, icon = (say("Laboratory"), "science") if inside else (say("Lesson"), "school")
    st.button(label, key=page.key("face"), icon=f":material/{icon}:", on_click=page.guarded(other))
