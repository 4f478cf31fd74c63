"""A reader walks every tour: its picture moves, no answer is on the screen, and the keyboard alone leads to its end."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.kit import tour
from pages.kit.language import LANGUAGES
from tests.browser import keyboard
from tests.browser.controls import plain, rest
from tests.pages.test_tours import TOURS

VISIBLE = """() => {
  const seen = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { seen.push(node.textContent); return; }
    if (node instanceof Element) {
      if (["STYLE", "SCRIPT"].includes(node.tagName)) return;
      if (node.checkVisibility && !node.checkVisibility({ visibilityProperty: true })) return;
    }
    for (const child of node.shadowRoot?.childNodes ?? []) walk(child);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return seen.join(" ").replace(/\\s+/g, " ");
}"""
"""Everything that can be read on the page, inside our pieces too."""

# What a picture that plays changes about itself: the step of its transport, or a share of its way.
MOVES = """() => {
  const found = [];
  const walk = (root) => root.querySelectorAll("*").forEach((element) => {
    if (element.matches("[data-step], [data-swept], [data-moved]"))
      found.push(element.dataset.step ?? element.dataset.swept ?? element.dataset.moved);
    if (element.shadowRoot) walk(element.shadowRoot);
  });
  walk(document);
  return found.join();
}"""
PICTURE = """() => {
  const home = document.querySelector(".st-key-lesson_picture");
  const found = [];
  const walk = (root) => root.querySelectorAll("[data-uid], .g2b-chart").forEach((view) => {
    const box = (view.querySelector("[data-figure]") ?? view.querySelector(".frame") ?? view).getBoundingClientRect();
    if (box.height > 40) found.push([box.top, box.bottom]);
  });
  walk(home);
  home.querySelectorAll("*").forEach((element) => element.shadowRoot && walk(element.shadowRoot));
  return found.sort((one, other) => one[0] - other[0])[0] ?? null;
}"""


ERRORS = "[data-testid=stException], .st-key-failure, [data-testid=stAlertContentError]"


def open_tour(page: Page, address: str) -> None:
    """Opens an address and waits until its page is drawn."""
    page.goto(address)
    rest(page)


def say_nothing(page: Page) -> None:
    """No error stands on the page."""
    expect(page.locator(ERRORS)).to_have_count(0)


@pytest.mark.parametrize("concept", TOURS)
def test_the_first_picture_moves_by_itself_but_not_for_those_who_asked_for_calm(
    concept: str, app_url: str, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    open_tour(page, f"{app_url}/{concept}?lang=en")
    expect(page.locator(".st-key-lesson_words h4")).to_have_text(tour.words_of(concept, TOURS[concept][0], "en").title)
    before = page.evaluate(MOVES)
    page.wait_for_function(f"before => ({MOVES})() !== before", arg=before)
    say_nothing(page)


VERDICT = "st-key-lesson_verdict"
BY_KEYS = {
    "autograd.drag": "autograd_graph/ace_text-input Control+Home ArrowDown*2 ArrowRight*19 Alt+Shift+ArrowUp*2",
    "autoregressive.flip": "autoregressive_view/pixels ArrowDown ArrowRight Enter",
    "autoregressive.repair": "autoregressive_paint/pixels ArrowDown*2 ArrowRight*6 Enter ArrowDown*3 ArrowLeft*5 Enter",
    "centernet.collide": "centernet_stage/box Tab*9 Shift+ArrowLeft*5 ArrowLeft*6",
    "centernet.paint": "centernet_loss_piece/prediction Enter",
    "detection.one": "detection_score_threshold End ArrowLeft*16",
    "detr.weights": "detr_cost_class End",
    "detr.own": "detr_view/box Tab*9 Shift+ArrowLeft*23",
    "detr.decoder": "detr_attention/world ArrowRight*2 Enter",
    "fpn.lateral": "fpn_maps/arrow Enter",
    "fpn.owner": "fpn_owner/box Tab*4 Shift+ArrowRight*12",
    "image_pyramid.threshold": "image_pyramid_score_threshold End ArrowLeft*10",
    "image_pyramid.finer": "image_pyramid_scale_step Tab Home",
    "iou_losses.nested": "iou_losses_stage/box Tab Shift+ArrowRight*7 Shift+ArrowDown*4",
    "modules.flag": "modules_pass_training Space",
    "modules.register": "modules_registered Space",
    "nms.threshold": "nms_iou_threshold End",
    "nms.own": "nms_iou_threshold Home nms_view/box Tab*18 Shift+ArrowLeft*22",
    "scale.gap": "scale_middle_from End scale_low_from End",
    "thundernet.context": "thundernet_maps/tiles ArrowUp ArrowRight*8",
    "thundernet.diet": "thundernet_backbone ArrowDown ArrowUp*2 Enter thundernet_kernel ArrowLeft"
    " thundernet_head ArrowDown ArrowUp*3 Enter",
    "upsampling.even": "upsampling_kernel_size ArrowRight",
    "varifocalnet.levels": "varifocalnet_stage/box Tab*5 Shift+ArrowRight*3 Shift+ArrowDown*3",
}
"""How what a step asks for is brought about by keys: where the keyboard goes, and what is pressed there."""


def do_by_keys(page: Page, done: str) -> None:
    """Walks to places, and presses keys there: ``place``, ``place/inside`` or ``key``, ``key*times``."""
    for word in done.split():
        name, _, more = word.partition("/")
        if more or "_" in name:
            keyboard.go_to(page, f"st-key-{name}", inside=more)
            continue
        key, _, times = word.partition("*")
        for _time in range(int(times or 1)):
            page.keyboard.press(key)


def answer(page: Page, concept: str, step: tour.Step, words: tour.StepWords, *, again: bool) -> None:
    """Answers a step's question by keyboard, and is shown what is right after a wrong answer.

    Args:
        page: the page.
        concept: its name.
        step: of the tour.
        words: of the step.
        again: whether another answer is tried after a wrong one.
    """
    button = f"st-key-{concept}_tour_{step.name}"
    verdict, retry, waive = (page.locator(f".{name}") for name in (VERDICT, f"{button}_retry", f"{button}_waive"))
    if isinstance(step.question, tour.BringAbout):
        do_by_keys(page, BY_KEYS[f"{concept}.{step.name}"])
        return
    if isinstance(step.question, tour.Choose):
        choices = [f"{button}_{value}" for value in words.answers]
    else:
        assert isinstance(step.question, tour.Estimate)
        keyboard.go_to(page, f"{button}_number")
        page.keyboard.type(f"{step.question.low:g}")
        page.keyboard.press("Enter")
        rest(page)
        choices = [f"{button}_answer"]
    for key, choice in zip(("Enter", "Space") * 4, choices if again else choices[:1], strict=False):
        keyboard.go_to(page, choice)
        page.keyboard.press(key)
        expect(verdict).not_to_be_empty()
        rest(page)
        keyboard.await_stop(page, VERDICT)
        if not retry.count():
            return
        if not again or choice == choices[-1]:
            break
        keyboard.go_to(page, f"{button}_retry")
        page.keyboard.press(key)
        expect(retry).to_have_count(0)
        rest(page)
        keyboard.await_stop(page, "st-key-lesson_question")
    keyboard.go_to(page, f"{button}_waive")
    page.keyboard.press("Enter")
    expect(waive).to_have_count(0)


EACH = [pytest.param(concept, language, id=f"{concept}-{language}") for concept in TOURS for language in LANGUAGES]
LEAST = {"en": 25, "zh": 10}  # characters of a sentence that tells something
AT_THE_END = {"en": "The lesson is done.", "zh": "课程完成了。"}


@pytest.mark.parametrize(("concept", "language"), EACH)
def test_a_tour_is_walked_by_keyboard_alone_and_no_answer_is_on_the_screen(
    concept: str, language: str, app_url: str, page: Page
) -> None:
    steps, asked, verdict = TOURS[concept], False, page.locator(f".{VERDICT}")
    open_tour(page, f"{app_url}/{concept}?lang={language}&tour=1")
    for number, step in enumerate(steps, start=1):
        words = tour.words_of(concept, step, language)
        expect(page.locator(".st-key-lesson_words h4")).to_have_text(plain(words.title))
        rest(page)
        say_nothing(page)
        top, bottom = page.wait_for_function(PICTURE).json_value()
        assert 0 <= top < bottom <= page.viewport_size["height"], f"step {number}: the picture is cut"
        if number > 1:
            keyboard.await_stop(page, "st-key-lesson_words")
        keyboard.go_round(page, "next")
        if step.question is not None:
            shown = page.evaluate(VISIBLE)
            for reason in (*words.reasons.values(), words.seen):
                for sentence in filter(None, re.split(r"\. |。", reason.split("{")[0])):
                    assert len(sentence) < LEAST[language] or sentence not in shown, f"step {number} says {sentence!r}"
            answer(page, concept, step, words, again=not asked)
            asked = True
            expect(verdict).not_to_be_empty()
            rest(page)
            say_nothing(page)
            keyboard.await_stop(page, VERDICT)
        if number % 2:
            page.keyboard.press("n")
        else:
            keyboard.go_to(page, "next")
            page.keyboard.press("Enter" if number < len(steps) else "n")
    # One press too many stays, says that it is the end, and puts the keyboard on the button that goes on.
    expect(page.locator(".lesson .said")).to_contain_text(AT_THE_END[language])
    expect(page.locator(".lesson .next")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-lesson")).to_have_count(0)
    rest(page)
    say_nothing(page)
    assert "tour=0" in page.url
