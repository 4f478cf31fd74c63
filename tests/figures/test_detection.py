"""Pictures of a detection: every mark stands for the number it should."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.vizcore.test_detection import output_of, random_candidates
from vizcore.detection.output import FATES, Stage
from vizcore.detection.truth import judge
from vizcore.figures import theme
from vizcore.figures.detection import (
    draw_detections,
    label_colors,
    milliseconds,
    plot_funnel,
    plot_scores,
    plot_truth_curves,
)


@pytest.fixture
def output():
    return output_of(*random_candidates(60, 2), score_threshold=0.25, iou_threshold=0.25, max_detections=3)


def test_funnel_says_counts_and_seconds(output):
    (bars,) = plot_funnel(output).data
    assert list(bars.x) == [stage.count for stage in output.stages]
    assert list(bars.y) == [f"{stage.name}<br><i>{milliseconds(stage.seconds)}</i>" for stage in output.stages]
    assert list(bars.customdata) == [stage.seconds for stage in output.stages]
    assert list(bars.text) == [f"{stage.count} {stage.unit}" for stage in output.stages]


def test_a_long_count_of_the_funnel_takes_two_lines():
    output = replace(output_of([], []), stages=(Stage("a", 40_271, "windows", 0.0), Stage("b", 940, "candidates", 0.0)))
    assert list(plot_funnel(output).data[0].text) == ["40,271<br>windows", "940<br>candidates"]
    assert list(plot_funnel(output, translate=lambda _: "个").data[0].text) == ["40,271 个", "940 个"]


@pytest.mark.parametrize("plot", [plot_funnel, plot_scores])
def test_plotly_accepts_what_was_made_without_its_checks(output, plot):
    figure = plot(output)
    checked = go.Figure(figure.to_dict())
    checked.layout.template = {}
    assert {**checked.to_dict()["layout"], "template": {}} == figure.to_dict()["layout"]
    assert [type(trace) for trace in checked.data] == [type(trace) for trace in figure.data]


def test_funnel_speaks_the_readers_language(output):
    (bars,) = plot_funnel(output, translate=str.upper).data
    assert [words.split("<br>")[0] for words in bars.y] == ["HEADS", "SCORE THRESHOLD", "NMS"]
    assert bars.text[0] == "60 CANDIDATES"


def test_funnel_of_nothing():
    (bars,) = plot_funnel(output_of([], [])).data
    assert list(bars.x) == [0, 0, 0]


def test_scores_show_every_candidate_once_with_its_fate(output):
    figure = plot_scores(output)
    seen = np.concatenate([trace.customdata for trace in figure.data])
    assert sorted(seen.tolist()) == list(range(60))
    looks = {"final box": "kept", "below the score threshold": "below_threshold"}
    for trace in figure.data:
        words, count = trace.name.split(": ")
        assert int(count) == len(trace.x)
        np.testing.assert_array_equal(trace.y, output.candidates.scores[trace.customdata])
        if words in looks:
            assert {FATES[output.fates[index]] for index in trace.customdata} == {looks[words]}
        ranks = [(output.candidates.scores > score).sum() + 1 for score in trace.y]
        np.testing.assert_array_equal(trace.x, ranks)
    assert len({trace.marker.symbol for trace in figure.data}) == len(figure.data)
    assert figure.layout.shapes[0].y0 == figure.layout.shapes[0].y1 == 0.25


def test_many_candidates_are_thinned_but_counted():
    figure = plot_scores(output_of(*random_candidates(3000, 0), iou_threshold=0.0))
    for trace in figure.data:
        assert len(trace.x) <= 400
    assert sum(int(trace.name.split(": ")[1].replace(",", "")) for trace in figure.data) == 3000


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.00012, "0.12 ms"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (2.5, "2.5 s"), (0, "0 ms")]
)
def test_milliseconds(seconds, words):
    assert milliseconds(seconds) == words


def test_label_colors_are_given_by_rank():
    output = output_of([[0, 0, 1, 1], [5, 5, 6, 6], [8, 8, 9, 9]], [0.25, 0.75, 0.5], [0, 2, 0])
    assert label_colors(output) == {2: theme.CATEGORICAL[0], 0: theme.CATEGORICAL[1]}


def test_drawn_photo_has_the_boxes_edges():
    photo = np.full((100, 100, 3), 7, dtype=np.uint8)
    output = output_of([[20, 40, 80, 90]], [0.75])
    drawn = draw_detections(photo, output)
    assert drawn.shape == photo.shape
    color = tuple(int(theme.CATEGORICAL[0][i : i + 2], 16) for i in (1, 3, 5))
    for row, column in ((40, 50), (90, 50), (65, 20), (65, 80)):
        assert tuple(drawn[row, column]) == color
    assert tuple(drawn[65, 50]) == (7, 7, 7)
    assert (photo == 7).all()  # the photo itself stays as it was


@pytest.mark.parametrize("box", [[0, 0, 100, 100], [0, 0, 1, 1], [99, 99, 100, 100], [0, 0, 0, 0]])
def test_drawing_at_the_edges(box):
    assert draw_detections(np.zeros((100, 100, 3), dtype=np.uint8), output_of([box], [0.75])).shape == (100, 100, 3)


def test_nothing_to_draw_changes_nothing():
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_detections(photo, output_of([], [])), photo)


def test_truth_curves_have_a_line_and_a_star_for_each_detector():
    one = judge(output_of([[0, 0, 10, 10], [50, 50, 60, 60]], [0.9, 0.8]), [[0, 0, 10, 10], [20, 20, 30, 30]])
    none = judge(output_of([], []), one.truths)
    figure = plot_truth_curves({"A": one, "B": none})
    assert [trace.name for trace in figure.data] == ["A", "its own score threshold", "B"]
    line, star, empty = figure.data
    assert (star.x, star.y) == ((0.5,), (0.5,))
    assert star.marker.color == line.line.color != empty.line.color
    assert list(line.y) == one.curve.tolist()
    assert go.Figure(figure.to_dict()).data[0].name == "A"  # Plotly's own checks accept it
    assert not plot_truth_curves({"A": judge(one.output, [])}).data
