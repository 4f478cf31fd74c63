"""Candidates that make trouble, and the replays that hold a trace against them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from vizcore.nms import events, plain

THRESHOLDS = (0.0, 0.25, 0.5, 0.625, 0.75, 1.0)  # exact in binary
GOOD = torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 5.0, 5.0]])


@st.composite
def candidates(draw, max_boxes=14):
    """Small whole coordinates and few scores, so that ties, twins and exact halves are common."""
    number = draw(st.integers(0, max_boxes))
    corner, side = st.integers(-6, 12), st.integers(0, 8)
    rows = draw(st.lists(st.tuples(corner, corner, side, side), min_size=number, max_size=number))
    scores = draw(st.lists(st.integers(0, 8), min_size=number, max_size=number))
    labels = draw(st.lists(st.integers(0, 2), min_size=number, max_size=number))
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=torch.float32).reshape(-1, 4)
    return boxes, torch.tensor(scores, dtype=torch.float32) / 8, torch.tensor(labels, dtype=torch.int64)


def pair_iou(box, other):
    """IoU of two boxes, in double precision."""
    return plain.iou(torch.as_tensor(box).double(), torch.as_tensor(other).double()[None]).item()


def scores_at(trace, step):
    """Every box's score just before a step, change by change."""
    scores = trace.scores.copy()
    for row in np.flatnonzero(trace.change_step < step):
        scores[trace.change_box[row]] = trace.change_after[row]
    return scores


def comparisons_at(trace, step):
    """Every comparison of one step, measured again."""
    return events.measure_step(trace, step, scores_at(trace, step))


def check_trace(trace):
    """Replays the decisions of a hard, DIoU or soft trace one by one; any recorded number that is not so fails."""
    options = trace.options
    scores = trace.scores.tolist()
    labels = [0] * len(scores) if trace.labels is None else trace.labels.tolist()
    boxes = torch.from_numpy(trace.boxes).double()  # so that no rounding decides
    measure = plain.diou if options.method == "diou" else plain.iou
    waiting = {index for index in range(len(scores)) if scores[index] >= options.score_threshold}
    rows = list(
        zip(
            trace.change_step.tolist(),
            trace.change_box.tolist(),
            trace.change_by.tolist(),
            trace.change_overlap.tolist(),
            trace.change_before.tolist(),
            trace.change_after.tolist(),
            strict=True,
        )
    )
    suppressed_by = [-1] * len(scores)
    for step, pick in enumerate(trace.picks.tolist()):
        assert pick in waiting
        assert scores[pick] >= max(scores[index] for index in waiting) - 1e-9
        waiting.remove(pick)
        assert trace.left_at[pick] == step
        peers = [index for index in waiting if labels[index] == labels[pick]]
        assert trace.num_compared[step] == len(peers)
        expected = {}
        for index, overlap in zip(peers, measure(boxes[pick], boxes[peers]).tolist(), strict=True):
            hard = 0.0 if overlap > options.iou_threshold else 1.0
            factor = {
                "hard": hard,
                "diou": hard,
                "soft_linear": 1 - overlap if hard == 0.0 else 1.0,
                "soft_gaussian": math.exp(-(overlap**2) / options.sigma),
            }[options.method]
            if factor < 1:
                expected[index] = (overlap, scores[index], scores[index] * factor)
                scores[index] *= factor
                if options.method in ("hard", "diou") or scores[index] < options.score_threshold:
                    waiting.remove(index)
                    suppressed_by[index] = pick
                    assert trace.left_at[index] == step
        recorded = {row[1]: row for row in rows if row[0] == step}
        assert recorded.keys() == expected.keys()
        for index, (overlap, before, after) in expected.items():
            assert recorded[index][2] == pick
            assert recorded[index][3] == pytest.approx(overlap, abs=1e-6)
            assert recorded[index][4] == pytest.approx(before, abs=1e-6)
            assert recorded[index][5] == pytest.approx(after, abs=1e-6)
    assert not waiting
    assert trace.suppressed_by.tolist() == suppressed_by
    assert trace.scores_after.tolist() == pytest.approx(scores, abs=1e-6)
    assert trace.keep.tolist() == trace.picks.tolist()
