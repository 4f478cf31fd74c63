"""Thresholds that move in the browser leave the boxes that Python leaves, to the last one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from tests.javascript import run_modules
from vizcore.detection.output import SUPPRESSED, Candidates, DetectorOutput, build_output, refilter
from vizcore.detection.packing import pack_candidates

THRESHOLDS = [(score, iou) for score in (0.05, 0.3, 0.75, 1.0) for iou in (0.0, 0.25, 0.3, 0.5, 0.9, 1.0)]
REFILTER = """
  const found = new Candidates(inputs[0]);
  const thresholds = new Float64Array(inputs[1].buffer);
  const answers = [];
  for (let at = 0; at < thresholds.length; at += 2) {
    const { passed, kept, suppressedBy } = found.refilter(thresholds[at], thresholds[at + 1]);
    answers.push({
      passed: passed.length,
      kept: kept.map((place) => found.index[place]),
      suppressed: [...suppressedBy].map(([place, by]) => [found.index[place], found.index[by]]),
    });
  }
  return answers;
"""


def candidates(
    seed: int, count: int, *, num_labels: int, lowest: float = 0.0, most: int | None = None
) -> DetectorOutput:
    """Crowded boxes with ties among their scores, whole and broken coordinates, some of them without an area."""
    random = np.random.default_rng(seed)
    corners = random.uniform(lowest, 400, (count, 2))
    corners[::3] = corners[::3].round()
    sides = random.choice([0.0, 40.0, 41.5, 80.0, 160.0], (count, 2), p=[0.02, 0.3, 0.28, 0.3, 0.1])
    scores = random.random(count)
    scores[::2] = (scores[::2] * 20).round() / 20  # 0.05, 0.3 and 0.75 among them: a threshold must be exceeded
    boxes = np.concatenate([corners, corners + sides], 1).astype(np.float32)
    return build_output(
        "sliding_windows",
        (640, 640),
        tuple(str(label) for label in range(num_labels)),
        Candidates(
            boxes=boxes,
            scores=scores.astype(np.float32),
            labels=random.integers(0, num_labels, count),
            levels=np.zeros(count, np.int64),
            cells=np.zeros((count, 2), np.int64),
            anchors=np.zeros(count, np.int64),
            level_names=("P",),
            nms_boxes=boxes * np.float32(1.37) if seed % 2 else None,
        ),
        (),
        score_threshold=0.5,
        iou_threshold=0.5,
        max_detections=most,
    )


@pytest.mark.parametrize(
    ("seed", "count", "num_labels", "lowest", "most"),
    [
        (0, 0, 1, 0.0, None),
        (1, 400, 1, 0.0, None),
        (2, 700, 1000, 0.0, None),  # far shifts: single precision shows
        (3, 600, 5, -60.0, 40),
        (4, 2500, 3, 0.0, None),  # torchvision goes class by class
    ],
)
def test_the_browser_keeps_what_torchvision_keeps(seed, count, num_labels, lowest, most) -> None:
    output = candidates(seed, count, num_labels=num_labels, lowest=lowest, most=most)
    answers = run_modules(
        {"detection/candidates.js": "Candidates"},
        REFILTER,
        pack_candidates(output, least_score=0.05),
        np.array(THRESHOLDS, dtype="<f8").tobytes(),
    )
    for (score, iou), answer in zip(THRESHOLDS, answers, strict=True):
        wanted = refilter(output, score_threshold=score, iou_threshold=iou)
        # Of more than a thousand boxes torchvision returns equal scores in any order, the browser by their index.
        scores = output.candidates.scores
        assert sorted(answer["kept"]) == sorted(wanted.origins.tolist()), (score, iou)
        assert answer["kept"] == sorted(answer["kept"], key=lambda place: (-scores[place], place))
        assert scores[answer["kept"]].tolist() == scores[wanted.origins].tolist()
        assert answer["passed"] == wanted.num_passed
        fallen = dict(answer["suppressed"])
        assert sorted(fallen) == np.flatnonzero(wanted.fates == SUPPRESSED).tolist()
        # torchvision moves each class to a place of its own, which rounds: the browser names the box that the rounded
        # overlap speaks against, Python the one that the overlap itself does. They differ only where both are close.
        boxes = torch.from_numpy(output.candidates.boxes if seed % 2 == 0 else output.candidates.nms_boxes)
        for place, by in fallen.items():
            named = wanted.suppressed_by[place]
            if by == named:
                continue
            overlaps = box_iou(boxes[[place]], boxes[[by, named]])
            if scores[by] == scores[named]:
                assert overlaps.min() > iou - 1e-4
            else:
                assert (overlaps - iou).abs().min() < (0.01 if num_labels == 1000 else 1e-4)
