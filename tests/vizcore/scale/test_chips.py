"""The greedy cover, against every choice there is; what a lower resolution leaves of a shape."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.scale import (
    SHAPES,
    ScaleError,
    chip_places,
    cover,
    draw_shapes,
    lowered,
    photo_by_resolution,
    trace_chips,
    train_by_resolution,
)


def holds(chip, box):
    return chip[0] <= box[0] and chip[1] <= box[1] and chip[2] >= box[2] and chip[3] >= box[3]


def fewest(boxes, places):
    """The least number of chips that hold all boxes, by trying."""
    for count in range(len(boxes) + 1):
        for chosen in itertools.combinations(range(len(places)), count):
            if all(any(holds(places[place], box) for place in chosen) for box in boxes):
                return count
    return None


boxes_strategy = st.lists(
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=5
).map(lambda rows: np.array([[x, y, min(x + w, 100), min(y + h, 100)] for x, y, w, h in rows], dtype=np.float32))


@settings(max_examples=15, deadline=None)
@given(boxes_strategy)
def test_the_greedy_cover_holds_everything_with_hardly_more_chips_than_the_best(boxes):
    trace = cover(boxes, np.ones(len(boxes), bool), (100, 100), chip=40, stride=20)
    places = chip_places((100, 100), chip=40, stride=20)
    coverable = [box for box in boxes if any(holds(place, box) for place in places)]
    for box, chip in zip(boxes, trace.covered_by, strict=True):
        assert (chip >= 0) == any(holds(place, box) for place in places)
        assert chip < 0 or holds(trace.chips[chip], box)
    best = fewest(coverable, places)
    assert best <= len(trace.chips) <= best * (1 + np.log(max(len(coverable), 1)))  # Chvátal's bound


def test_each_chip_is_the_one_that_holds_most_of_what_is_left():
    boxes = np.array([[5, 5, 10, 10], [20, 5, 25, 10], [90, 90, 95, 95], [5, 60, 9, 64]], dtype=np.float32)
    trace = cover(boxes, np.ones(4, bool), (100, 100), chip=40, stride=20)
    assert trace.chips[0].tolist() == [0, 0, 40, 40]
    assert trace.covered_by.tolist()[:2] == [0, 0]
    assert len(trace.chips) == 3
    assert (trace.pixels, trace.whole_pixels) == (3 * 1600, 10_000)


def test_what_is_not_valid_needs_no_chip_and_what_is_too_large_has_none():
    boxes = np.array([[5, 5, 10, 10], [0, 0, 90, 90]], dtype=np.float32)
    trace = cover(boxes, np.array([False, True]), (100, 100), chip=40, stride=20)
    assert len(trace.chips) == 0
    assert trace.covered_by.tolist() == [-1, -1]
    assert trace.pixels == 0


def test_a_small_picture_is_one_chip_and_the_last_places_end_at_the_border():
    assert chip_places((30, 50), chip=64, stride=16).tolist() == [[0, 0, 50, 30]]
    places = chip_places((70, 64), chip=64, stride=32)
    assert places.tolist() == [[0, 0, 64, 64], [0, 6, 64, 70]]
    with pytest.raises(ScaleError):
        cover(np.zeros((0, 4), np.float32), np.zeros(0, bool), (64, 64), chip=0)


def test_three_resolutions_by_the_papers_ranges():
    boxes = np.array([[10, 10, 40, 40], [100, 100, 300, 300]], dtype=np.float32)  # sides 30 and 200
    low, middle, high = trace_chips(boxes, (480, 640))
    assert low.valid.tolist() == [False, True]
    assert middle.valid.tolist() == [False, False]
    assert high.valid.tolist() == [True, False]
    assert (len(low.chips), len(middle.chips), len(high.chips)) == (1, 0, 1)
    assert sum(trace.pixels for trace in (low, middle, high)) < sum(trace.whole_pixels for trace in (low, middle, high))


# -- resolution --------------------------------------------------------------------------------------------------------


def test_shapes_are_drawn_in_turn_and_by_their_seed():
    pictures, labels = draw_shapes(12, seed=3)
    assert pictures.shape == (12, 3, 48, 48)
    assert labels.tolist() == list(range(len(SHAPES))) * 2
    assert torch.equal(draw_shapes(12, seed=3)[0], pictures)
    assert not torch.equal(draw_shapes(12, seed=4)[0], pictures)
    assert pictures.std(dim=(2, 3)).mean(1).min() > 0.05  # there is something to see in each


def test_lowering_keeps_the_mean_and_takes_the_detail():
    pictures, _ = draw_shapes(6, seed=0)
    rough = [lowered(pictures, factor).diff(dim=-1).abs().mean() for factor in (1, 2, 4, 8)]
    assert rough == sorted(rough, reverse=True)
    assert torch.allclose(lowered(pictures, 4).mean((2, 3)), pictures.mean((2, 3)), atol=0.05)


def test_a_short_training_knows_more_than_chance_and_reports():
    told = []
    run = train_by_resolution(steps=150, factors=(1, 4), num_training=480, num_test=240, report=told.append)
    assert run.base[1] > 1.5 / len(SHAPES)
    assert run.fine_tuned[4] > run.base[4]
    assert set(run.order(4)) == {"base", "small", "fine_tuned"}
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    once, again = (train_by_resolution(steps=6, factors=(1,), num_training=48, num_test=48) for _ in range(2))
    assert once.base == again.base
    assert run.drop == run.base[1] - run.base[4]
    with pytest.raises(ScaleError):
        train_by_resolution(factors=(2, 4))
    with pytest.raises(ScaleError):
        train_by_resolution(factors=(1, 5))


def test_a_trained_classifier_on_a_grey_photo_does_not_care_about_resolution():
    run = photo_by_resolution(load_efficientnet_lite0(), np.full((240, 300, 3), 128, np.uint8), factors=(1, 8))
    assert run.best[1] == run.best[8]
    assert run.probability[1] == pytest.approx(run.probability[8], abs=1e-4)
