import dataclasses
import math

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import THRESHOLDS, candidates, check_trace, comparisons_at, pair_iou
from vizcore import nms
from vizcore.data import crowds
from vizcore.nms import plain


def classwise_torchvision(boxes, scores, labels, threshold):
    """Class by class, then sorted by score: what batched_nms promises, without its shift of coordinates."""
    kept = torch.zeros(len(boxes), dtype=torch.bool)
    for label in labels.unique():
        ids = (labels == label).nonzero()[:, 0]
        kept[ids[torchvision.ops.nms(boxes[ids], scores[ids], threshold)]] = True
    ids = kept.nonzero()[:, 0]
    return ids[scores[ids].sort(descending=True, stable=True).indices]


@given(candidates(), st.sampled_from(THRESHOLDS))
def test_hard_keeps_what_torchvision_keeps(case, threshold):
    boxes, scores, _ = case
    trace = nms.trace_nms(boxes, scores, iou_threshold=threshold)
    assert trace.keep.tolist() == torchvision.ops.nms(boxes, scores, threshold).tolist()
    check_trace(trace)


@given(candidates(), st.sampled_from(THRESHOLDS))
def test_class_aware_keeps_what_a_class_by_class_run_keeps(case, threshold):
    boxes, scores, labels = case
    trace = nms.trace_nms(boxes, scores, labels=labels, iou_threshold=threshold)
    assert trace.keep.tolist() == classwise_torchvision(boxes, scores, labels, threshold).tolist()
    check_trace(trace)


@given(candidates(), st.sampled_from(("hard", "diou")), st.sampled_from(THRESHOLDS), st.booleans(), st.booleans())
def test_greedy_traces_equal_the_plain_loop(case, method, threshold, last, inclusive):
    boxes, scores, labels = case
    rules = {"iou_threshold": threshold, "suppress_equal": inclusive, "ties": "last" if last else "first"}
    trace = nms.trace_nms(boxes, scores, labels=labels, method=method, score_threshold=1 / 8, **rules)
    overlap = plain.diou if method == "diou" else plain.iou
    assert trace.keep.tolist() == plain.greedy_nms(
        boxes, scores, labels, score_threshold=1 / 8, overlap=overlap, **rules
    )


@pytest.mark.parametrize("number", [100, 700, 2000])
def test_many_boxes_equal_torchvision(number):
    """More than one block of rows, in pixels of a photo, with classes, in both precisions."""
    generator = torch.Generator().manual_seed(number)
    corners = torch.rand(number, 2, generator=generator) * 400
    boxes = torch.cat([corners, corners + 20 + 80 * torch.rand(number, 2, generator=generator)], dim=1)
    scores = torch.rand(number, generator=generator)
    labels = torch.randint(0, 4, (number,), generator=generator)
    for wide in (boxes, boxes.double()):
        for threshold in (0.25, 0.5, 0.75):
            trace = nms.trace_nms(wide, scores, iou_threshold=threshold)
            assert trace.keep.tolist() == torchvision.ops.nms(wide, scores.to(wide.dtype), threshold).tolist()
            trace = nms.trace_nms(wide, scores, labels=labels, iou_threshold=threshold)
            batched = torchvision.ops.batched_nms(wide, scores.to(wide.dtype), labels, threshold)
            assert sorted(trace.keep.tolist()) == sorted(batched.tolist())


def test_negative_coordinates_do_not_make_classes_collide():
    """torchvision shifts class 1 by 101 here, right onto the box of class 0; classes must not meet at all."""
    boxes = torch.tensor([[0.0, 0.0, 100.0, 10.0], [-101.0, -101.0, -1.0, -91.0]])
    scores, labels = torch.tensor([0.9, 0.8]), torch.tensor([0, 1])
    assert torchvision.ops.batched_nms(boxes, scores, labels, 0.5).tolist() == [0]  # the collision itself
    assert nms.trace_nms(boxes, scores, labels=labels).keep.tolist() == [0, 1]


@given(candidates(), st.sampled_from(THRESHOLDS))
def test_diou_nms_equals_its_plain_replay(case, threshold):
    boxes, scores, labels = case
    check_trace(nms.trace_nms(boxes, scores, labels=labels, method="diou", iou_threshold=threshold))


@given(candidates(), st.sampled_from(("hard", "diou")), st.sampled_from((0.25, 0.5)))
def test_every_suppressed_box_overlaps_its_suppressor_which_was_kept(case, method, threshold):
    boxes, scores, labels = case
    trace = nms.trace_nms(boxes, scores, labels=labels, method=method, iou_threshold=threshold)
    kept = set(trace.keep.tolist())
    for index, by in enumerate(trace.suppressed_by.tolist()):
        assert (by == -1) == (index in kept)
        if by >= 0:
            assert by in kept
            assert trace.scores[by] >= trace.scores[index]
            assert trace.labels[by] == trace.labels[index]
            assert pair_iou(boxes[by], boxes[index]) > threshold
            assert trace.scores_after[index] == 0


def test_a_hard_trace_stores_one_row_per_suppressed_box():
    crowd = crowds.make_crowd("random")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    assert len(trace.change_box) == len(crowd.boxes) - len(trace.keep)
    stored = sum(
        getattr(trace, field.name).size for field in dataclasses.fields(trace) if field.name.startswith("change")
    )
    assert stored <= 6 * len(crowd.boxes)


def test_chain_a_suppresses_b_and_c_survives():
    """IoU(A, B) = 110/210 = 0.524 > 1/2, and so is IoU(B, C), but B is gone when C is looked at: IoU(A, C) = 60/260."""
    crowd = crowds.make_crowd("chain")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    assert trace.keep.tolist() == [0, 2]
    assert trace.suppressed_by.tolist() == [-1, 0, -1]
    assert trace.left_at.tolist() == [0, 0, 1]
    assert trace.num_compared.tolist() == [2, 0]
    assert trace.change_overlap == pytest.approx([110 / 210])
    first = comparisons_at(trace, 0)
    assert first.others.tolist() == [1, 2]
    assert first.ious == pytest.approx([110 / 210, 60 / 260])
    assert first.verdicts.tolist() == [nms.SUPPRESSED, nms.UNTOUCHED]


def test_ties_and_the_threshold_are_decided_by_the_convention():
    """The first two boxes tie in score and share exactly half of their union."""
    crowd = crowds.make_crowd("ties")
    boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
    assert nms.trace_nms(boxes, scores).keep.tolist() == [0, 1, 2, 3, 5]
    assert nms.trace_nms(boxes, scores, suppress_equal=True).keep.tolist() == [0, 2, 3]
    assert nms.trace_nms(boxes, scores, ties="last").keep.tolist() == [2, 1, 0, 5, 4]
    # from the last, the half box goes first and the whole ones, at exactly 1/2 of it, fall
    assert nms.trace_nms(boxes, scores, ties="last", suppress_equal=True).keep.tolist() == [2, 0, 5]


def test_diou_keeps_a_neighbour_that_iou_removes():
    """IoU = 48/80; the centres are 2 apart, the diagonal is √(10² + 8²): 0.6 - 4/164 = 0.5756."""
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 10.0, 8.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms.trace_nms(boxes, scores, iou_threshold=0.59).keep.tolist() == [0]
    trace = nms.trace_nms(boxes, scores, iou_threshold=0.59, method="diou")
    assert trace.keep.tolist() == [0, 1]
    assert comparisons_at(trace, 0).overlaps == pytest.approx([0.6 - 4 / 164])
    assert comparisons_at(trace, 0).ious == pytest.approx([0.6])
    small_power = nms.pairwise_overlaps(boxes[:1], boxes[1:], distance_power=0.5)
    assert small_power.item() == pytest.approx(0.6 - math.sqrt(4 / 164))
