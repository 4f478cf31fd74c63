from __future__ import annotations

import numpy as np
import pytest

from vizcore.figures import theme
from vizcore.figures.iou_losses import (
    QUANTITIES,
    TITLES,
    plot_disjoint_errors,
    plot_final_error,
    plot_landscape,
    plot_metric_checks,
    plot_race,
    plot_simulation,
    style_of,
)
from vizcore.iou_losses import (
    KINDS,
    PROPERTIES,
    loss_landscape,
    search_counterexample,
    simulate_regression,
    trace_descent,
)

BOX, TARGET = (10, 20, 60, 90), (150, 100, 230, 140)


def test_every_loss_looks_different_without_colour_too():
    assert len({style_of(kind)[0] for kind in KINDS}) == len(KINDS)
    assert len({style_of(kind)[1:] for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("over", ["position", "size"])
def test_landscape_shows_the_loss_the_places_and_arrows_downhill(over):
    landscape = loss_landscape("giou", BOX, TARGET, size=(240, 320), over=over, resolution=31)
    figure = plot_landscape(landscape)
    heat, under, over_, *rest = figure.data
    np.testing.assert_array_equal(heat.z, landscape.loss)
    np.testing.assert_array_equal(under.x, over_.x)
    tails = np.stack([over_.x[0::3], over_.y[0::3]], axis=1)
    heads = np.stack([over_.x[1::3], over_.y[1::3]], axis=1)
    assert len(tails) > 50
    for tail, head in zip(tails[::7], heads[::7], strict=True):
        column, row = np.abs(landscape.x - tail[0]).argmin(), np.abs(landscape.y - tail[1]).argmin()
        assert np.dot(head - tail, landscape.gradient[row, column]) < 0
    places = {trace.name: (trace.x[0], trace.y[0]) for trace in rest if trace.mode == "markers" and len(trace.x) == 1}
    if over == "position":
        assert places == {"prediction": (35, 55), "target": (190, 120)}
        assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # y grows downwards, as on the stage
    else:
        assert places == {"prediction": (50, 70), "target": (80, 40)}


def test_a_flat_landscape_has_no_arrows():
    landscape = loss_landscape("iou", (0, 0, 10, 10), (1000, 1000, 1010, 1010), size=(100, 100), resolution=11)
    assert len(plot_landscape(landscape).data[1].x) == 0


def test_a_landscape_with_nan_is_drawn_where_it_is_finite():
    landscape = loss_landscape("ciou", (10, 50, 60, 50), TARGET, size=(240, 320), resolution=11)
    assert np.isnan(landscape.gradient).all()
    assert len(plot_landscape(landscape).data[1].x) == 0


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_race_has_one_curve_per_loss_and_marks_the_step(quantity):
    trace = trace_descent(["iou", "giou", "ciou"], BOX, TARGET, num_steps=10)
    figure = plot_race(trace, quantity=quantity, step=4)
    assert [curve.name for curve in figure.data] == ["IoU", "GIoU", "CIoU"]
    np.testing.assert_array_equal(figure.data[1].y, getattr(trace, quantity)[1])
    assert figure.layout.shapes[0].x0 == 4
    assert [curve.line.dash for curve in figure.data] == [style_of(kind)[1] for kind in trace.kinds]


def test_simulation_has_three_panels_of_all_losses():
    simulation = simulate_regression(1)
    figure = plot_simulation(simulation)
    assert len(figure.data) == 12
    np.testing.assert_array_equal(figure.data[1].y, simulation.mean_error[1])
    np.testing.assert_array_equal(figure.data[4].y, simulation.share_above_half[0])
    np.testing.assert_array_equal(figure.data[11].y, simulation.share_above_nine_tenths[3])
    assert sum(curve.showlegend for curve in figure.data) == 4


def test_final_error_is_drawn_by_center_and_thinned():
    simulation = simulate_regression(5, kinds=["iou", "giou"])
    figure = plot_final_error(simulation, most=3)
    assert len(figure.data) == 2
    np.testing.assert_array_equal(figure.data[0].x, simulation.centers[::2, 0])
    np.testing.assert_array_equal(figure.data[1].marker.color, simulation.final_error[1, ::2])
    assert figure.data[0].marker.cmax == figure.data[1].marker.cmax


def test_disjoint_errors_set_both_gradients_side_by_side():
    runs = [simulate_regression(1, gradient=gradient) for gradient in ("official", "exact")]
    figure = plot_disjoint_errors(runs)
    for bar, run in zip(figure.data, runs, strict=True):
        np.testing.assert_array_equal(bar.y, run.disjoint_summed_error)
        assert list(bar.x) == ["IoU", "GIoU", "DIoU", "CIoU"]
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape


def test_metric_table_says_what_was_found():
    checks = [search_counterexample(kind, name) for kind in ("iou", "diou") for name in PROPERTIES]
    table = plot_metric_checks(checks).data[0]
    assert list(table.y) == ["IoU", "DIoU"]
    assert table.x[3] == "Triangle inequality"
    assert list(table.text[0]) == ["✓"] * 5
    assert table.text[1][3].startswith("✗ 0.")
    assert table.z[1][3] == 0


def test_words_go_through_the_translator():
    asked = []

    def shout(words: str) -> str:
        asked.append(words)
        return words.upper()

    simulation = simulate_regression(1)
    figures = [
        plot_landscape(loss_landscape("iou", BOX, TARGET, size=(100, 100), resolution=5), translate=shout),
        plot_race(trace_descent(["iou"], BOX, TARGET, num_steps=2), translate=shout),
        plot_simulation(simulation, translate=shout),
        plot_final_error(simulation, translate=shout),
        plot_disjoint_errors([simulation], translate=shout),
        plot_metric_checks([search_counterexample("iou", "symmetry", num_tries=64)], translate=shout),
    ]
    assert figures[0].layout.xaxis.title.text == "CENTER X (PX)"
    assert figures[1].layout.xaxis.title.text == "STEP"
    assert len(set(asked)) >= 12
    assert all(figure.layout.paper_bgcolor == "rgba(0,0,0,0)" for figure in figures)
    assert set(TITLES) == set(KINDS)
    assert theme.HALO[0] != theme.HALO[1]
