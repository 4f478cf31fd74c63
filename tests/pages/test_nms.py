from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.pages.opening import go_to
from tests.scripts import run_script
from vizcore import nms
from vizcore.data import crowds

APP = Path(__file__).resolve().parents[2] / "app.py"
CHAIN = {
    "source": "own",
    "boxes": "100,100,200,200_129,100,229,200_158,100,258,200",
    "score_0": "0.9",
    "score_1": "0.8",
    "score_2": "0.7",
}
# A removes B (IoU 71/129 = 0.55). At 0.6 B is spared, and removes C and D (IoU 78/122 = 0.64), which A overlaps less.
FEWER = {
    "source": "own",
    "boxes": "171,100,271,200_200,100,300,200_222,100,322,200_200,122,300,222",
    "score_0": "0.9",
    "score_1": "0.8",
    "score_2": "0.7",
    "score_3": "0.6",
}


def open_nms(**query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=90)
    go_to(at, "nms")
    for name, value in {"lang": "en", "tour": "0", **query}.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    assert not at.error
    return at


def pieces(at: AppTest) -> list[dict]:
    """What was sent to our own front-end pieces, as far as it is JSON."""
    return [json.loads(piece.proto.json) for piece in at.get("bidi_component") if piece.proto.json]


def view(at: AppTest) -> dict:
    (data,) = [data for data in pieces(at) if "pace" in data]
    return data


def link(at: AppTest) -> dict[str, str]:
    (data,) = [data for data in pieces(at) if "query" in data]
    return {name: values[0] for name, values in parse_qs(data["query"], keep_blank_values=True).items()}


def solved(at: AppTest) -> set[str]:
    return set(filter(None, link(at)["solved"].split(".")))


def crowd_trace(name: str = "crowd", **rules: object) -> nms.NMSTrace:
    crowd = crowds.make_crowd(name)
    labels = torch.from_numpy(crowd.labels)
    return nms.trace_nms(
        torch.from_numpy(crowd.boxes), torch.from_numpy(crowd.scores), labels=labels, score_threshold=0.05, **rules
    )


def test_defaults_step_the_crowd_that_vizcore_traced() -> None:
    at = open_nms()
    trace = crowd_trace()
    events = nms.list_events(trace)
    data = view(at)
    assert data["stepper"]["numSteps"] == trace.num_steps + len(events.others) + 2
    assert data["stage"]["size"] == [360, 640]
    assert len(data["targets"]) == 4
    names = solved(at)
    assert names == set()
    (table,) = at.dataframe
    hard = table.value.iloc[0]
    assert hard["kept"] == len(trace.keep)
    assert hard["objects lost"] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("source", ["crowd", "two_classes", "chain", "ties", "own"])
def test_every_source_opens_in_both_languages(source: str, language: str) -> None:
    at = open_nms(source=source, lang=language)
    assert ("NMS 逐步演示" in at.title[0].value) == (language == "zh")
    assert link(at)["source"] == source


@pytest.mark.parametrize("method", nms.METHODS)
@pytest.mark.parametrize("ends", ["0", "1"])
def test_every_method_at_both_ends_of_its_thresholds(method: str, ends: str) -> None:
    at = open_nms(method=method, iou_threshold=ends, score_threshold=ends, source="ties", pace="pick")
    trace = crowd_trace("ties", method=method, iou_threshold=float(ends)) if ends == "0" else None
    if trace is not None:  # at a score threshold of 0 nothing is cut off; here 0.05 cuts nothing either, unless decayed
        assert view(at)["stepper"]["numSteps"] >= trace.num_steps + 2
    else:
        assert view(at)["stepper"]["numSteps"] == 2  # no score reaches 1


@pytest.mark.parametrize(
    "extreme",
    [
        {"misalignment": "0", "predicted_iou_noise": "0"},
        {"misalignment": "1", "predicted_iou_noise": "0.5"},
        {"sigma": "0.05", "method": "soft_gaussian"},
        {"sigma": "2", "method": "matrix"},
        {"distance_power": "0.1", "method": "diou"},
        {"matrix_kernel": "linear", "method": "matrix"},
        {"suppress_equal": "1", "ties": "last", "pixel_inclusive": "1"},
        {"drawn_score": "1"},
        {"seed": "9999", "ranking": "true_iou"},
        {"source": "own", "boxes": ""},
        {"source": "random", "method": "soft_gaussian"},
    ],
)
def test_extremes(extreme: dict[str, str]) -> None:
    at = open_nms(**extreme)
    for name, value in extreme.items():
        written = link(at)
        assert written[name] == value


def test_a_photos_candidates_are_stepped() -> None:
    at = open_nms(source="photo", photo="coffee", score_threshold="0.5")
    data = view(at)
    assert data["stage"]["photo"]
    assert data["labels"] == {"967": "espresso"}
    assert len(data["targets"]) == 1
    (table,) = at.dataframe
    assert table.value["objects lost"].tolist()[0] == 0
    assert link(at)["photo"] == "coffee"


def test_a_photo_of_another_session_is_stood_in_for_by_a_sample() -> None:
    at = open_nms(source="photo", photo="session")
    assert any("another session" in warning.value for warning in at.warning)
    assert link(at)["photo"] == "chelsea"


def test_a_link_reopens_the_same_view() -> None:
    at = open_nms(source="two_classes", method="soft_linear", iou_threshold="0.35", step="5", class_aware="0")
    first = link(at)
    again = open_nms(**first)
    assert link(again) == first
    assert view(again)["stepper"] == view(at)["stepper"]
    assert view(again)["stepper"]["step"] == 5


def test_a_step_beyond_the_end_is_the_end_and_another_method_begins_anew() -> None:
    at = open_nms(source="chain", step="999")
    last = view(at)["stepper"]["numSteps"] - 1
    assert view(at)["stepper"]["step"] == last
    at.selectbox(key="nms_method").set_value("soft_gaussian").run()
    assert view(at)["stepper"]["step"] == 0
    assert link(at)["step"] == "0"


def test_what_the_browser_says_is_checked() -> None:
    at = open_nms(source="chain")
    version = view(at)["stepper"]["version"]
    for step, believed in ((3, 3), (-1, 0), (10**9, 0), ("2", 0), (True, 0)):
        at.session_state["nms_view"] = {"value": {"seq": 1, "step": {"step": step, "version": version}}}
        at.session_state["nms_step"] = 0
        at.run()
        assert not at.exception
        assert link(at)["step"] == str(believed)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (CHAIN, "chain"),
        (FEWER, "fewer"),
        ({"method": "soft_linear", "score_threshold": "0.25"}, "rescue"),
        ({"source": "ties", "suppress_equal": "1"}, "convention"),
        ({"misalignment": "0.3"}, "crossover"),
    ],
)
def test_each_challenge_has_a_solution(query: dict[str, str], name: str) -> None:
    names = solved(open_nms(**query))
    assert name in names


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({**CHAIN, "score_2": "0.85"}, "chain"),  # C ranks above B: B could not have suppressed it
        ({**CHAIN, "method": "soft_linear"}, "chain"),
        ({**FEWER, "iou_threshold": "0.6"}, "fewer"),
        ({"method": "soft_linear", "score_threshold": "0.2"}, "rescue"),  # 7 boxes
        ({"method": "soft_linear", "score_threshold": "0.3"}, "rescue"),  # the second person is gone: 0.88 · (1 - 0.67)
        ({"iou_threshold": "0.7", "score_threshold": "0.3"}, "rescue"),
        ({"source": "ties"}, "convention"),
        ({"source": "ties", "iou_threshold": "0.45"}, "convention"),
        ({"misalignment": "1"}, "crossover"),
    ],
)
def test_near_misses_are_not_solutions(query: dict[str, str], name: str) -> None:
    at = open_nms(**query)
    names = solved(at)
    assert name not in names
    at.button(key=f"nms_check_{name}").click().run()
    assert at.info


def test_predictions_are_marked() -> None:
    at = open_nms(predict="1")
    assert view(at)["predict"]
    cases = ((7, 7, 2, False), (6, 8, 2, False), ("8", "8", 2, False), (8, 8, 1, False), (8, 8, None, False))
    for right, asked, outcomes, done in (*cases, (7, 8, 2, True)):
        predicted = {"right": right, "asked": asked, "outcomes": outcomes}
        at.session_state["nms_view"] = {"value": {"seq": 1, "predicted": predicted}}
        at.run()
        assert not at.exception
        names = solved(at)
        assert ("predict" in names) == done


def test_own_boxes_come_from_the_stage_and_from_buttons() -> None:
    at = open_nms(source="own")
    boxes = view(at)["stage"]["boxes"]
    assert len(boxes) == 4
    at.button(key="nms_add").click().run()
    assert len(view(at)["stage"]["boxes"]) == 5
    at.button(key="nms_remove").click().run()
    at.button(key="nms_remove").click().run()
    spec = view(at)["stage"]
    assert len(spec["boxes"]) == 3
    moved = {box["id"]: [10, 20, 110, 220] for box in spec["boxes"]}
    at.session_state["nms_view"] = {"value": {"seq": 1, "stage": {"token": spec["token"], "boxes": moved}}}
    at.run()
    assert link(at)["boxes"] == "_".join(["10,20,110,220"] * 3)
    at.slider(key="nms_score_0").set_value(0.1).run()
    assert link(at)["score_0"] == "0.1"
    (table,) = at.dataframe
    assert table.value["kept"].tolist()[0] == 1  # three boxes on one spot


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"method": "soft_gaussian", "sigma": "0.3"},
        {"source": "two_classes", "method": "diou", "iou_threshold": "0.4"},
        {"source": "ties", "ties": "last", "suppress_equal": "1"},
        {"method": "fusion"},
    ],
)
def test_the_script_prints_what_the_page_shows(query: dict[str, str]) -> None:
    at = open_nms(**query)
    (script,) = [code.value for code in at.code if "import torch" in code.value]
    rules = {name: value for name, value in query.items() if name in ("method", "ties")}
    rules |= {name: float(value) for name, value in query.items() if name in ("sigma", "iou_threshold")}
    rules |= {"suppress_equal": True} if "suppress_equal" in query else {}
    trace = crowd_trace(query.get("source", "crowd"), **rules)
    printed = dict(line.split(": ") for line in run_script(script).splitlines())
    assert json.loads(printed["keep"]) == trace.keep.tolist()
    assert json.loads(printed["scores"]) == pytest.approx(trace.scores_after[trace.keep].tolist(), abs=1e-5)


def test_inverted_boxes_in_a_link_are_explained_and_can_be_removed() -> None:
    at = AppTest.from_file(str(APP), default_timeout=90)
    go_to(at, "nms")
    for name, value in {"lang": "zh", "source": "own", "boxes": "100,100,200,200_300,100,200,200"}.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    assert [error.value for error in at.error] == ["1 号框是反的：x2 不能小于 x1，y2 不能小于 y1。"]
    at.button(key="nms_remove").click().run()
    assert not at.error
    assert view(at)["stepper"]["numSteps"] == 3


def test_numbers_in_a_link_that_are_none_fall_back_with_a_notice() -> None:
    at = open_nms(boxes="nan,0,1,1", step="-3", iou_threshold="7", method="best")
    assert len(at.warning) == 4
    assert link(at)["method"] == "hard"
