"""What holds for every method: the record, the edges, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import GOOD, candidates, check_trace
from vizcore import nms
from vizcore.data import crowds


@given(candidates(), st.sampled_from(nms.METHODS))
def test_scores_never_rise_and_keep_is_by_decreasing_final_score(case, method):
    boxes, scores, _ = case
    trace = nms.trace_nms(boxes, scores, method=method, score_threshold=1 / 8)
    assert np.all(np.diff(trace.scores_after[trace.keep]) <= 1e-12)
    if method != "fusion":
        assert np.all(trace.scores_after <= trace.scores + 1e-12)
    took_part = trace.scores >= 1 / 8
    assert set(trace.order.tolist()) == set(np.flatnonzero(took_part).tolist())
    assert np.all(trace.scores_after[~took_part] == trace.scores[~took_part])


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("change_box", lambda rows: np.roll(rows, 1)),
        ("change_by", lambda rows: rows + 1),
        ("change_overlap", lambda rows: rows + 0.01),
        ("change_after", lambda rows: rows + 0.01),
        ("change_before", lambda rows: rows * 0.5),
        ("change_step", lambda rows: rows + 1),
        ("picks", lambda rows: rows[::-1]),
        ("keep", lambda rows: rows[:-1]),
        ("num_compared", lambda rows: rows + 1),
        ("left_at", lambda rows: rows + 1),
        ("suppressed_by", lambda rows: np.full_like(rows, -1)),
        ("scores_after", lambda rows: rows + 0.01),
    ],
)
@pytest.mark.parametrize("method", ["hard", "soft_linear", "soft_gaussian"])
def test_a_mutated_step_is_noticed(method, field, change):
    crowd = crowds.make_crowd("crowd")
    trace = nms.trace_nms(
        torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), method=method, score_threshold=0.125
    )
    check_trace(trace)
    mutated = dataclasses.replace(trace, **{field: change(getattr(trace, field))})
    with pytest.raises(AssertionError):
        check_trace(mutated)


@pytest.mark.parametrize("method", nms.METHODS)
def test_nothing_and_one_box(method):
    for boxes in (torch.zeros(0, 4), torch.zeros(0)):
        empty = nms.trace_nms(boxes, torch.zeros(0), method=method)
        assert empty.keep.dtype == np.int64
        assert empty.keep.shape == (0,)
        assert empty.kept_boxes.shape == (0, 4)
        assert empty.num_steps == 0
        assert len(nms.list_events(empty).others) == 0
    one = nms.trace_nms(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([0.0]), method=method)
    assert one.keep.tolist() == [0]
    assert one.suppressed_by.tolist() == [-1]
    none = nms.trace_nms(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([0.25]), method=method, score_threshold=0.5)
    assert none.keep.tolist() == []
    assert none.suppressed_by.tolist() == [-1]
    assert none.scores_after.tolist() == [0.25]


@pytest.mark.parametrize("method", nms.METHODS)
def test_boxes_without_area_overlap_nothing(method):
    boxes = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 4.0, 4.0], [0.0, 2.0, 4.0, 2.0]])
    trace = nms.trace_nms(boxes, torch.tensor([0.9, 0.8, 0.7, 0.6]), method=method, iou_threshold=0.25)
    assert trace.keep.tolist() == [0, 1, 2, 3]
    assert np.isfinite(trace.scores_after).all()


def test_whole_number_and_half_precision_boxes_are_taken():
    whole = nms.trace_nms(torch.tensor([[0, 0, 4, 4], [0, 0, 4, 3]]), torch.tensor([0.5, 1.0]))
    half = nms.trace_nms(torch.tensor([[0, 0, 4, 4], [0, 0, 4, 3]]).half(), torch.tensor([0.5, 1.0]).half())
    listed = nms.trace_nms([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0]], [0.5, 1.0])
    assert whole.keep.tolist() == half.keep.tolist() == listed.keep.tolist() == [1]


def test_a_trace_does_not_change_its_input():
    boxes, scores = torch.rand(20, 2).repeat(1, 2), torch.rand(20)
    before = boxes.clone(), scores.clone()
    for method in nms.METHODS:
        nms.trace_nms(boxes, scores, method=method)
    assert torch.equal(boxes, before[0])
    assert torch.equal(scores, before[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores": torch.tensor([0.5, math.nan])}, "Score 1 is not a finite number"),
        ({"scores": torch.tensor([0.5, math.inf])}, "Score 1 is not a finite number"),
        ({"scores": torch.tensor([0.5, 1.5])}, "Score 1 lies outside"),
        ({"scores": torch.tensor([-0.5, 0.5])}, "Score 0 lies outside"),
        ({"scores": torch.tensor([0.5])}, "2 boxes and scores of shape"),
        ({"labels": torch.tensor([1, 2, 3])}, "2 boxes and labels of shape"),
        ({"labels": torch.tensor([1, 0.5])}, "whole numbers"),
        ({"boxes": torch.tensor([[0.0, 0.0, 4.0, 4.0], [5.0, 1.0, 1.0, 5.0]])}, "Box 1 is inverted"),
        ({"boxes": torch.tensor([[0.0, 4.0, 4.0, 0.0], [5.0, 1.0, 9.0, 5.0]])}, "Box 0 is inverted"),
        ({"boxes": torch.tensor([[0.0, 0.0, math.nan, 4.0], [1.0, 1.0, 5.0, 5.0]])}, "Box 0 has a coordinate"),
        ({"boxes": torch.tensor([[0.0, 0.0, 1e12, 4.0], [1.0, 1.0, 5.0, 5.0]])}, "Box 0 lies beyond"),
        ({"boxes": torch.zeros(2, 5)}, "four columns"),
        ({"iou_threshold": 1.5}, "iou_threshold must lie in"),
        ({"iou_threshold": -0.1}, "iou_threshold must lie in"),
        ({"iou_threshold": math.nan}, "iou_threshold must lie in"),
        ({"score_threshold": 2.0}, "score_threshold must lie in"),
        ({"sigma": 0.0}, "sigma must be a positive number"),
        ({"distance_power": -1.0}, "distance_power must be a positive number"),
        ({"method": "soft"}, "method must be one of hard"),
        ({"ties": "random"}, "ties must be one of"),
        ({"matrix_kernel": "cubic"}, "matrix_kernel must be one of"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(change, words):
    arguments = {"boxes": GOOD, "scores": torch.tensor([0.5, 0.75]), **change}
    with pytest.raises(nms.NMSError, match=words) as caught:
        nms.trace_nms(arguments.pop("boxes"), arguments.pop("scores"), **arguments)
    assert str(caught.value) == caught.value.template.format(**caught.value.values)
    assert isinstance(caught.value, ValueError)


def test_more_boxes_than_the_limit_are_refused():
    with pytest.raises(nms.NMSError, match=r"20000 boxes are too many .* limit is 10000"):
        nms.trace_nms(torch.zeros(20_000, 4), torch.zeros(20_000))
    at_limit = nms.trace_nms(torch.zeros(nms.MAX_BOXES, 4), torch.zeros(nms.MAX_BOXES))
    assert len(at_limit.keep) == nms.MAX_BOXES


def test_labels_may_be_names():
    boxes, scores = [[0, 0, 8, 8], [0, 0, 8, 8], [0, 0, 8, 8]], [0.9, 0.8, 0.7]
    for labels in (["cat", "dog", "cat"], np.array(["cat", "dog", "cat"])):
        trace = nms.trace_nms(boxes, scores, labels=labels)
        assert trace.keep.tolist() == [0, 1]
        assert trace.labels.tolist() == [0, 1, 0]
    for labels, sentence in ((["cat", 1, 2], "all numbers or all names"), ([None, 1, 2], "whole numbers")):
        with pytest.raises(nms.NMSError, match=sentence):
            nms.trace_nms(boxes, scores, labels=labels)


@pytest.mark.parametrize("method", nms.METHODS)
def test_half_precision_and_integers_give_the_answer_of_float32(method):
    boxes = [[0, 0, 300, 400], [100, 0, 400, 400], [0, 0, 300, 390]]
    expected = nms.trace_nms(torch.tensor(boxes, dtype=torch.float32), [0.9, 0.8, 0.7], method=method)
    for dtype in (torch.float16, torch.int16, torch.int64):
        trace = nms.trace_nms(torch.tensor(boxes, dtype=dtype), [0.9, 0.8, 0.7], method=method)
        assert trace.keep.tolist() == expected.keep.tolist()
        assert trace.scores_after == pytest.approx(expected.scores_after)
