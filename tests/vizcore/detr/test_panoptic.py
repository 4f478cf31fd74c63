"""Panoptic pictures: the argmax by hand, and the quality held to a count pixel set by pixel set."""

import numpy as np
import pytest
import torch

from vizcore import detr


def sure(*labels: int, num_classes: int = 3) -> torch.Tensor:
    """Logits of queries that are very sure of a class; the class after the last is "no object"."""
    return 20.0 * torch.eye(num_classes + 1)[list(labels)]


def test_every_pixel_goes_to_the_greatest_mask():
    masks = torch.tensor([[[3.0, 1.0, -1.0]], [[2.0, 4.0, -2.0]]]).repeat_interleave(8, 1)
    merged = detr.merge_masks(masks, sure(2, 0))
    assert merged.owner[0].tolist() == [0, 1, -1]  # both masks deny the last pixel
    assert merged.queries.tolist() == [0, 1]
    assert merged.labels.tolist() == [2, 0]
    assert merged.areas.tolist() == [8, 8]
    everywhere = detr.merge_masks(masks, sure(2, 0), background=False)
    assert everywhere.owner[0].tolist() == [0, 1, 0]


def test_an_unsure_query_owns_nothing():
    masks = torch.full((2, 4, 4), 5.0)
    masks[1] = 9.0
    logits = torch.stack([sure(0)[0], torch.tensor([1.0, 0.0, 0.0, 0.0])])
    merged = detr.merge_masks(masks, logits, keep_threshold=0.85)
    assert np.all(merged.owner == 0)
    assert np.all(detr.merge_masks(masks, logits, keep_threshold=0.25).owner == 1)


def test_a_query_that_says_no_object_owns_nothing():
    merged = detr.merge_masks(torch.full((2, 4, 4), 5.0), sure(3, 1))
    assert merged.queries.tolist() == [1]


def test_a_segment_of_few_pixels_is_given_away():
    """Query 1 wins four pixels of query 0's and is dropped: query 0 has them all."""
    masks = torch.full((2, 4, 4), 5.0)
    masks[1], masks[1, 0] = -5.0, 9.0
    merged = detr.merge_masks(masks, sure(0, 1), min_area=4)
    assert np.all(merged.owner == 0)
    assert merged.dropped.tolist() == [1]
    assert detr.merge_masks(masks, sure(0, 1), min_area=3).dropped.tolist() == []


@pytest.mark.parametrize("keep_threshold", [0.0, 0.5, 1.0])
def test_nobody(keep_threshold):
    nothing = detr.merge_masks(torch.zeros(0, 3, 4), torch.zeros(0, 4), keep_threshold=keep_threshold)
    assert nothing.owner.shape == (3, 4)
    assert np.all(nothing.owner == -1)
    assert len(nothing.queries) == 0


def test_a_higher_threshold_never_lets_more_queries_in():
    generator = torch.Generator().manual_seed(0)
    masks, logits = torch.randn(12, 9, 7, generator=generator), 2 * torch.randn(12, 4, generator=generator)
    last = set(range(12))
    for threshold in (0.25, 0.5, 0.75, 0.9):
        merged = detr.merge_masks(masks, logits, keep_threshold=threshold, min_area=0)
        sure_enough = set(merged.queries.tolist()) | set(merged.dropped.tolist())
        assert sure_enough <= last
        assert np.all(np.isin(merged.owner, [-1, *merged.queries]))
        assert [(merged.owner == query).sum() for query in merged.queries] == merged.areas.tolist()
        last = sure_enough


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(detr.DETRError, match=r"mask_logits must have the shape \[2, H, W\], not \[3, 4, 4\]"):
        detr.merge_masks(torch.zeros(3, 4, 4), torch.zeros(2, 4))
    with pytest.raises(detr.DETRError, match="not finite"):
        detr.merge_masks(torch.full((2, 4, 4), torch.nan), torch.zeros(2, 4))


# -- quality -----------------------------------------------------------------------------------------------------------


def count_by_pixel_sets(pictures, num_classes):
    """Kirillov et al., equation 1, over sets of pixels; all pairs of segments."""
    rows = []
    for label in range(num_classes):
        overlap, pairs, missed, invented = [], 0, 0, 0
        for predicted, labels, true, true_labels in pictures:
            ours = [set(np.flatnonzero(predicted == i)) for i in range(len(labels)) if labels[i] == label]
            theirs = [set(np.flatnonzero(true == i)) for i in range(len(true_labels)) if true_labels[i] == label]
            found = [len(a & b) / len(a | b) for a in ours for b in theirs if 2 * len(a & b) > len(a | b)]
            overlap += found
            pairs += len(found)
            invented += len(ours) - len(found)
            missed += len(theirs) - len(found)
        if pairs + missed + invented:
            rows.append((overlap, pairs, invented, missed))
    quality = [sum(o) / (p + i / 2 + m / 2) for o, p, i, m in rows]
    recognition = [p / (p + i / 2 + m / 2) for _, p, i, m in rows]
    segmentation = [sum(o) / p if p else 0.0 for o, p, _, _ in rows]
    return np.mean(quality), np.mean(segmentation), np.mean(recognition), *(sum(r[i] for r in rows) for i in (1, 2, 3))


def random_picture(rng, num_classes):
    """A truth of rectangles, and a prediction of the same ones moved a little, some of them lost or renamed."""

    def segments(boxes, labels):
        owner = np.full((24, 24), -1)
        for y, x, height, width in boxes:
            owner[y : y + height, x : x + width] = owner.max() + 1
        kept, owner_of = np.unique(owner, return_inverse=True)
        names = kept[kept >= 0]
        return owner_of.reshape(24, 24) - int(kept[0] == -1), labels[names]

    number = rng.integers(1, 6)
    boxes = np.column_stack([rng.integers(0, 16, (number, 2)), rng.integers(3, 8, (number, 2))])
    labels = rng.integers(0, num_classes, number)
    true = segments(boxes, labels)
    shaken = boxes + rng.integers(0, 2, boxes.shape)
    names = np.where(rng.random(number) < 0.2, rng.integers(0, num_classes, number), labels)
    some = rng.random(number) < 0.85
    return (*segments(shaken[some], names[some]), *true)


@pytest.mark.parametrize("seed", range(20))
def test_quality_is_the_count_of_pixel_sets(seed):
    rng = np.random.default_rng(seed)
    pictures = [random_picture(rng, 3) for _ in range(3)]
    found = detr.panoptic_quality(pictures, num_classes=3)
    expected = count_by_pixel_sets(pictures, 3)
    assert (found.pq, found.sq, found.rq) == pytest.approx(expected[:3])
    assert (found.true_positives, found.false_positives, found.false_negatives) == expected[3:]


def test_quality_by_hand():
    """Eight pixels of ten found, none besides: IoU 0.8, one pair; another object is lost. PQ = 0.8 / 1.5 = SQ · RQ."""
    true = np.full((1, 24), -1)
    true[0, :10], true[0, 12:20] = 0, 1
    predicted = np.full((1, 24), -1)
    predicted[0, :8] = 0
    found = detr.panoptic_quality([(predicted, np.array([1]), true, np.array([1, 1]))], num_classes=2)
    assert found.sq == pytest.approx(0.8)
    assert found.rq == pytest.approx(1 / 1.5)
    assert found.pq == pytest.approx(found.sq * found.rq) == pytest.approx(0.8 / 1.5)
    assert (found.true_positives, found.false_positives, found.false_negatives) == (1, 0, 1)


def test_half_an_overlap_is_no_pair():
    """IoU exactly 1/2 does not count: only above it can no second segment compete."""
    true, predicted = np.zeros((1, 4), int), np.full((1, 4), -1)
    predicted[0, :2] = 0
    found = detr.panoptic_quality([(predicted, np.array([0]), true, np.array([0]))], num_classes=1)
    assert (found.pq, found.true_positives) == (0.0, 0)


def test_the_truth_is_worth_one_and_nothing_is_worth_nothing():
    true = np.arange(4).repeat(6).reshape(4, 6)
    labels = np.array([0, 1, 1, 2])
    perfect = detr.panoptic_quality([(true, labels, true, labels)], num_classes=3)
    assert (perfect.pq, perfect.sq, perfect.rq) == (1.0, 1.0, 1.0)
    empty = np.full((4, 6), -1), np.zeros(0, int)
    assert detr.panoptic_quality([(*empty, true, labels)], num_classes=3).pq == 0.0
    assert detr.panoptic_quality([(*empty, *empty)], num_classes=3).pq == 0.0
