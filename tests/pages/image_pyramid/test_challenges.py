"""The image pyramid's challenges: the rules on made-up searches, and the page that marks real ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pages.image_pyramid import challenges
from pages.image_pyramid.state import CLASSES, View
from pages.kit.language import translator
from pages.kit.pictures import Picture
from tests.pages.image_pyramid.reading import open_pyramid, sound
from vizcore import image_pyramid

SAY = translator("image_pyramid", "en")
SIZE = (300, 416)
FACE = np.array([[10, 10, 60, 60]], dtype=np.float32)


def outcome(sample: str, name: str, best: float, *, num_levels: int = 2, step: int = 1, **view: object):
    """A search in which window 3 of the first level says ``best`` of the class ``name``, and every other little."""
    label = CLASSES.index(name)
    levels = []
    for height, width in ((288, 416), (256, 320))[:num_levels]:
        probabilities = np.full((height // 32 - 6, width // 32 - 6, len(CLASSES)), 0.01, np.float32)
        if not levels:
            probabilities[0, 3, label] = best
        levels.append(image_pyramid.WindowLevel(np.zeros((height, width, 3), np.uint8), probabilities, 0.1))
    shown = View(
        picture=Picture("sample", sample, np.zeros((*SIZE, 3), np.uint8), sample, SIZE),
        scale_step=1.41,
        num_levels=num_levels,
        window_stride=1,
        label=str(label),
        score_threshold=0.3,
        iou_threshold=0.3,
        pace="window",
        fusion=True,
        show_map=True,
        step=step,
    )
    shown = dataclasses.replace(shown, **view)
    trace = image_pyramid.slide_window(
        SIZE,
        levels,
        label=label,
        window_stride=shown.window_stride,
        score_threshold=shown.score_threshold,
        fusion_steps=shown.fusion_steps,
    )
    return challenges.Outcome(shown, trace, 1.3, step, FACE, None)


def own(marked: challenges.Outcome) -> challenges.Outcome:
    """The same search on a photo of the reader's own that happens to have the sample's name."""
    picture = dataclasses.replace(marked.view.picture, kind="own")
    return dataclasses.replace(marked, view=dataclasses.replace(marked.view, picture=picture))


CAT = outcome("chelsea", "Egyptian cat", 0.9, step=4)
CUP = outcome("coffee", "espresso", 0.9)
LOST = outcome("motorcycle", "moped", 0.2)


@pytest.mark.parametrize(
    ("rule", "marked"),
    [
        (challenges.surest, CAT),
        (challenges.cheap, CUP),
        (challenges.cheap, dataclasses.replace(CUP, cost_ratio=1.5)),
        (challenges.lost, LOST),
        (challenges.lost, outcome("motorcycle", "moped", 0.3)),  # on the threshold is not above it
        (challenges.face, dataclasses.replace(CUP, hog=FACE + 5)),  # IoU 45² / (2 · 50² − 45²) = 0.68
    ],
)
def test_a_solution_needs_no_hint(rule, marked):
    assert rule(marked, SAY, SAY) is None


@pytest.mark.parametrize(
    ("rule", "marked", "hint"),
    [
        (challenges.surest, own(CAT), "Chelsea the cat first"),
        (challenges.surest, outcome("chelsea", "tabby", 0.9, step=4), "Look for the class “Egyptian cat”"),
        (challenges.surest, outcome("chelsea", "Egyptian cat", 0.9, step=4, pace="row"), "one step be one window"),
        (challenges.surest, dataclasses.replace(CAT, step=0), "Stop the stepper on a window"),
        (challenges.surest, dataclasses.replace(CAT, step=CAT.trace.num_windows + 1), "Stop the stepper on a window"),
        (challenges.surest, dataclasses.replace(CAT, step=3), "This window says 0.010"),
        (challenges.surest, dataclasses.replace(CAT, step=5), "This window says 0.010"),
        (challenges.cheap, own(CUP), "the cup of coffee first"),
        (challenges.cheap, outcome("coffee", "espresso", 0.3), "No box says “espresso”"),
        (challenges.cheap, outcome("coffee", "cup", 0.9), "No box says “espresso”"),
        (challenges.cheap, outcome("coffee", "espresso", 0.9, num_levels=1), "One level is no pyramid"),
        (challenges.cheap, dataclasses.replace(CUP, cost_ratio=1.51), "cost 1.51 ×"),
        (challenges.lost, own(LOST), "the motorcycle first"),
        (challenges.lost, outcome("motorcycle", "moped", 0.2, score_threshold=0.31), "threshold 0.3 and stride 1"),
        (challenges.lost, outcome("motorcycle", "moped", 0.2, window_stride=2), "threshold 0.3 and stride 1"),
        (challenges.lost, outcome("motorcycle", "motor scooter", 0.2), "Look for “moped”"),
        (challenges.lost, outcome("motorcycle", "moped", 0.31), "on level 1, with 0.31"),
        (challenges.face, dataclasses.replace(CUP, cascade=FACE[:0]), "finds 0 faces"),
        (challenges.face, dataclasses.replace(CUP, cascade=np.concatenate([FACE, FACE])), "finds 2 faces"),
        (challenges.face, CUP, "Now train HOG + SVM"),
        # IoU 50 · 28 / (2 · 50² − 50 · 28) = 0.39
        (challenges.face, dataclasses.replace(CUP, hog=FACE + np.float32([0, 22, 0, 22])), "do not agree"),
        (challenges.face, dataclasses.replace(CUP, hog=FACE[:0]), "do not agree"),
    ],
)
def test_a_near_miss_gets_the_hint_that_fits(rule, marked, hint):
    assert hint in rule(marked, SAY, SAY)


@pytest.mark.parametrize(
    ("query", "solved"),
    [
        ({"photo": "chelsea", "label": 285, "step": 352, "pace": "window"}, "surest"),
        ({"scale_step": 1.8}, "cheap"),
        ({"photo": "motorcycle", "label": 665, "num_levels": 2}, "lost"),
    ],
)
def test_challenges_can_be_solved(payloads, query, solved):
    app = open_pyramid(**query)
    sound(app)
    assert app.session_state["image_pyramid_solved"] == [solved]


@pytest.mark.parametrize(
    ("query", "unsolved"),
    [
        ({"photo": "chelsea", "label": 285, "step": 351}, "surest"),
        ({"scale_step": 2.0, "num_levels": 1, "score_threshold": 0.05}, "cheap"),
        ({"photo": "motorcycle", "label": 665}, "lost"),
    ],
)
def test_wrong_answers_get_a_hint(payloads, query, unsolved):
    app = open_pyramid(**query)
    assert unsolved not in app.session_state["image_pyramid_solved"]
    app.button(key=f"image_pyramid_check_{unsolved}").click().run()
    sound(app)
    assert len(app.info) == 1
