"""What recording all attention of a picture costs beside the plain forward pass."""

import pytest

from tests.benchmarks.test_detection import best_times
from tests.vizcore.detr.detectors import small_detector
from vizcore import detr
from vizcore.data.scenes import draw_scene
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
