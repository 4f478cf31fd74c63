"""What a control shows, what the link says and what was computed are one: each case was wrong once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import controls
from tests.browser.conftest import settled


def open_at(page: Page, address: str) -> None:
    page.goto(address)
    controls.rest(page)


def say_in(page: Page, language: str) -> None:
    page.locator(".st-key-lang").get_by_text(language, exact=True).click()
    controls.rest(page)


def value(page: Page, key: str) -> object:
    return controls.shown(page, key, controls.listed(page)[key])


@pytest.mark.parametrize(("first", "second"), [("en", "中文"), ("zh", "English")])
def test_a_program_runs_after_the_language_was_changed(page: Page, app_url: str, first: str, second: str) -> None:
    open_at(page, f"{app_url}/autograd?lang={first}&tour=0")
    say_in(page, second)
    editor = page.locator(".ace-host")
    editor.evaluate("host => host.env.editor.focus()")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("x = torch.tensor(2.0, requires_grad=True)\ny = x * 3\ny.backward()")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => decodeURIComponent(location.search).includes('program=~')")
    controls.rest(page)
    assert controls.failures(page) == []
    assert controls.disagreements(page) == []
    assert "x * 3" in editor.evaluate("host => host.env.editor.getValue()")


@pytest.mark.parametrize(
    "query",
    [
        "upsampling?part=shapes&kernel_size=5",
        "modules?",
        "iou_losses?view=race",
        "nms?method=soft_gaussian&pace=pick",
        "fpn?part=owner",
        "image_pyramid?pace=row",
    ],
)
def test_a_change_of_language_leaves_every_control_where_it_was(page: Page, app_url: str, query: str) -> None:
    open_at(page, f"{app_url}/{query}&lang=en&tour=0")
    before = controls.link_of(page)
    for language, name in (("中文", "zh"), ("English", "en")):
        say_in(page, language)
        assert controls.failures(page) == []
        assert controls.disagreements(page) == []
        assert controls.link_of(page) == {**before, "lang": name}


def test_what_mounts_late_shows_what_the_link_says(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    page.locator(".nms[data-position]").wait_for()
    page.keyboard.press("ArrowRight")  # nothing has the focus on arrival
    page.wait_for_url(re.compile("step=1&"))
    controls.rest(page)
    page.get_by_role("button", name="More rules").click()
    expect(page.locator(".st-key-nms_sigma")).to_be_visible()
    assert [value(page, f"nms_{name}") for name in ("sigma", "distance_power", "class_aware")] == [0.5, 1.0, True]
    page.locator(".st-key-nms_suppress_equal label").first.click()
    page.wait_for_url(re.compile("suppress_equal=1"))
    controls.rest(page)
    link = controls.link_of(page)
    assert (link["sigma"], link["distance_power"], link["class_aware"]) == ("0.5", "1", "1")


def test_a_preset_changes_the_boxes_and_nothing_else(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/iou_losses?lang=en&tour=0")
    before = controls.link_of(page)
    page.get_by_role("button", name="Disjoint").click()
    page.wait_for_function("() => !location.search.includes('boxes=60,50')")
    controls.rest(page)
    after = controls.link_of(page)
    assert {name for name in after if after[name] != before.get(name)} <= {"boxes", "step"}
    page.get_by_role("button", name="Conventions").click()
    expect(page.locator(".st-key-iou_losses_power")).to_be_visible()
    assert controls.disagreements(page) == []
    assert value(page, "iou_losses_power") == 3.0


def test_a_part_that_comes_back_shows_what_the_link_says(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/fpn?lang=en&tour=0")
    for words in ("Four designs", "Who owns this box?", "Maps and cuts"):
        page.locator(".st-key-fpn_part").get_by_text(words).click()
        controls.rest(page)
        assert controls.disagreements(page) == []
    assert value(page, "fpn_score_threshold") == 0.4


def test_a_source_that_comes_back_shows_its_switch_on(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&source=own")
    for source in ("random", "crowd"):
        page.locator(".st-key-nms_source input").click()
        page.get_by_role("option", name={"random": "2,000 random boxes", "crowd": re.compile("Crowd")}[source]).click()
        page.wait_for_url(re.compile(f"source={source}"))
        controls.rest(page)
    assert value(page, "nms_show_targets") is True


def test_a_control_set_while_it_is_not_mounted_keeps_the_value(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    rules = page.get_by_role("button", name="More rules")
    rules.click()
    sigma = page.locator(".st-key-nms_sigma input")
    sigma.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile("sigma=2&"))
    controls.rest(page)
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-nms_sigma")).to_have_count(0)
    page.go_back()  # while the slider is not on the screen
    page.wait_for_url(re.compile("sigma=0.5&"))
    controls.rest(page)
    rules.click()
    expect(page.locator(".st-key-nms_sigma")).to_be_visible()
    assert value(page, "nms_sigma") == 0.5
    page.locator(".st-key-nms_suppress_equal label").first.click()
    page.wait_for_url(re.compile("suppress_equal=1"))
    controls.rest(page)
    assert controls.link_of(page)["sigma"] == "0.5"


def test_back_and_forward_go_through_the_states_that_the_reader_made(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    slider = page.locator(".st-key-nms_iou_threshold input")
    slider.focus()
    for _ in range(4):  # ticks of one movement
        page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("iou_threshold=0.54&"))
    controls.rest(page)
    page.wait_for_timeout(1000)  # the movement is over: the next change is another entry
    say_in(page, "中文")
    page.go_back()
    page.wait_for_url(re.compile("lang=en"))
    controls.rest(page)
    expect(page.locator("h1")).to_have_text("NMS stepper")
    page.go_back()
    page.wait_for_url(re.compile("iou_threshold=0.5&"))
    controls.rest(page)
    assert value(page, "nms_iou_threshold") == 0.5
    page.go_forward()
    page.wait_for_url(re.compile("iou_threshold=0.54&"))
    controls.rest(page)
    assert controls.disagreements(page) == []


def test_a_key_that_is_held_is_one_movement_however_late_the_answers_come(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    page.locator(".st-key-nms_iou_threshold input").focus()
    for reached in ("0.51", "0.52"):
        page.keyboard.down("ArrowRight")  # again and again, as a held key says it
        page.wait_for_url(re.compile(f"iou_threshold={reached}&"))
        controls.rest(page)
        page.wait_for_timeout(1000)
    page.keyboard.up("ArrowRight")
    page.go_back()
    page.wait_for_url(re.compile("iou_threshold=0.5&"))
    controls.rest(page)
    assert value(page, "nms_iou_threshold") == 0.5


def test_a_visit_that_gets_lost_does_not_leave_the_address_apart_from_the_page(page: Page, app_url: str) -> None:
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    say_in(page, "中文")
    page.evaluate(
        """() => {
          const past = window[Symbol.for("grad2box.history")];
          past.patience = 300;
          past.component = { parentElement: document.body, setStateValue() {} };
        }"""
    )
    page.go_back()
    page.wait_for_url(re.compile("lang=zh"))
    controls.rest(page)
    assert controls.link_of(page)["lang"] == "zh"


def test_the_sidebar_gives_way_to_the_page_on_a_phone(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    page = new_context(width=390, height=844).new_page()
    page.goto(f"{app_url}/?lang=en")
    controls.rest(page)
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.locator("[data-testid=stSidebarNav] a[href*=modules]").click()
    expect(page.locator("h1")).to_have_text(re.compile("nn"))
    expect(page.locator("[data-testid=stExpandSidebarButton]")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("[data-testid=stSidebarNav]")).not_to_be_in_viewport()


def test_the_link_button_stays_in_its_place(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    page = new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    open_at(page, f"{app_url}/nms?lang=en&tour=0")
    button = page.get_by_role("button", name="Copy link")
    before = button.bounding_box()
    button.click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    assert page.locator(".share button").bounding_box() == before


def test_input_in_a_notice_is_shown_and_not_read_as_markdown(page: Page, app_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app_url}/nms?lang=en&tour=0&![](http://127.0.0.1:9/p.png)=1&count={'9' * 400}")
    settled(page)
    expect(page.get_by_text("does not know")).to_be_visible()
    assert page.locator("[data-testid=stAlert] img").count() == 0
    assert not [url for url in asked if url.startswith("http://127.0.0.1:9/")]


@pytest.mark.parametrize(
    ("address", "name"),
    [("nms?tour=0&lang=en", "More rules"), ("iou_losses?tour=0&lang=zh", "约定"), ("autograd?tour=0&lang=en", "Seed")],
)
def test_the_keyboard_goes_into_a_popover_and_back(page: Page, app_url: str, address: str, name: str) -> None:
    open_at(page, f"{app_url}/{address}")
    button = page.get_by_test_id("stPopoverButton").filter(has_text=name)
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # at once: what it opens may not be there yet
    page.wait_for_function("document.querySelector('[data-testid=stPopoverBody]')?.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(button).to_be_focused()
