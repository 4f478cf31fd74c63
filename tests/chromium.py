"""The one Chromium of a test process, opened by whoever asks first and closed when the process has run its tests.

Playwright's synchronous interface keeps an event loop running in the thread that opened it, so a second one beside it
is refused, and so is ``asyncio.run``. Nobody else opens one (``tests/test_habits.py`` looks), and coroutines run
through :func:`run_coroutine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from typing import Any, TypeVar

from playwright.sync_api import Browser, sync_playwright

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
def open_chromium() -> Browser:
    """The browser."""
    executable = install()
    playwright = _opened.enter_context(sync_playwright())
    browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
    _opened.callback(browser.close)
    return browser


def close_chromium() -> None:
    """Closes the browser and Playwright's loop, if they were opened."""
    open_chromium.cache_clear()
    _opened.close()


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in a thread of its own, where Playwright's loop is not, and closes its loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
