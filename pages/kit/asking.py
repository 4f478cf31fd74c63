"""The question of a lesson's step: asked, answered, tried again, and what is said of an answer.

A wrong answer opens nothing: the reader sees why it is wrong, and may try again or be shown what is right. In a class
room an answer stands until the teacher reveals what is right; nobody tries again there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.kit import room, tour
from pages.kit.values import keep_for_page

if TYPE_CHECKING:
    from pages.kit.page import Page

AT_ONCE, LATER, SHOWN = "at_once", "later", "shown"
"""How a question was solved: by the first answer, by another one, or not by the reader."""


def key_of(page: Page, step: tour.Step) -> str:
    """The question's name in a class room."""
    return f"{page.concept}.{step.name}"


def name_of(step: tour.Step) -> str:
    """The name under which a page remembers the answer that stands."""
    return f"told_{step.name}"


def answer(page: Page, step: tour.Step, value: Any, *, right: bool) -> None:
    """Takes an answer: it stands, and what the step reveals is set."""
    page.remember(name_of(step), value)
    page.remember(f"way_{step.name}", SHOWN if not right else LATER if _misses(page, step) else AT_ONCE)
    page.remember(f"tried_{step.name}", None)
    keep_for_page(page.concept, **step.then)


def tried(page: Page, step: tour.Step) -> Any:
    """The wrong answer that the reader gave last, while none stands; None before, and in a class room."""
    return page.recall(f"tried_{step.name}") if page.told is None and room.seat() is None else None


def forget(page: Page, step: tour.Step) -> None:
    """The step begins anew; what it took to solve it is not forgotten."""
    if page.recall(name_of(step)) == tour.WAIVED:
        _count_miss(page, step)
    for name in (name_of(step), f"{name_of(step)}_hint", f"tried_{step.name}", f"judged_{step.name}"):
        st.session_state.pop(page.key(name), None)


def tally(page: Page) -> dict[str, int]:
    """How many of the lesson's questions were solved at once, later, and by being shown."""
    ways = [page.recall(f"way_{step.name}") for step in page.steps if step.question is not None]
    return {way: ways.count(way) for way in (AT_ONCE, LATER, SHOWN)}


def take_reveal(page: Page, step: tour.Step) -> None:
    """In a class room the answer stands once the teacher has revealed it to all; who gave none is shown it."""
    mine = room.seat()
    if mine is None or step.question is None or page.told is not None or key_of(page, step) not in mine.revealed:
        return
    page.remember(name_of(step), _told_in_class(page, step))
    page.set(**step.then)


def ask(page: Page, step: tour.Step, words: tour.StepWords) -> None:
    """The question with its answers; afterwards the answers as they were given."""
    st.markdown(f"**{words.question}**")
    say = page.translate
    wrong = tried(page, step)
    told = page.told if wrong is None else wrong
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
    sent = room.given(key_of(page, step)) if in_class else None

    def take(value: Any) -> None:
        if in_class:
            room.give_answer(key_of(page, step), value)
        else:
            page.remember(f"tried_{step.name}", value)  # the run that follows knows whether it is right

    _draw_answers(page, step, words, take, sent)
    if in_class and not isinstance(step.question, tour.BringAbout):
        if sent is not None:
            if isinstance(step.question, tour.Estimate):
                st.markdown(say("Your answer: {value}", value=sent))
            st.caption(say("Your answer is in. You can change it until your teacher reveals what is right."))
        return
    with st.container(horizontal=True):
        hint = f"{name_of(step)}_hint"
        if words.hint and not page.recall(hint):
            _button(page, step, "hint", say("A hint"), lambda: page.remember(hint, True), type="tertiary")
        label = say("Skip this") if isinstance(step.question, tour.BringAbout) else say("Show me")
        _button(page, step, "waive", label, lambda: answer(page, step, tour.WAIVED, right=False), type="tertiary")


def judge(page: Page, step: tour.Step, words: tour.StepWords, outcome: Any) -> None:
    """Says what the answer that stands is worth, and why."""
    assert step.question is not None
    right, reason, numbers, truth = _judgment(page, step, outcome)
    misses, say = _misses(page, step), page.translate
    if page.recall(f"way_{step.name}") is None:  # a class was shown it
        page.remember(f"way_{step.name}", AT_ONCE if right else SHOWN)
    text = tour.fill(words.reasons.get(reason, ""), numbers)
    if isinstance(step.question, tour.Choose) and not right:
        true = words.answers.get(truth, "")
        text = f"{text} {say('The answer: {words}', words=f'**{true}**')}" if true else text
    if right:
        st.success(f"{say('Right.')} {text}", icon=":material/check_circle:")
        if misses:
            st.caption(say("At try {number}.", number=misses + 1))
    elif page.told == tour.WAIVED:
        st.info(text, icon=":material/visibility:") if text else None
    else:
        st.warning(f"{say('Not quite.')} {text}", icon=":material/undo:")


def _judgment(page: Page, step: tour.Step, outcome: Any) -> tuple[bool, str, dict[str, object], str]:
    """Whether the answer that stands is right, the reason, its numbers, and what is right.

    Judged once: the question was about the view that it was asked of, and what the reader moves afterwards makes no
    right answer wrong.
    """
    assert step.question is not None
    name, question = f"judged_{step.name}", step.question
    kept = page.recall(name)
    if kept is None or kept[0] != page.told:
        right, numbers = _as_asked(page, step) or (tour.right_of(question, outcome), dict(step.numbers(outcome)))
        truth = "" if isinstance(question, tour.BringAbout) else str(right)
        kept = (page.told, (*tour.judge(question, page.told, right), numbers, truth))
        page.remember(name, kept)
    judgment: tuple[bool, str, dict[str, object], str] = kept[1]
    return judgment


def note_asked(page: Page, step: tour.Step, outcome: Any) -> Any:
    """In a class room: what is right, of the view that was there when the question came up, whatever was moved since.

    All answer one question. Whoever moves something before the reveal must not change what the others were asked.
    """
    assert step.question is not None
    if isinstance(step.question, tour.BringAbout):
        return tour.DONE
    found = _as_asked(page, step)
    if found is None:
        found = (tour.right_of(step.question, outcome), dict(step.numbers(outcome)))
        page.remember(f"asked_{step.name}", (page.recall("tour_opened"), found))
    return found[0]


def _as_asked(page: Page, step: tour.Step) -> tuple[Any, dict[str, object]] | None:
    """What is right and its numbers, as noted since the step was opened; None if nothing was."""
    opened, found = page.recall(f"asked_{step.name}", (None, None))
    return found if opened == page.recall("tour_opened") and room.seat() is not None else None


def offer_another_try(page: Page, step: tour.Step, words: tour.StepWords, outcome: Any) -> None:
    """Judges an answer before it stands: a right one does, a wrong one gets its reason and another try."""
    wrong, say = tried(page, step), page.translate
    if wrong is None or step.question is None:
        return
    right, reason = tour.judge(step.question, wrong, tour.right_of(step.question, outcome))
    if right:
        answer(page, step, wrong, right=True)
        st.rerun()  # what is revealed is drawn by a run that knows it
    if isinstance(step.question, tour.Choose):
        secret, too = words.answers.get(str(step.question.right(outcome)), ""), ""
    else:
        secret, too = "", say("Too low.") if reason == "low" else say("Too high.")
    why = tour.first_reason(words.reasons.get(reason, ""), secret)
    why = why or ("" if too else say("Look at the picture, and think again."))
    with page.verdict_place or st.container():
        st.warning(" ".join(filter(None, (say("Not quite."), too, why))), icon=":material/undo:")

        def again() -> None:
            page.remember(f"tried_{step.name}", None)
            _count_miss(page, step)

        def show() -> None:
            _count_miss(page, step)
            answer(page, step, wrong, right=False)

        with st.container(horizontal=True):
            _button(page, step, "retry", say("Try again"), again, type="tertiary", icon=":material/replay:")
            _button(page, step, "waive", say("Show me"), show, type="tertiary")


def _misses(page: Page, step: tour.Step) -> int:
    """How often an answer was wrong, or shown and then taken back."""
    return int(page.recall(f"misses_{step.name}", 0))


def _count_miss(page: Page, step: tour.Step) -> None:
    page.remember(f"misses_{step.name}", _misses(page, step) + 1)


def _told_in_class(page: Page, step: tour.Step) -> Any:
    """The answer that this reader gave in the class, as the page takes it; ``tour.WAIVED`` if there is none."""
    value = room.given(key_of(page, step))
    if isinstance(step.question, tour.Choose):
        return value if value in tour.words_of(page.concept, step, page.language).answers else tour.WAIVED
    try:
        return float(value) if isinstance(step.question, tour.Estimate) and value else tour.WAIVED
    except ValueError:
        return tour.WAIVED


def _button(page: Page, step: tour.Step, name: str, label: str, action: Callable[[], None], **more: Any) -> None:
    st.button(label, key=page.key(f"tour_{step.name}_{name}"), on_click=page.guarded(action), **more)


def _draw_answers(
    page: Page, step: tour.Step, words: tour.StepWords, take: Callable[[Any], None], sent: str | None
) -> None:
    """What can be answered: a button each, or a field for a number."""
    if isinstance(step.question, tour.Choose):
        for value, text in words.answers.items():
            kind = "primary" if value == sent else "secondary"
            _button(page, step, value, text, lambda value=value: take(value), width="stretch", type=kind)  # type: ignore[misc]
    elif isinstance(step.question, tour.Estimate):
        bounds: Sequence[float] = (step.question.low, step.question.high, step.question.step)
        low, high, width = bounds if all(isinstance(bound, int) for bound in bounds) else map(float, bounds)
        key = page.key(f"tour_{step.name}_number")
        st.number_input(
            words.question,
            low,
            high,
            None,
            width,
            key=key,
            label_visibility="collapsed",
            placeholder=f"{low:g} … {high:g}",
        )

        def take_typed() -> None:
            """What stands in the field now: it is the press of the button that takes a number out of the field."""
            typed = st.session_state.get(key)
            if typed is None:
                st.toast(page.translate("Type a number first."), icon=":material/keyboard:")
            else:
                take(typed)

        _button(page, step, "answer", page.translate("Answer"), take_typed, type="primary")
