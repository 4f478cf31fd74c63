"""What the whole app costs: its first control, and its memory. Printed, not asserted."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests.benchmarks.load import memory_of
from tests.browser.conftest import ROOT, new_context, settled, start_server, stop_server  # noqa: F401  (fixtures)

ROUNDS = 3


def seconds_to_first_control(browser: Browser, environment: dict[str, str]) -> float:
    """From starting the server to a link of the home page that can be clicked, in a browser with an empty cache."""
    began = time.monotonic()
    process, url = start_server(ROOT / "app.py", environment=environment)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(url)
        page.locator("[data-testid=stPageLink]").first.wait_for()
        return time.monotonic() - began
    finally:
        context.close()
        stop_server(process)


def test_first_control_with_and_without_torch(chromium: Browser, tmp_path: Path) -> None:
    for name in ("torch", "torchvision"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('stubbed out for a measurement')\n")
    real, stubbed = [], []
    for _ in range(ROUNDS):
        stubbed.append(seconds_to_first_control(chromium, {"PYTHONPATH": f"{tmp_path}:{ROOT}"}))
        real.append(seconds_to_first_control(chromium, {}))
    difference = statistics.median(real) - statistics.median(stubbed)
    print(
        f"\nserver start to first control: {statistics.median(real):.2f} s, with torch stubbed out "
        f"{statistics.median(stubbed):.2f} s, difference {difference:+.2f} s"
    )


def test_memory_after_every_page_twice(chromium: Browser) -> None:
    process, url = start_server(ROOT / "app.py")
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(url)
        page.locator(".picture svg text").first.wait_for(timeout=60_000)
        names = [path.parent.name for path in sorted((ROOT / "pages").glob("*/page.py")) if path.parent.name != "kit"]
        for _ in range(2):
            for name in names:
                page.goto(f"{url}/{'' if name == 'home' else name}")
                settled(page)
        print(f"\nmemory of the server after every page twice: {memory_of(process.pid):.0f} MB")
    finally:
        context.close()
        stop_server(process)
