"""How fast the traced graph answers in Chromium: step to painted frame, on a preset and on 500 nodes. Printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import start_server, stop_server

APP = Path(__file__).parents[1] / "browser" / "apps" / "graph_app.py"
MEASURE = """async (presses) => {
    const root = [...document.querySelectorAll("*")].map((element) => element.shadowRoot)
        .find((candidate) => candidate?.querySelector(".trace"));
    const forward = root.querySelector("[data-icon=forward]");
    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const times = [];
    for (let press = 0; press < presses; press++) {
        const start = performance.now();
        forward.click();
        await painted();
        times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return [times[times.length >> 1], times[Math.floor(times.length * 0.95)]];
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    process, url = start_server(APP)
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, base_url=url)
    yield page
    page.close()
    stop_server(process)


@pytest.mark.parametrize(("program", "start", "presses"), [("chain", 0, 9), ("loop", 0, 120), ("loop", 260, 120)])
def test_a_step_shows_within_100_ms(page: Page, program: str, start: int, presses: int) -> None:
    page.goto(f"/?program={program}&step={start}")
    page.wait_for_selector(".trace .line", timeout=60_000)
    median, p95 = page.evaluate(MEASURE, presses)
    nodes = page.locator(".canvas .node").count()
    print(f"\n{program} from step {start}, {nodes} nodes: median {median:.0f} ms, p95 {p95:.0f} ms (target p95 ≤ 100)")
