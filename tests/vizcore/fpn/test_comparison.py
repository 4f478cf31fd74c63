"""What a cut changed, and which drawn objects are found, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.models.fcos import FCOS, Detector, FCOSConfig
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16)


@pytest.fixture(scope="module")
def detector() -> Detector:
    with seeded(0):
        return Detector(FCOS(CONFIG))


@pytest.fixture(scope="module")
def trace(detector: Detector) -> fpn.FPNTrace:
    # Neither side divides by 64, so that there is padding to leave out.
    return fpn.trace_fpn(detector, draw_scene("validation", 1).pixels[:200, :330], score_threshold=0.0)


def fake(boxes: list[list[float]], labels: list[int], trace: fpn.FPNTrace) -> fpn.FPNTrace:
    """A trace with these final boxes, best first."""
    return replace(
        trace,
        boxes=np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
        labels=np.asarray(labels, dtype=np.int64),
        keep=np.arange(len(boxes)),
    )


def test_what_was_lost_and_what_is_new(trace: fpn.FPNTrace) -> None:
    before = fake([[0, 0, 10, 10], [20, 20, 40, 40], [60, 60, 80, 80]], [0, 1, 2], trace)
    # The first moved a little (IoU 0.82), the second changed its class, the third is gone; another came.
    after = fake([[20, 20, 40, 40], [0, 1, 10, 10], [100, 0, 120, 20]], [3, 0, 2], trace)
    change = fpn.compare_detections(before, after)
    assert change.before.tolist() == [1, -1, -1]
    assert change.after.tolist() == [-1, 0, -1]
    assert change.lost.tolist() == [1, 2]
    assert change.gained.tolist() == [0, 2]


def test_lost_boxes_come_first_and_the_best_that_stands_last(trace: fpn.FPNTrace) -> None:
    before = fake([[0, 0, 10, 10], [20, 20, 40, 40], [60, 60, 80, 80]], [0, 1, 2], trace)
    after = replace(
        fake([[20, 20, 40, 40], [0, 1, 10, 10], [100, 0, 120, 20]], [3, 0, 2], trace), cuts=frozenset(["top_down:P2"])
    )
    finds = fpn.list_finds(before, after)
    assert [(find.fate, find.name) for find in finds] == [
        ("lost", "b1"),
        ("lost", "b2"),
        ("gained", "a2"),
        ("kept", "a1"),
        ("gained", "a0"),
    ]
    assert [find.trace is (before if find.fate == "lost" else after) for find in finds] == [True] * 5
    for find in finds:
        assert find.level == CONFIG.levels[find.trace.level_of[find.candidate]]
        assert find.cell == tuple(find.trace.cells[find.candidate])


def test_without_a_cut_nothing_is_lost(trace: fpn.FPNTrace) -> None:
    # The second has no area, so that it overlaps not even itself.
    whole = fake([[0, 0, 10, 10], [20, 20, 20, 40]], [0, 1], trace)
    assert [(find.fate, find.candidate) for find in fpn.list_finds(whole, whole)] == [("kept", 1), ("kept", 0)]


def test_one_partner_each(trace: fpn.FPNTrace) -> None:
    before = fake([[0, 0, 10, 10], [0, 0, 10, 9]], [0, 0], trace)
    after = fake([[0, 0, 10, 9]], [0], trace)
    assert fpn.compare_detections(before, after).before.tolist() == [-1, 0]
    nothing = fake([], [], trace)
    assert fpn.compare_detections(before, nothing).lost.tolist() == [0, 1]
    assert fpn.compare_detections(nothing, after).gained.tolist() == [0]


def test_found_objects_by_size(trace: fpn.FPNTrace) -> None:
    # Sides 20, 32 (on COCO's border: it counts twice), 100; the last is found with the wrong class only.
    truth = np.array([[0, 0, 20, 20], [30, 0, 62, 32], [0, 50, 100, 150.0]])
    labels = np.array([0, 1, 2])
    run = fake([[0, 0, 20, 16], [30, 0, 62, 15], [0, 50, 100, 150]], [0, 1, 5], trace)
    assert fpn.find_objects(run, truth, labels).tolist() == [True, False, False]
    counts = fpn.count_found(run, truth, labels)
    assert counts == {"small": (1, 2), "medium": (0, 1), "large": (0, 1)}
    assert not fpn.find_objects(fake([], [], trace), truth, labels).any()


def test_found_in_all_sizes() -> None:
    assert fpn.total_found({"small": (1, 4), "medium": (0, 2), "large": (3, 3)}) == 4
    assert fpn.total_found({}) == 0
