"""The feature pyramid page in Chromium: point, cut, drag across a border, ask a cell, share, Chinese, fingers, axe."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import TWO_FRAMES, Traffic, settled
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models import fcos

SIDE = 512  # of a scene


@pytest.fixture(scope="module")
def detector() -> fcos.Detector:
    return fcos.load_fcos("fcos_fpn")


@pytest.fixture(scope="module")
def trace(detector: fcos.Detector) -> fpn.FPNTrace:
    return fpn.trace_fpn(detector, draw_scene("validation", 0).pixels)


def open_part(page: Page, app_url: str, part: str = "maps", **query: str) -> None:
    asked = {"tour": "0", "scene": "0", "view": "mean", "opacity": "0.55", "part": part, "lang": "en", **query}
    words = "&".join(f"{name}={value}" for name, value in asked.items())
    page.goto(f"{app_url}/fpn?{words}")
    settled(page)
    piece = {"maps": ".fpn", "designs": ".fpn-designs", "owner": ".fpn-owner[data-ready]", "cell": ".fpn-cell"}
    page.wait_for_selector(piece.get(part, ".stage"), timeout=120_000)
    settled(page)


def place(page: Page, world: str, x: float, y: float) -> tuple[float, float]:
    """Pixels of a scene on the screen."""
    locator = page.locator(world)
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"] / SIDE, box["y"] + y * box["height"] / SIDE


def tile(page: Page, name: str) -> Locator:
    return page.locator(f".fpn .pyramid .tile[data-map={name}]")


def grid_places(page: Page) -> dict[str, str]:
    """Column and row of every map in the diagram."""
    return page.locator(".fpn .pyramid .tile").evaluate_all(
        """(tiles) => Object.fromEntries(tiles.map((tile) => {
             const style = getComputedStyle(tile);
             return [tile.dataset.map, `${style.gridColumnStart} ${style.gridRowStart}`];
           }))"""
    )


def value(page: Page, name: str) -> float:
    return float(tile(page, name).locator("output").get_attribute("data-value"))


def test_every_level_answers_to_the_pointer_and_nobody_is_asked(page: Page, app_url: str, trace: fpn.FPNTrace) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_part(page, app_url)
    before = len(traffic.sent)
    for x, y in ((40.5, 300.2), (333.0, 77.7), (500.0, 500.0)):
        page.mouse.move(*place(page, ".fpn svg.world", x, y))
        page.evaluate(TWO_FRAMES)
        for name, wanted in fpn.values_at(trace, x, y).items():
            view = fpn.channel_views(trace.maps(name), "mean")
            # The pointer stands on whole screen pixels: next to a border it may be in the neighboring cell.
            row, column = wanted.cell
            near = view[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            assert np.abs(near - value(page, name)).min() <= np.ptp(view) / 65535 + 1e-5, name
    assert len(traffic.sent) == before


def test_a_cut_arrow_changes_levels_and_boxes(page: Page, app_url: str, detector: fcos.Detector) -> None:
    open_part(page, app_url, score_threshold="0.3")
    summary = page.locator(".fpn .found")
    scene = draw_scene("validation", 0).pixels
    whole = fpn.trace_fpn(detector, scene)
    expect(summary).to_contain_text(f"{len(whole.keep)} boxes.")
    page.mouse.move(*place(page, ".fpn svg.world", 250, 250))
    page.evaluate(TWO_FRAMES)
    before = {name: value(page, name) for name in ("P2", "P3", "P5")}
    places = grid_places(page)
    assert len(set(places.values())) == len(places) >= 9
    arrow = page.get_by_role("switch", name="Top-down arrow P4 to P3")
    arrow.click()
    cut = fpn.retrace(detector, whole, cuts=["top_down:P3"])
    change = fpn.compare_detections(whole, cut)
    words = f"{len(cut.keep)} boxes instead of {len(whole.keep)}; {len(change.lost)} lost, {len(change.gained)} new."
    expect(summary).to_contain_text(words)
    expect(arrow).to_have_attribute("aria-checked", "false")
    settled(page)
    page.mouse.move(*place(page, ".fpn svg.world", 250, 250))
    page.evaluate(TWO_FRAMES)
    assert value(page, "P3") != pytest.approx(before["P3"], abs=1e-4)
    assert value(page, "P2") != pytest.approx(before["P2"], abs=1e-4)
    assert value(page, "P5") == pytest.approx(before["P5"], abs=1e-4)
    expect(page.locator(".fpn .merge .cut-note")).to_have_text("cut")
    page.wait_for_url(re.compile(r"cuts=top_down:P3"))
    assert grid_places(page) == places  # the answer repaints the maps and leaves them where they stand
    page.get_by_role("button", name="Mend all arrows").click()
    expect(summary).to_contain_text(f"{len(whole.keep)} boxes.")


def test_a_level_is_laid_over_the_picture_and_a_link_brings_it_back(
    page: Page, new_context: Callable[..., BrowserContext], app_url: str
) -> None:
    open_part(page, app_url)
    tile(page, "C4").click()
    expect(tile(page, "C4")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".fpn canvas.overlay").evaluate("(canvas) => [canvas.width, canvas.height]") == [32, 32]
    slider = page.get_by_role("slider", name="Map over the picture")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_url(re.compile(r"opacity=0\.7\b.*|.*level=C4"))
    page.get_by_role("switch", name="Lateral connection C3 to P3").click()
    page.wait_for_url(re.compile(r"cuts=lateral:C3"))
    page.wait_for_url(re.compile(r"opacity=0\.7\b"))
    settled(page)
    expect(page.locator(".fpn .found")).to_contain_text("1 of 7 arrows cut")
    words = page.locator(".fpn .found").inner_text()
    reader = new_context(dark=True, locale="zh-CN").new_page()
    reader.goto(page.url)
    settled(reader)
    expect(reader.locator(".fpn .found")).to_have_text(words)
    expect(tile(reader, "C4")).to_have_attribute("aria-pressed", "true")
    assert float(reader.locator(".fpn canvas.overlay").evaluate("(canvas) => canvas.style.opacity")) == 0.7
    reader.get_by_text("中文", exact=True).click()
    expect(reader.get_by_role("heading", name="特征金字塔")).to_be_visible()
    expect(reader.locator(".fpn .found")).to_contain_text("7 条箭头剪断了 1 条")
    expect(reader.get_by_role("switch", name="C3 到 P3 的横向连接")).to_have_attribute("aria-checked", "false")


def test_keys_move_the_cell_and_press_the_arrows(page: Page, app_url: str, trace: fpn.FPNTrace) -> None:
    open_part(page, app_url)
    tile(page, "P5").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    # From the middle, cell (8, 8), three to the right and one up.
    view = fpn.channel_views(trace.levels["P5"], "mean")
    assert value(page, "P5") == pytest.approx(float(view[7, 11]), abs=float(np.ptp(view)) / 65535 + 1e-5)
    expect(page.get_by_role("status").filter(has_text="P5, row 8, column 12")).to_be_attached()
    page.get_by_role("switch", name="Top-down arrow P3 to P2").focus()
    page.keyboard.press("Space")
    page.wait_for_url(re.compile(r"cuts=top_down:P2"))


def test_a_detection_shows_its_cell(page: Page, app_url: str, trace: fpn.FPNTrace) -> None:
    open_part(page, app_url, score_threshold="0.3")
    chip = page.locator(".fpn .chip").first
    chip.hover()
    best = int(trace.keep[0])
    level = trace.config.levels[trace.level_of[best]]
    expect(tile(page, level)).to_have_class(re.compile("won"))
    view = fpn.channel_views(trace.levels[level], "mean")
    row, column = trace.cells[best]
    page.evaluate(TWO_FRAMES)
    assert value(page, level) == pytest.approx(float(view[row, column]), abs=float(np.ptp(view)) / 65535 + 1e-5)


def test_a_channel_is_chosen_on_the_sheet(page: Page, app_url: str, trace: fpn.FPNTrace) -> None:
    open_part(page, app_url, view="channel", level="P4")
    sheet = page.get_by_role("slider", name="All 64 channels of P4")
    sheet.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    columns = fpn.atlas_layout(64, (32, 32), side=64).columns
    page.wait_for_url(re.compile(rf"channel={columns}\b"))
    settled(page)
    page.mouse.move(*place(page, ".fpn svg.world", 100, 100))
    page.evaluate(TWO_FRAMES)
    wanted = trace.levels["P4"][columns]
    assert value(page, "P4") == pytest.approx(float(wanted[6, 6]), abs=float(np.ptp(wanted)) / 65535 + 1e-5)


def owner_of(page: Page) -> tuple[str, str, int]:
    data = page.locator(".fpn-owner").evaluate("(element) => ({...element.dataset})")
    return data["paper"], data["fcos"], int(data["cells"])


def test_a_box_dragged_across_a_border_is_answered_in_silence(page: Page, app_url: str, trace: fpn.FPNTrace) -> None:
    traffic = Traffic()
    traffic.watch(page)
    open_part(page, app_url, "owner", box="100,100,200,200")
    before, homes = len(traffic.sent), page.locator("[data-uid=fpn_owner]").get_attribute("data-homes")
    page.mouse.move(*place(page, ".fpn-owner svg.world", 200, 200))
    page.mouse.down()
    seen = []
    for corner in (190, 208, 216, 260, 330, 420, 500):
        page.mouse.move(*place(page, ".fpn-owner svg.world", corner, corner), steps=3)
        page.evaluate(TWO_FRAMES)
        words = page.locator(".fpn-owner .stage .readout").inner_text()
        x1, y1, x2, y2 = map(int, re.findall(r"\((\d+), (\d+)\).*\((\d+), (\d+)\)", words)[0])
        owner = fpn.find_owner(trace, np.array([x1, y1, x2, y2], dtype=float))
        cells = sum(len(each) for each in owner.cells.values())
        assert owner_of(page) == (f"P{owner.level}", ",".join(owner.fcos_levels), cells)
        seen.append(owner.level)
    assert set(seen) >= {2, 3, 4}
    assert len(traffic.sent) == before
    page.mouse.up()
    caption = page.get_by_text("torch agrees: roi_level says P4")
    expect(caption).to_be_visible()
    page.wait_for_url(re.compile(r"box=100,100,500,500"))
    expect(page.get_by_text("Two opinions").first).to_be_visible()
    assert page.locator("[data-uid=fpn_owner]").get_attribute("data-homes") == homes


def test_a_pressed_cell_gets_its_gradient(page: Page, app_url: str, detector: fcos.Detector) -> None:
    open_part(page, app_url, "cell", cell_level="P4")
    page.mouse.move(*place(page, ".fpn-cell svg.world", 300, 200))
    expect(page.locator(".fpn-cell .where")).to_contain_text("Row 13, column 19")
    page.mouse.click(*place(page, ".fpn-cell svg.world", 300, 200))
    field = fpn.effective_receptive_field(detector, draw_scene("validation", 0).pixels, "P4", (12, 18))
    expect(page.get_by_text(re.compile(r"Cell \(13, 19\) of P4: 95 % of the gradient")).first).to_be_visible()
    expect(page.get_by_text(f"a square of {field.side:.0f} pixels").first).to_be_visible()
    page.wait_for_url(re.compile(r"point=296,200"))
    settled(page)
    page.locator(".fpn-cell .board").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"point=312,200"))


def test_a_plane_of_a_design_opens_its_channels(page: Page, app_url: str) -> None:
    open_part(page, app_url, "designs")
    plane = page.get_by_role("button", name=re.compile(r"^Open the map C5: 320 channels, 16 × 16 cells")).last
    plane.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All 320 channels of C5")).to_be_visible()
    page.wait_for_url(re.compile(r"opened=C5"))


def test_a_finger_points_and_cuts_on_a_phone(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    page = new_context(width=390, height=844, touch=True).new_page()
    open_part(page, app_url)
    page.get_by_role("switch", name="Top-down arrow P3 to P2").tap()
    expect(page.locator(".fpn .found")).to_contain_text("1 of 7 arrows cut")
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


@pytest.mark.parametrize(
    ("width", "part", "language", "dark"),
    [
        (1440, "maps", "en", False),
        (390, "maps", "zh", True),
        (1440, "owner", "zh", True),
        (390, "owner", "en", False),
        (1440, "designs", "en", True),
        (390, "designs", "zh", False),
        (390, "cell", "en", True),
        (1440, "data", "zh", False),
    ],
)
def test_nothing_overflows_and_axe_finds_nothing_serious(
    new_context: Callable[..., BrowserContext], app_url: str, width: int, part: str, language: str, dark: bool
) -> None:
    page = new_context(width=width, dark=dark).new_page()
    open_part(page, app_url, part, lang=language, cuts="top_down:P2", view="channel")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid=stMain]").response["violations"]
    # st.code is Streamlit's own: its token colors, and a <pre> that Chromium lets the keyboard scroll by itself.
    serious = [
        (rule["id"], node["html"][:200])
        for rule in found
        for node in rule["nodes"]
        if rule["impact"] in ("serious", "critical") and "<pre " not in node["html"] and "token" not in node["html"]
    ]
    assert not serious
