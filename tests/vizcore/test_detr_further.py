"""A shipped DETR is trained on: what it begins with, and how the two legs are told as one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.vizcore.test_detr_training import RECIPE, TINY
from vizcore.data.scenes import draw_scene
from vizcore.detr.history import TrainingStrip
from vizcore.models.detr import DETR
from vizcore.seeding import seeded
from vizcore.training.detr_further import begin_with, join_cards, join_logs, join_strips
from vizcore.training.detr_shipping import load_detr_card
from vizcore.training.features import open_features


def trained(config=TINY) -> DETR:
    with seeded(7):
        detector = DETR(config)
    with torch.no_grad():
        detector.query_embed.weight.add_(3)
        detector.start_boxes.logits.sub_(1)
    return detector


def test_it_begins_with_the_weights_and_the_further_queries_near_them():
    detector = trained()
    model = begin_with(RECIPE, detector, seed=1)
    for name, value in detector.state_dict().items():
        torch.testing.assert_close(model.detr.state_dict()[name], value, rtol=0, atol=0)
    assert model.group_queries.shape == (2, TINY.num_queries, TINY.channels)
    away = (model.group_queries - detector.query_embed.weight).detach()
    assert 0.08 < away.std() < 0.12  # the noise that is named
    assert (model.group_boxes - detector.start_boxes.logits).abs().max() < 1
    assert not torch.equal(model.group_queries[0], model.group_queries[1])
    model.detr.query_embed.weight.data.zero_()  # training does not reach what it was given
    assert detector.query_embed.weight.mean() > 2


def test_the_same_seed_begins_alike():
    first, again, other = (begin_with(RECIPE, trained(), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.group_queries, again.group_queries)
    assert not torch.equal(first.group_queries, other.group_queries)


def test_a_detector_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="tiny"):
        begin_with(RECIPE, trained(replace(TINY, num_queries=5)), seed=0)


def test_features_of_later_scenes_are_those_scenes(tmp_path):
    later = open_features(tmp_path, "train", 2, size=64, first=1)
    first = open_features(tmp_path, "train", 2, size=64)
    assert torch.equal(later.boxes[0], first.boxes[1])
    assert later.boxes[1].tolist() == draw_scene("train", 2, size=64).boxes.tolist()
    np.testing.assert_array_equal(later.stages["C4"][0].astype(np.float32), first.stages["C4"][1].astype(np.float32))


def test_a_card_of_two_legs_has_the_work_of_both_and_the_figures_of_the_last():
    before = load_detr_card()
    leg = replace(before, steps=300, hours=0.5, command="again", quality={"ap": 0.9}, helps=["one"])
    card = join_cards(replace(before, steps=1000, hours=2.0, command="first"), leg, scenes=64)
    assert (card.steps, card.hours, card.command) == (1300, 2.5, "first && again")
    assert card.quality == {"ap": 0.9}
    assert card.data["scenes"] == before.data["scenes"] + 64
    assert card.helps[0] == "one"
    assert "300 steps" in card.helps[1]
    assert "64 scenes" in card.helps[1]


def test_steps_and_seconds_of_a_log_are_counted_on():
    rows = join_logs(
        [{"step": "20", "seconds": "3.5", "ap": "0.1"}, {"step": "40", "seconds": "7.0"}],
        [{"step": "20", "seconds": "4.0", "ap": "0.2"}],
    )
    assert [(row["step"], row["seconds"]) for row in rows] == [("20", "3.5"), ("40", "7.0"), (60, 11.0)]
    assert rows[-1]["ap"] == "0.2"


def test_a_strip_goes_on_with_the_same_scenes():
    def strip(steps, scenes=(0, 1)):
        shape = (len(steps), len(scenes), 3)
        return TrainingStrip(
            np.array(steps), np.array(scenes), np.full((*shape, 7), steps[0]), np.full((*shape, 4), steps[0])
        )

    joined = join_strips(strip([1, 2]), strip([9]))
    assert joined.steps.tolist() == [1, 2, 9]
    assert joined.logits[:, 0, 0, 0].tolist() == [1, 1, 9]
    with pytest.raises(ValueError, match="scenes"):
        join_strips(strip([1]), strip([9], (0, 2)))
