"""How the stage moves: frame times while dragging among 50 boxes, a minute without a remount, 2,000 boxes to look at.

Printed, not asserted, but for what must be zero: times depend on who else uses the machine.
"""

from __future__ import annotations

import itertools
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import *  # noqa: F403  fixtures
from tests.browser.test_stage import APP, ROOT, drawn, homes, open_stage, place

FRAMES = """() => {
    window.frames_ = [];
    let last = performance.now();
    const tick = (now) => {
        window.frames_.push(now - last);
        last = now;
        window.ticking = requestAnimationFrame(tick);
    };
    window.ticking = requestAnimationFrame(tick);
}"""


@pytest.fixture(scope="module")
def url(serve: Callable[[Path], str]) -> str:
    return serve(APP)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def numbers(values: list[float]) -> str:
    middle, high = statistics.median(values), quantile(values, 0.95)
    return f"{len(values)}: median {middle:.1f}, p95 {high:.1f}, longest {max(values):.1f} ms"


def circle(page: Page, seconds: float, centre: tuple[float, float], radius: float) -> None:
    """Moves the mouse in a circle, sixty times a second."""
    start = time.perf_counter()
    x, y = place(page, *centre)
    while (passed := time.perf_counter() - start) < seconds:
        page.mouse.move(x + radius * math.cos(4 * passed), y + radius * math.sin(4 * passed))
        time.sleep(max(0, 1 / 60 - (time.perf_counter() - start - passed)))


@pytest.mark.parametrize(("query", "held"), [("n=50", False), ("n=2", True), ("n=50", True), ("n=50&photo=1", True)])
def test_frames_of_a_drag(page: Page, url: str, query: str, held: bool, tmp_path: Path) -> None:
    open_stage(page, url, query)
    page.mouse.move(*place(page, 40, 45))
    if held:
        page.mouse.down()
    page.evaluate(FRAMES)
    trace = tmp_path / "trace.json"
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, path=str(trace), categories=["disabled-by-default-devtools.timeline.frame"])
    circle(page, 8, (100, 100), 60)
    browser.stop_tracing()
    frames = page.evaluate("() => { cancelAnimationFrame(window.ticking); return window.frames_; }")[5:]
    assert (drawn(page)[0][:2] != [10, 20]) == held
    page.mouse.up()
    events = json.loads(trace.read_bytes())["traceEvents"]
    drawn_at = sorted(event["ts"] / 1000 for event in events if event["name"] == "DrawFrame")
    painted = [later - earlier for earlier, later in itertools.pairwise(drawn_at)][5:]
    print(f"\n{query}{', held' if held else ', only moved over'}")
    print(f"  animation frames {numbers(frames)}")
    print(f"  frames drawn, by the trace {numbers(painted)}")


def test_a_minute_of_dragging_with_releases(page: Page, url: str) -> None:
    traffic = open_stage(page, url, "n=50")
    before, releases = len(traffic.sent), 0
    end = time.perf_counter() + 60
    while time.perf_counter() < end:
        x1, y1, x2, y2 = drawn(page)[0]
        page.mouse.move(*place(page, (x1 + x2) / 2, (y1 + y2) / 2))
        page.mouse.down()
        circle(page, 0.25, (60 + releases % 200, 60 + releases % 110), 20)
        page.mouse.up()
        releases += 1
    print(f"\n{releases} releases, {len(traffic.sent) - before} messages, homes {homes(page)}")
    assert homes(page) == "1"


def test_release_to_answer(page: Page, url: str) -> None:
    open_stage(page, url, "n=50")
    waits = []
    for index in range(25):
        x1, y1, x2, y2 = drawn(page)[0]
        page.mouse.move(*place(page, (x1 + x2) / 2, (y1 + y2) / 2))
        page.mouse.down()
        page.mouse.move(*place(page, 60 + 3 * index, 60 + 2 * index), steps=3)
        page.evaluate(
            """() => {
                const shown = () => document.querySelector('[data-testid=stText]').innerText;
                const old = shown();
                window.answered = new Promise((done) => window.addEventListener("pointerup", () => {
                    const start = performance.now();
                    const passed = () => performance.now() - start;
                    const look = () => (shown() !== old ? done(passed()) : requestAnimationFrame(look));
                    look();
                }, { once: true }));
            }"""
        )
        page.mouse.up()
        waits.append(page.evaluate("() => window.answered"))
    print(f"\nrelease to answer in the page, {numbers(waits)}")


def test_two_thousand_boxes(page: Page, url: str) -> None:
    open_stage(page, url, "mode=select&n=2000")
    page.evaluate(FRAMES)
    circle(page, 4, (150, 110), 90)
    frames = page.evaluate("() => { cancelAnimationFrame(window.ticking); return window.frames_; }")[5:]
    print(f"\nhover over 2,000, animation frames {numbers(frames)}")
    marks = page.evaluate(
        f"""async () => {{
            {ROOT}
            const pieces = `${{location.origin}}/_stcore/bidi-components/grad2box.shared-stage`;
            const {{ Stage }} = await import(`${{pieces}}/shared/stage.js`);
            const stage = new Stage();
            const home = document.createElement("div");
            home.style.width = "700px";
            document.body.prepend(home);
            home.append(stage.element);
            const boxes = Array.from({{ length: 2000 }}, (_, i) => {{
                const [x, y] = [(i % 50) * 12, Math.floor(i / 50) * 10];
                return {{ id: `m${{i}}`, xyxy: [x, y, x + 40, y + 30], label: `m${{i}}`, color: "#0b6fb8" }};
            }});
            stage.update({{ token: "1", mode: "select", size: [480, 640], boxes, text: {{}} }});
            const times = [];
            for (let step = 0; step < 40; step++) {{
                await new Promise((done) => requestAnimationFrame(done));
                const start = performance.now();
                const marks = {{}};
                for (let i = 0; i < 2000; i++) {{
                    marks[`m${{i}}`] = {{ state: i < step * 50 ? "out" : i === step * 50 ? "current" : "" }};
                }}
                stage.mark(marks);
                stage.svg.getBoundingClientRect();
                await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
                times.push(performance.now() - start);
            }}
            const updates = [];
            for (let step = 0; step < 10; step++) {{
                const start = performance.now();
                const again = structuredClone(boxes);
                stage.update({{ token: "1", mode: "select", size: [480, 640], boxes: again, text: {{}} }});
                updates.push(performance.now() - start);
            }}
            stage.destroy();
            home.remove();
            return {{ times, updates }};
        }}"""
    )
    print(f"2,000 boxes marked anew, until painted {numbers(marks['times'])}")
    print(f"2,000 boxes told again, in script {numbers(marks['updates'])}")
