import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import candidates, check_trace
from vizcore import nms
from vizcore.nms import plain


@pytest.mark.parametrize("kind", ["soft_linear", "soft_gaussian"])
@given(case=candidates(10), threshold=st.sampled_from((0.25, 0.5)), floor=st.sampled_from((0.0, 1 / 64, 1 / 4)))
@settings(max_examples=60)
def test_soft_nms_equals_a_plain_loop_decision_by_decision(kind, case, threshold, floor):
    boxes, scores, labels = case
    boxes = boxes.double()  # Python's own precision, so that a score on the floor falls to the same side
    trace = nms.trace_nms(
        boxes, scores, labels=labels, method=kind, iou_threshold=threshold, sigma=0.5, score_threshold=floor
    )
    check_trace(trace)
    decay = partial(plain.gaussian_decay, sigma=0.5)
    if kind == "soft_linear":
        decay = partial(plain.linear_decay, iou_threshold=threshold)
    keep, after = plain.soft_nms(boxes, scores, labels, decay=decay, score_threshold=floor)
    assert trace.picks.tolist() == keep
    assert trace.scores_after.tolist() == pytest.approx(after.tolist(), abs=1e-6)
    assert np.all(np.diff(trace.scores_after[trace.keep]) <= 1e-12)


def test_soft_nms_by_hand():
    """Two boxes with IoU 1/3: linear leaves 0.8 · 2/3, Gaussian with σ = 1/2 leaves 0.8 · exp(-2/9)."""
    boxes = torch.tensor([[0.0, 0.0, 4.0, 2.0], [2.0, 0.0, 6.0, 2.0]])
    scores = torch.tensor([0.9, 0.8], dtype=torch.float64)
    linear = nms.trace_nms(boxes, scores, method="soft_linear", iou_threshold=0.25)
    assert linear.scores_after.tolist() == pytest.approx([0.9, 0.8 * 2 / 3])
    assert nms.trace_nms(boxes, scores, method="soft_linear", iou_threshold=0.5).scores_after.tolist() == [0.9, 0.8]
    for threshold in (0.0, 0.5, 1.0):  # the Gaussian knows no threshold
        gaussian = nms.trace_nms(boxes, scores, method="soft_gaussian", sigma=0.5, iou_threshold=threshold)
        assert gaussian.scores_after.tolist() == pytest.approx([0.9, 0.8 * math.exp(-2 / 9)])
    dropped = nms.trace_nms(boxes, scores, method="soft_linear", iou_threshold=0.25, score_threshold=0.5625)
    assert dropped.keep.tolist() == [0]
    assert dropped.suppressed_by.tolist() == [-1, 0]


def test_more_score_changes_than_the_limit_are_refused():
    """3,000 nested boxes of nearly no overlap decay would change about 4.5 million scores."""
    sides = torch.arange(1, 3001).float()
    boxes = torch.stack([torch.zeros(3000), torch.zeros(3000), sides, sides], dim=1)
    with pytest.raises(nms.NMSError, match="more than 4000000 score changes"):
        nms.trace_nms(boxes, torch.linspace(0, 1, 3000), method="soft_gaussian", sigma=100.0)
