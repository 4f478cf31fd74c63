"""The Chromium of a test process, opened by whoever asks first and closed when the process has run its tests.

Playwright's synchronous interface keeps an event loop running in the thread that opened it, so a second one beside it
is refused, and so is ``asyncio.run``. Nobody else opens one (``tests/test_habits.py`` looks), and coroutines run
through :func:`run_coroutine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.install import install

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
T = TypeVar("T")
_opened = ExitStack()


@cache
def _start() -> Playwright:
    return _opened.enter_context(sync_playwright())


@cache
def open_chromium() -> Browser:
    """The browser. What it keeps it keeps in memory, each context for itself."""
    browser = _start().chromium.launch(executable_path=install(), args=ARGUMENTS)
    _opened.callback(browser.close)
    return browser


@cache
def open_profile() -> BrowserContext:
    """A browser with a profile on the disk, 1440 × 900, English, light.

    Only there does Chromium keep the scripts that it has compiled, which is half of what opening a page costs.
    """
    playwright = _start()
    folder = _opened.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
    context = playwright.chromium.launch_persistent_context(
        folder,
        executable_path=install(),
        args=ARGUMENTS,
        viewport={"width": 1440, "height": 900},
        color_scheme="light",
        locale="en-US",
    )
    context.set_default_timeout(30_000)
    _opened.callback(context.close)
    return context


@contextmanager
def chromium_with_camera(video: Path) -> Iterator[Page]:
    """A page of a browser whose camera shows a file, over and over, and whose reader lets pages see it.

    Args:
        video: MJPEG, or Y4M.
    """
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    browser = _start().chromium.launch(
        executable_path=install(), args=[*ARGUMENTS, *camera, f"--use-file-for-fake-video-capture={video}"]
    )
    try:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US", permissions=["camera"])
        context.set_default_timeout(30_000)
        yield context.new_page()
    finally:
        browser.close()


def close_chromium() -> None:
    """Closes the browsers and Playwright's loop, if they were opened."""
    for opened in (_start, open_chromium, open_profile):
        opened.cache_clear()
    _opened.close()


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in a thread of its own, where Playwright's loop is not, and closes its loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
