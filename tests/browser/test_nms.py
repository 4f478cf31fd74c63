"""The NMS stepper in Chromium: keys both ways, predictions, jumps, methods, links, own boxes, and two thousand."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Traffic, settled
from tests.browser.controls import rest
from vizcore import nms
from vizcore.data import crowds


@pytest.fixture(scope="module")
def url(app_url: str) -> str:
    return app_url


def open_nms(page: Page, url: str, query: str = "") -> Locator:
    page.goto(f"{url}/nms?lang=en&tour=0&{query}")
    view = page.locator(".nms[data-position]")
    expect(view).to_be_visible(timeout=60_000)
    settled(page)
    return view


def trace_crowd(name: str = "crowd", **rules: object) -> nms.NMSTrace:
    crowd = crowds.make_crowd(name)
    boxes, scores, labels = map(torch.from_numpy, (crowd.boxes, crowd.scores, crowd.labels))
    return nms.trace_nms(boxes, scores, labels=labels, score_threshold=0.05, **rules)


def state(view: Locator) -> dict:
    """Everything that one position shows."""
    return {
        "decision": view.locator(".decision").inner_text(),
        "queue": view.locator(".waiting .card").all_inner_texts(),
        "kept": view.locator(".keeping").inner_text(),
        "boxes": view.locator(".boxes .box").evaluate_all(
            "boxes => boxes.map(box => [box.dataset.id, box.dataset.state])"
        ),
        "cursor": view.locator(".cursor").inner_html(),
        "overlay": view.locator("[data-layer=overlap]").inner_html(),
    }


def expect_position(view: Locator, position: int) -> None:
    expect(view).to_have_attribute("data-position", str(position))


def in_link(page: Page, name: str, value: str) -> None:
    page.wait_for_function(
        "([name, value]) => new URLSearchParams(location.search).get(name) === value", arg=[name, value], timeout=30_000
    )


def test_keys_step_both_ways_to_identical_states(page: Page, url: str) -> None:
    view = open_nms(page, url)
    expect_position(view, 0)
    seen = [state(view)]
    for position in range(1, 13):
        page.keyboard.press("ArrowRight")
        expect_position(view, position)
        seen.append(state(view))
    assert len({entry["decision"] for entry in seen}) == 13
    for position in range(11, -1, -1):
        page.keyboard.press("ArrowLeft")
        expect_position(view, position)
        assert state(view) == seen[position]
    page.keyboard.press("End")
    expect(view.locator(".decision")).to_contain_text("Done: 11 boxes kept")
    page.keyboard.press("Home")
    expect_position(view, 0)
    assert state(view) == seen[0]


@pytest.mark.parametrize("method", ["hard", "soft_gaussian", "matrix", "fusion"])
def test_every_position_says_what_the_trace_recorded(page: Page, url: str, method: str) -> None:
    """The chain: three boxes, all comparisons; the numbers on the screen are those of vizcore."""
    view = open_nms(page, url, f"source=chain&method={method}")
    trace = trace_crowd("chain", method=method)
    events = nms.list_events(trace)
    position = 0
    for step in range(trace.num_steps):
        position += 1
        page.keyboard.press("ArrowRight")
        expect_position(view, position)
        expect(view.locator(".decision")).to_contain_text(f"box {trace.picks[step]}")
        for row in range(events.start[step], events.start[step + 1]):
            position += 1
            page.keyboard.press("ArrowRight")
            expect_position(view, position)
            words = view.locator(".decision").inner_text()
            assert f"IoU {events.ious[row]:.3f}" in words
            if events.verdicts[row] == nms.DECAYED:
                assert f"{events.before[row]:.3f} to {events.after[row]:.3f}" in words
    page.keyboard.press("ArrowRight")
    expect(view.locator(".decision")).to_contain_text(f"{len(trace.keep)} boxes kept")


def test_clicking_a_box_or_a_card_jumps_to_what_decided_it(page: Page, url: str) -> None:
    view = open_nms(page, url, "source=chain")
    view.locator(".stage .world").scroll_into_view_if_needed()
    world = view.locator(".stage .world").bounding_box()
    unit = world["width"] / 400
    page.mouse.click(world["x"] + 310 * unit, world["y"] + 160 * unit)  # only box 2 (160 to 320) is there
    expect(view.locator(".decision")).to_contain_text("Step 2: box 2 has the best score left")
    page.keyboard.press("Home")
    view.locator(".card[data-box='1']").click()
    expect(view.locator(".decision")).to_have_text("Boxes 0 and 1: IoU 0.524 is above 0.5. Box 1 is suppressed.")
    expect(view.locator(".box[data-id='1']")).to_have_attribute("data-state", "compared")


def test_predict_then_reveal(page: Page, url: str) -> None:
    view = open_nms(page, url, "source=chain&predict=1")
    page.keyboard.press("ArrowRight")  # box 0 in hand
    page.keyboard.press("ArrowRight")  # meets box 1: asked, not told
    expect(view.locator(".decision")).to_have_text("Box 0 is in hand and meets box 1. What happens?")
    expect(view.locator("[data-layer=overlap] .iou")).to_have_count(0)
    assert "0.524" not in view.inner_text()
    view.get_by_role("button", name="decay").click()
    expect(view.locator(".verdict")).to_have_text(re.compile("Not so: suppress.*IoU 0.524 is above 0.5"))
    expect(view.locator(".tally")).to_have_text("0 of 1 right")
    page.keyboard.press("ArrowRight")  # meets box 2
    expect(view.locator(".decision")).to_have_text(re.compile("meets box 2"))
    view.locator(".answer").first.focus()
    page.keyboard.press("k")
    expect(view.locator(".verdict")).to_have_attribute("data-right", "true")
    expect(view.locator(".tally")).to_have_text("1 of 2 right")
    page.keyboard.press("ArrowLeft")  # answered: told now, and not asked again
    expect(view.locator(".decision")).to_have_text(re.compile("Box 1 is suppressed"))
    expect(view.get_by_role("button", name="keep")).to_be_disabled()


def test_playing_stops_at_a_question(page: Page, url: str) -> None:
    view = open_nms(page, url, "source=chain&predict=1")
    view.get_by_role("button", name="Play").click()
    expect(view.locator(".question")).to_have_text("Decide before you see it:")
    expect(view.get_by_role("button", name="Play")).to_be_visible()
    expect_position(view, 2)


def test_another_method_begins_anew_and_the_link_reopens_it(
    page: Page, url: str, new_context: Callable[..., BrowserContext]
) -> None:
    view = open_nms(page, url, "source=chain&step=3")
    expect_position(view, 3)
    page.get_by_label("Method", exact=True).click()
    page.get_by_role("option", name="Soft, Gaussian").click()
    expect_position(view, 0)
    for _ in range(2):
        page.keyboard.press("Escape")
        page.locator("h1").click()
        view.get_by_role("button", name="Step forward").click()
    expect(view.locator(".decision")).to_contain_text("There is no threshold here")
    in_link(page, "step", "2")
    in_link(page, "method", "soft_gaussian")
    words = view.locator(".decision").inner_text()
    other = new_context().new_page()
    other.goto(page.url)
    again = other.locator(".nms[data-position]")
    expect_position(again, 2)
    expect(again.locator(".decision")).to_have_text(words)
    assert parse_qs(urlsplit(page.url).query)["source"] == ["chain"]


def test_an_own_box_is_dragged_without_a_message_and_the_trace_follows(page: Page, url: str) -> None:
    traffic = Traffic()
    traffic.watch(page)
    view = open_nms(page, url, "source=own&boxes=100,100,200,200_140,100,240,200")
    view.get_by_role("button", name="Last").click()
    expect(view.locator(".decision")).to_contain_text("2 boxes kept, 0 removed")  # IoU 60/140
    in_link(page, "step", "4")
    world = view.locator(".stage .world").bounding_box()
    unit = world["width"] / 640
    page.mouse.move(world["x"] + 225 * unit, world["y"] + 150 * unit)
    page.mouse.down()
    before = len(traffic.sent)
    page.mouse.move(world["x"] + 205 * unit, world["y"] + 150 * unit, steps=8)
    page.mouse.move(world["x"] + 195 * unit, world["y"] + 150 * unit, steps=8)
    assert len(traffic.sent) == before
    page.mouse.up()
    in_link(page, "boxes", "100,100,200,200_110,100,210,200")  # IoU 90/110
    expect_position(view, 0)
    view.get_by_role("button", name="Last").click()
    expect(view.locator(".decision")).to_contain_text("1 boxes kept, 1 removed")


def test_opens_with_the_candidates_of_the_detection_page(page: Page, url: str) -> None:
    page.goto(f"{url}/detection?lang=en&photo=coffee")
    settled(page)
    page.get_by_role("button", name="Step through this NMS").click()
    expect(page.get_by_role("heading", name="NMS stepper")).to_be_visible()
    settled(page)
    in_link(page, "source", "photo")
    in_link(page, "photo", "session")
    view = page.locator(".nms[data-position]")
    expect(view.locator(".stage .photo")).to_be_visible(timeout=60_000)
    expect(view.locator(".card .name").first).to_contain_text("0")
    found = view.locator(".decision").inner_text()
    assert int(re.match(r"(\d+) candidates", found)[1]) >= 100
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    expect(view.locator(".decision")).to_contain_text("Step 1: box 0 has the best score left")


def test_two_thousand_boxes_step_and_jump(page: Page, url: str) -> None:
    view = open_nms(page, url, "source=random&pace=pick")
    trace = trace_crowd("random")
    for position in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        expect_position(view, position)
    expect(view.locator(".decision")).to_contain_text(f"box {trace.picks[2]}")
    page.keyboard.press("End")
    expect_position(view, trace.num_steps + 1)
    expect(view.locator(".decision")).to_contain_text(f"Done: {len(trace.keep)} boxes kept")
    kept = view.locator(".boxes .box[data-state=kept]")
    assert kept.count() == len(trace.keep)
    page.keyboard.press("Home")
    assert kept.count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_accessible_and_narrow(new_context: Callable[..., BrowserContext], url: str, dark: bool) -> None:
    page = new_context(width=360, height=800, dark=dark).new_page()
    view = open_nms(page, url, "source=chain&predict=1&step=2")
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    box = view.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    found = Axe().run(page)
    serious = [
        (issue["id"], node["html"][:120])
        for issue in found.response["violations"]
        if issue["impact"] in ("serious", "critical")
        for node in issue["nodes"]
        if "st-emotion-cache" not in node["html"]  # Streamlit's own elements, such as its list of pages
    ]
    assert not serious, serious


def test_chinese(page: Page, url: str) -> None:
    page.goto(f"{url}/nms?lang=zh&source=chain&step=2&predict=0")
    view = page.locator(".nms[data-position]")
    expect(view.locator(".decision")).to_have_text("0 号框与 1 号框：IoU 0.524 大于 0.5，1 号框被抑制。")
    settled(page)
    words = view.inner_text()
    assert not re.search(r"\b(the|is|of|box|score)\b", words), words


def test_fewer_candidates_after_many_begin_anew(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?lang=en&tour=6")
    settled(page)
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_text("14 / 15", exact=True)).to_be_visible()
    rest(page)
    page.keyboard.press("n")
    expect(page.get_by_text("0 / 5", exact=True)).to_be_visible()
    expect(page.get_by_text("3 candidates, best score first.").first).to_be_visible()
