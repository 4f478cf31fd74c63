"""The detection page's challenges: the rules on made-up outputs, and the page that marks real ones."""

from __future__ import annotations

import numpy as np
import pytest

from pages.detection import challenges
from pages.kit.language import translator
from tests.pages.detection.reading import open_detection, sound
from vizcore.data.annotations import load_annotations
from vizcore.detection.output import Candidates, DetectorOutput, build_output

SAY = translator("detection", "en")
NAMES = ("Egyptian cat", "espresso")
CAT = load_annotations("chelsea")[0].box


def output(*boxes: tuple[float, ...], labels: tuple[int, ...], best: float = 0.9, iou: float = 0.3) -> DetectorOutput:
    """What a detector would have found that saw these boxes only, each a little less sure than the one before."""
    number = len(boxes)
    candidates = Candidates(
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        scores=np.linspace(best, best - 0.1, number, dtype=np.float32),
        labels=np.array(labels, dtype=np.int64),
        levels=np.zeros(number, np.int64),
        cells=np.zeros((number, 2), np.int64),
        anchors=np.zeros(number, np.int64),
        level_names=("P3",),
    )
    return build_output("made up", (300, 451), NAMES, candidates, (), score_threshold=0.05, iou_threshold=iou)


def outcome(sample: str | None, found: DetectorOutput) -> challenges.Outcome:
    return challenges.Outcome(sample, [found], load_annotations("chelsea"))


ONE_CAT = output(CAT, labels=(0,))
NEIGHBOURS = [(float(x), 0.0, x + 1.0, 1.0) for x in range(100)]
SPOT = ((0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 10.0, 5.0))  # IoU one half


@pytest.mark.parametrize(
    ("rule", "marked"),
    [
        (challenges.one_cat, outcome("chelsea", ONE_CAT)),
        (challenges.flood, outcome(None, output(*NEIGHBOURS, labels=(0,) * 100))),
        (challenges.same_spot, outcome(None, output(*SPOT, labels=(0, 1), iou=0.49))),
        (challenges.wrong_name, outcome("astronaut", output(CAT, labels=(1,), best=0.81))),
    ],
)
def test_a_solution_needs_no_hint(rule, marked):
    assert rule(marked, SAY) is None


@pytest.mark.parametrize(
    ("rule", "marked", "hint"),
    [
        (challenges.one_cat, outcome(None, ONE_CAT), "Chelsea the cat first"),
        (challenges.one_cat, outcome("coffee", ONE_CAT), "Chelsea the cat first"),
        (challenges.one_cat, outcome("chelsea", output(labels=())), "There are 0 boxes now"),
        (challenges.one_cat, outcome("chelsea", output(*SPOT, labels=(0, 1))), "There are 2 boxes now"),
        (challenges.one_cat, outcome("chelsea", output(CAT, labels=(1,))), "not called a cat"),
        (challenges.flood, outcome(None, output(*NEIGHBOURS[:99], labels=(0,) * 99)), "99 boxes now"),
        (challenges.same_spot, outcome(None, output(*SPOT, labels=(0, 1), iou=0.5)), "No two boxes"),
        (challenges.same_spot, outcome(None, output(*SPOT, labels=(0, 0), iou=0.5)), "No two boxes"),  # one class
        (challenges.wrong_name, outcome("astronaut", output(CAT, labels=(1,), best=0.8)), "a portrait"),
        (challenges.wrong_name, outcome("astronaut", output(labels=())), "a portrait"),
        (challenges.wrong_name, outcome(None, output(CAT, labels=(1,))), "a portrait"),
    ],
)
def test_a_near_miss_gets_the_hint_that_fits(rule, marked, hint):
    assert hint in rule(marked, SAY)


@pytest.mark.parametrize(
    ("query", "solved"),
    [
        ({"photo": "chelsea", "score_threshold": 0.8}, "one_cat"),
        ({"photo": "coffee", "iou_threshold": 1.0}, "flood"),
        ({"photo": "flower"}, "same_spot"),
        ({"photo": "astronaut"}, "wrong_name"),
    ],
)
def test_challenges_can_be_solved(query, solved):
    app = open_detection(**query)
    sound(app)
    assert solved in app.session_state["detection_solved"]


def test_nothing_is_solved_at_first():
    assert open_detection().session_state["detection_solved"] == []
