"""The stepper in Chromium: buttons, keys, scrubbing, playing, and who answers the keys when there are two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Traffic

APP = Path(__file__).parent / "apps" / "stepper_app.py"


@pytest.fixture(scope="module")
def url(serve: Callable[[Path], str]) -> str:
    return serve(APP)


def open_stepper(page: Page, url: str, query: str = "") -> Traffic:
    traffic = Traffic()
    traffic.watch(page)
    page.goto(f"{url}/?{query}")
    expect(transport(page, "bars")).to_have_attribute("data-step", "1")
    expect(page.get_by_role("button", name="Restart")).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-testid=stApp][data-test-script-state=running]')")
    return traffic


def transport(page: Page, uid: str = "run") -> Locator:
    return page.locator(f"[data-uid={uid}] .transport")


def expect_step(page: Page, step: int) -> None:
    """In the browser, and once it rests, in Python."""
    expect(transport(page)).to_have_attribute("data-step", str(step))
    expect(page.get_by_text(f"step {step}", exact=True)).to_be_visible()
    expect(page.get_by_text(f"before {step}", exact=True)).to_be_visible()


def test_buttons_go_both_ways_and_to_the_ends(page: Page, url: str) -> None:
    open_stepper(page, url)
    bar = transport(page)
    for name, step in [("forward", 1), ("forward", 2), ("back", 1), ("Last", 39), ("back", 38), ("First", 0)]:
        bar.get_by_role("button", name=name).click()
        expect_step(page, step)
    expect(bar.get_by_role("button", name="back")).to_have_attribute("aria-disabled", "true")
    expect(bar.locator(".caption")).to_have_text("Caption 0.")


def test_thirty_fast_presses_are_thirty_steps_and_few_messages(page: Page, url: str) -> None:
    traffic = open_stepper(page, url)
    before = len(traffic.sent)
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    expect_step(page, 30)
    assert len(traffic.sent) - before <= 3
    page.keyboard.press("Home")
    expect_step(page, 0)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect_step(page, 38)


def test_keys_stay_with_whoever_has_the_focus(page: Page, url: str) -> None:
    open_stepper(page, url)
    words = page.get_by_label("Words")
    words.fill("ab")
    words.press("ArrowLeft")
    words.press("Home")
    words.press("Space")
    expect(words).to_have_value(" ab")
    expect(transport(page)).to_have_attribute("data-step", "0")
    page.get_by_role("button", name="Another widget").focus()
    page.keyboard.press("ArrowRight")  # a button has no use for arrows
    expect_step(page, 1)
    # Once touched, the other stepper answers.
    transport(page, "bars").locator(".count").click()
    page.keyboard.press("ArrowRight")
    expect(transport(page, "bars")).to_have_attribute("data-step", "2")
    expect_step(page, 1)
    # Inside a stepper its own keys win.
    transport(page).get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect_step(page, 2)
    expect(transport(page).get_by_role("slider")).to_have_attribute("aria-valuetext", "Step 2 of 39. Caption 2.")


def test_the_scrubber_follows_and_leads(page: Page, url: str) -> None:
    traffic = open_stepper(page, url)
    slider = transport(page).get_by_role("slider")
    box = slider.bounding_box()
    assert box is not None
    before = len(traffic.sent)
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2, steps=20)
    page.mouse.up()
    expect_step(page, 39)
    assert len(traffic.sent) - before <= 3


def test_playing_runs_to_the_end_silently_and_space_stops_it(page: Page, url: str) -> None:
    traffic = open_stepper(page, url, "n=6")
    bar = transport(page)
    bar.get_by_role("combobox").select_option("5")  # slower than what counts as rest between two steps
    before = len(traffic.sent)
    bar.get_by_role("button", name="Play").click()
    expect(bar.get_by_role("button", name="Pause")).to_be_visible()
    expect_step(page, 5)
    expect(bar.get_by_role("button", name="Play")).to_be_visible()
    assert len(traffic.sent) - before == 1
    bar.get_by_role("combobox").select_option("0.5")
    page.locator("h1").click()
    page.keyboard.press(" ")  # from the end it starts over
    expect(transport(page)).to_have_attribute("data-step", "0")
    page.keyboard.press(" ")
    expect(bar.get_by_role("button", name="Play")).to_be_visible()
    expect_step(page, 0)


def test_less_motion_plays_slowly(new_context: Callable[..., BrowserContext], url: str) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    open_stepper(page, url)
    bar = transport(page)
    bar.get_by_role("combobox").select_option("10")
    start = page.evaluate("() => performance.now()")
    bar.get_by_role("button", name="Play").click()
    expect(bar).to_have_attribute("data-step", "2")
    assert page.evaluate("() => performance.now()") - start > 1900  # two steps at one a second


def test_python_brings_it_back_to_its_start(page: Page, url: str) -> None:
    open_stepper(page, url)
    page.keyboard.press("End")
    expect_step(page, 39)
    page.get_by_role("button", name="Another widget").click()
    expect_step(page, 39)
    page.get_by_role("button", name="Restart").click()
    expect_step(page, 0)
    expect(transport(page, "bars")).to_have_attribute("data-step", "1")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(new_context: Callable[..., BrowserContext], url: str, dark: bool) -> None:
    page = new_context(width=390, height=844, dark=dark).new_page()
    open_stepper(page, url)
    found = Axe().run(page, context="[data-testid^=stBidiComponent]").response
    assert found["passes"]
    ours = [
        (rule["id"], rule["nodes"][0]["target"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert not ours
