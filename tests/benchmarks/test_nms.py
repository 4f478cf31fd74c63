"""What recording every decision costs beside torchvision's bare answer, and how it grows."""

import time

import pytest
import torch
import torchvision

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
