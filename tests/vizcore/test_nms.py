import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from vizcore import nms
from vizcore.data import crowds

THRESHOLDS = (0.0, 0.25, 0.5, 0.625, 0.75, 1.0)  # exact in binary


# --- plain references: one box, one comparison at a time, in Python's own numbers -------------------------------------


def plain_iou(a, b, one=0.0):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + one)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + one)
    shared = width * height
    total = (a[2] - a[0] + one) * (a[3] - a[1] + one) + (b[2] - b[0] + one) * (b[3] - b[1] + one) - shared
    return shared / total if total else 0.0


def plain_diou(a, b):
    across = max(a[2], b[2]) - min(a[0], b[0])
    down = max(a[3], b[3]) - min(a[1], b[1])
    diagonal = across**2 + down**2
    distance = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    return plain_iou(a, b) - (distance / diagonal if diagonal else 0.0)


def plain_soft_nms(boxes, scores, labels, *, kind, threshold, sigma, floor):
    """Soft-NMS as its paper's pseudo-code has it; returns each pick with every score change that it caused."""
    scores = list(scores)
    waiting = [index for index in range(len(boxes)) if scores[index] >= floor]
    story = []
    while waiting:
        pick = waiting[0]
        for index in waiting:
            if scores[index] > scores[pick]:
                pick = index
        waiting.remove(pick)
        changes = {}
        for index in list(waiting):
            if labels[index] != labels[pick]:
                continue
            iou = plain_iou(boxes[pick], boxes[index])
            weight = math.exp(-(iou**2) / sigma)
            if kind == "soft_linear":
                weight = 1 - iou if iou > threshold else 1.0
            if weight < 1:
                changes[index] = (scores[index], scores[index] * weight)
                scores[index] *= weight
                if scores[index] < floor:
                    waiting.remove(index)
        story.append((pick, changes))
    return story, scores


def plain_matrix_nms(boxes, scores, *, sigma, kernel):
    decay = (lambda iou: math.exp(-(iou**2) / sigma)) if kernel == "gaussian" else (lambda iou: 1 - iou)
    order = sorted(range(len(boxes)), key=lambda index: -scores[index])
    covered = {
        i: max((plain_iou(boxes[i], boxes[k]) for k in order[:rank]), default=0.0) for rank, i in enumerate(order)
    }
    after = {}
    for rank, j in enumerate(order):
        worst = 1.0
        for i in order[:rank]:
            if decay(covered[i]) > 0:
                worst = min(worst, decay(plain_iou(boxes[i], boxes[j])) / decay(covered[i]))
        after[j] = scores[j] * worst
    return [after[index] for index in range(len(boxes))]


def plain_fusion(boxes, scores, *, threshold):
    clusters = []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        fused = []
        for members in clusters:
            weight = sum(scores[m] for m in members)
            fused.append([sum(scores[m] * boxes[m][c] for m in members) / weight for c in range(4)])
        ious = [plain_iou(box, boxes[index]) for box in fused]
        best = max(range(len(ious)), key=lambda c: ious[c], default=None)
        if best is not None and ious[best] > threshold:
            clusters[best].append(index)
        else:
            clusters.append([index])
    return clusters


def check_trace(trace):
    """Replays the decisions of a hard, DIoU or soft trace one by one; any recorded number that is not so fails."""
    options = trace.options
    scores = trace.scores.tolist()
    labels = [0] * len(scores) if trace.labels is None else trace.labels.tolist()
    boxes = trace.boxes.tolist()
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
        for index in peers:
            measure = plain_diou if options.method == "diou" else plain_iou
            overlap = measure(boxes[pick], boxes[index])
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


# --- candidates that make trouble: small whole coordinates, few scores, so that ties, twins and exact halves are common


@st.composite
def candidates(draw, max_boxes=14):
    number = draw(st.integers(0, max_boxes))
    corner, side = st.integers(-6, 12), st.integers(0, 8)
    rows = draw(st.lists(st.tuples(corner, corner, side, side), min_size=number, max_size=number))
    scores = draw(st.lists(st.integers(0, 8), min_size=number, max_size=number))
    labels = draw(st.lists(st.integers(0, 2), min_size=number, max_size=number))
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows], dtype=torch.float32).reshape(-1, 4)
    return boxes, torch.tensor(scores, dtype=torch.float32) / 8, torch.tensor(labels, dtype=torch.int64)


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
    story, after = plain_soft_nms(
        boxes.tolist(), scores.tolist(), labels.tolist(), kind=kind, threshold=threshold, sigma=0.5, floor=floor
    )
    # Picks and changes are compared while no two scores tie to within rounding, where either order is right.
    assert len(story) == trace.num_steps
    for step, (pick, changes) in enumerate(story):
        rivals = nms.scores_at(trace, step)
        waiting = np.flatnonzero(trace.left_at >= step)
        if pick != trace.picks[step]:
            assert rivals[pick] == pytest.approx(rivals[trace.picks[step]], abs=1e-7)
            assert len(waiting) > 1
            return
        recorded = trace.change_box[trace.change_step == step].tolist()
        assert sorted(recorded) == sorted(changes)
    assert trace.scores_after.tolist() == pytest.approx(after, abs=1e-6)
    assert np.all(np.diff(trace.scores_after[trace.keep]) <= 1e-12)


@given(candidates(), st.sampled_from(THRESHOLDS))
def test_diou_nms_equals_its_plain_replay(case, threshold):
    boxes, scores, labels = case
    check_trace(nms.trace_nms(boxes, scores, labels=labels, method="diou", iou_threshold=threshold))


@given(candidates(10), st.sampled_from(("gaussian", "linear")))
def test_matrix_nms_equals_a_plain_loop(case, kernel):
    boxes, scores, _ = case
    scores = scores - torch.arange(len(scores)) / 1024  # no ties: among equals the order decides
    scores = scores.clamp(min=0)
    trace = nms.trace_nms(boxes, scores, method="matrix", matrix_kernel=kernel, sigma=0.5)
    expected = plain_matrix_nms(boxes.tolist(), scores.tolist(), sigma=0.5, kernel=kernel)
    assert trace.scores_after.tolist() == pytest.approx(expected, abs=1e-6)
    assert sorted(trace.keep.tolist()) == list(range(len(boxes)))
    assert np.all(np.diff(trace.scores_after[trace.keep]) <= 0)


@given(candidates(10), st.sampled_from((0.25, 0.5)))
def test_fusion_equals_a_plain_loop(case, threshold):
    boxes, scores, _ = case
    scores = (scores - torch.arange(len(scores)) / 1024).clamp(min=1 / 1024)
    trace = nms.trace_nms(boxes.double(), scores, method="fusion", iou_threshold=threshold)
    clusters = plain_fusion(boxes.tolist(), scores.tolist(), threshold=threshold)
    members = {
        int(founder): [int(founder), *trace.change_box[trace.change_by == founder].tolist()] for founder in trace.keep
    }
    assert sorted(members.values()) == sorted(clusters)
    for founder, fused, score in zip(trace.keep, trace.kept_boxes, trace.scores_after[trace.keep], strict=True):
        weights = scores[members[int(founder)]].double()
        mean = (boxes[members[int(founder)]].double() * weights[:, None]).sum(0) / weights.sum()
        assert fused == pytest.approx(mean.numpy(), abs=1e-6)
        assert score == pytest.approx(float(weights.mean()), abs=1e-6)


# --- properties of the record -----------------------------------------------------------------------------------------


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
        again = nms.comparisons_at(trace, step)
        assert again.pick == trace.picks[step]
        assert len(again.others) == trace.num_compared[step]
        changed = again.verdicts != nms.UNTOUCHED
        rows = trace.change_step == step
        recorded = trace.change_by[rows] if method in ("matrix", "fusion") else trace.change_box[rows]
        assert sorted(again.others[changed].tolist()) == sorted(recorded.tolist())
        assert np.sort(again.after[changed]) == pytest.approx(np.sort(trace.change_after[rows]), abs=1e-9)
        assert np.sort(again.overlaps[changed]) == pytest.approx(np.sort(trace.change_overlap[rows]), abs=1e-6)
    assert nms.scores_at(trace, 0) == pytest.approx(trace.scores)
    if method != "fusion":  # a founder's score becomes the cluster's mean at the very end
        assert nms.scores_at(trace, trace.num_steps) == pytest.approx(trace.scores_after)


@given(candidates(), st.sampled_from(nms.METHODS))
def test_events_hold_every_comparison_that_intersects(case, method):
    boxes, scores, _ = case
    trace = nms.trace_nms(boxes, scores, method=method, iou_threshold=0.5)
    events = nms.list_events(trace)
    assert events.complete
    for step in range(trace.num_steps):
        again = nms.comparisons_at(trace, step)
        telling = (again.ious > 0) | (again.verdicts != nms.UNTOUCHED)
        rows = slice(events.start[step], events.start[step + 1])
        assert events.others[rows].tolist() == again.others[telling].tolist()
        assert events.after[rows] == pytest.approx(again.after[telling], abs=1e-12)
    few = nms.list_events(trace, max_events=-1)
    assert not few.complete
    assert len(few.others) == len(trace.change_box)


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
            assert plain_iou(boxes[by].tolist(), boxes[index].tolist()) > threshold
            assert trace.scores_after[index] == 0


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


def test_a_hard_trace_stores_one_row_per_suppressed_box():
    crowd = crowds.make_crowd("random")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    assert len(trace.change_box) == len(crowd.boxes) - len(trace.keep)
    stored = sum(
        getattr(trace, field.name).size for field in dataclasses.fields(trace) if field.name.startswith("change")
    )
    assert stored <= 6 * len(crowd.boxes)


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


# --- hand values ------------------------------------------------------------------------------------------------------


def test_chain_a_suppresses_b_and_c_survives():
    """IoU(A, B) = 110/210 = 0.524 > 1/2, and so is IoU(B, C), but B is gone when C is looked at: IoU(A, C) = 60/260."""
    crowd = crowds.make_crowd("chain")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    assert trace.keep.tolist() == [0, 2]
    assert trace.suppressed_by.tolist() == [-1, 0, -1]
    assert trace.left_at.tolist() == [0, 0, 1]
    assert trace.num_compared.tolist() == [2, 0]
    assert trace.change_overlap == pytest.approx([110 / 210])
    first = nms.comparisons_at(trace, 0)
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


def test_pixel_inclusive_boxes_touch_where_continuous_ones_do_not():
    """Boxes 0..9 and 10..19 share no area; 0..9 and 9..18 share the pixel column 9: 10 of 190 inclusive pixels."""
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [9.0, 0.0, 18.0, 9.0]])
    assert nms.pairwise_overlaps(boxes[:1], boxes[1:]).item() == 0
    assert nms.pairwise_overlaps(boxes[:1], boxes[1:], pixel_inclusive=True).item() == pytest.approx(10 / 190)
    scores = torch.tensor([0.9, 0.8])
    assert len(nms.trace_nms(boxes, scores, iou_threshold=0.03125).keep) == 2
    assert len(nms.trace_nms(boxes, scores, iou_threshold=0.03125, pixel_inclusive=True).keep) == 1


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


def test_diou_keeps_a_neighbour_that_iou_removes():
    """IoU = 48/80; the centres are 2 apart, the diagonal is √(10² + 8²): 0.6 - 4/164 = 0.5756."""
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 10.0, 8.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms.trace_nms(boxes, scores, iou_threshold=0.59).keep.tolist() == [0]
    trace = nms.trace_nms(boxes, scores, iou_threshold=0.59, method="diou")
    assert trace.keep.tolist() == [0, 1]
    assert nms.comparisons_at(trace, 0).overlaps == pytest.approx([0.6 - 4 / 164])
    assert nms.comparisons_at(trace, 0).ious == pytest.approx([0.6])
    small_power = nms.pairwise_overlaps(boxes[:1], boxes[1:], distance_power=0.5)
    assert small_power.item() == pytest.approx(0.6 - math.sqrt(4 / 164))


def test_matrix_nms_by_hand():
    """A twin of the best box decays fully, and therefore decays nothing itself (linear kernel)."""
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0]])
    trace = nms.trace_nms(boxes, torch.tensor([0.9, 0.8, 0.6]).double(), method="matrix", matrix_kernel="linear")
    assert trace.scores_after.tolist() == pytest.approx([0.9, 0.0, 0.6 * 2 / 3])
    assert trace.covered.tolist() == pytest.approx([0, 1, 1 / 3])
    gaussian = nms.trace_nms(boxes, torch.tensor([0.9, 0.8, 0.6]).double(), method="matrix", sigma=0.5)
    assert gaussian.scores_after.tolist() == pytest.approx([0.9, 0.8 * math.exp(-2), 0.6 * math.exp(-2 / 9)])


def test_fusion_by_hand():
    """Weights 3/4 and 1/4 of x1 = 0 and x1 = 2 give 1/2; the score is the plain mean."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    trace = nms.trace_nms(boxes, torch.tensor([0.75, 0.25, 0.625]), method="fusion")
    assert trace.keep.tolist() == [2, 0]  # 0.625 now leads, for the mean of 3/4 and 1/4 is 1/2
    assert trace.kept_boxes.tolist() == [[50, 50, 60, 60], [0.5, 0, 10.5, 10]]
    assert trace.scores_after.tolist() == [0.5, 0, 0.625]
    assert trace.suppressed_by.tolist() == [-1, 0, -1]


def test_decay_curve():
    at = torch.tensor([0.0, 0.5, 0.75, 1.0])
    assert nms.decay_factor(at, nms.NMSOptions()).tolist() == [1, 1, 0, 0]
    assert nms.decay_factor(at, nms.NMSOptions(suppress_equal=True)).tolist() == [1, 0, 0, 0]
    assert nms.decay_factor(at, nms.NMSOptions(method="soft_linear")).tolist() == [1, 1, 0.25, 0]
    gaussian = nms.decay_factor(at, nms.NMSOptions(method="soft_gaussian", sigma=0.5))
    assert gaussian.tolist() == pytest.approx([1, math.exp(-0.5), math.exp(-1.125), math.exp(-2)])
    assert nms.decay_factor(at, nms.NMSOptions(method="matrix", matrix_kernel="linear")).tolist() == [1, 0.5, 0.25, 0]


# --- edges ------------------------------------------------------------------------------------------------------------


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


GOOD = torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 5.0, 5.0]])


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


def test_more_score_changes_than_the_limit_are_refused():
    """3,000 nested boxes of nearly no overlap decay would change about 4.5 million scores."""
    sides = torch.arange(1, 3001).float()
    boxes = torch.stack([torch.zeros(3000), torch.zeros(3000), sides, sides], dim=1)
    with pytest.raises(nms.NMSError, match="more than 4000000 score changes"):
        nms.trace_nms(boxes, torch.linspace(0, 1, 3000), method="soft_gaussian", sigma=100.0)


def test_there_is_no_step_beyond_the_last():
    trace = nms.trace_nms(GOOD, torch.tensor([0.5, 0.75]))
    for step in (-1, trace.num_steps):
        with pytest.raises(nms.NMSError, match="There is no step"):
            nms.comparisons_at(trace, step)


# --- evaluation and ranking -------------------------------------------------------------------------------------------


def plain_ap(boxes, scores, targets, threshold):
    """Average precision at one IoU threshold for one class and one picture, with the 101 recall levels."""
    free, hits = list(range(len(targets))), []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        ious = {t: plain_iou(boxes[index], targets[t]) for t in free}
        best = max(ious, key=ious.get, default=None)
        hit = best is not None and ious[best] >= threshold
        hits.append(hit)
        if hit:
            free.remove(best)
    found, points = 0, []
    for place, hit in enumerate(hits, start=1):
        found += hit
        points.append((found / len(targets), found / place))
    levels = [level / 100 for level in range(101)]
    return sum(max((p for r, p in points if r >= level - 1e-9), default=0.0) for level in levels) / 101


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_a_plain_count(seed):
    crowd = crowds.make_crowd("crowd", seed=seed)
    result = nms.evaluate_detections(crowd.boxes, crowd.scores, crowd.targets)
    arguments = (crowd.boxes.tolist(), crowd.scores.tolist(), crowd.targets.tolist())
    assert result.ap50 == pytest.approx(plain_ap(*arguments, 0.5), abs=1e-9)
    assert result.ap75 == pytest.approx(plain_ap(*arguments, 0.75), abs=1e-9)
    assert result.ap == pytest.approx(np.mean([plain_ap(*arguments, 0.5 + 0.05 * k) for k in range(10)]), abs=1e-6)
    assert result.ap50 == pytest.approx(result.precision50.mean())


def test_perfect_and_missing_detections():
    """One of two objects found: precision 1 up to recall 1/2, that is 51 of 101 levels."""
    targets = np.array([[0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    perfect = nms.evaluate_detections(targets, [0.9, 0.8], targets)
    assert (perfect.ap, perfect.precision, perfect.recall) == (pytest.approx(1), 1, 1)
    half = nms.evaluate_detections(targets[:1], [0.9], targets)
    assert half.ap == pytest.approx(51 / 101)
    assert half.lost.tolist() == [1]
    none = nms.evaluate_detections(np.zeros((0, 4)), np.zeros(0), targets)
    assert (none.ap, none.recall) == (0, 0)
    assert math.isnan(none.precision)
    no_truth = nms.evaluate_detections(targets, [0.9, 0.8], np.zeros((0, 4)))
    assert math.isnan(no_truth.ap)
    assert no_truth.precision == 0
    wrong_class = nms.evaluate_detections(targets, [0.9, 0.8], targets, labels=[0, 1], target_labels=[0, 0])
    assert wrong_class.matched.tolist() == [0, -1]
    wrong_picture = nms.evaluate_detections(targets, [0.9, 0.8], targets, images=[0, 1])
    assert wrong_picture.recall == 0.5


@pytest.mark.parametrize("seed", range(8))
def test_in_the_crowd_hard_nms_loses_a_true_object_and_soft_nms_does_not(seed):
    crowd = crowds.make_crowd("crowd", seed=seed)
    boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
    hard = nms.summarise_kept(nms.trace_nms(boxes, scores), crowd.targets)
    assert hard.lost.tolist() == [1]
    for method in ("soft_linear", "soft_gaussian", "matrix"):
        soft = nms.trace_nms(boxes, scores, method=method, score_threshold=0.05)
        assert nms.summarise_kept(soft, crowd.targets).lost.tolist() == []


def test_two_classes_on_one_spot_need_class_aware_suppression():
    crowd = crowds.make_crowd("two_classes")
    boxes, scores, labels = map(torch.from_numpy, (crowd.boxes, crowd.scores, crowd.labels))
    truth = {"labels": crowd.labels, "target_labels": crowd.target_labels}
    assert nms.summarise_kept(nms.trace_nms(boxes, scores), crowd.targets, **truth).lost.tolist() == [1]
    aware = nms.trace_nms(boxes, scores, labels=labels)
    assert nms.summarise_kept(aware, crowd.targets, target_labels=crowd.target_labels).lost.tolist() == []


def test_ranking_by_true_iou_is_the_ceiling_and_misalignment_pulls_the_score_down():
    aps = {}
    for misalignment in (0.0, 0.7, 1.0):
        ranked = crowds.make_ranked_crowd(misalignment=misalignment, num_images=12)
        for ranking in nms.RANKINGS:
            result = nms.rank_and_evaluate(ranked, ranking)
            aps[misalignment, ranking] = result.evaluation.ap
            if ranking == "true_iou":
                assert result.better_lost == 0
                assert result.correlation == pytest.approx(1)
    for misalignment in (0.7, 1.0):
        best = max(nms.RANKINGS, key=lambda ranking: aps[misalignment, ranking])
        assert best == "true_iou"
        assert aps[misalignment, "score_predicted_iou"] > aps[misalignment, "score"]
    assert aps[0.0, "score"] > aps[0.7, "score"] > aps[1.0, "score"]
    assert aps[0.0, "true_iou"] == aps[1.0, "true_iou"]  # the same boxes, whatever the scores say


def test_a_ranked_crowd_says_its_true_iou():
    ranked = crowds.make_ranked_crowd(num_images=2, seed=3)
    crowd = ranked.crowd
    for index in range(0, len(crowd.boxes), 7):
        ious = [
            plain_iou(crowd.boxes[index].tolist(), target.tolist())
            for target, label, image in zip(crowd.targets, crowd.target_labels, crowd.target_images, strict=True)
            if label == crowd.labels[index] and image == crowd.images[index]
        ]
        assert ranked.true_iou[index] == pytest.approx(max(ious, default=0), abs=1e-5)


@pytest.mark.parametrize("name", list(crowds.CROWDS))
def test_crowds_are_seeded_and_valid(name):
    first, again = crowds.make_crowd(name, seed=5), crowds.make_crowd(name, seed=5)
    assert np.array_equal(first.boxes, again.boxes)
    assert np.array_equal(first.scores, again.scores)
    assert np.all(first.boxes[:, 2:] >= first.boxes[:, :2])
    assert first.boxes.min() >= 0
    assert np.all(first.boxes.max(0)[2:] <= first.size[::-1])
    assert ((first.scores >= 0) & (first.scores <= 1)).all()
    assert set(first.labels) <= set(range(len(first.label_names)))
    nms.trace_nms(torch.from_numpy(first.boxes), torch.from_numpy(first.scores))


def test_unknown_crowds_and_rankings_are_refused():
    with pytest.raises(ValueError, match="No crowd is called"):
        crowds.make_crowd("party")
    with pytest.raises(ValueError, match="misalignment must lie"):
        crowds.make_ranked_crowd(misalignment=1.5)
    with pytest.raises(ValueError, match="at least 1"):
        crowds.make_ranked_crowd(num_images=0)
    with pytest.raises(nms.NMSError, match="ranking must be one of"):
        nms.rank_and_evaluate(crowds.make_ranked_crowd(num_images=1), "luck")


def test_the_numbers_that_the_lesson_states():
    """assets/lessons/*/nms.md quotes these; whoever changes a crowd changes the lesson."""
    crowd = crowds.make_crowd("crowd")
    boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
    kept = {m: len(nms.trace_nms(boxes, scores, method=m, score_threshold=0.05).keep) for m in ("hard", "soft_linear")}
    assert kept == {"hard": 11, "soft_linear": 14}
    assert nms.trace_nms(boxes, scores).suppressed_by[8] == 0
    assert plain_iou(*crowd.targets[:2].tolist()) == pytest.approx(0.67, abs=0.005)
    chain = crowds.make_crowd("chain")
    matrix = nms.trace_nms(torch.from_numpy(chain.boxes), torch.from_numpy(chain.scores), method="matrix")
    assert matrix.scores_after[2] == pytest.approx(0.629, abs=0.0005)
    ranked = crowds.make_ranked_crowd()
    aps = [nms.rank_and_evaluate(ranked, ranking).evaluation.ap for ranking in nms.RANKINGS]
    assert aps == pytest.approx([0.567, 0.613, 0.625, 0.821], abs=0.001)


def test_best_first_and_names_for_a_blind_trace():
    assert nms.best_first(torch.tensor([0.25, 0.75, 0.25, 0.5]), most=3).tolist() == [1, 3, 0]
    trace = nms.trace_nms(GOOD, torch.tensor([0.5, 0.75]))
    named = nms.pack_trace(trace, labels=np.array([7, 8]))
    assert named.content != nms.pack_trace(trace).content


# --- the program handed out -------------------------------------------------------------------------------------------

RULES = [
    {"method": "hard"},
    {"method": "hard", "suppress_equal": True, "ties": "last", "iou_threshold": 0.5},
    {"method": "hard", "pixel_inclusive": True, "iou_threshold": 0.25},
    {"method": "soft_linear", "iou_threshold": 0.25, "ties": "last"},
    {"method": "soft_gaussian", "sigma": 0.25},
    {"method": "diou", "distance_power": 0.6, "iou_threshold": 0.25},
    {"method": "matrix", "sigma": 0.5},
    {"method": "matrix", "matrix_kernel": "linear"},
    {"method": "fusion", "iou_threshold": 0.25},
    {"method": "fusion", "ties": "last", "suppress_equal": True},
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "-".join(str(value) for value in rules.values()))
def test_the_program_handed_out_prints_the_numbers(rules, capsys):
    for name in ("crowd", "two_classes", "ties", "chain"):
        crowd = crowds.make_crowd(name, seed=2)
        for labels in (None, torch.from_numpy(crowd.labels)):
            boxes, scores = torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores)
            trace = nms.trace_nms(boxes, scores, labels=labels, score_threshold=0.1, **rules)
            exec(nms.write_script(trace), {})  # our own source; pages run it in a fresh interpreter too
            printed = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
            assert [int(word) for word in printed["keep"].strip("[]").split(", ")] == trace.keep.tolist()
            final = [float(word) for word in printed["scores"].strip("[]").split(", ")]
            assert final == pytest.approx(trace.scores_after[trace.keep].tolist(), abs=1e-5)


def test_a_long_table_is_read_from_a_file(tmp_path, monkeypatch, capsys):
    crowd = crowds.make_crowd("random")
    trace = nms.trace_nms(torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores))
    script = nms.write_script(trace)
    assert len(script) < 2000
    rows = [
        {"x1": box[0], "y1": box[1], "x2": box[2], "y2": box[3], "score": score}
        for box, score in zip(crowd.boxes.tolist(), crowd.scores.tolist(), strict=True)
    ]
    (tmp_path / "grad2box-nms.json").write_text(json.dumps(rows))
    monkeypatch.chdir(tmp_path)
    exec(script, {})
    assert capsys.readouterr().out.splitlines()[0] == f"keep: {trace.keep.tolist()}"
