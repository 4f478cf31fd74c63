"""What the page is computed from: splats with their worst boxes, painted losses, decoded runs and their angles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from tests.javascript import evaluate_javascript
from vizcore.centernet import (
    CenterNetError,
    CenterNetRun,
    compile_splat,
    decode,
    decode_run,
    draw_heatmap,
    focal_loss,
    match_angles,
    paint_loss,
    radius_curves,
    read_angles,
    trace_splat,
)

SIDES = st.floats(1.5, 60)


@settings(max_examples=15, deadline=None)
@given(SIDES, SIDES, st.floats(0.1, 0.95))
def test_the_worst_box_of_a_splat_is_what_a_search_over_all_boxes_finds(width, height, overlap):
    trace = trace_splat([[3, 4, 3 + width, 4 + height]], [0], (64, 96), 1, min_overlap=overlap)
    radius = trace.radii["exact"][0]
    truth = torch.tensor([[0, 0, width, height]], dtype=torch.float64)
    moves = torch.tensor(list(itertools.product(np.linspace(-radius, radius, 5), repeat=4)), dtype=torch.float64)
    found = float(box_iou(truth, truth + moves).min())
    assert trace.worst["exact"][0].iou == pytest.approx(found, abs=1e-9)
    assert found == pytest.approx(overlap, abs=1e-9)  # the exact radius keeps what it promises, and no more
    assert trace.worst["released"][0].iou < overlap


def test_the_browser_moves_edges_as_torch_does():
    generator = np.random.default_rng(3)
    rows = np.column_stack([generator.uniform(2, 80, (200, 2)), generator.uniform(0, 30, 200)])
    signs = generator.choice([-1.0, 1.0], (200, 4))
    found = evaluate_javascript(compile_splat(), "moved_iou", np.hstack([rows, signs]))[:, 0]
    for (height, width, radius), (dx1, dy1, dx2, dy2), iou in zip(rows, signs, found, strict=True):
        moved = [dx1 * radius, dy1 * radius, width + dx2 * radius, height + dy2 * radius]
        if moved[2] <= moved[0] or moved[3] <= moved[1]:
            assert iou == 0
        else:
            truth = torch.tensor([[0, 0, width, height]], dtype=torch.float64)
            assert iou == pytest.approx(float(box_iou(truth, torch.tensor([moved], dtype=torch.float64))), rel=1e-9)


def test_a_splat_counts_peaks_and_what_is_lost():
    # Centres in cells (5, 5), (5, 5), (6, 5) and, of the other class, (5, 5).
    boxes = [[1, 1, 10, 10], [1.4, 1.4, 9.9, 9.9], [2, 1, 11, 10], [1, 1, 10, 10]]
    trace = trace_splat(boxes, [0, 0, 0, 1], (16, 16), 2)
    assert trace.lost == (False, True, False, False)
    assert trace.positives == (2, 1)
    assert trace.maxima == (2, 1)  # equal neighbours are both peaks
    np.testing.assert_array_equal(
        trace.heatmap, draw_heatmap(torch.tensor(boxes), torch.tensor([0, 0, 0, 1]), (16, 16), 2).numpy()
    )
    none = trace_splat([], [], (4, 4), 1)
    assert (none.positives, none.lost, none.radii["exact"]) == ((0,), (), ())


def test_curves_of_both_radii():
    curves = radius_curves(min_overlap=0.7, most=32)
    place = curves.sides.tolist().index(32)
    assert curves.radii["released"][place] == pytest.approx(8.746, abs=1e-3)
    assert curves.radii["exact"][place] == pytest.approx(2.614, abs=1e-3)
    np.testing.assert_allclose(curves.ious["exact"], 0.7)
    assert curves.ious["released"].max() < 0.25
    assert 3.3 < curves.least_ratio < curves.most_ratio < 4


def test_a_painted_loss_is_the_loss_of_what_was_painted():
    box, rule = [[2, 2, 14, 12]], {"min_overlap": 0.3}
    painted = paint_loss(box, (15, 18), [(8, 7, 0.9), (1, 1, 0.5), (1, 1, 0.6)], probability=0.2, **rule)
    assert painted.prediction[0, 1, 1] == pytest.approx(0.6)
    wanted = torch.full((1, 15, 18), 0.2)
    wanted[0, 7, 8], wanted[0, 1, 1] = 0.9, 0.6
    loss = focal_loss(wanted, torch.from_numpy(painted.target))
    assert painted.maps.loss == pytest.approx(float(loss))
    shifted = paint_loss(box, (15, 18), start="shifted", **rule)
    assert np.argwhere(shifted.prediction[0] == 1).tolist() == [[7, 9]]
    perfect = paint_loss(box, (15, 18), start="target", **rule)
    assert perfect.maps.terms[0, 7, 8] == pytest.approx(1e-12, rel=1)  # clamped at 0.9999


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "x"}, "no start"),
        ({"probability": 1.5}, "from 0 to 1"),
        ({"probability": math.nan}, "from 0 to 1"),
        ({"painted": [(18, 0, 0.5)]}, "off the map"),
        ({"painted": [(0, 0, -0.1)]}, "off the map"),
    ],
)
def test_what_cannot_be_painted_is_told(options, words):
    with pytest.raises(CenterNetError, match=words):
        paint_loss([[2, 2, 14, 12]], (15, 18), **options)


def made_up_run(seed: int = 0) -> CenterNetRun:
    generator = torch.Generator().manual_seed(seed)
    heatmap, offsets = torch.rand(2, 8, 9, generator=generator), torch.rand(2, 8, 9, generator=generator)
    sizes, turns = 1 + 3 * torch.rand(2, 8, 9, generator=generator), torch.randn(2, 8, 9, generator=generator)
    return CenterNetRun(heatmap.numpy(), offsets.numpy(), sizes.numpy(), turns.numpy())


def test_without_the_offset_head_the_middle_of_the_cell_stands_in():
    run = made_up_run()
    boxes, scores, _labels = decode(torch.from_numpy(run.heatmap), None, torch.from_numpy(run.sizes), k=6)
    trace = decode_run(run, k=6, use_offsets=False)
    np.testing.assert_allclose(trace.boxes, boxes + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(trace.scores, scores)
    with pytest.raises(CenterNetError, match="k must be"):
        decode_run(run, k=1000)


def test_angles_are_read_and_matched_within_their_symmetry():
    run = made_up_run(1)
    trace = decode_run(run, k=5)
    angles = read_angles(run, trace, (4, 0))
    assert np.isnan(angles[trace.labels == 1]).all()
    rank = int(np.flatnonzero(trace.labels == 0)[0])
    x, y = trace.cells[rank]
    cosine, sine = run.turns[:, y, x]
    assert 4 * angles[rank] % (2 * math.pi) == pytest.approx(math.atan2(sine, cosine) % (2 * math.pi), abs=1e-5)
    boxes = trace.boxes[[rank]] * 4
    # A quarter turn and three degrees more is three degrees away for a square.
    true = np.array([angles[rank] + math.pi / 2 + math.radians(3)], np.float32)
    arguments = (trace, angles, boxes, np.array([0]), true, (4, 0))
    (match,) = match_angles(*arguments, score_threshold=0.0)
    assert match.rank == rank
    assert match.error == pytest.approx(3, abs=1e-3)
    (missed,) = match_angles(*arguments, score_threshold=1.1)
    assert missed.rank == -1
    assert math.isnan(missed.error)
    assert match_angles(trace, angles, boxes, np.array([1]), true, (4, 0), score_threshold=0.0) == ()
