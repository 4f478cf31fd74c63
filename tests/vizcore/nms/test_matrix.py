import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import candidates
from vizcore import nms
from vizcore.nms import plain


@given(candidates(10), st.sampled_from(("gaussian", "linear")))
def test_matrix_nms_equals_a_plain_loop(case, kernel):
    boxes, scores, _ = case
    scores = scores - torch.arange(len(scores)) / 1024  # no ties: among equals the order decides
    scores = scores.clamp(min=0)
    trace = nms.trace_nms(boxes, scores, method="matrix", matrix_kernel=kernel, sigma=0.5)
    decay = partial(plain.gaussian_decay, sigma=0.5)
    if kernel == "linear":
        decay = partial(plain.linear_decay, iou_threshold=0.0)
    keep, expected = plain.matrix_nms(boxes, scores, torch.zeros(len(boxes)), decay=decay)
    assert trace.scores_after.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert trace.keep.tolist() == keep
    assert sorted(trace.keep.tolist()) == list(range(len(boxes)))
    assert np.all(np.diff(trace.scores_after[trace.keep]) <= 0)


def test_matrix_nms_by_hand():
    """A twin of the best box decays fully, and therefore decays nothing itself (linear kernel)."""
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0]])
    trace = nms.trace_nms(boxes, torch.tensor([0.9, 0.8, 0.6]).double(), method="matrix", matrix_kernel="linear")
    assert trace.scores_after.tolist() == pytest.approx([0.9, 0.0, 0.6 * 2 / 3])
    assert trace.covered.tolist() == pytest.approx([0, 1, 1 / 3])
    gaussian = nms.trace_nms(boxes, torch.tensor([0.9, 0.8, 0.6]).double(), method="matrix", sigma=0.5)
    assert gaussian.scores_after.tolist() == pytest.approx([0.9, 0.8 * math.exp(-2), 0.6 * math.exp(-2 / 9)])
