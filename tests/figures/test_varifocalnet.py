"""What VarifocalNet's figures hold, read from ``fig.data``."""

import numpy as np
import torch

from vizcore.figures import theme
from vizcore.figures import varifocalnet as figures
from vizcore.models.fcos import FCOSConfig, level_points, level_sizes
from vizcore.varifocalnet import (
    LOSSES,
    RANKINGS,
    Ranked,
    RefinementTrace,
    loss_curves,
    loss_surface,
    trace_assignment,
    trace_star,
)

CONFIG = FCOSConfig()
POINTS = level_points(level_sizes((128, 128), CONFIG.strides), CONFIG.strides)


def test_the_curves_are_drawn_as_they_are():
    curves = loss_curves(0.5, resolution=21)
    for gradient, values in ((False, curves.loss), (True, curves.gradient)):
        figure = figures.plot_losses(curves, gradient=gradient, p=0.25)
        for kind, drawn in zip(LOSSES, figure.data, strict=True):
            np.testing.assert_array_equal(drawn.y, values[kind])
        assert [shape.x0 for shape in figure.layout.shapes] == [0.5, 0.25]


def test_a_negative_has_no_line_at_its_target():
    assert not figures.plot_losses(loss_curves(0.0, resolution=5)).layout.shapes


def test_the_surface_is_drawn_with_target_upwards():
    surface = loss_surface("varifocal", resolution=9)
    heat, diagonal = figures.plot_loss_surface(surface).data
    np.testing.assert_array_equal(heat.z, surface.loss)
    np.testing.assert_array_equal(heat.y, surface.q)
    assert tuple(diagonal.x) == tuple(diagonal.y)


def test_the_star_and_the_plain_grid_are_drawn():
    star = trace_star(CONFIG, POINTS, torch.tensor([20.0, 30, 64, 70]))
    _, grid, points = figures.plot_star(star).data
    np.testing.assert_array_equal(np.stack([grid.x, grid.y], 1), star.grid)
    np.testing.assert_array_equal(np.stack([points.x, points.y], 1), star.points)


def test_positives_and_negatives_are_all_candidates():
    trace = trace_assignment(POINTS, CONFIG.ranges, torch.tensor([20.0, 30, 64, 70]))
    figure = figures.plot_assignment(trace)
    positives, negatives = figure.data
    assert len(positives.x) == len(trace.atss)
    assert sorted([*positives.x, *negatives.x]) == list(range(len(trace.candidates)))
    assert [shape.y0 for shape in figure.layout.shapes] == [trace.mean, trace.threshold]


def test_candidates_are_scores_against_overlaps_and_rankings_have_words():
    ranked = Ranked(
        np.zeros((2, 4), np.float32),
        np.array([0.75, 0.5], np.float32),
        np.zeros(2, np.int64),
        np.array([0.25, 1], np.float32),
    )
    (cloud,) = figures.plot_ranking(ranked).data
    assert (cloud.x.tolist(), cloud.y.tolist()) == ([0.75, 0.5], [0.25, 1])
    (bars,) = figures.plot_oracles({name: 0.5 for name in RANKINGS}).data
    assert len(bars.y) == len(set(bars.y)) == len(RANKINGS)
    assert bars.marker.color[0] == theme.PREDICTION
    assert bars.marker.color[-1] == theme.TARGET


def test_runs_are_bars_of_both_figures():
    quality = {"a": {"ap": 0.25, "ap75": 0.5}, "b": {"ap": 0.75, "ap75": 0.125}}
    ap, ap75 = figures.plot_runs(quality, {"a": "A", "b": "B"}).data
    assert (list(ap.x), list(ap75.x)) == ([0.25, 0.75], [0.5, 0.125])
    assert list(ap.y) == ["A", "B"]
    assert (ap.name, ap75.name) == ("AP", "AP75")


def test_boxes_before_and_after_are_closed_lines_over_their_scene():
    first, final = np.array([[1, 2, 5, 8], [10, 10, 20, 30]], np.float32), np.array([[2, 2, 6, 8], [9, 9, 21, 31]])
    trace = RefinementTrace(
        targets=np.arange(2),
        truth=first,
        first=first,
        final=final.astype(np.float32),
        scores=np.ones(2, np.float32),
        first_ious=np.array([0.25, 0.5], np.float32),
        final_ious=np.array([0.75, 1], np.float32),
        factors=np.ones((2, 4), np.float32),
    )
    figure = figures.plot_refinement(trace, np.zeros((32, 48, 3), np.uint8))
    (image,) = figure.layout.images
    assert (image.sizex, image.sizey) == (48, 32)
    _truth, before, after = figure.data
    assert list(before.x[:5]) == [1, 5, 5, 1, 1]
    assert list(before.y[:5]) == [2, 2, 8, 8, 2]
    assert np.isnan(after.x[5])
    assert after.text[0].endswith("IoU 0.75")
    assert len(figures.plot_refinement(trace, np.zeros((32, 48, 3), np.uint8), refined=False).data) == 2
