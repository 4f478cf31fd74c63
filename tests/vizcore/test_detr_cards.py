"""The DETR that is shipped: its card describes it, and what the pages say of it was measured."""

import json

import numpy as np
import torch
from safetensors import safe_open

from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.models.detr import WEIGHTS_FOLDER, detect, load_detr
from vizcore.training.cards import load_card
from vizcore.training.detr_shipping import count_detr_multiply_adds, load_detr_card

MEGABYTE = 2**20


def test_large_objects_are_found_and_small_ones_are_where_it_loses():
    """The paper's own finding, on our scenes, beside a detector with the same backbone."""
    card, fcos = load_detr_card(), load_card("fcos_fpn").quality
    assert card.num_scenes == 500
    assert card.quality["ap_large"] >= 0.50
    lost = {size: fcos[size] - card.quality[size] for size in ("ap_small", "ap_medium", "ap_large")}
    assert lost["ap_small"] == max(lost.values())


def test_a_suppression_helps_the_first_layer_and_costs_the_last():
    card = load_detr_card()
    assert len(card.layers) == card.config["num_decoder_layers"]
    assert card.layers[-1]["ap"] == card.quality["ap"] == max(layer["ap"] for layer in card.layers)
    gains = [layer["nms_ap"] - layer["ap"] for layer in card.layers]
    assert gains[0] > 0 > gains[-1]


def test_the_card_describes_its_file():
    card, path = load_detr_card(), WEIGHTS_FOLDER / "detr.safetensors"
    assert path.stat().st_size == card.bytes <= 3 * MEGABYTE
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["config"]) == card.config
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118
    detector = load_detr()
    assert sum(parameter.numel() for parameter in detector.detr.parameters()) == card.parameters
    assert count_detr_multiply_adds(detector) == card.multiply_adds
    assert card.command == f"python -m vizcore.training detr --steps {card.steps} --seed {card.seed} --ship"


def test_what_its_queries_did_is_what_they_do():
    places, detector = detr.load_places(), load_detr()
    assert places.boxes.shape == (500, detector.detr.config.num_queries, 4)
    found = detect(detector, torch.from_numpy(draw_scene("validation", 7).pixels))
    np.testing.assert_allclose(places.scores[7], found.scores.numpy(), atol=5e-3)
