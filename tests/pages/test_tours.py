"""Every tour that there is: its words in both languages, its states, and that no answer is shown before it is given."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.kit import lesson, tour
from pages.kit.language import ASSETS, LANGUAGES
from tests.pages.opening import APP, open_page
from tests.pages.pieces import link as link_of

TOURS = {
    path.parent.name: importlib.import_module(f"pages.{path.parent.name}.tour").STEPS
    for path in sorted((APP.parent / "pages").glob("*/tour.py"))
    if path.parent.name != "kit"
}
EACH = [
    pytest.param(concept, number, id=f"{concept}-{number}-{step.name}")
    for concept, steps in TOURS.items()
    for number, step in enumerate(steps, start=1)
]
MOST_WORDS, MOST_CHARACTERS = 60, 130  # a Chinese character is about half an English word


def texts(app: AppTest) -> str:
    """Everything that the page says in its own words."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "success", "warning", "error", "code")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def test_there_are_tours() -> None:
    assert "nms" in TOURS


@pytest.mark.parametrize(("concept", "number"), EACH)
def test_words_stand_in_both_languages(concept: str, number: int) -> None:
    step = TOURS[concept][number - 1]
    english, chinese = (tour.words_of(concept, step, language) for language in ("en", "zh"))
    assert len(re.findall(r"\S+", english.text)) <= MOST_WORDS
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese.text)) <= MOST_CHARACTERS
    for words in (english, chinese):
        assert words.title
        assert words.text
        for early in (words.title, words.text, words.question, *words.answers.values()):
            assert not re.search(r"\{[a-z_0-9]+\}", early)  # filled only once the page has computed its numbers
        assert bool(words.question) == (step.question is not None)
        if isinstance(step.question, tour.Choose):
            assert len(words.answers) >= 2
            assert set(words.reasons) == set(words.answers)
        elif isinstance(step.question, tour.Estimate):
            assert set(words.reasons) == {"right", "low", "high"}
        elif isinstance(step.question, tour.BringAbout):
            assert words.hint
    assert list(english.answers) == list(chinese.answers)
    fields = [
        {name: set(re.findall(r"\{([a-z_0-9]+)\}", text)) for name, text in (*words.reasons.items(), ("", words.seen))}
        for words in (english, chinese)
    ]
    assert fields[0] == fields[1]


@pytest.mark.parametrize("concept", TOURS)
def test_a_tour_moves_first_and_has_something_to_do(concept: str) -> None:
    steps = TOURS[concept]
    assert steps[0].plays
    assert len({step.name for step in steps}) == len(steps)
    assert 5 <= len(steps) <= 10
    assert any(isinstance(step.question, tour.BringAbout) for step in steps)
    assert any(isinstance(step.question, tour.Choose) for step in steps)
    assert 8 <= sum(step.minutes for step in steps) <= 20


@pytest.mark.parametrize("concept", TOURS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_teachers_find_a_plan(concept: str, language: str) -> None:
    notes = (ASSETS / "lessons" / language / f"{concept}.teacher.md").read_text(encoding="utf-8")
    assert "tour=" in notes
    assert "45" in notes


class Recorder:
    """What the lesson is told in a run, and what it would have said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outcome: Any = None
        told = lesson.tell

        def tell(page: Any, outcome: Any) -> None:
            self.outcome = outcome
            told(page, outcome)

        monkeypatch.setattr(lesson, "tell", tell)


def answers_of(step: tour.Step, words: tour.StepWords, outcome: Any) -> Mapping[str, Any]:
    """An answer for each reason of a step's question, by the reason's name."""
    if isinstance(step.question, tour.Choose):
        return {value: value for value in words.answers}
    if isinstance(step.question, tour.Estimate):
        right, off = step.question.right(outcome), 3 * step.question.tolerance + 1e-6
        return {"right": right, "low": right - off, "high": right + off}
    return {}


@pytest.mark.parametrize(("concept", "number"), EACH)
def test_a_step_opens_as_its_link_says_and_keeps_its_answer_until_it_is_given(
    concept: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, step = Recorder(monkeypatch), TOURS[concept][number - 1]
    words = tour.words_of(concept, step, "en")
    app = open_page(concept, tour=number)
    link = link_of(app)
    assert link["tour"] == str(number)
    again = open_page(concept, **{**link, "lang": "zh"})
    assert {**link_of(again), "lang": "en"} == link  # a link holds the whole state
    assert tour.words_of(concept, step, "zh").title in texts(again)
    for name, value in tour.state_at(TOURS[concept], number).items():
        assert name in link, f"{name} is no parameter of the page"
        if isinstance(value, str | int) and not isinstance(value, bool):
            assert link[name] == str(value) or link[name].startswith("~")
    fresh = open_page(concept, tour=number)
    outcome = recorder.outcome
    numbers = step.numbers(outcome)
    for text in (*words.reasons.values(), words.seen, words.hint):
        assert "{" not in re.sub(r"\$[^$]*\$", "", tour.fill(text, numbers)), text
    if step.question is None:
        assert tour.fill(words.seen, numbers) in texts(fresh)
        return
    for text in (*words.reasons.values(), words.seen):
        assert not text or tour.fill(text, numbers) not in texts(fresh)
    for reason, value in answers_of(step, words, outcome).items():
        told = open_page(concept, tour=number, state={f"{concept}_told_{step.name}": value})
        # What an answer opens may show other numbers: the reason is filled by the run that shows it.
        filled = tour.fill(words.reasons[reason], step.numbers(recorder.outcome))
        right = tour.judge(step.question, value, tour.right_of(step.question, recorder.outcome))[0]
        assert f"{'Right.' if right else 'Not quite.'} {filled}" in texts(told)
        assert right == (
            value == step.question.right(recorder.outcome)
            if isinstance(step.question, tour.Choose)
            else reason == "right"
        )


def test_a_wrong_answer_opens_nothing_and_may_be_tried_again() -> None:
    words = tour.words_of("upsampling", TOURS["upsampling"][3], "en")
    app = open_page("upsampling", tour=4)
    fresh = link_of(app)
    app.button("upsampling_tour_corners_bilinear").click().run()
    assert [element.value for element in app.warning] == [
        f"Not quite. {tour.first_reason(words.reasons['bilinear'], '')}"
    ]
    assert not app.success
    assert "The answer" not in texts(app)
    assert words.seen not in texts(app)
    assert link_of(app) == fresh  # nothing that the answer sets is set
    assert "upsampling_tour_corners_bicubic" not in [button.key for button in app.button]
    app.button("upsampling_tour_corners_retry").click().run()
    assert not app.warning
    app.button("upsampling_tour_corners_bicubic").click().run()
    assert app.success[0].value.startswith("Right.")
    assert "At try 2." in texts(app)
    assert words.seen in texts(app)
    assert link_of(app) != fresh


def test_a_number_is_answered_by_one_press_and_stays_right_when_the_boxes_are_moved() -> None:
    app = open_page("iou_losses", tour=2)
    app.button("iou_losses_tour_overlap_answer").click().run()
    assert [each.value for each in app.toast] == ["Type a number first."]
    app.number_input("iou_losses_tour_overlap_number").set_value(0.33)  # the press itself takes it out of the field
    app.button("iou_losses_tour_overlap_answer").click().run()
    verdict = app.success[0].value
    assert verdict.startswith("Right.")
    app.query_params["boxes"] = "110,100,190,180_100,60,180,140"
    app.run()
    assert "IoU 0.333" not in texts(app)  # what is seen now follows the boxes
    assert app.success[0].value == verdict
    assert not app.warning


def test_after_a_wrong_answer_the_right_one_is_shown_to_whoever_asks() -> None:
    app = open_page("upsampling", tour=4)
    app.button("upsampling_tour_corners_both").click().run()
    app.button("upsampling_tour_corners_waive").click().run()
    assert "The answer: **In bicubic**" in app.warning[0].value
    assert "upsampling_tour_corners_retry" not in [button.key for button in app.button]


@pytest.mark.parametrize(
    ("reason", "secret", "said"),
    [
        ("One is too few. Here it is {count}.", "Four", "One is too few."),
        ("It is {count}. So there.", "Four", ""),
        ("There are four of them. Count.", "Four: two by two", ""),  # would name the right answer
        ("A factor of 0.5 halves it. More.", "", "A factor of 0.5 halves it."),
        ("那里只看到一部分。最高 {count}。", "第 3 层，最小", "那里只看到一部分。"),
        ("", "Four", ""),
    ],
)
def test_the_first_reason_keeps_the_answer(reason: str, secret: str, said: str) -> None:
    assert tour.first_reason(reason, secret) == said


@pytest.mark.parametrize("concept", TOURS)
def test_the_laboratory_leads_back_to_the_step_as_it_opens(concept: str) -> None:
    steps = TOURS[concept]
    elsewhere = {**link_of(open_page(concept, tour=len(steps))), "tour": "0"}
    app = open_page(concept, state={"opened_steps": {concept: 1}}, **elsewhere)
    app.button(f"{concept}_face").click().run()
    assert not app.exception
    assert not app.error
    assert tour.words_of(concept, steps[0], "en").title in texts(app)
    link = link_of(app)
    assert link["tour"] == "1"
    for name, value in steps[0].state.items():
        if isinstance(value, str | int) and not isinstance(value, bool):
            assert link[name] == str(value) or link[name].startswith("~")
