"""The lesson's steps about attention: what is measured, and that the shipped network lets them be done."""

from __future__ import annotations

import numpy as np
import pytest

from pages.detr import challenges, looked, masked, network, state, tour
from pages.kit.language import lesson_sections
from pages.kit.pictures import scene
from tests.pages.opening import open_page
from tests.pages.pieces import component
from vizcore import detr
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.training.detr_shipping import load_detr_card

SCENES = (7, 9, 8, 2, 0)
"""Of which a learner may find one."""


def trace_that_looks(share: float, box: list[float]) -> detr.DETRTrace:
    """A picture of 8 × 8 tokens: each place gives a share to the tokens on a square, query 0 to the square's middle."""
    on_it = np.zeros((8, 8))
    on_it[0:2, 3:6] = 1  # centres from 224 to 352 across, 32 to 96 down
    row = share * on_it / on_it.sum() + (1 - share) * (1 - on_it) / (1 - on_it).sum()
    return detr.DETRTrace(
        image_size=(512, 512),
        grid=(8, 8),
        cell=64.0,
        outside=np.zeros(64, dtype=bool),
        start_boxes=None,
        boxes=np.array([[box]], np.float32),
        scores=np.full((1, 1), 0.9, np.float32),
        labels=np.zeros((1, 1), np.int64),
        probabilities=np.zeros((1, 1, 3), np.float32),
        memory=np.zeros((64, 8), np.float32),
        queries=np.zeros((1, 1, 8), np.float32),
        encoder=np.broadcast_to(row.ravel(), (1, 2, 64, 64)).astype(np.float32),
        decoder_self=np.ones((1, 2, 1, 1), np.float32),
        decoder_cross=np.broadcast_to(row.ravel(), (1, 2, 1, 64)).astype(np.float32),
        seconds={},
    )


@pytest.mark.parametrize(("share", "verdict"), [(6 / 64, "fair"), (0.15, "fair"), (0.5, "more"), (0.95, "all")])
def test_where_a_place_looks_is_measured_on_its_own_object(share: float, verdict: str) -> None:
    square, around = [210.0, 10.0, 380.0, 120.0], [0.0, 0.0, 512.0, 512.0]
    owner = np.zeros((512, 512), np.int16)
    owner[10:120, 210:380] = 1
    found = looked.measure(trace_that_looks(share, square), np.array([around, square]), owner, 0)
    assert found.own == pytest.approx(share, abs=1e-5)
    assert found.area == 6 / 64
    assert found.verdict == verdict
    assert found.is_asked
    # The square's middle is x from 244 to 346, y from 32 to 98: the token at x = 288, twice.
    assert found.shares.middle == pytest.approx(share / 3, abs=1e-5)
    elsewhere = looked.measure(
        trace_that_looks(share, [0.0, 300.0, 100.0, 400.0]), np.array([around, square]), owner, 0
    )
    assert not elsewhere.is_asked


def test_the_lesson_asks_where_the_shipped_network_looks() -> None:
    encoder = open_page("detr", tour=[step.name for step in tour.STEPS].index("encoder") + 1)
    hidden = component(encoder, "look")
    assert hidden["hidden"]
    assert hidden["point"] == list(looked.PLACE)
    asked = [step.name for step in tour.STEPS].index("decoder") + 1
    decoder = open_page("detr", tour=asked)
    assert not component(decoder, "look")["hidden"]
    trace = network.trace(scene(looked.SCENE))
    drawn = draw_scene("validation", looked.SCENE)
    own = drawn.owner[looked.PLACE[1], looked.PLACE[0]]
    squares = np.flatnonzero(drawn.labels == CLASSES.index("square"))
    assert own == min(squares, key=lambda index: drawn.boxes[index, 1])  # "the upper one of the two squares"
    assert len(squares) == 2
    assert 256 < drawn.boxes[own, [0, 2]].mean() < 300  # "a little to the right of the middle"
    asked_of = lambda query: looked.measure(trace, drawn.boxes, drawn.owner, query).is_asked  # noqa: E731
    assert any(asked_of(query) for query in trace.found(0.5).tolist())  # somebody found it: the step can be done
    assert not asked_of(looked.ANOTHER_QUERY)
    assert looked.ANOTHER_QUERY in trace.found(0.5)  # on another object
    around = looked.measure(trace, drawn.boxes, drawn.owner, 0).area
    assert around == pytest.approx((drawn.owner == own).mean(), abs=0.005)  # "covers": what can be seen of it


def test_the_shipped_mask_head_lets_a_better_threshold_be_found() -> None:
    def gain(index: int) -> float:
        keep = network.kept(scene(index))
        assert keep is not None
        at = [masked.measure(keep, float(score)) for score in keep.scores]
        return max(each.now.pq - each.paper.pq for each in at)

    assert any(gain(index) >= challenges.BETTER for index in SCENES)


def test_the_query_that_is_chosen_at_first_finds_something_at_first() -> None:
    assert state.QUERY.default in network.trace(scene(state.SCENE.default)).found(0.5)
    sure = (detr.load_places().scores > 0.5).sum(0)
    assert state.QUERY.default == sure.argmax()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_help_of_the_card_is_named_by_the_lesson(language: str) -> None:
    words = lesson_sections("detr", language)["helps"]
    assert words.count("\n- ") == len(load_detr_card().helps)
