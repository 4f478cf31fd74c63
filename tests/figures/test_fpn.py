"""Figures of the feature pyramid: what is drawn is what was measured."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest
from torch import nn

from vizcore import fpn
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.figures import fpn as figures
from vizcore.figures import theme
from vizcore.models.fcos import FCOS, Detector, FCOSConfig
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16, num_convs=1)


@pytest.fixture(scope="module")
def detector():
    with seeded(0):
        fcos = FCOS(CONFIG)
        nn.init.normal_(fcos.head.class_logits.weight, std=0.3)
    return Detector(fcos)


@pytest.fixture(scope="module")
def photo():
    return draw_scene("validation", 3, size=192).pixels


@pytest.fixture(scope="module")
def trace(detector, photo):
    return fpn.trace_fpn(detector, photo, score_threshold=0.3)


@pytest.fixture(scope="module")
def field(detector, photo):
    return fpn.effective_receptive_field(detector, photo, "P3", (5, 7))


def test_every_final_box_stands_on_the_row_of_its_level(trace):
    figure = figures.plot_level_sizes(trace, say_class=str.upper)
    assert len(trace.keep) > 3
    places = []
    for cloud, level in zip(figure.data, CONFIG.levels, strict=True):
        assert set(cloud.y) <= {level}
        for place, x, words in zip(cloud.customdata, cloud.x, cloud.text, strict=True):
            index = trace.keep[place]
            left, top, right, bottom = trace.input_boxes[index].astype(float)
            assert x == pytest.approx(math.sqrt((right - left) * (bottom - top)))
            assert CONFIG.levels[trace.level_of[index]] == level
            assert words == f"{CLASSES[trace.labels[index]].upper()} {trace.scores[index]:.2f}"
            places.append(place)
    assert sorted(places) == list(range(len(trace.keep)))
    assert list(figure.layout.yaxis.categoryarray) == list(CONFIG.levels)[::-1]  # coarse below, fine above
    assert len({cloud.marker.symbol for cloud in figure.data}) == len(CONFIG.levels)


def test_a_photo_where_nothing_was_found_has_empty_rows(trace):
    figure = figures.plot_level_sizes(fpn.refilter(trace, score_threshold=1.0, iou_threshold=0.5))
    assert all(len(cloud.x) == 0 for cloud in figure.data)
    assert len(figure.data) == len(CONFIG.levels)
    assert np.isfinite(figure.layout.xaxis.range).all()


def test_stairs_are_the_two_rules():
    curve = fpn.ownership_curve(CONFIG)
    figure = figures.plot_ownership(curve, size=100, translate=str.upper)
    paper, fcos = figure.data
    assert list(paper.y) == curve.paper.tolist()
    assert list(fcos.y) == curve.fcos.tolist()
    assert list(paper.x) == curve.sides.tolist()
    assert paper.name == "BY AREA (FPN)"
    assert paper.line.dash != fcos.line.dash
    assert figure.layout.shapes[0].x0 == 100
    assert list(figure.layout.yaxis.ticktext) == ["P2", "P3", "P4", "P5", "P6"]
    assert not figures.plot_ownership(curve).layout.shapes


def test_quality_is_drawn_as_it_was_measured():
    qualities = {
        "fpn": {"ap": 0.5, "ap50": 0.8, "ap_small": 0.3, "ap_medium": 0.6, "ap_large": -1.0},
        "top": {"ap": 0.2, "ap50": 0.4, "ap_small": 0.0, "ap_medium": 0.3, "ap_large": 0.5},
    }
    figure = figures.plot_quality(qualities)
    top, pyramid = figure.data  # in the paper's order, (b) before (d)
    assert list(pyramid.y) == [0.5, 0.8, 0.3, 0.6, 0.0]
    assert pyramid.text[-1] == "–"  # no such object: no figure, and no zero
    assert list(top.y) == [0.2, 0.4, 0.0, 0.3, 0.5]
    assert top.text[2] == "0.00"
    assert top.marker.pattern.shape != pyramid.marker.pattern.shape


def test_the_histogram_counts_every_object():
    sizes = fpn.measure_sizes(draw_scene("train", index, size=256) for index in range(8))
    figure = figures.plot_scene_sizes(sizes, say_class=str.upper)
    assert [bars.name for bars in figure.data] == [name.upper() for name in CLASSES]
    assert sum(sum(bars.y) for bars in figure.data) == len(sizes.sizes)
    for label, bars in enumerate(figure.data):
        assert sum(bars.y) == (sizes.labels == label).sum()
        for (low, high), count in zip(bars.customdata, bars.y, strict=True):
            chosen = sizes.sizes[sizes.labels == label]
            assert ((chosen >= low) & (chosen < high)).sum() == count
    words = " ".join(annotation.text for annotation in figure.layout.annotations)
    assert all(f"{name}: {count}" in words for name, count in sizes.size_classes.items())
    assert [shape.x0 for shape in figure.layout.shapes] == [32, 96]
    # Two rows of the legend and the names of the sizes stand above the plot, away from the axis's title.
    legend = figure.layout.legend
    assert (legend.yref, legend.yanchor, legend.y) == ("container", "top", 1)
    assert figure.layout.margin.t >= 53 + 30


def test_a_histogram_of_nothing():
    assert sum(sum(bars.y) for bars in figures.plot_scene_sizes(fpn.measure_sizes([])).data) == 0


def test_shares_rise_from_nothing_to_all(field):
    figure = figures.plot_gradient_share([field])
    (line,) = figure.data
    shares = list(line.y)
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    for side, share in zip(line.x, shares, strict=True):
        assert share == field.share_within(float(side))


def test_all_figures_are_valid_and_themed(trace, field):
    curve, sizes = fpn.ownership_curve(CONFIG), fpn.measure_sizes([])
    for figure in (
        figures.plot_level_sizes(trace),
        figures.plot_ownership(curve),
        figures.plot_scene_sizes(sizes),
        figures.plot_gradient_share([field]),
    ):
        go.Figure(figure.to_dict())
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.font.size == theme.FONT_SIZE
    assert tuple(figures.SIZE_NAMES) == fpn.SIZE_CLASSES
    assert tuple(figures.DESIGN_NAMES) == fpn.DESIGNS
