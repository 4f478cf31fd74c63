import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import candidates, comparisons_at, scores_at
from vizcore import nms
from vizcore.data import crowds


@given(candidates(), st.sampled_from(nms.METHODS), st.sampled_from((0.25, 0.5)), st.booleans())
def test_a_step_measured_again_says_what_was_recorded(case, method, threshold, with_labels):
    boxes, scores, labels = case
    trace = nms.trace_nms(
        boxes,
        scores,
        labels=labels if with_labels else None,
        method=method,
        iou_threshold=threshold,
        score_threshold=1 / 8,
    )
    for step in range(trace.num_steps):
        again = comparisons_at(trace, step)
        assert again.pick == trace.picks[step]
        assert len(again.others) == trace.num_compared[step]
        changed = again.verdicts != nms.UNTOUCHED
        rows = trace.change_step == step
        recorded = trace.change_by[rows] if method in ("matrix", "fusion") else trace.change_box[rows]
        assert sorted(again.others[changed].tolist()) == sorted(recorded.tolist())
        assert np.sort(again.after[changed]) == pytest.approx(np.sort(trace.change_after[rows]), abs=1e-9)
        assert np.sort(again.overlaps[changed]) == pytest.approx(np.sort(trace.change_overlap[rows]), abs=1e-6)
    assert scores_at(trace, 0) == pytest.approx(trace.scores)
    if method != "fusion":  # a founder's score becomes the cluster's mean at the very end
        assert scores_at(trace, trace.num_steps) == pytest.approx(trace.scores_after)


@given(candidates(), st.sampled_from(nms.METHODS))
def test_events_hold_every_comparison_that_intersects(case, method):
    boxes, scores, _ = case
    trace = nms.trace_nms(boxes, scores, method=method, iou_threshold=0.5)
    events = nms.list_events(trace)
    assert events.complete
    for step in range(trace.num_steps):
        again = comparisons_at(trace, step)
        telling = (again.ious > 0) | (again.verdicts != nms.UNTOUCHED)
        rows = slice(events.start[step], events.start[step + 1])
        assert events.others[rows].tolist() == again.others[telling].tolist()
        assert events.after[rows] == pytest.approx(again.after[telling], abs=1e-12)
    few = nms.list_events(trace, max_events=-1)
    assert not few.complete
    assert len(few.others) == len(trace.change_box)


def test_the_matrix_holds_the_overlaps_best_score_first():
    """Chain: IoU 110/210 beside the diagonal, 60/260 in the corner."""
    crowd = crowds.make_crowd("chain")
    matrix = nms.measure_matrix(nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)))
    near, far = 110 / 210, 60 / 260
    assert matrix.overlaps == pytest.approx(np.array([[1, near, far], [near, 1, near], [far, near, 1]]), abs=1e-6)
    assert matrix.ids.tolist() == [0, 1, 2]
    assert matrix.complete


def test_a_matrix_of_nothing_and_of_some():
    assert nms.measure_matrix(nms.trace_nms(torch.zeros(0, 4), torch.zeros(0))).overlaps.shape == (0, 0)
    crowd = crowds.make_crowd("crowd")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    few = nms.measure_matrix(trace, max_boxes=3)
    assert not few.complete
    assert few.ids.tolist() == trace.order[:3].tolist()
