"""What VarifocalNet's figures hold, read from ``fig.data``."""

import numpy as np
import torch

from vizcore.figures import theme
from vizcore.figures import varifocalnet as figures
from vizcore.models.fcos import FCOSConfig, level_points, level_sizes
from vizcore.varifocalnet import LOSSES, RANKINGS, Ranked, loss_curves, loss_surface, trace_assignment, trace_star

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
