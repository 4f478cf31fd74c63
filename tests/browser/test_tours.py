"""A reader walks every tour: its picture moves, its answers are not on the screen, and the keys lead to its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.kit import tour
from tests.browser.controls import rest
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


@pytest.mark.parametrize("concept", TOURS)
def test_the_keys_lead_to_the_end_and_no_answer_is_on_the_screen(concept: str, app_url: str, page: Page) -> None:
    steps = TOURS[concept]
    open_tour(page, f"{app_url}/{concept}?lang=en&tour=1")
    for number, step in enumerate(steps, start=1):
        words = tour.words_of(concept, step, "en")
        expect(page.locator(".st-key-lesson_words h4")).to_have_text(words.title)
        rest(page)
        say_nothing(page)
        top, bottom = page.wait_for_function(PICTURE).json_value()
        assert 0 <= top < bottom <= page.viewport_size["height"], f"step {number}: the picture is cut"
        if step.question is not None:
            shown = page.evaluate(VISIBLE)
            for reason in (*words.reasons.values(), words.seen):
                for sentence in filter(None, reason.split("{")[0].split(". ")):
                    assert len(sentence) < 25 or sentence not in shown, f"step {number} says {sentence!r}"
            page.locator(f".st-key-{concept}_tour_{step.name}_waive button").click()
            expect(page.locator(".st-key-lesson_verdict")).not_to_be_empty()
            rest(page)
            say_nothing(page)
        page.keyboard.press("n")
    # One press too many stays, says that it is the end, and puts the keyboard on the button that goes on.
    expect(page.locator(".lesson .said")).to_contain_text("The lesson is done.")
    expect(page.locator(".lesson .next")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-lesson")).to_have_count(0)
    rest(page)
    say_nothing(page)
    assert "tour=0" in page.url
