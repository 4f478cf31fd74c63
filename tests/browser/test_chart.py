"""The chart piece: drawn in place, themed, described, clickable, saved as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled

SCRIPT = Path(__file__).parent / "apps" / "chart_app.py"


@pytest.fixture
def drawn(page: Page, serve: Callable[[Path], str]) -> Page:
    page.goto(serve(SCRIPT))
    settled(page)
    page.locator(".g2b-chart .plot .main-svg").first.wait_for()
    return page


def test_a_change_is_drawn_in_place_and_said(drawn: Page) -> None:
    plot = drawn.locator(".g2b-chart .plot")
    plot.evaluate("(element) => { element.marked = true; }")
    expect(plot).to_have_attribute("aria-label", "A line that rises by 2.")
    drawn.get_by_role("slider").press("ArrowRight")
    expect(plot).to_have_attribute("aria-label", "A line that rises by 3.")
    drawn.wait_for_function("() => document.querySelector('.g2b-chart .plot').data[0].y[1] === 3")
    assert plot.evaluate("(element) => element.marked") is True


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("PNG", b"\x89PNG"),
        ("SVG", b"<svg"),
        ("HTML", b"<!doctype html>"),
        ("CSV", b'curve,x,y,z\n"line, straight",0,0,'),
    ],
)
def test_the_figure_is_saved(drawn: Page, kind: str, start: bytes) -> None:
    with drawn.expect_download() as download:
        drawn.get_by_role("button", name=kind, exact=True).click()
    path = download.value.path()
    assert download.value.suggested_filename == f"grad2box-demo-line.{kind.lower()}"
    assert path.read_bytes().startswith(start)


def test_a_saved_html_figure_opens_without_a_network(drawn: Page, tmp_path: Path) -> None:
    with drawn.expect_download() as download:
        drawn.get_by_role("button", name="HTML", exact=True).click()
    download.value.save_as(tmp_path / "figure.html")
    opened = drawn.context.new_page()
    opened.route("http*://**", lambda route: route.abort())
    opened.goto(f"file://{tmp_path / 'figure.html'}")
    expect(opened.locator("#figure .scatterlayer .point")).to_have_count(3)


def test_a_click_reaches_the_page(drawn: Page) -> None:
    point = drawn.locator(".g2b-chart .scatterlayer .point").nth(1).bounding_box()
    assert point is not None
    drawn.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    drawn.locator(".g2b-chart .hoverlayer .hovertext").first.wait_for()
    drawn.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    expect(drawn.get_by_text("clicked 1")).to_be_visible()


def test_text_takes_the_pages_colour(new_context: Callable[..., object], serve: Callable[[Path], str]) -> None:
    colours = []
    for dark in (False, True):
        page = new_context(dark=dark).new_page()  # type: ignore[attr-defined]
        page.goto(serve(SCRIPT))
        settled(page)
        tick = page.locator(".g2b-chart .xtick text").first
        tick.wait_for()
        colours.append(tick.evaluate("(element) => getComputedStyle(element).fill"))
    assert colours[0] != colours[1]
