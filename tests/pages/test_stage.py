"""What Python believes of a stage and a stepper: nothing that a page could not have sent."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.kit import stage as stage_module
from pages.kit import stepper as stepper_module
from pages.kit.language import catalogue
from pages.kit.stage import StageBox, stage_state
from pages.kit.stepper import step_from, step_spec

BOXES = (StageBox("a", (10, 20, 70, 70)), StageBox("b", (130, 20, 190, 70)))
SIZE = (240, 320)
MOVED = {"a": [0, 0, 60, 50], "b": [100, 100, 160.5, 150]}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the browser said, by key."""
    state: dict[str, Any] = {}
    monkeypatch.setattr("pages.kit.live.st.session_state", state)
    return state


def say(session: dict[str, Any], **stage: Any) -> None:
    token = stage_module._token(BOXES, 3, "edit")
    session["s"] = {"value": {"seq": 5, "stage": {"token": token, "selected": "b", "boxes": MOVED, **stage}}}


def heard() -> list[list[float]]:
    return stage_state("s", boxes=BOXES, size=SIZE, version=3).xyxy


START = [[10, 20, 70, 70], [130, 20, 190, 70]]


def test_what_the_browser_sent_stands(session: dict[str, Any]) -> None:
    assert heard() == START
    say(session)
    assert heard() == [[0, 0, 60, 50], [100, 100, 160.5, 150]]
    assert stage_state("s", boxes=BOXES, size=SIZE, version=3).selected == "b"


def test_another_version_or_other_ids_start_over(session: dict[str, Any]) -> None:
    say(session)
    assert stage_state("s", boxes=BOXES, size=SIZE, version=4).xyxy == START
    renamed = (BOXES[0], StageBox("c", BOXES[1].xyxy))
    assert stage_state("s", boxes=renamed, size=SIZE, version=3).xyxy == START
    assert stage_state("s", boxes=renamed, size=SIZE, version=3, selected="c").selected == "c"


@pytest.mark.parametrize(
    "boxes",
    [
        None,
        [],
        "boxes",
        {},
        {"a": [0, 0, 60, 50]},
        {**MOVED, "c": [0, 0, 1, 1]},
        {"a": [0, 0, 60, 50], "x": [0, 0, 1, 1]},
        {**MOVED, "a": None},
        {**MOVED, "a": [0, 0, 60]},
        {**MOVED, "a": [0, 0, 60, 50, 1]},
        {**MOVED, "a": {"0": 0}},
        {**MOVED, "a": [0, 0, 60, "50"]},
        {**MOVED, "a": [0, 0, 60, True]},
        {**MOVED, "a": [0, 0, 60, None]},
        {**MOVED, "a": [0, 0, 60, math.nan]},
        {**MOVED, "a": [0, 0, math.inf, 50]},
        {**MOVED, "a": [60, 0, 0, 50]},
        {**MOVED, "a": [0, 50, 60, 0]},
        {**MOVED, "a": [-1, 0, 60, 50]},
        {**MOVED, "a": [0, 0, 321, 50]},
        {**MOVED, "a": [0, 0, 60, 10**400]},
    ],
)
def test_geometry_that_cannot_be_is_not_believed_at_all(session: dict[str, Any], boxes: object) -> None:
    say(session, boxes=boxes)
    assert heard() == START


@pytest.mark.parametrize(
    "value", [None, 3, "x", [], {"seq": "1"}, {"seq": 1}, {"seq": 1, "stage": 7}, {"seq": 1, "stage": {}}]
)
def test_a_state_of_another_shape_is_no_state(session: dict[str, Any], value: object) -> None:
    session["s"] = {"value": value}
    assert heard() == START
    session["s"] = value
    assert heard() == START


@pytest.mark.parametrize("selected", ["c", 1, ["a"], {"a": 1}, True])
def test_only_a_box_that_is_there_is_selected(session: dict[str, Any], selected: object) -> None:
    say(session, selected=selected)
    assert stage_state("s", boxes=BOXES, size=SIZE, version=3).selected is None


def test_without_bounds_a_box_may_leave_the_picture(session: dict[str, Any]) -> None:
    say(session, boxes={**MOVED, "a": [-50, 0, 60, 500]})
    assert stage_state("s", boxes=BOXES, size=SIZE, version=3, bounds=False).xyxy[0] == [-50, 0, 60, 500]


def test_a_start_over_the_edge_may_stay_there(session: dict[str, Any]) -> None:
    over = (StageBox("a", (-5, 20, 70, 70)), BOXES[1])
    say(session, boxes={"a": [-5, 20, 70, 70], "b": [0, 0, 60, 50]})
    assert stage_state("s", boxes=over, size=SIZE, version=3).xyxy == [[-5, 20, 70, 70], [0, 0, 60, 50]]


def test_a_selection_outlives_other_boxes_where_they_are_only_looked_at(session: dict[str, Any]) -> None:
    session["s"] = {"value": {"seq": 1, "stage": {"token": "0", "selected": "b"}}}
    assert stage_state("s", boxes=BOXES[1:], size=SIZE, mode="select").selected == "b"
    assert stage_state("s", boxes=BOXES[:1], size=SIZE, mode="select").selected is None


def test_boxes_that_no_stage_can_show_are_refused(session: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="same id"):
        stage_state("s", boxes=BOXES + BOXES, size=SIZE)
    with pytest.raises(ValueError, match="finite"):
        stage_state("s", boxes=[StageBox("a", (0, 0, math.nan, 1))], size=SIZE)
    with pytest.raises(ValueError, match="at most 200"):
        stage_state("s", boxes=[StageBox(str(i), (0, 0, 1, 1)) for i in range(201)], size=SIZE)


def test_a_step_is_believed_only_within_its_run() -> None:
    token = step_spec(10, version="x")["version"]
    assert step_from({"step": {"step": 7, "version": token}}, 10, version="x") == 7
    for value in (None, 7, {}, {"step": 7}, {"step": 7, "version": "y"}):
        assert step_from({"step": value}, 10, version="x", start=2) == 2
    for step in (-1, 10, 7.0, "7", True, None, math.nan):
        assert step_from({"step": {"step": step, "version": token}}, 10, version="x", start=2) == 2
    assert step_from({"step": {"step": 7, "version": token}}, 9, version="x") == 0
    assert step_from({}, 3, start=99) == 2
    assert step_from({}, 0) == 0


def app() -> None:
    """Run by AppTest."""
    import numpy as np
    import streamlit as st

    from pages.kit.stage import StageBox, stage

    boxes = [StageBox(f"b{i}", (i, i, i + 5, i + 5)) for i in range(st.session_state.get("count", 2))]
    state = stage(
        "s",
        boxes=boxes,
        size=(20, 30),
        photo=np.zeros((20, 30, 3), np.uint8),
        mode=st.session_state.get("mode", "edit"),
    )
    st.text(str(state.xyxy))


def test_the_stage_is_mounted_with_its_state_and_photo_by_url() -> None:
    at = AppTest.from_function(app, default_timeout=30).run()
    assert not at.exception
    sent = json.loads(at.get("bidi_component")[0].proto.json)
    assert sent["stage"]["photo"].endswith(".jpg")
    assert [box["xyxy"] for box in sent["stage"]["boxes"]] == [[0, 0, 5, 5], [1, 1, 6, 6]]
    boxes = {"b0": [3, 3, 8, 8], "b1": [1, 1, 6, 6]}
    at.session_state["s"] = {"value": {"seq": 1, "stage": {"token": sent["stage"]["token"], "boxes": boxes}}}
    at.run()
    assert at.text[0].value == "[[3.0, 3.0, 8.0, 8.0], [1.0, 1.0, 6.0, 6.0]]"
    again = json.loads(at.get("bidi_component")[0].proto.json)
    assert again["said"]["seq"] == 1
    assert again["stage"]["boxes"][0]["xyxy"] == [3, 3, 8, 8]


def test_many_boxes_travel_by_url() -> None:
    at = AppTest.from_function(app, default_timeout=30)
    at.session_state["count"], at.session_state["mode"] = 2000, "select"
    at.run()
    assert not at.exception
    sent = at.get("bidi_component")[0].proto.json
    assert len(sent) < 3000
    assert json.loads(sent)["payload"].startswith("/")


@pytest.mark.parametrize(("module", "name"), [(stage_module, "stage"), (stepper_module, "stepper")])
def test_every_word_has_its_chinese_twin_with_the_same_blanks(module: Any, name: str) -> None:
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    said = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "translate"
    }
    chinese = catalogue("zh", name)
    assert said == set(chinese)
    for english, translated in chinese.items():
        assert sorted(part.split("}")[0] for part in english.split("{")[1:]) == sorted(
            part.split("}")[0] for part in translated.split("{")[1:]
        )
