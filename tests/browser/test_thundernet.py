"""The ThunderNet page in Chromium: the board's bars, a cell under the pointer and the keys, in both languages."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.kit.pictures import sample
from tests.browser.conftest import settled
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.thundernet import Design, count_budget, trace_thundernet


@pytest.fixture
def open_thundernet(app_url, page):
    def go(query: str) -> Page:
        page.goto(f"{app_url}/thundernet?tour=0&{query}")
        settled(page)
        return page

    return go


def test_bars_are_as_long_as_the_counts_and_name_what_is_pointed_at(open_thundernet) -> None:
    page = open_thundernet("lang=en&part=budget")
    bars = page.locator(".board [data-kind=multiply_adds] .part")
    bars.first.wait_for()
    widths = bars.evaluate_all("parts => parts.map(part => [part.dataset.block, part.getBoundingClientRect().width])")
    budget = count_budget(Design())
    whole = sum(width for _block, width in widths)
    for block, width in widths:
        assert width / whole == pytest.approx(budget.share(block), abs=0.01)
    bars.last.hover(position={"x": 4, "y": 4})
    expect(page.locator(".board .readout")).to_have_text("head: 68 M · 13 %")


def test_one_cell_in_every_map_and_its_numbers_add_up(open_thundernet) -> None:
    page = open_thundernet("lang=zh&part=maps&photo=coffee&channel=7&cell=9,9")
    maps = page.locator(".maps .tiles")
    maps.wait_for()
    trace = trace_thundernet(load_efficientnet_lite0(), sample("coffee").pixels)

    def shown() -> list[float]:
        return page.locator(".maps .chip").evaluate_all("chips => chips.map(chip => Number(chip.dataset.value))")

    wanted = {cell: [float(values[cell]) for values in trace.term_maps(7).values()] for cell in ((9, 9), (9, 10))}
    np.testing.assert_allclose(shown(), wanted[9, 9], atol=1e-4)
    maps.focus()
    page.keyboard.press("ArrowRight")
    np.testing.assert_allclose(shown(), wanted[9, 10], atol=1e-4)
    page.wait_for_function("() => decodeURIComponent(location.search).includes('cell=9,10')")
    expect(page.locator(".maps figcaption").nth(4)).to_contain_text("和")
