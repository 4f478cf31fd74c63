"""The nn and functional page in Chromium."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.scripts import run_script
from vizcore.modules import NetworkChoice, compare_networks


@pytest.fixture
def open_modules(app_url, page):
    def go(query: str = "lang=en", on: Page | None = None) -> Page:
        shown = on or page
        shown.goto(f"{app_url}/modules?tour=0&{query}")
        settled(shown)
        shown.locator(".passes circle").first.wait_for(timeout=60_000)
        return shown

    return go


def dots(page: Page) -> dict[str, list[float]]:
    """The dots as they were drawn, by network: where each lies along the axis."""
    return page.locator(".passes section").evaluate_all(
        "rows => Object.fromEntries(rows.map(row => [row.querySelector('h3').firstChild.textContent,"
        " [...row.querySelectorAll('circle')].map(dot => Number(dot.dataset.value))]))"
    )


def flip(page: Page, label: str) -> None:
    page.locator("[data-testid=stCheckbox]", has_text=label).locator("label").first.click()


def test_dots_are_the_measured_passes_and_collapse_when_repaired(open_modules) -> None:
    page = open_modules()
    measured = compare_networks(NetworkChoice())
    drawn = dots(page)
    np.testing.assert_allclose(drawn["nn.functional"], measured.functional.passes_eval, rtol=1e-6)
    assert len(set(drawn["nn.Module"])) == 1
    flip(page, "Pass the training flag on")
    expect(page.locator(".passes small")).to_have_text(["different results: 1"] * 2)
    assert len(set(dots(page)["nn.functional"])) == 1
    expect(page.get_by_text("Results in twenty passes in eval()")).to_be_visible()
    flip(page, "Register the tensors")
    expect(page.get_by_text("Nothing differs silently any more")).to_be_visible()
    expect(page.get_by_text("Solved just now")).to_be_visible()


def test_a_link_reopens_exactly_this_view(open_modules, new_context) -> None:
    page = open_modules("lang=zh&layer=conv2d&middle=shared&registered=1&look=state&dropout=0.3")
    expect(page.get_by_role("heading", name="nn.Module 与 nn.functional")).to_be_visible()
    page.wait_for_function("() => location.search.includes('middle=shared')")
    copied = page.evaluate("() => location.href")
    again = open_modules(copied.split("?", 1)[1], on=new_context().new_page())
    expect(again.get_by_text(re.compile("与 3.weight 是同一张量")).first).to_be_visible()
    assert dots(again) == dots(page)


def test_reproduced_script_prints_the_dots(open_modules) -> None:
    page = open_modules("lang=en&seed=11")
    drawn = dots(page)
    page.get_by_text("Reproduce in PyTorch").click()
    script = page.locator("code", has_text="make_functional_net").inner_text()
    lines = [json.loads(line.replace("'", '"')) for line in run_script(script).splitlines()]
    assert np.array_equal(np.float32(lines[0]), np.float32(drawn["nn.Module"]))
    assert np.array_equal(np.float32(lines[4]), np.float32(drawn["nn.functional"]))


@pytest.mark.parametrize(("width", "language", "dark"), [(1440, "en", False), (1440, "zh", True), (390, "zh", False)])
def test_nothing_overflows_and_axe_finds_nothing_serious(open_modules, new_context, width, language, dark) -> None:
    page = open_modules(f"lang={language}", on=new_context(width=width, dark=dark).new_page())
    dots(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, context="[data-testid=stMain]").response["violations"]
    # st.code is Streamlit's own: its token colours, and a <pre> that Chromium lets the keyboard scroll by itself.
    serious = [
        (rule["id"], node["html"])
        for rule in found
        for node in rule["nodes"]
        if rule["impact"] in ("serious", "critical") and "<pre " not in node["html"] and "token" not in node["html"]
    ]
    assert not serious
