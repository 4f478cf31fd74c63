"""The DETR that is shipped: its card describes it, and what the pages say of it was measured."""

import json
import re

import numpy as np
import torch
from safetensors import safe_open

from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.models.detr import WEIGHTS_FOLDER, detect, load_detr
from vizcore.training.cards import load_card
from vizcore.training.detr_shipping import count_detr_multiply_adds, list_detr_cards, load_detr_card
from vizcore.training.recipes import NUM_TRAINING_SCENES

MEGABYTE = 2**20


def test_large_objects_are_found_and_small_ones_are_where_it_loses():
    """The paper's own finding, on our scenes, beside a detector with the same backbone."""
    card, fcos = load_detr_card(), load_card("fcos_fpn").quality
    assert card.num_scenes == 500
    assert card.quality["ap50"] >= 0.65
    assert card.quality["ap_large"] >= 0.50
    lost = {size: fcos[size] - card.quality[size] for size in ("ap_small", "ap_medium", "ap_large")}
    assert lost["ap_small"] == max(lost.values())


def test_a_suppression_helps_the_first_layer_and_costs_the_last():
    card = load_detr_card()
    assert len(card.layers) == card.config["num_decoder_layers"]
    assert card.layers[-1]["ap"] == card.quality["ap"] == max(layer["ap"] for layer in card.layers)
    gains = [layer["nms_ap"] - layer["ap"] for layer in card.layers]
    assert gains[0] > 0 > gains[-1]


def test_trainings_without_a_part_differ_in_it_alone():
    cards = {card.name: card for card in list_detr_cards()}
    whole = cards.pop("detr_reference")
    assert set(cards) == {"detr", "detr_no_positions", "detr_no_encoder", "detr_no_auxiliary"}
    for name in ("detr_no_positions", "detr_no_encoder", "detr_no_auxiliary"):
        card = cards[name]
        assert (card.steps, card.batch_size, card.seed, card.num_scenes) == (whole.steps, 8, 0, 500)
        assert card.command == f"python -m vizcore.training {name} --steps {card.steps} --seed 0 --ship"
    assert cards["detr_no_positions"].quality["ap"] < 0.1 * whole.quality["ap"]
    # Nobody taught the layers before the last one.
    assert max(layer["ap"] for layer in cards["detr_no_auxiliary"].layers[:-1]) < 0.1 * whole.layers[0]["ap"]


def test_the_card_describes_its_file():
    card, path = load_detr_card(), WEIGHTS_FOLDER / "detr.safetensors"
    assert path.stat().st_size == card.bytes <= 3 * MEGABYTE
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["config"]) == card.config
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118
    detector = load_detr()
    assert sum(parameter.numel() for parameter in detector.detr.parameters()) == card.parameters
    assert count_detr_multiply_adds(detector) == card.multiply_adds
    # Two legs, the second on scenes that the first one had not seen.
    legs = [
        re.fullmatch(r"python -m vizcore\.training (\w+) --steps (\d+) --seed 0 --ship", leg)
        for leg in card.command.split(" && ")
    ]
    assert [leg[1] for leg in legs if leg] == ["detr", "detr_further"]
    assert sum(int(leg[2]) for leg in legs if leg) == card.steps
    assert card.data["scenes"] == 2 * NUM_TRAINING_SCENES


def test_what_its_queries_did_is_what_they_do():
    places, detector = detr.load_places(), load_detr()
    assert places.boxes.shape == (500, detector.detr.config.num_queries, 4)
    found = detect(detector, torch.from_numpy(draw_scene("validation", 7).pixels))
    np.testing.assert_allclose(places.scores[7], found.scores.numpy(), atol=5e-3)
