"""What recording all attention of a picture costs beside the plain forward pass, and what a frame of a drag costs."""

import time

import numpy as np
import pytest

from tests.benchmarks.test_detection import best_times
from tests.javascript import run_modules
from tests.vizcore.detr.detectors import small_detector
from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.detr.javascript import compile_cost
from vizcore.detr.packing import BUDGET
from vizcore.models.detr import DETR, SMALL, Detector
from vizcore.seeding import seeded


@pytest.fixture
def detector() -> Detector:
    with seeded(0):
        return Detector(DETR(SMALL), small_detector().backbone)


def test_recording_attention_costs_less_than_a_third_more(detector):
    photo = draw_scene("validation", 0).pixels
    detr.trace_detr(detector, photo)
    plain, recorded = best_times(
        [lambda: detr.trace_detr(detector, photo, attention=False), lambda: detr.trace_detr(detector, photo)], 7
    )
    print(f"\nplain {plain[1] * 1000:.0f} ms, with all attention {recorded[1] * 1000:.0f} ms of processor")
    assert recorded[1] <= 1.3 * plain[1]


def test_the_first_picture_is_recorded_and_packed_within_two_seconds_of_processor(detector):
    """Once the weights are in memory: a scene through the network with all attention, laid out for the browser."""
    photo = draw_scene("validation", 0).pixels
    detr.pack_trace(detr.trace_detr(detector, photo))
    seconds = []
    for _ in range(5):
        start = time.process_time()
        packed = detr.pack_trace(detr.trace_detr(detector, photo))
        seconds.append(time.process_time() - start)
    print(f"\nfirst picture {min(seconds) * 1000:.0f} ms of processor, {len(packed.content) / 1e6:.2f} MB")
    assert min(seconds) <= 2
    assert len(packed.content) <= BUDGET


SIDE, FRAMES = 20, 300
DRAG = """
  const source = new TextDecoder().decode(inputs[0]);
  const { pair_cost } = await import("data:text/javascript;base64," + Buffer.from(source).toString("base64"));
  const boxes = new Float64Array(inputs[1].buffer.slice(inputs[1].byteOffset));
  const took = [];
  let total = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    const before = process.cpuUsage();
    boxes[0] = 0.2 + 0.6 * frame / FRAMES; // the hand
    const cost = new Float64Array(SIDE * SIDE);
    for (let query = 0; query < SIDE; query++)
      for (let object = 0; object < SIDE; object++)
        cost[query * SIDE + object] = pair_cost(
          ...boxes.subarray(4 * query, 4 * query + 4),
          ...boxes.subarray(4 * (SIDE + object), 4 * (SIDE + object) + 4),
          0.5, 1, 5, 2).terms.total;
    total += assign(cost, SIDE, SIDE).total + assignGreedily(cost, SIDE, SIDE).total;
    const { user, system } = process.cpuUsage(before);
    took.push((user + system) / 1000);
  }
  return { took, total };
"""


def test_a_frame_of_a_drag_with_twenty_queries_and_objects_leaves_room_for_drawing():
    """All 400 costs and both matchings, anew for every place of the hand; a frame has 33 ms."""
    random = np.random.default_rng(0)
    boxes = np.concatenate([random.uniform(0.2, 0.8, (2 * SIDE, 2)), random.uniform(0.05, 0.3, (2 * SIDE, 2))], 1)
    found = run_modules(
        {"detr/assignment.js": "assign, assignGreedily"},
        DRAG.replace("FRAMES", str(FRAMES)).replace("SIDE", str(SIDE)),
        compile_cost().encode(),
        boxes.astype("<f8").tobytes(),
    )
    assert np.isfinite(found["total"])
    worst = float(np.percentile(found["took"], 95))
    print(f"\n20 x 20: p95 {worst:.2f} ms, median {float(np.median(found['took'])):.2f} ms of processor a frame")
    assert worst <= 33
