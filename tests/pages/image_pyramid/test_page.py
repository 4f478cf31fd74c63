"""The image pyramid page as a reader without a mouse meets it: every control, both languages, both ends."""

import numpy as np
import pytest

from tests.pages.image_pyramid.reading import ESPRESSO, open_pyramid, sent_trace, sound, view, words
from tests.scripts import printed_numbers, run_script
from vizcore import image_pyramid
from vizcore.data.photos import load_sample
from vizcore.models.efficientnet_lite import load_efficientnet_lite0


@pytest.fixture(scope="module")
def coffee():
    return image_pyramid.trace_sliding_window(
        load_efficientnet_lite0(), load_sample("coffee").pixels, label=ESPRESSO, scale_step=1.41, score_threshold=0.3
    )


def test_opens_with_the_espresso_and_its_result(payloads, coffee):
    app = open_pyramid(pace="window", step=-1)
    sound(app)
    sent = view(app)
    trace = sent_trace(payloads)
    assert trace["label"] == ESPRESSO
    np.testing.assert_allclose(trace["scores"], coffee.scores, atol=1e-6)
    np.testing.assert_allclose(trace["candidate_boxes"], coffee.candidate_boxes, atol=1e-3)
    assert len(sent["pictures"]) == 3
    last = image_pyramid.count_positions(coffee) - 1
    assert sent["stepper"]["step"] == last
    assert sent["stepper"]["numSteps"] == last + 1
    assert "Windows searched for “espresso”: 364; candidates: 42; boxes left: 1, the best with 0.96" in words(app)
    assert app.session_state["image_pyramid_solved"] == []


def test_class_stride_and_thresholds_do_not_run_the_network_again(payloads, monkeypatch):
    app = open_pyramid()
    sound(app)

    def never(*args, **options):
        raise AssertionError("the network ran again")

    monkeypatch.setattr(image_pyramid, "classify_level", never)
    app.slider(key="image_pyramid_window_stride").set_value(4)
    app.slider(key="image_pyramid_score_threshold").set_value(0.05)
    app.slider(key="image_pyramid_num_levels").set_value(2)
    app.selectbox(key="image_pyramid_label").set_value("504").run()
    sound(app)
    trace = sent_trace(payloads)
    assert (trace["label"], trace["window_stride"], trace["score_threshold"]) == (504, 4, 0.05)
    assert len(trace["level_sizes"]) == 2
    assert trace["grids"] == [[3, 6], [2, 4]]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "query",
    [
        {"scale_step": 1.15, "num_levels": 8, "window_stride": 4, "score_threshold": 0.05, "iou_threshold": 1.0},
        {"scale_step": 2.0, "num_levels": 1, "score_threshold": 1.0, "iou_threshold": 0.0, "fusion": 0, "show_map": 0},
        {"photo": "astronaut", "pace": "row", "label": 0},
        {"photo": "coins", "pace": "level", "label": 999},
    ],
)
def test_both_ends_of_every_control(payloads, query, language):
    app = open_pyramid(lang=language, **query)
    sound(app)
    trace = sent_trace(payloads)
    assert trace["iou_threshold"] == query.get("iou_threshold", 0.3)
    assert len(view(app)["names"]) >= 1


def test_chinese(payloads):
    app = open_pyramid(lang="zh")
    sound(app)
    assert app.title[0].value == "图像金字塔"
    assert view(app)["names"][str(ESPRESSO)] == "浓缩咖啡"
    options = app.selectbox(key="image_pyramid_label").options
    assert options[0] == "这里最有把握的：浓缩咖啡"
    assert any("埃及猫 · Egyptian cat" in option for option in options)


@pytest.mark.parametrize(
    "query",
    [{"label": 1000}, {"label": "-1"}, {"scale_step": "nan"}, {"step": "1e99"}, {"photo": "../x"}, {"pace": "x"}],
)
def test_hostile_links_fall_back(payloads, query):
    app = open_pyramid(**query)
    sound(app)
    assert app.warning
    assert sent_trace(payloads)["label"] == ESPRESSO


def test_a_link_opens_at_its_step(payloads):
    app = open_pyramid(step=300, pace="window")
    sound(app)
    assert view(app)["stepper"]["step"] == 300
    # Another trace begins with its result.
    app.slider(key="image_pyramid_score_threshold").set_value(0.9).run()
    sent = view(app)
    assert sent["stepper"]["step"] == sent["stepper"]["numSteps"] - 1


def test_the_costs_on_the_page(payloads):
    app = open_pyramid(scale_step=2.0)
    sound(app)
    assert "cost **1.24** × the largest one" in words(app)
    table = app.dataframe[0].value
    assert list(table.iloc[:, 3]) == ["5.5 G", "8.3 G", "105.2 G"]


def test_training_on_the_page_finds_the_face(payloads):
    app = open_pyramid(photo="astronaut")
    sound(app)
    assert "faces: 1" in words(app)
    app.button(key="image_pyramid_train_hog").click().run()
    (job,) = [job for name, job in app.session_state["jobs"].items() if "hog_" in name]
    assert job.done.wait(240)
    assert job.error is None
    app.run()
    sound(app)
    assert "8,690" in words(app)
    assert "face" in app.session_state["image_pyramid_solved"]


def test_measuring_again(payloads):
    app = open_pyramid(scale_step=2.0, num_levels=1, photo="coins")
    app.button(key="image_pyramid_measure").click().run()
    (job,) = [job for name, job in app.session_state["jobs"].items() if "measure_" in name]
    assert job.done.wait(240)
    assert job.error is None
    app.run()
    sound(app)
    assert len(job.result) == 2


@pytest.mark.parametrize(
    "query", [{}, {"photo": "chelsea", "label": 285, "window_stride": 2, "scale_step": 1.8, "fusion": 0}]
)
def test_the_script_prints_the_numbers_on_the_screen(payloads, query):
    app = open_pyramid(**query)
    sound(app)
    (script,) = [block.value for block in app.code if "trace_sliding_window" in block.value]
    lines = run_script(script, timeout=280).splitlines()
    trace = sent_trace(payloads)
    levels = len(trace["level_sizes"])
    first = 0
    for line, (height, width), (rows, columns) in zip(lines, trace["level_sizes"], trace["grids"], strict=False):
        scores = trace["scores"][first : first + rows * columns]
        first += rows * columns
        np.testing.assert_allclose(printed_numbers(line), [width, height, rows * columns, scores.max()], atol=1e-5)
    boxes = trace["candidate_boxes"].reshape(-1, 4)
    assert len(lines) - levels == len(trace["keep"])
    for line, kept in zip(lines[levels:], trace["keep"], strict=True):
        expected = [trace["scores"][trace["candidates"][kept]], *boxes[kept]]
        np.testing.assert_allclose(printed_numbers(line), expected, atol=2e-3)
