"""Pictures of the image pyramid: every mark stands for the number it should."""

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.vizcore.test_image_pyramid_sliding import IMAGE, made_up_levels
from vizcore.costs import Cost, total
from vizcore.figures import image_pyramid as figures
from vizcore.figures import theme
from vizcore.image_pyramid import (
    ALIASING_METHODS,
    PARTS,
    AliasingTrace,
    HaarFeature,
    UnitCosts,
    pyramid_cost,
    slide_window,
)

UNITS = UnitCosts(
    cell={
        "backbone": Cost(multiply_adds=9_000_000, activation_bytes=640),
        "classifier": Cost(multiply_adds=2_000_000, activation_bytes=64),
    },
    crop={
        "backbone": Cost(multiply_adds=440_000_000, activation_bytes=3200),
        "classifier": Cost(multiply_adds=90_000_000, activation_bytes=320),
    },
    coarse_cell={
        "backbone": Cost(multiply_adds=36_000_000, activation_bytes=2560),
        "feature pyramid": Cost(multiply_adds=8_000_000, activation_bytes=256),
        "detection heads": Cost(multiply_adds=30_000_000, activation_bytes=512),
    },
)


@pytest.fixture
def trace():
    return slide_window(IMAGE, made_up_levels(0), label=2, score_threshold=0.25)


@pytest.fixture
def cost():
    return pyramid_cost(UNITS, [(320, 416), (256, 320)], scale_step=1.3)


def test_level_scores_are_the_best_windows(trace):
    figure = figures.plot_level_scores(trace, {"other": (0.5, 0.25)}, name="mine")
    mine, other = figure.data
    assert mine.name == "mine"
    assert list(mine.y) == [float(trace.score_map(level).max()) for level in range(2)]
    assert [int(index) for index in mine.customdata] == [trace.best_on(level) for level in range(2)]
    # 224 of 416 × 320 pixels on a photo of 400 × 300: √(215.4 · 210) pixels; larger on the smaller level.
    assert mine.x[0] == pytest.approx(np.sqrt(224 * 400 / 416 * 224 * 300 / 320), rel=1e-5)
    assert mine.x[0] < mine.x[1]
    assert list(other.y) == [0.5, 0.25]
    assert other.line.dash != mine.line.dash
    assert other.marker.symbol != mine.marker.symbol
    assert figure.layout.shapes[0].y0 == 0.25


def test_level_costs_stand_beside_the_series(cost):
    bars, series = figures.plot_level_costs(cost, scale_step=1.3).data
    assert list(bars.customdata) == [level.multiply_adds for level in cost.levels]
    assert bars.y[0] == 1
    assert bars.y[1] == pytest.approx(8 * 10 / (10 * 13))
    assert list(series.y) == pytest.approx([1, 1.3**-2])


def test_alternatives_add_up(cost):
    figure = figures.plot_alternatives(cost)
    assert [bar.name for bar in figure.data] == list(PARTS)
    sums = np.sum([bar.customdata for bar in figure.data], axis=0)
    assert sums.tolist() == [total(cost.image_pyramid).multiply_adds, total(cost.feature_pyramid).multiply_adds]
    assert len({bar.marker.pattern.shape for bar in figure.data}) == len(PARTS)
    assert len({bar.marker.color for bar in figure.data}) == len(PARTS)


def aliasing():
    frequencies = np.linspace(0, 0.5, 5)
    return AliasingTrace(
        frequencies=frequencies,
        amplitudes={method: frequencies * index for index, method in enumerate(ALIASING_METHODS)},
        pictures={method: np.full((4, 4), float(index)) for index, method in enumerate(ALIASING_METHODS)},
    )


def test_amplitudes_are_drawn_as_they_are():
    figure = figures.plot_amplitudes(aliasing())
    for index, line in enumerate(figure.data):
        np.testing.assert_array_equal(line.y, np.linspace(0, 0.5, 5) * index)
    assert len({line.line.dash for line in figure.data}) == 3
    assert figure.layout.shapes[0].x0 == 0.25


def test_pictures_stand_in_the_order_of_their_titles():
    figure = figures.plot_zone_plates(aliasing())
    assert [float(picture.z.mean()) for picture in figure.data] == [0, 1, 2]
    assert [words.text for words in figure.layout.annotations] == list(figures.METHOD_WORDS.values())
    assert figure.layout.yaxis2.scaleanchor == "x2"
    assert figure.layout.yaxis.autorange == "reversed"


def test_the_haar_feature_is_drawn_where_it_is():
    rectangles = ((-1, 7, 3, 4, 18), (1, 11, 3, 4, 18))
    haar = HaarFeature(np.zeros((24, 24)), rectangles, 1.0, 1.0, 6, 144)
    figure = figures.plot_shared(haar, np.ones((3, 3)), np.ones((2, 2)))
    upper, lower = figure.layout.shapes
    assert (upper.x0, upper.x1, upper.y0, upper.y1) == (2.5, 20.5, 6.5, 10.5)
    assert (lower.y0, lower.y1) == (10.5, 14.5)
    assert upper.line.dash != lower.line.dash
    assert [picture.z.shape for picture in figure.data] == [(24, 24), (3, 3), (2, 2)]


def said(words):
    """A language that every label shows."""
    return f"<{words}>"


def test_the_readers_language_is_spoken(trace, cost):
    drawn = [
        figures.plot_level_scores(trace, name="x", translate=said),
        figures.plot_level_costs(cost, scale_step=1.3, translate=said),
        figures.plot_amplitudes(aliasing(), translate=said),
    ]
    for figure in drawn:
        assert figure.layout.yaxis.title.text.startswith("<")
    assert [bar.name for bar in figures.plot_alternatives(cost, translate=said).data] == [said(part) for part in PARTS]


def test_every_figure_is_one_plotly_accepts(trace, cost):
    for figure in (
        figures.plot_level_scores(trace),
        figures.plot_level_costs(cost, scale_step=1.3),
        figures.plot_alternatives(cost),
        figures.plot_amplitudes(aliasing()),
        figures.plot_zone_plates(aliasing()),
    ):
        go.Figure(figure.to_dict())
    assert theme.sequential_colors(3)[0] != theme.sequential_colors(3)[2]
    assert theme.SEQUENTIAL == "Viridis"
