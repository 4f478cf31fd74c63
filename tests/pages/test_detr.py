from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.detr import challenges, masked, state, tour
from pages.detr.challenges import Outcome
from pages.detr.state import View
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from vizcore import detr


def say(message: str, **values: object) -> str:
    return message.format(**values) if values else message


def outcome(rows: dict[str, Any], **changed: Any) -> Outcome:
    """What the page would have computed for some rows."""
    view = View(
        queries=tuple(map(tuple, rows["queries"])),
        objects=tuple(map(tuple, rows["objects"])),
        **{
            "weights": (1.0, 5.0, 2.0),
            "shown": "total",
            "beside": (),
            "stepped": False,
            "step": 0,
            "iou_threshold": 0.7,
            **changed,
        },
    )
    summary = detr.summarise_rows(
        view.queries, view.objects, side=state.SIDE, weights=view.weights, iou_threshold=view.iou_threshold
    )
    return Outcome(view, summary)


@pytest.fixture(scope="module")
def laboratory() -> AppTest:
    return open_page("detr")


def test_the_picture_begins_with_the_scene(laboratory: AppTest) -> None:
    data = component(laboratory, "program")
    preset = detr.load_preset("scene")
    assert [box["id"] for box in data["stage"]["boxes"]] == [*(f"q{i}" for i in range(6)), *(f"t{i}" for i in range(4))]
    assert data["labels"] == preset.labels.tolist()
    assert data["weights"] == [1, 5, 2]
    assert data["stepper"] is None
    assert "export function pair_cost" in data["program"]
    assert data["nms"] == {"keep": [0, 1, 2, 3], "suppressed": [], "unsure": [4, 5]}
    # Every number is a multiple of 1 / 512, so that the link carries it as it is.
    assert data["stage"]["boxes"][0]["xyxy"] == [64, 80, 192, 176]


def test_the_program_of_the_page_is_that_of_its_rows(laboratory: AppTest) -> None:
    rows = tour.preset("scene")
    script = detr.write_rows_script(rows["queries"], rows["objects"], side=state.SIDE)
    assert script.strip() in [code.value.strip() for code in laboratory.code]


def test_a_preset_is_a_link_and_a_link_is_the_page(laboratory: AppTest) -> None:
    app = open_page("detr")
    app.button(key="detr_preset_greedy").click().run()
    app.toggle(key="detr_stepped").set_value(True).run()
    assert not app.exception
    query = link(app)
    data = component(app, "program")
    assert data["stepper"]["numSteps"] == 4
    again = open_page("detr", **query)
    assert component(again, "program")["stage"]["boxes"] == data["stage"]["boxes"]
    assert link(again) == query


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "query",
    [
        {"cost_class": "0", "cost_bbox": "0", "cost_giou": "0", "iou_threshold": "0"},
        {"cost_class": "5", "cost_bbox": "10", "cost_giou": "5", "iou_threshold": "1", "beside": "greedy.nms"},
        {"queries": "", "objects": "", "stepped": "1"},
        {"queries": "", "stepped": "1", "step": "9"},
        {"objects": "", "shown": "giou_part"},
    ],
)
def test_ends_of_every_control(lang: str, query: dict[str, str]) -> None:
    app = open_page("detr", lang=lang, **query)
    assert not app.warning


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"queries": "90,80,10,176,90,4,4"}, "negative width"),
        ({"objects": "10,80,90,176,7"}, "no class 7"),
    ],
)
def test_an_impossible_link_is_a_sentence_with_a_way_on(query: dict[str, str], words: str) -> None:
    app = open_page("detr", broken=True, **query)
    assert not app.exception
    assert words in app.error[0].value
    app.button(key="detr_preset_scene").click().run()
    assert not app.error


def test_percents_said_by_the_browser_are_believed_only_if_they_can_be() -> None:
    queries = [[0, 0, 8, 8, 90, 5, 4], [0, 0, 8, 8, 20, 30, 40]]
    known = [[90, 5, 4], [20, 30, 40]]
    right = {"version": "1", "rows": [[1, 2, 3], [4, 5, 6]]}
    assert state._percents(right, "1", queries) == right["rows"]
    for wrong in (
        None,
        {**right, "version": "2"},
        {**right, "rows": right["rows"][:1]},
        {**right, "rows": [[1, 2], [4, 5, 6]]},
        {**right, "rows": [[1, 2, float("nan")], [4, 5, 6]]},
        {**right, "rows": [[1, 2, "3"], [4, 5, 6]]},
        {**right, "rows": [[50, 40, 30], [4, 5, 6]]},
        {**right, "rows": [[-1, 2, 3], [4, 5, 6]]},
    ):
        assert state._percents(wrong, "1", queries) == known


# Hand-made: the circle at the middle; query 0 calls it a square and fits, query 1 is right and 16 pixels beside.
STRANGER = {
    "queries": [[192, 192, 320, 320, 3, 94, 2], [200, 192, 328, 320, 98, 1, 0.5]],
    "objects": [[192, 192, 320, 320, 0]],
}
ALONE = {
    "queries": [[96, 96, 224, 224, 90, 5, 4]],
    "objects": [[96, 96, 224, 224, 0], [100, 96, 228, 224, 0]],
}


@pytest.mark.parametrize(
    ("rule", "solved", "unsolved"),
    [
        (challenges.dearer, outcome(tour.preset("greedy")), outcome(tour.preset("scene"))),
        (challenges.stranger, outcome(STRANGER), outcome(tour.CONTEST)),
        (challenges.alone, outcome(ALONE), outcome(tour.preset("crowded"))),
        (challenges.lost, outcome(tour.preset("overlapping")), outcome(tour.preset("duplicates"))),
    ],
)
def test_challenges(rule: challenges.Rule, solved: Outcome, unsolved: Outcome) -> None:
    assert rule(solved, say) is None
    assert rule(unsolved, say)


def test_a_prepared_set_solves_no_challenge_until_something_is_moved() -> None:
    rule = challenges.of_ones_own(challenges.dearer)
    assert "prepared" in (rule(outcome(tour.preset("greedy")), say) or "")
    queries, objects = tour.preset("greedy").values()
    moved = [[queries[0][0] + 1, *queries[0][1:]], *queries[1:]]
    assert rule(outcome({"queries": moved, "objects": objects}), say) is None
    assert "cheapest" in (rule(outcome(tour.preset("scene")), say) or "")  # its own hint comes first


def test_challenges_ask_for_the_papers_numbers() -> None:
    assert challenges.dearer(outcome(tour.preset("greedy"), weights=(0.0, 5.0, 2.0)), say)
    assert challenges.stranger(outcome(STRANGER, weights=(5.0, 5.0, 2.0)), say)
    assert challenges.lost(outcome(tour.preset("overlapping"), iou_threshold=0.5), say)
    # Without a free query, or a lonely object, nothing is solved.
    assert challenges.stranger(outcome(tour.preset("greedy")), say)
    assert challenges.alone(outcome(tour.preset("scene")), say)


def test_the_answers_of_the_lesson_by_hand() -> None:
    steps = {step.name: step for step in tour.STEPS}

    def right(name: str, found: Outcome) -> Any:
        question = steps[name].question
        return question.done(found) if hasattr(question, "done") else question.right(found)

    # The exact box costs -0.1 + 0 - 2; the other -0.9 + 5/16 - 2 · (112 - 16) / (112 + 32) of its width.
    contest = outcome(tour.CONTEST)
    np_cost = contest.summary.trace.cost[:, 0]
    assert np_cost == pytest.approx([-2.1, -0.9 + 5 * 32 / 512 - 2 * 96 / 160], abs=1e-9)
    assert right("cost", contest) == "exact"
    assert not right("weights", contest)
    assert right("weights", outcome(tour.CONTEST, weights=(2.0, 5.0, 2.0)))
    assert right("duplicates", outcome(tour.preset("duplicates"))) == "nothing"
    assert right("greedy", outcome(tour.preset("greedy"))) == "b"
    chain = outcome(tour.CHAIN)
    # Each box is 96 pixels wide; a shift of d costs 5 d / 512 - 2 GIoU, where GIoU = (96 - d) / (96 + d).
    price = lambda d: -0.8 + 5 * d / 512 - 2 * (96 - d) / (96 + d)  # noqa: E731
    wanted = {"chain": price(16) + price(112) + price(112), "jump": price(16) + price(32) + price(256)}
    wanted["stays"] = price(32) + price(32) + price(304)
    numbers = steps["path"].numbers(chain)
    assert {name: numbers[name] for name in wanted} == {
        name: f"{value:.2f}".replace("-", "−") for name, value in wanted.items()
    }
    assert (numbers["steps"], numbers["pairings"]) == (3, 6)
    assert right("path", chain) == "chain"
    moved = {"queries": [*tour.CHAIN["queries"][:2], [304, 208, 400, 304, 80, 5, 5]], "objects": tour.CHAIN["objects"]}
    assert right("path", outcome(moved)) == "stays"
    assert right("close", outcome(tour.preset("overlapping"))) == "one"
    none, one = np.zeros(0, int), np.array([0])
    whole = detr.SegmentMatch(one, one, np.array([0.75]), none, none)  # 0.75
    half = detr.SegmentMatch(one, one, np.array([0.75]), one, none)  # 0.75 / 1.5
    for paper, lower, verdict in ((whole, half, "falls"), (half, whole, "rises"), (half, half, "same")):
        assert right("masks", replace(contest, masked=masked.Masked(0.85, paper, paper, lower))) == verdict


def test_a_better_threshold_is_one_with_a_clearly_higher_quality() -> None:
    """One object: at 0.85 nobody is sure, at 0.5 its own query is (PQ 1), at 0.3 a second segment too (1 / 1.5)."""
    none = np.zeros(0, int)
    pair = {"queries": np.array([0]), "targets": np.array([0]), "iou": np.array([1.0]), "missed": none}
    keep = detr.KeepTrace(
        np.array([0.75, 0.375], np.float32),
        (
            detr.SegmentMatch(none, none, np.zeros(0), none, np.array([0])),
            detr.SegmentMatch(**pair, invented=none),
            detr.SegmentMatch(**pair, invented=np.array([1])),
        ),
    )
    plain = outcome(tour.preset("scene"))
    assert challenges.better(plain, say) == "Open the part *Masks* with a drawn scene."
    at = lambda threshold: replace(plain, masked=masked.measure(keep, threshold))  # noqa: E731
    assert challenges.better(at(0.5), say) is None
    assert challenges.better(at(0.3), say) is None
    assert "PQ is 0.00, at 0.85 it is 0.00" in (challenges.better(at(0.85), say) or "")
    assert at(0.9).masked.lower.pq == pytest.approx(1 / 1.5)
