"""The scale page in Chromium: a box moved with the keys leaves a range, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled

WORDS = {
    "en": ("it teaches at middle (800 px), high (1400 px).", "it teaches at middle (800 px)."),
    "zh": ("参加训练的分辨率为 中（800 像素）、高（1400 像素）。", "参加训练的分辨率为 中（800 像素）。"),
}


@pytest.mark.parametrize("language", WORDS)
def test_a_box_that_grows_by_a_pixel_leaves_the_high_range(language: str, app_url: str, page: Page) -> None:
    page.goto(f"{app_url}/scale?tour=0&lang={language}&part=object&box=100,100,180,180")
    settled(page)
    before, after = WORDS[language]
    captions = page.locator("[data-testid=stCaptionContainer]")
    expect(captions.filter(has_text="80.0 px" if language == "en" else "80.0 像素").first).to_contain_text(before)
    page.locator(".stage .box").first.focus()
    for _ in range(4):  # corner, edge, corner, right edge
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(captions.filter(has_text="80.5").first).to_contain_text(after)  # √(81 · 80)
    page.wait_for_function("() => decodeURIComponent(location.search).includes('box=100,100,181,180')")
