"""ATSS against a second implementation, the star against torchvision's deformable convolution, ranking by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import deform_conv2d

from tests.javascript import run_modules
from tests.scripts import printed_numbers, run_script
from vizcore.models.fcos import FCOSConfig, level_points, level_sizes
from vizcore.models.vfnet import StarConv, kernel_taps, star_offsets
from vizcore.varifocalnet import (
    RANKINGS,
    Cells,
    VarifocalNetError,
    assign_atss,
    pack_assignment,
    rank,
    rank_correlation,
    refine,
    star_kernel_offsets,
    star_points,
    trace_assignment,
    trace_star,
    write_star_script,
)

CONFIG = FCOSConfig()
POINTS = level_points(level_sizes((128, 128), CONFIG.strides), CONFIG.strides)


def plain_atss(boxes, *, top_k=9, tile=4.0):
    """Algorithm 1, cell by cell in plain Python."""
    best = {}
    centres, levels, strides = POINTS.centres.tolist(), POINTS.levels.tolist(), POINTS.strides.tolist()

    def iou(cell, box):
        (x, y), half = centres[cell], strides[cell] * tile / 2
        w = max(min(x + half, box[2]) - max(x - half, box[0]), 0)
        h = max(min(y + half, box[3]) - max(y - half, box[1]), 0)
        return w * h / (4 * half * half + (box[2] - box[0]) * (box[3] - box[1]) - w * h)

    for index, box in enumerate(boxes.tolist()):
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        candidates = []
        for level in range(len(CONFIG.levels)):
            cells = [cell for cell in range(len(levels)) if levels[cell] == level]
            candidates += sorted(cells, key=lambda cell: math.dist(centres[cell], middle))[:top_k]
        ious = [iou(cell, box) for cell in candidates]
        threshold = np.mean(ious) + np.std(ious, ddof=1)
        for cell, overlap in zip(candidates, ious, strict=True):
            x, y = centres[cell]
            inside = box[0] < x < box[2] and box[1] < y < box[3]
            if overlap >= threshold and inside and overlap > best.get(cell, (0, -1))[0]:
                best[cell] = (overlap, index)
    return [best.get(cell, (0, -1))[1] for cell in range(len(levels))]


def random_boxes(number, seed):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(number, 2, generator=generator) * 90
    return torch.cat([corners, corners + 4 + torch.rand(number, 2, generator=generator) * 60], 1)


@pytest.mark.parametrize("seed", range(8))
def test_atss_is_a_second_implementation_of_itself(seed):
    boxes = random_boxes(1 + seed, seed)
    assert assign_atss(POINTS, boxes).tolist() == plain_atss(boxes)


def test_no_object_leaves_background_alone():
    assert (assign_atss(POINTS, torch.zeros(0, 4)) == -1).all()


@given(st.integers(0, 10_000))
def test_a_recorded_assignment_holds_its_own_reasons(seed):
    (box,) = random_boxes(1, seed)
    trace = trace_assignment(POINTS, CONFIG.ranges, box)
    positives = trace.candidates[(trace.ious >= np.float32(trace.threshold)) & trace.inside]
    assert sorted(positives.tolist()) == trace.atss.tolist()
    assert trace.threshold == pytest.approx(float(np.mean(trace.ious) + np.std(trace.ious, ddof=1)), abs=1e-5)
    assert trace.atss.tolist() == (assign_atss(POINTS, box[None]) >= 0).nonzero()[:, 0].tolist()
    counts = np.bincount(trace.levels[trace.candidates])
    assert counts.tolist() == [9, 9, 9, 4]  # P6 has no more


def test_the_browser_reads_the_assignment_as_it_was():
    trace = trace_assignment(POINTS, CONFIG.ranges, torch.tensor([20.0, 30, 60, 90]))
    shown = run_modules({"shared/bytes.js": "unpack"}, "return unpack(inputs[0]).arrays;", pack_assignment(trace))
    np.testing.assert_array_equal(shown["ious"], trace.ious)
    assert shown["positive"].sum() == len(trace.atss)
    assert len(shown["fcos_strides"]) == len(trace.fcos)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([5.0, 1, 2, 4], "inverted"),
        ([1.0, 1, 1, 4], "no width or no height"),
        ([math.nan, 1, 1, 4], "not finite"),
    ],
)
def test_a_box_nothing_can_find_is_refused_in_a_sentence(box, words):
    with pytest.raises(VarifocalNetError, match=words):
        trace_assignment(POINTS, CONFIG.ranges, torch.tensor(box))
    with pytest.raises(VarifocalNetError, match=words):
        trace_star(CONFIG, POINTS, torch.tensor(box))


def test_numbers_atss_cannot_use_are_refused():
    box = torch.tensor([1.0, 1, 9, 9])
    for options in ({"top_k": 0}, {"tile": 0.0}, {"tile": math.nan}):
        with pytest.raises(VarifocalNetError, match="ATSS needs"):
            trace_assignment(POINTS, CONFIG.ranges, box, **options)


def test_the_nine_points_by_hand():
    found = star_points(torch.tensor([[10.0, 20]]), torch.tensor([[1.0, 2, 3, 4]]))
    rows = [[(9, 18), (10, 18), (13, 18)], [(9, 20), (10, 20), (13, 20)], [(9, 24), (10, 24), (13, 24)]]
    assert found[0].tolist() == [list(map(float, point)) for row in rows for point in row]


@pytest.mark.parametrize("seed", range(3))
def test_a_deformed_convolution_with_the_stars_offsets_reads_the_nine_points(seed):
    # On a map that says its own x (then y), the sum over one tap of the kernel is where that tap looked.
    generator = torch.Generator().manual_seed(seed)
    stride, size = 8, 9
    point = torch.tensor([[4.5 * stride, 4.5 * stride]])  # the middle of cell (4, 4)
    distances = torch.rand(1, 4, generator=generator) * 30
    offsets = star_kernel_offsets(distances, stride)
    everywhere = offsets.flip(-1).reshape(1, 18, 1, 1).expand(1, 18, size, size)
    centres = (torch.arange(size) + 0.5) * stride
    maps = torch.stack([centres.expand(size, size), centres[:, None].expand(size, size)])[None]
    for tap in range(9):
        weight = torch.zeros(2, 2, 3, 3)
        weight[0, 0, tap // 3, tap % 3] = weight[1, 1, tap // 3, tap % 3] = 1
        read = deform_conv2d(maps, everywhere.contiguous(), weight, padding=1)[0, :, 4, 4]
        torch.testing.assert_close(read, star_points(point, distances)[0, tap], atol=1e-3, rtol=0)


def test_the_star_convolution_and_its_gradients_are_torchvisions():
    torch.manual_seed(0)
    layer = StarConv(5)
    x, distances = torch.randn(2, 5, 6, 7, requires_grad=True), (torch.rand(2, 4, 6, 7) * 6).requires_grad_()
    ours = layer(x, kernel_taps(star_offsets(distances)))
    theirs = torch.relu(deform_conv2d(x, star_offsets(distances), layer.weight, padding=1))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    inputs = (x, distances, layer.weight)
    for a, b in zip(
        torch.autograd.grad(ours.square().sum(), inputs),
        torch.autograd.grad(theirs.square().sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)


def test_a_refinement_scales_each_side_by_its_own_factor():
    refined = refine(torch.tensor([[10.0, 20]]), torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([[2.0, 1, 0.5, 1]]))
    assert refined.tolist() == [[8, 18, 11.5, 24]]


def test_a_star_stands_on_the_level_that_owns_the_box_and_ends_on_its_corners():
    box = torch.tensor([20.0, 30, 64, 70])
    star = trace_star(CONFIG, POINTS, box)
    # The farthest side from near (42, 50) is about 22: below 3 · 8 pixels, so P3.
    assert (star.level, star.stride) == ("P3", 8)
    np.testing.assert_allclose(star.points[[0, 8]].ravel(), box)
    np.testing.assert_allclose(star.points[4], star.point)
    np.testing.assert_allclose(star.grid + star.offsets * star.stride, star.points, atol=1e-4)
    assert max(abs(star.point - np.array([42, 50]))) <= 4


def test_what_has_no_star_is_refused_in_a_sentence():
    with pytest.raises(VarifocalNetError, match="No level has a cell"):
        trace_star(CONFIG, POINTS, torch.tensor([300.0, 300, 320, 320]))
    with pytest.raises(VarifocalNetError, match="inverted"):
        star_points(torch.zeros(1, 2), torch.tensor([[1.0, 1, -2, 1]]))
    with pytest.raises(VarifocalNetError, match="not finite"):
        star_points(torch.zeros(1, 2), torch.tensor([[1.0, 1, math.inf, 1]]))
    with pytest.raises(VarifocalNetError, match="stride must be positive"):
        star_kernel_offsets(torch.ones(1, 4), 0)


def test_the_script_prints_the_star():
    point, distances = [36.0, 44.0], [5.5, 10.0, 20.25, 3.0]
    printed = np.array(printed_numbers(run_script(write_star_script(point, distances, 8)))).reshape(9, 4)
    np.testing.assert_allclose(printed[:, :2], star_points(torch.tensor([point]), torch.tensor([distances]))[0])
    np.testing.assert_allclose(printed[:, 2:], star_kernel_offsets(torch.tensor([distances]), 8)[0], atol=1e-4)


def some_cells(seed: int = 0) -> Cells:
    """A picture with three objects, whose cells say a shaken box and some scores."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.tensor([[10.0, 10, 40, 50], [60, 20, 120, 90], [20, 70, 50, 110]])
    owners = assign_atss(POINTS, targets)
    shaken = targets[owners.clamp(min=0)] + torch.randn(len(owners), 4, generator=generator) * 3
    return Cells(
        points=POINTS.centres.numpy(),
        probabilities=(torch.rand(len(owners), 3, generator=generator) * 0.9).numpy(),
        centerness=torch.rand(len(owners), generator=generator).numpy(),
        boxes=shaken.numpy(),
        owners=owners.numpy(),
        targets=targets.numpy(),
        labels=np.array([0, 1, 1]),
    )


@pytest.mark.parametrize("ranking", RANKINGS)
def test_a_ranking_is_in_order_and_its_ious_are_true(ranking):
    cells = some_cells()
    ranked = rank(cells, ranking)
    assert (np.diff(ranked.scores) <= 0).all()
    assert ((ranked.ious >= 0) & (ranked.ious <= 1)).all()
    for box, label, iou in itertools.islice(zip(ranked.boxes, ranked.labels, ranked.ious, strict=True), 5):
        overlaps = [0.0]
        for target, wanted in zip(cells.targets, cells.labels, strict=True):
            w = max(min(box[2], target[2]) - max(box[0], target[0]), 0)
            h = max(min(box[3], target[3]) - max(box[1], target[1]), 0)
            areas = (box[2] - box[0]) * (box[3] - box[1]) + (target[2] - target[0]) * (target[3] - target[1])
            overlaps.append(float(w * h / (areas - w * h)) if wanted == label else 0.0)
        assert iou == pytest.approx(max(overlaps), abs=1e-5)


def test_each_oracle_tells_what_it_knows():
    cells = some_cells()
    assert rank(cells, "gt_cls").scores[:3].tolist() == [1, 1, 1]
    best = rank(cells, "gt_cls_iou", score_threshold=0.0)
    true = best.ious[best.scores == best.ious]
    assert len(true) >= 3  # a positive that knows its IoU has it as its score
    positives = cells.owners >= 0
    exact = rank(cells, "gt_bbox", most=1000, iou_threshold=1.0)
    assert (exact.ious > 0.999).sum() >= positives.sum()


def test_iacs_is_the_probability_itself_and_centerness_its_geometric_mean():
    cells = some_cells()
    assert rank(cells, "iacs").scores[0] == cells.probabilities.max()
    both = np.sqrt(cells.probabilities * cells.centerness[:, None])
    assert rank(cells, "cls_ctr").scores[0] == pytest.approx(both.max())


def test_a_picture_without_objects_has_candidates_of_no_overlap():
    cells = some_cells()
    empty = Cells(
        cells.points,
        cells.probabilities,
        cells.centerness,
        cells.boxes,
        np.full_like(cells.owners, -1),
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int64),
    )
    for ranking in RANKINGS:
        assert not rank(empty, ranking).ious.any()


def test_an_unknown_ranking_is_refused():
    with pytest.raises(VarifocalNetError, match="no ranking 'mine'"):
        rank(some_cells(), "mine")


def test_rank_correlation_is_that_of_mean_ranks_and_refuses_what_has_no_order():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 10, 60).astype(float)
    y = x + generator.integers(0, 6, 60)

    def mean_ranks(values):  # as many below, and half of those that are equal
        return [(values < value).sum() + (values == value).sum() / 2 for value in values]

    assert rank_correlation(x, y) == pytest.approx(np.corrcoef(mean_ranks(x), mean_ranks(y))[0, 1])
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([9.0, 5, 1])) == pytest.approx(-1)
    for scores, ious in ((x[:1], y[:1]), (np.ones(5), y[:5])):
        with pytest.raises(VarifocalNetError, match="rank correlation needs"):
            rank_correlation(scores, ious)
