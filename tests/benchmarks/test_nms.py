"""What recording every decision costs beside torchvision's bare answer, and how it grows."""

import statistics
import time
from collections.abc import Callable

import pytest
import torch
import torchvision

from tests.browser.conftest import *  # noqa: F403  fixtures
from tests.browser.conftest import settled
from vizcore import nms


def make_boxes(number):
    generator = torch.Generator().manual_seed(number)
    corners = torch.rand(number, 2, generator=generator) * torch.tensor([880.0, 480.0])
    boxes = torch.cat([corners, corners + 30 + 90 * torch.rand(number, 2, generator=generator)], dim=1)
    return boxes, torch.rand(number, generator=generator)


def best_ms(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def test_hard_against_torchvision():
    """Prints, for 100 … 10,000 random boxes in 1000 × 600, the ratio to torchvision and what the record weighs."""
    print("\nboxes  torchvision ms  trace_nms ms  ratio  kept  rows stored per box")
    first = None
    for number in (100, 1000, 5000, 10_000):
        boxes, scores = make_boxes(number)
        repeats = 20 if number <= 1000 else 5
        reference = best_ms(lambda: torchvision.ops.nms(boxes, scores, 0.5), repeats)  # noqa: B023
        ours = best_ms(lambda: nms.trace_nms(boxes, scores), repeats)  # noqa: B023
        first = first or ours
        trace = nms.trace_nms(boxes, scores)
        rows = len(trace.change_box) / number
        print(
            f"{number:6d}  {reference:14.2f}  {ours:12.2f}  {ours / reference:5.2f}  {len(trace.keep):4d}  {rows:.2f}"
        )
    print(f"growth of trace_nms from 100 to 10,000 boxes: × {ours / first:.0f}")


@pytest.mark.parametrize("method", nms.METHODS)
def test_methods(method):
    for number in (500, 2000):
        boxes, scores = make_boxes(number)
        run = best_ms(lambda: nms.trace_nms(boxes, scores, method=method, score_threshold=0.05), 3)  # noqa: B023
        trace = nms.trace_nms(boxes, scores, method=method, score_threshold=0.05)
        listed = best_ms(lambda: nms.list_events(trace), 1)  # noqa: B023
        events = len(nms.list_events(trace).others)
        print(f"{method:14s} {number:5d} boxes: trace {run:7.1f} ms, {events:6d} events listed in {listed:7.1f} ms")


STEPS = """async (count) => {
    const times = [];
    for (let press = 0; press < count; press++) {
        const start = performance.now();
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        times.push(performance.now() - start);
    }
    return times;
}"""


@pytest.mark.parametrize("pace", ["pick", "comparison"])
def test_a_step_over_two_thousand_boxes(new_context: Callable, app_url: str, pace: str):
    """Prints how long a key press takes until the step is painted; 150 ms is the budget for the p95."""
    page = new_context().new_page()
    page.goto(f"{app_url}/nms?source=random&pace={pace}")
    view = page.locator(".nms[data-position='0']")
    view.wait_for(timeout=60_000)
    settled(page)
    times = page.evaluate(STEPS, 120)
    assert page.locator(".nms").get_attribute("data-position") == "120"
    p95 = sorted(times)[int(0.95 * len(times))]
    print(f"{pace}: 120 steps, median {statistics.median(times):.1f} ms, p95 {p95:.1f} ms, longest {max(times):.1f} ms")
