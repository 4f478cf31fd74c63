"""The shell in a real browser: path, language, links, presenter mode, failures, accessibility."""

from __future__ import annotations

import random
import re
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from pages.home.stops import PATH
from tests.browser.conftest import ROOT, settled, start_server, stop_server
from tests.pages.test_tours import TOURS

CONCEPTS = sorted(
    path.parent.name for path in (ROOT / "pages").glob("*/page.py") if path.parent.name not in ("home", "kit")
)


def test_the_path_shows_a_miniature_at_every_stop(page: Page, app_url: str) -> None:
    page.goto(app_url)
    settled(page)
    expect(page.locator(".picture svg")).to_have_count(len(PATH), timeout=90_000)
    expect(page.get_by_text("∂y/∂x = 30")).to_be_visible()


def test_every_stop_leads_to_its_page(page: Page, app_url: str) -> None:
    page.goto(app_url)
    settled(page)
    links = page.locator("[data-testid=stMain] [data-testid=stPageLink] a")
    links.nth(6).wait_for()  # six stops and the aside
    addresses = {link.get_attribute("href").split("?")[0].rstrip("/").split("/")[-1] for link in links.all()}  # type: ignore[union-attr]
    assert addresses <= set(CONCEPTS)
    assert len(addresses) >= 5


def test_language_follows_the_browser_and_the_switch(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    page = new_context(locale="zh-CN").new_page()
    page.goto(app_url)
    settled(page)
    expect(page.get_by_text("学习路径").first).to_be_visible()
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_text("The path").first).to_be_visible()
    page.wait_for_url(re.compile("lang=en"))
    assert page.evaluate("document.documentElement.lang") == "en"


def test_presenter_mode_by_link(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/?present=1")
    settled(page)
    expect(page.locator("[data-testid=stSidebar]")).to_have_count(0)
    page.wait_for_function("() => parseFloat(getComputedStyle(document.documentElement).fontSize) > 18")
    page.wait_for_url(re.compile("present=1"))


def test_an_unknown_parameter_is_told_and_dropped(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/?colour=%3Cscript%3Ealert(1)%3C/script%3E")
    settled(page)
    expect(page.get_by_text("“colour”")).to_be_visible()
    page.wait_for_url(re.compile(r"^(?!.*colour)"))


def test_the_link_button_copies_the_address(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{app_url}/?lang=zh")
    settled(page)
    page.get_by_role("button", name="复制链接").click()
    expect(page.get_by_text("链接已复制")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical in what components draw; Streamlit's own widgets are Streamlit's."""
    results = Axe().run(page, context="[data-testid^=stBidiComponent]")
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("concept", ["", *CONCEPTS])
def test_axe_finds_nothing_serious_in_what_we_draw(
    request: pytest.FixtureRequest,
    new_context: Callable[..., BrowserContext],
    app_url: str,
    concept: str,
    theme: str,
) -> None:
    seed = request.config.getoption("randomly_seed", default=0)
    steps = len(TOURS.get(concept, ()))  # a lesson is looked at in a step drawn by the seed of the run
    query = f"?tour={random.Random(f'{seed} {concept} {theme}').randint(1, steps)}" if steps else ""
    page = new_context(dark=theme == "dark").new_page()
    page.goto(f"{app_url}/{concept}{query}")
    settled(page)
    page.get_by_role("button", name="Copy link").wait_for()  # the last piece of every page
    found = serious(page)
    for _ in range(5):
        if not found:
            break
        page.wait_for_timeout(1000)  # a piece may still be arriving, or fading in; what stays is what counts
        found = serious(page)
    assert found == []


def test_a_new_servers_first_visitor_may_come_by_a_deep_link(page: Page) -> None:
    process, url = start_server(ROOT / "app.py")
    try:
        page.goto(f"{url}/{CONCEPTS[-1]}?lang=zh")
        settled(page)
        expect(page.get_by_text("学习路径")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("dialog")).to_have_count(
            0
        )  # "Page not found", while Streamlit looked for its own pages
        page.wait_for_url(re.compile("lang=zh"))
    finally:
        stop_server(process)


def test_a_server_tells_strangers_nothing_and_browsers_what_they_may_do(app_url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{app_url}/_stcore/metrics", timeout=10)
    with urllib.request.urlopen(app_url, timeout=10) as answer:
        assert answer.headers["content-security-policy"] == "frame-ancestors 'self'"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert urllib.request.urlopen(f"{app_url}/_stcore/health", timeout=10).read() == b"ok"
