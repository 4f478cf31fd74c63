"""The detection page as a reader without a mouse meets it: every control, both languages, both ends."""

import re

import numpy as np
import pytest

from tests.pages.detection.reading import finals, open_detection, sound, stages, words
from tests.pages.pieces import link
from tests.scripts import printed_numbers, run_script
from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.weights import WeightsError


@pytest.fixture(scope="module")
def coffee():
    return detection.run_detector(
        "sliding_windows", load_sample("coffee").pixels, score_threshold=0.6, iou_threshold=0.3
    )


def test_opens_on_the_cat():
    cat = detection.run_detector(
        "sliding_windows", load_sample("chelsea").pixels, score_threshold=0.6, iou_threshold=0.3
    )
    app = open_detection()
    sound(app)
    boxes = finals(stages(app)[0])
    assert [box["label"] for box in boxes] == ["Egyptian cat"] * 2  # so the first move of a threshold acts
    np.testing.assert_allclose(boxes[-1]["xyxy"], cat.boxes[0], atol=1e-3)


def test_the_words_about_windows_stand_where_windows_slide():
    def shown(**query):
        app = open_detection(**query)
        sound(app)
        return "show it every window" in words(app), any("windows" in each.label for each in app.expander)

    assert shown() == (True, True)
    assert shown(detector="fcos_lite0_fpn") == (False, False)
    assert shown(detector="fcos_lite0_fpn", beside="sliding_windows") == (True, True)


def test_a_detector_without_anchors_names_none():
    app = open_detection(detector="fcos_lite0_fpn", score_threshold=0.1)
    sound(app)
    assert "cell row" in words(app)
    assert "anchor" not in words(app)


def test_finds_the_espresso(coffee):
    app = open_detection(photo="coffee")
    sound(app)
    (stage,) = stages(app)
    (box,) = finals(stage)
    np.testing.assert_allclose(box["xyxy"], coffee.boxes[0], atol=1e-3)
    assert box["label"] == "espresso"
    assert box["score"] == pytest.approx(float(coffee.scores[0]), abs=1e-6)
    assert "espresso 1.00" in stage["text"]["title"]
    assert "**0.70**" in words(app)  # the overlap with the hand-drawn box


def test_thresholds_do_not_run_the_network_again(monkeypatch):
    app = open_detection(photo="chelsea")
    sound(app)
    few = len(finals(stages(app)[0]))

    def never(*args, **options):
        raise AssertionError("a threshold ran the detector")

    monkeypatch.setattr(detection, "run_detector", never)
    app.slider(key="detection_score_threshold").set_value(0.2)
    app.slider(key="detection_iou_threshold").set_value(0.9).run()
    sound(app)
    assert len(app.session_state["recording"].output) > 10 * few
    app.slider(key="detection_score_threshold").set_value(1.0).run()
    sound(app)
    assert finals(stages(app)[0]) == []
    assert "No box is above the score threshold" in words(app)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("photo", ["astronaut", "coins"])
@pytest.mark.parametrize(("score", "iou"), [(0.05, 0.0), (0.05, 1.0), (1.0, 0.3)])
def test_both_ends_of_both_thresholds(photo, score, iou, language):
    app = open_detection(
        photo=photo, score_threshold=score, iou_threshold=iou, show_suppressed=1, show_truth=1, lang=language
    )
    sound(app)
    assert len(stages(app)) == 1


def test_chinese_says_the_class_in_chinese():
    app = open_detection(photo="coffee", lang="zh")
    sound(app)
    assert finals(stages(app)[0])[0]["label"] == "浓缩咖啡"
    assert app.title[0].value == "目标检测"


def test_two_detectors_side_by_side():
    app = open_detection(photo="coffee", beside="sliding_windows_unfused")
    sound(app)
    fused, plain = stages(app)
    assert len(finals(plain)) > len(finals(fused)) > 0


def test_the_same_detector_is_not_shown_twice():
    app = open_detection(beside="sliding_windows")
    sound(app)
    assert len(stages(app)) == 1


def test_suppressed_boxes_and_truth_are_drawn_on_request():
    app = open_detection(photo="chelsea", show_suppressed=1, show_truth=1)  # few enough boxes to be in the message
    sound(app)
    (stage,) = stages(app)
    kinds = {re.sub(r"\d+$", "", box["id"]) for box in stage["boxes"]}
    assert kinds == {"s", "t", "c", "where it came from"}


def test_a_link_chooses_the_box(coffee):
    many = detection.run_detector(
        "sliding_windows", load_sample("chelsea").pixels, score_threshold=0.6, iou_threshold=0.3
    )
    assert len(many) == 2
    app = open_detection(photo="chelsea", candidate=int(many.origins[1]))
    sound(app)
    assert f"· {many.scores[1]:.3f}" in words(app)
    assert stages(app)[0]["selected"] == f"c{many.origins[1]}"


@pytest.mark.parametrize(
    "query", [{"candidate": 99999}, {"score_threshold": "nan"}, {"detector": "yolo"}, {"photo": "../x"}]
)
def test_hostile_links_fall_back(query):
    app = open_detection(**query)
    sound(app)
    assert len(finals(stages(app)[0])) == 2


def test_every_control_is_in_the_link_at_all_times():
    assert {"candidate", "candidate_beside", "beside", "score_threshold"} <= set(link(open_detection()))


def test_a_missing_detector_is_offered_and_the_offline_one_stands_in(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    app = open_detection(photo="coffee", detector="fcos_resnet50_fpn")
    sound(app)
    assert "download.pytorch.org" in words(app)
    assert finals(stages(app)[0])[0]["label"] == "espresso"
    assert app.button(key="detection_start_download_fcos_resnet50_fpn").label == "Download"


def test_a_download_that_fails_says_why(tmp_path, monkeypatch):
    from pages.kit import loaders
    from vizcore import weights

    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def refuse(source, **options):
        raise WeightsError(weights.NO_NETWORK, file_name=source.file_name, host="download.pytorch.org")

    monkeypatch.setattr(weights, "download_weights", refuse)
    app = open_detection(photo="coffee", detector="fcos_resnet50_fpn")
    app.button(key="detection_start_download_fcos_resnet50_fpn").click().run()
    job = app.session_state["jobs"]["detection_download_fcos_resnet50_fpn"]
    assert isinstance(job, loaders.Job)
    assert job.done.wait(30)
    app.run()
    assert not app.exception
    assert any("download.pytorch.org" in problem.value for problem in app.error)
    assert finals(stages(app)[0])[0]["label"] == "espresso"


def test_what_the_page_keeps_for_the_others(coffee):
    app = open_detection(photo="coffee")
    recording = app.session_state["recording"]
    assert recording.picture.name == "coffee"
    np.testing.assert_array_equal(recording.output.candidates.scores, coffee.candidates.scores)


def test_a_failure_is_told_by_the_shell(monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("a secret path")

    monkeypatch.setattr(detection, "refilter", fail)
    app = open_detection(broken=True)
    assert not app.exception
    (error,) = app.error
    assert "Something on this page went wrong (RuntimeError)" in error.value
    assert "secret" not in error.value


def test_own_thresholds():
    app = open_detection(score_threshold=0.1, iou_threshold=0.9)
    app.button(key="detection_own_thresholds").click().run()
    sound(app)
    assert app.slider(key="detection_score_threshold").value == 0.6
    assert app.slider(key="detection_iou_threshold").value == 0.3


@pytest.mark.parametrize(
    "query",
    [{}, {"photo": "chelsea", "score_threshold": 0.3, "iou_threshold": 0.45}, {"detector": "sliding_windows_unfused"}],
)
def test_the_script_prints_the_numbers_on_the_screen(query):
    app = open_detection(**query)
    sound(app)
    (script,) = [block.value for block in app.code if "run_detector" in block.value]
    lines = run_script(script).splitlines()
    shown = finals(stages(app)[0])
    candidates, kept = printed_numbers(lines[0])
    assert kept == len(lines) - 1
    assert candidates >= 100
    if shown:  # a stage with more than a hundred boxes sends them by URL
        assert kept == len(shown)
        printed = [printed_numbers(line)[-5:] for line in lines[1:]]
        expected = [[box["score"], *box["xyxy"]] for box in reversed(shown)]
        np.testing.assert_allclose(printed, expected, atol=1e-3)
        np.testing.assert_allclose([row[0] for row in printed], [row[0] for row in expected], atol=1e-5)
