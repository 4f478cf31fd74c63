"""A class in real browsers on two replicas behind nginx, of which one dies: at most five seconds away, as a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pages.kit import tour
from pages.nms.tour import STEPS
from tests.benchmarks.rooms import Figure, print_table
from tests.browser.conftest import new_context, settled  # noqa: F401  (a fixture)
from tests.browser.test_class_room import bar, press
from tests.replicas import replicas

CONNECTED = "() => document.querySelector('.stApp').dataset.testConnectionState === 'CONNECTED'"
AWAY = "() => document.querySelector('.stApp').dataset.testConnectionState !== 'CONNECTED'"
RAN = "() => document.querySelector('.stApp').dataset.testScriptState === 'notRunning'"
KEPT = ".st-key-nms_tour_pair_kept button"


def stands_at(page: Page, number: int) -> None:
    """Waits until a page shows a step of the lesson."""
    expect(page.locator(".st-key-lesson_words h4")).to_have_text(
        tour.words_of("nms", STEPS[number - 1], "en").title, timeout=90_000
    )


@pytest.mark.timeout(900)
def test_a_students_browser_is_back_on_the_other_replica(
    new_context: Callable[..., BrowserContext],  # noqa: F811
    tmp_path: Path,
) -> None:
    with replicas(tmp_path) as running:
        pages: list[Page] = []
        for node in ("a", "b"):
            context = new_context()
            context.set_default_timeout(120_000)
            context.add_cookies([{"name": "node", "value": node, "url": running.url}])
            pages.append(context.new_page())
        teacher, bob = pages
        teacher.goto(f"{running.url}/class_room?lang=en")
        teacher.get_by_label("Lesson").click()
        teacher.get_by_role("option", name="NMS stepper").click()
        teacher.get_by_role("button", name="Open the room").click()
        expect(bar(teacher)).to_have_attribute("data-role", "teacher")
        code = bar(teacher).locator(".code").inner_text()
        bob.goto(f"{running.url}/class_room?room={code}&lang=en")
        settled(bob)
        bob.locator(".st-key-class_room_join_now button").click()
        expect(bar(bob)).to_have_attribute("data-role", "student")
        press(teacher, "enter")
        for number in (2, 3):
            stands_at(teacher, number - 1)
            press(teacher, "next")
        stands_at(bob, 3)
        bob.locator(KEPT).click()
        expect(bob.locator(KEPT)).to_have_attribute("kind", "primary")
        expect(bar(bob)).to_have_attribute("data-waiting", "0")
        expect(bar(teacher).locator("[data-answered='1']")).to_be_visible()

        began = time.perf_counter()
        running.kill("b")
        for state in (AWAY, CONNECTED, RAN):
            bob.wait_for_function(state)
        expect(bar(bob)).to_have_attribute("data-connected", "true")
        seconds = time.perf_counter() - began
        assert [each["value"] for each in bob.context.cookies() if each["name"] == "node"] == ["a"]
        stands_at(bob, 3)
        expect(bob.locator(KEPT)).to_have_attribute("kind", "primary")  # the answer that was given before
        running.start("b")
        press(teacher, "reveal")
        for page in pages:
            expect(bar(page).locator(".answer.right")).to_have_count(1)
        press(teacher, "next")
        stands_at(bob, 4)
        figure = Figure("a replica is killed: a browser away", (seconds,), 5, "s")
        print_table([figure])
        assert figure.ratio <= 1
