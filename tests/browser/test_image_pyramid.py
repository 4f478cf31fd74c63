"""The image pyramid in Chromium: the window by keys, by play and by pointing, its map, links, phones, Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Traffic, settled
from vizcore import image_pyramid
from vizcore.data.photos import load_sample
from vizcore.models.efficientnet_lite import imagenet_categories, load_efficientnet_lite0

ROOT = (
    "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.image_pyramid[data-position]'))"
    ".find(Boolean)"
)
PAINTED = """view => [...view.querySelectorAll('.map')].map((map) => {
  const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length;
})"""


@pytest.fixture(scope="module")
def trace() -> image_pyramid.SlidingWindowTrace:
    """What the page shows at first."""
    return image_pyramid.trace_sliding_window(
        load_efficientnet_lite0(),
        load_sample("coffee").pixels,
        label=imagenet_categories().index("espresso"),
        scale_step=1.41,
        score_threshold=0.3,
    )


def open_pyramid(page: Page, url: str, query: str = "lang=en") -> Locator:
    standing = "" if "step=" in query else "&step=-1"
    page.goto(f"{url}/image_pyramid?tour=0{'' if 'pace=' in query else '&pace=window'}{standing}&{query}")
    view = page.locator(".image_pyramid[data-position]")
    expect(view).to_be_visible(timeout=120_000)
    settled(page)
    page.wait_for_function(
        f"() => [...{ROOT}.querySelectorAll('.levels img')].every((image) => image.complete && image.naturalWidth)"
    )
    return view


def expect_position(view: Locator, position: int) -> None:
    expect(view).to_have_attribute("data-position", str(position))


def state(view: Locator) -> dict[str, object]:
    """Everything that one position shows."""
    return {
        "decision": view.locator(".decision").inner_text(),
        "says": view.locator(".says").inner_text(),
        "overlays": view.locator(".picture svg").evaluate_all("all => all.map((svg) => svg.innerHTML)"),
        "painted": view.evaluate(PAINTED),
        "photo": view.locator("[data-layer=windows]").inner_html(),
        "boxes": view.locator(".boxes .box").evaluate_all("all => all.map((box) => box.dataset.state)"),
        "crop": view.locator(".crop").evaluate("canvas => canvas.toDataURL()"),
    }


def test_keys_step_through_windows_candidates_and_boxes(
    page: Page, app_url: str, trace: image_pyramid.SlidingWindowTrace
) -> None:
    view = open_pyramid(page, app_url)
    last = image_pyramid.count_positions(trace) - 1
    expect_position(view, last)
    expect(view.locator(".decision")).to_contain_text("boxes left for “espresso”: 1")
    page.keyboard.press("Home")
    expect_position(view, 0)
    expect(view.locator(".decision")).to_contain_text("Windows: 364, levels: 3.")
    assert view.evaluate(PAINTED) == [0, 0, 0]
    seen = [state(view)]
    for position in range(1, 7):
        page.keyboard.press("ArrowRight")
        expect_position(view, position)
        expect(view.locator(".decision")).to_contain_text(f"espresso: {trace.scores[position - 1]:.3f}")
        assert view.evaluate(PAINTED) == [position, 0, 0]
        seen.append(state(view))
    assert seen[0]["says"] == ""
    assert seen[0]["crop"] == seen[1]["crop"]  # where it begins is shown before anything is said of it
    assert len({str(entry["crop"]) for entry in seen}) == 6
    for position in range(5, -1, -1):
        page.keyboard.press("ArrowLeft")
        expect_position(view, position)
        assert state(view) == seen[position]
    page.keyboard.press("End")
    expect_position(view, last)
    assert view.evaluate(PAINTED) == [252, 91, 21]
    shown = view.locator(".boxes .box:not([data-state=hidden])")
    expect(shown).to_have_count(len(trace.keep))
    page.keyboard.press("ArrowLeft")
    expect(view.locator(".decision")).to_contain_text("Box 1 with score 0.958 is kept; it suppresses 41")
    page.keyboard.press("ArrowLeft")
    expect(view.locator(".decision")).to_contain_text("Windows above 0.3, now candidates: 42 of 364.")
    expect(shown).to_have_count(len(trace.candidates))


def test_play_slides_without_a_word_to_the_server(page: Page, app_url: str) -> None:
    traffic = Traffic()
    traffic.watch(page)
    view = open_pyramid(page, app_url)
    view.locator(".speed").select_option("10")
    before = len(traffic.sent)
    view.locator("[data-icon=play]").click()
    page.wait_for_function(f"() => {{ const at = Number({ROOT}.dataset.position); return at >= 12 && at < 300; }}")
    assert len(traffic.sent) == before
    view.locator("[data-icon=pause]").click()
    page.wait_for_url(re.compile(r"step=\d+"))


def test_pointing_reads_the_map_and_a_click_goes_there(
    page: Page, app_url: str, trace: image_pyramid.SlidingWindowTrace
) -> None:
    view = open_pyramid(page, app_url)
    picture = view.locator("figure[data-level='2'] .picture")
    # The centre of the window at row 2, column 4 of 3 × 7, on the level of 416 × 288 pixels.
    box = picture.bounding_box()
    assert box is not None
    x, y = (3 + 3.5) * 32 / 416 * box["width"], (1 + 3.5) * 32 / 288 * box["height"]
    picture.hover(position={"x": x, "y": y})
    window = 252 + 91 + 7 + 3
    expect(view.locator(".note")).to_contain_text(f"Level 3, row 2, column 4: espresso {trace.scores[window]:.3f}")
    picture.click(position={"x": x, "y": y})
    expect_position(view, window + 1)
    page.wait_for_url(re.compile(rf"step={window + 1}\b"))


def test_the_best_window_of_a_level_by_keyboard_and_a_shared_link(
    page: Page, new_context: Callable[..., BrowserContext], app_url: str, trace: image_pyramid.SlidingWindowTrace
) -> None:
    view = open_pyramid(page, app_url)
    button = view.locator("figure[data-level='1'] .best")
    button.focus()
    button.press("Enter")
    position = trace.best_on(1) + 1
    expect_position(view, position)
    page.wait_for_url(re.compile(rf"step={position}\b"))
    settled(page)
    seen = state(view)

    reader = new_context().new_page()
    other = open_pyramid(reader, page.url.split("/image_pyramid")[0], page.url.split("?", 1)[1])
    expect_position(other, position)
    assert state(other) == seen


def test_a_box_on_the_photo_leads_to_its_decision(page: Page, app_url: str) -> None:
    view = open_pyramid(page, app_url, "lang=en&photo=chelsea")
    photo = view.get_by_role("listbox")
    photo.focus()
    photo.press("Home")
    photo.press("Enter")
    expect(view).to_have_attribute("data-phase", re.compile("suppress|end"))
    expect(view.locator(".decision")).to_contain_text("is kept; it suppresses")


def test_a_label_leaves_the_photo_with_its_box(page: Page, app_url: str) -> None:
    view = open_pyramid(page, app_url)
    labels = view.locator(".photo-part .labels text")
    expect(labels).to_have_text(["espresso 0.96"])
    # No window of the coins is sure of anything: the other photo has no box, and the old one's label must go.
    page.get_by_role("combobox", name="Photo").click()
    page.get_by_role("option", name="Greek coins from Pompeii").click()
    expect(view.locator(".decision")).to_contain_text("No window is above 0.3", timeout=60_000)
    expect(view.locator(".boxes .box")).to_have_count(0)
    expect(labels).to_have_count(0)


def test_an_unreadable_file_is_explained_where_it_was_chosen(page: Page, app_url: str) -> None:
    view = open_pyramid(page, app_url)
    before = view.bounding_box()
    page.get_by_role("button", name="Own photo").click()
    popover = page.get_by_test_id("stPopoverBody")
    page.locator("input[type=file]").set_input_files(
        {"name": "renamed.png", "mimeType": "image/png", "buffer": b"only words"}
    )
    expect(popover.get_by_test_id("stAlert")).to_contain_text("not a picture that can be read", timeout=60_000)
    settled(page)
    expect(page.get_by_test_id("stAlert")).to_have_count(1)
    assert view.bounding_box() == before  # nothing below was pushed away


def test_levels_have_their_true_relative_sizes(
    new_context: Callable[..., BrowserContext], app_url: str, trace: image_pyramid.SlidingWindowTrace
) -> None:
    for width in (390, 1440):
        page = new_context(width=width, height=844, touch=width < 500).new_page()
        view = open_pyramid(page, app_url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = view.locator(".picture").evaluate_all("all => all.map((p) => [p.clientHeight, p.clientWidth])")
        scale = sizes[0][1] / trace.level_sizes[0][1]
        for shown, true in zip(sizes, trace.level_sizes, strict=True):
            assert shown == pytest.approx([side * scale for side in true], abs=1.5)


def test_chinese_and_another_class(page: Page, app_url: str) -> None:
    view = open_pyramid(page, app_url, "lang=zh")
    expect(view.locator(".decision")).to_contain_text("“浓缩咖啡”最后留下 1 个框")
    page.get_by_role("combobox", name="要找的类别").click()
    page.keyboard.type("coffee mug")
    page.keyboard.press("Enter")
    expect(view.locator(".legend")).to_contain_text("咖啡杯", timeout=60_000)
    page.wait_for_url(re.compile("label=504"))
    page.get_by_text("分数图", exact=True).click()
    expect(view.locator(".map").first).to_be_hidden()
