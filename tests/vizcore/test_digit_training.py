"""The four designs on digits: their recipes differ in the neck alone, and a card says what was judged."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vizcore.data.scenes import DIGITS, draw_scene
from vizcore.training.cards import (
    DIGIT_CARDS_OF,
    DIGIT_SEEDS,
    DigitCard,
    list_digit_cards,
    list_missing_digits,
    write_digit_card,
)
from vizcore.training.digits import DIGIT_RECIPES, KIND, ship_digits
from vizcore.training.evaluation import Detections, evaluate
from vizcore.training.features import open_features
from vizcore.training.harness import TrainedModel
from vizcore.training.recipes import RECIPES, build, make_losses


def test_the_designs_differ_in_the_neck_alone_and_from_those_on_shapes_in_the_classes():
    necks = set()
    for name, recipe in DIGIT_RECIPES.items():
        necks.add(recipe.config.neck)
        assert replace(recipe.config, neck="fpn") == DIGIT_RECIPES["digits_fpn"].config
        shapes = RECIPES[name.replace("digits", "compare")]
        assert recipe.schedule == shapes.schedule
        assert replace(recipe.config, num_classes=6) == shapes.config
    assert len(necks) == 3


def test_features_of_digits_lie_apart_and_hold_their_boxes(tmp_path: Path):
    shapes = open_features(tmp_path, "train", 2, size=64)
    digits = open_features(tmp_path, "train", 2, size=64, kind=KIND)
    for index in range(2):
        scene = draw_scene("train", index, size=64, kind=KIND)
        assert digits.boxes[index].tolist() == scene.boxes.tolist()
        assert digits.labels[index].tolist() == scene.labels.tolist()
    assert (digits.stages["C3"] != shapes.stages["C3"]).any()


def test_a_perfect_answer_has_average_precision_one():
    scenes = [draw_scene("validation", index, size=128, kind=KIND) for index in range(6)]

    def detect(index: int) -> Detections:
        return Detections(scenes[index].boxes, scenes[index].sizes * 0 + 1, scenes[index].labels)

    quality = evaluate(detect, [(scene.boxes, scene.labels) for scene in scenes], kind=KIND)
    assert quality.ap == pytest.approx(1)


def test_a_card_is_written_for_each_way_to_use_the_weights(tmp_path: Path):
    recipe = DIGIT_RECIPES["digits_top"]
    features = open_features(tmp_path, "train", 2, size=64, kind=KIND)
    model = build(recipe, seed=1)
    losses = make_losses(replace(recipe, schedule=replace(recipe.schedule, batch_size=2)), features, seed=1)(model, 0)
    assert all(loss.isfinite() for loss in losses.values())
    cards = ship_digits(
        recipe,
        "digits_top",
        TrainedModel(model.eval(), 2, 36.0, {}),
        seed=1,
        command="nothing",
        num_scenes=1,
        num_training_scenes=2,
        folder=tmp_path,
        cards=tmp_path / "cards",
    )
    assert [card.name for card in cards] == ["digits_top_seed1", "digits_pyramid_seed1"]
    assert cards[1].multiply_adds > 2 * cards[0].multiply_adds
    for card in cards:
        written = json.loads((tmp_path / "cards" / f"{card.name}.json").read_text())
        assert DigitCard(**written) == DigitCard(**asdict(card))
        assert written["data"]["classes"] == list(DIGITS)


def test_commands_name_the_cards_that_are_missing(tmp_path: Path):
    assert DIGIT_CARDS_OF.keys() == DIGIT_RECIPES.keys()
    assert list_digit_cards(tmp_path) == ()
    wanted = list_missing_digits(())
    assert len(wanted) == len(DIGIT_SEEDS) * len(DIGIT_RECIPES)
    made = DigitCard("", "", "", False, 0, {}, 1, 1, 0.0, "", 1, {}, 1, 1)
    for seed in DIGIT_SEEDS:
        for recipe, names in DIGIT_CARDS_OF.items():
            assert f"python -m vizcore.training {recipe} --seed {seed} --ship" == wanted[0]
            for name in names:
                assert list_missing_digits(list_digit_cards(tmp_path)) == wanted
                write_digit_card(replace(made, name=f"{name}_seed{seed}" if seed else name, seed=seed), tmp_path)
            wanted = wanted[1:]
            assert list_missing_digits(list_digit_cards(tmp_path)) == wanted
