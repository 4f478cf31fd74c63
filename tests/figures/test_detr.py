"""Figures of the set prediction: what is drawn is what was computed."""

import numpy as np
import pytest
import torch

from tests.vizcore.detr.predictions import random_set
from vizcore import detr
from vizcore.data.scenes import CLASSES
from vizcore.detr.places import QueryPlaces
from vizcore.figures import detr as figures
from vizcore.figures import theme


@pytest.fixture(scope="module")
def cost():
    return detr.match_cost(*random_set(6, 4))


def test_the_matrix_and_its_pairs(cost):
    trace, greedy = detr.trace_matching(cost.total), detr.match_greedily(cost.total)
    heatmap, optimal, other = figures.plot_cost(trace, greedy=greedy).data
    np.testing.assert_array_equal(heatmap.z, cost.total)
    assert list(zip(optimal.y, optimal.x, strict=True)) == list(zip(trace.queries, trace.targets, strict=True))
    assert list(zip(other.y, other.x, strict=True)) == list(zip(greedy.queries, greedy.targets, strict=True))
    assert optimal.marker.color == theme.KEPT
    assert len(figures.plot_cost(trace).data) == 2


def test_the_parts_of_a_pair_sum_to_its_cost(cost):
    trace = detr.trace_matching(cost.total)
    parts = {name: getattr(cost, name).numpy() for name in figures.PART_NAMES}
    figure = figures.plot_pair_costs(parts, trace)
    total = sum(np.asarray(bars.y) for bars in figure.data)
    np.testing.assert_allclose(total, trace.cost[trace.queries, trace.targets])
    assert figure.data[0].x[0] == f"{trace.queries[0]} → {trace.targets[0]}"
    assert len(set(figure.data[0].x)) == len(trace.queries)


@pytest.mark.parametrize("shape", [(3, 0), (0, 2)])
def test_nothing_to_match_is_drawn_too(shape):
    trace = detr.trace_matching(torch.zeros(shape))
    heatmap, pairs = figures.plot_cost(trace).data
    assert len(pairs.x) == 0
    assert np.shape(heatmap.z) == shape
    empty = {name: np.zeros(shape) for name in figures.PART_NAMES}
    assert all(len(bars.y) == 0 for bars in figures.plot_pair_costs(empty, trace).data)


def test_layers_with_and_without_nms():
    layers = [
        {"ap": 0.2, "ap50": 0.4, "nms_ap": 0.3, "nms_ap50": 0.5},
        {"ap": 0.5, "ap50": 0.7, "nms_ap": 0.5, "nms_ap50": 0.6},
    ]
    plain, after = figures.plot_layers(layers, quality="ap50").data
    assert list(plain.x) == [1, 2]
    assert list(plain.y) == [0.4, 0.7]
    assert list(after.y) == [0.5, 0.6]


def test_the_places_of_a_query():
    rng = np.random.default_rng(0)
    places = QueryPlaces(rng.random((40, 3, 4)), rng.random((40, 3)), rng.integers(0, 2, (40, 3)), rng.random((3, 4)))
    figure = figures.plot_query_places(places, 1, score_threshold=0.5, class_names=CLASSES, say_class=str.upper)
    *clouds, start = figure.data
    assert {cloud.name for cloud in clouds} == {"CIRCLE", "SQUARE"}
    drawn = np.concatenate([cloud.customdata for cloud in clouds])
    assert sorted(drawn) == places.found(1).tolist()
    for cloud in clouds:
        np.testing.assert_allclose(cloud.x, places.boxes[cloud.customdata, 1, 0])
        assert all(places.labels[cloud.customdata, 1] == CLASSES.index(cloud.name.lower()))
    assert np.mean(start.x[:4]) == pytest.approx(places.start_boxes[1, 0])
    assert max(start.y) - min(start.y) == pytest.approx(places.start_boxes[1, 3])
    assert len(figures.plot_query_places(places, 1, score_threshold=1.0, class_names=CLASSES).data) == 1


def test_qualities_side_by_side():
    keys = list(figures.QUALITY_NAMES)
    qualities = {"detr_reference": dict.fromkeys(keys, 0.5), "other": dict(zip(keys, np.arange(5) / 8, strict=True))}
    first, second = figures.plot_qualities(qualities).data
    assert list(first.y) == [0.5] * 5
    assert first.name == "as it is"
    assert second.name == "other"
    assert list(second.text) == ["0.00", "0.12", "0.25", "0.38", "0.50"]


def test_a_training_log():
    rows = [{"step": "20", "loss": "9.5", "ap": ""}, {"step": "40", "loss": "7.5", "ap": "0.25", "ap50": "0.5"}]
    loss, ap, ap50 = figures.plot_training(rows).data
    assert list(loss.x) == [20, 40]
    assert list(loss.y) == [9.5, 7.5]
    assert (list(ap.x), list(ap.y), list(ap50.y)) == ([40], [0.25], [0.5])
    assert ap.yaxis == "y2"


def test_a_line_stands_where_the_learning_rate_rose_once_more():
    """A warm-up doubles and halves it; from nearly nothing it rises many times."""
    rates = ["1e-05", "2e-05", "4e-04", "1e-11", "2e-05", "3e-05"]
    rows = [{"step": 20 * place, "loss": "9.5", "rate": rate} for place, rate in enumerate(rates[1:], 1)]
    assert figures.rate_rises(rows) == [20, 60]
    figure = figures.plot_training(rows)
    assert [line.x0 for line in figure.layout.shapes] == [20, 60]
    assert figures.rate_rises([{"step": "20", "loss": "9.5"}]) == []


def test_labels_are_translated():
    trace = detr.trace_matching(torch.rand(2, 2))
    figure = figures.plot_cost(trace, translate=str.upper)
    assert figure.data[1].name == "OPTIMAL"
    assert figure.layout.xaxis.title.text == "TARGET"
