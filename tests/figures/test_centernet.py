"""What CenterNet's figures hold, read from ``fig.data``."""

import numpy as np
import torch

from vizcore.centernet import FORMULAS, draw_heatmap, gaussian_radius, loss_maps, trace_decode, worst_box
from vizcore.figures import centernet as figures
from vizcore.figures import theme


def test_the_radii_show_the_worst_overlap_of_each_formula():
    sides = np.array([4.0, 16, 64])
    radii = {name: np.array([gaussian_radius(s, s, formula=name) for s in sides]) for name in FORMULAS}
    ious = {n: np.array([worst_box(s, s, r).iou for s, r in zip(sides, radii[n], strict=True)]) for n in FORMULAS}
    exact, released = figures.plot_radii(sides, radii, ious, min_overlap=0.7).data
    np.testing.assert_allclose(exact.y, 0.7)
    np.testing.assert_array_equal(released.customdata, radii["released"])
    assert max(released.y) < 0.3


def test_the_worst_box_is_drawn_beside_the_true_one():
    worst = {name: worst_box(20, 30, gaussian_radius(20, 30, formula=name)) for name in FORMULAS}
    true, exact, _ = figures.plot_worst_box((20, 30), worst).data
    assert (max(true.x), max(true.y)) == (30, 20)
    assert (exact.x[0], exact.y[0], exact.x[1], exact.y[2]) == worst["exact"].box
    assert "0.70" in exact.name


def test_maps_and_losses_are_drawn_as_they_are():
    target = draw_heatmap(torch.tensor([[2.0, 2, 9, 9]]), torch.tensor([0]), (12, 12), 1)
    (drawn,) = figures.plot_heatmap(target[0].numpy()).data
    np.testing.assert_array_equal(drawn.z, target[0].numpy())
    maps = loss_maps(torch.full_like(target, 0.25), target)
    loss, peaks = figures.plot_loss(maps, 0).data
    np.testing.assert_array_equal(loss.z, maps.terms[0])
    assert (peaks.x.tolist(), peaks.y.tolist()) == ([5], [5])
    gradient, _ = figures.plot_loss(maps, 0, gradient=True).data
    np.testing.assert_array_equal(gradient.z, maps.gradient[0])
    assert gradient.zmin == -gradient.zmax


def test_scores_stand_by_rank_and_the_step_is_marked():
    heatmap = torch.zeros(1, 8, 8)
    heatmap[0, 2, 2], heatmap[0, 5, 5] = 0.75, 0.5
    (bars,) = figures.plot_scores(trace_decode(heatmap, None, torch.ones(2, 8, 8), 3), position=1).data
    assert bars.y.tolist() == [0.75, 0.5, 0]
    assert bars.marker.color[:2] == (theme.KEPT, theme.CURRENT)


def test_each_way_to_decode_has_its_bars_and_words():
    quality = {name: {"ap": 0.5, "ap75": 0.25} for name in figures.ABLATION_NAMES}
    ap, ap75 = figures.plot_ablation(quality, translate=str.upper).data
    assert set(ap.x) == {0.5}
    assert set(ap75.x) == {0.25}
    assert "FLIP TEST" in ap.y
