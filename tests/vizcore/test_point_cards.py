"""CenterNet, VarifocalNet and what it is compared with, as they are shipped, held to their cards."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from vizcore.data.scenes import draw_scene
from vizcore.models.centernet import POINT_WEIGHTS, load_centernet
from vizcore.models.vfnet import load_vfnet
from vizcore.training.cards import load_card, load_point_card
from vizcore.training.centernet import CENTERNET_RECIPES
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.point_shipping import ABLATIONS, measure, point_detect, save_predictions
from vizcore.training.varifocalnet import VFNET_RECIPES
from vizcore.varifocalnet import PAPER_AP, RANKINGS

CARDS = sorted(path.stem for path in POINT_WEIGHTS.glob("*.json"))
SHIPPED = sorted(path.stem for path in POINT_WEIGHTS.glob("*.safetensors"))
FOLDER = Path(__file__).parent
PREDICTED = sorted(path.name.removesuffix("_predictions.npz") for path in FOLDER.glob("[cv]*net*_predictions.npz"))


def load(name):
    return load_centernet(name) if name in CENTERNET_RECIPES else load_vfnet(name)


def test_what_the_page_cannot_do_without_is_shipped():
    assert {"centernet", "vfnet_focal", "vfnet_varifocal"} <= set(SHIPPED)
    assert set(SHIPPED) <= set(CARDS)
    best = load_point_card("centernet")["quality"]
    assert best["ap50"] >= 0.75
    assert best["ap"] >= 0.45


@pytest.mark.parametrize("name", CARDS)
def test_a_card_tells_how_to_make_it_again(name):
    card = load_point_card(name)
    model = name.removesuffix("_seed1")
    recipe = {**CENTERNET_RECIPES, **VFNET_RECIPES}[model]
    assert asdict(recipe.config) == card["config"]
    assert recipe.schedule.steps == card["steps"]
    assert card["seed"] == (0 if name == model else 1)
    assert card["command"] == f"python -m vizcore.training {model} --steps {card['steps']} --seed {card['seed']}"
    assert card["num_scenes"] == 500
    assert all(-1 <= value <= 1 for value in card["quality"].values())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_describes_its_file(name):
    card, path = load_point_card(name), POINT_WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size == card["bytes"] <= 3 * 2**20
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["config"]) == card["config"]
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118
    detector = load(name)
    network = detector.centernet if name in CENTERNET_RECIPES else detector.vfnet
    assert sum(parameter.numel() for parameter in network.parameters()) == card["parameters"]
    assert card["times_fcos"] > 0


def test_the_varifocal_loss_leads_with_either_seed_and_a_seed_moves_ap_about_as_far():
    ap = {name: load_point_card(name)["quality"]["ap"] for name in CARDS if name.startswith("vfnet_")}
    gains = [ap[f"vfnet_varifocal{seed}"] - ap[f"vfnet_focal{seed}"] for seed in ("", "_seed1")]
    moves = [abs(ap[name] - ap[f"{name}_seed1"]) for name in ("vfnet_focal", "vfnet_varifocal")]
    assert 0 < min(gains) < max(gains) <= 0.011
    assert 0.5 < max(moves) / max(gains) < 2


def test_the_compared_runs_have_one_budget_and_one_difference_at_a_time():
    mate = load_card("compare_fpn")
    cards = [load_point_card(name) for name in VFNET_RECIPES if name in CARDS]
    for card in cards:
        assert (card["steps"], card["batch_size"], card["seed"]) == (mate.steps, mate.batch_size, mate.seed)
        assert (card["config"]["finest"], card["config"]["channels"]) == (
            mate.config["finest"],
            mate.config["channels"],
        )
    for first, second in itertools.pairwise(cards):
        assert sum(first["config"][key] != second["config"][key] for key in first["config"]) == 1


@pytest.mark.parametrize("name", [name for name in CARDS if name.startswith("vfnet")])
def test_every_ranking_was_judged_and_its_own_is_the_quality(name):
    card = load_point_card(name)
    assert set(card["rankings"]) == set(RANKINGS)
    own = "cls_ctr" if card["config"]["score"] == "class" else "iacs"
    assert card["rankings"][own]["ap"] == pytest.approx(card["quality"]["ap"], abs=2e-3)  # clipped in another order
    assert card["rankings"]["gt_cls_iou"]["ap"] > card["quality"]["ap"]
    assert 0 < card["rank_correlation"] < 1
    assert set(PAPER_AP) == set(RANKINGS) - {"iacs"}


def test_every_way_to_decode_was_judged():
    assert set(load_point_card("centernet")["ablation"]) == set(ABLATIONS)


def stored_predictions(name):
    """What the shipped detector found on each of the validation scenes."""
    with np.load(FOLDER / f"{name}_predictions.npz") as file:
        ends = np.cumsum(file["counts"], dtype=int)[:-1]
        columns = (file["boxes"] / np.float32(16), file["scores"].astype(np.float32), file["labels"].astype(np.int64))
    return [Detections(*each) for each in zip(*(np.split(column, ends) for column in columns), strict=True)]


@pytest.fixture(scope="module")
def truth():
    """Boxes and labels of the validation scenes, stored because drawing all of them takes a minute."""
    with np.load(FOLDER / "validation_truth.npz") as file:
        ends = np.cumsum(file["counts"], dtype=int)[:-1]
        columns = (file["boxes"].astype(np.float32), file["labels"].astype(np.int64))
    return list(zip(*(np.split(column, ends) for column in columns), strict=True))


def test_the_stored_truth_is_that_of_the_scenes(truth):
    assert len(truth) == NUM_VALIDATION_SCENES
    for index in (0, 257, NUM_VALIDATION_SCENES - 1):
        scene = draw_scene("validation", index)
        np.testing.assert_array_equal(truth[index][0], scene.boxes)
        np.testing.assert_array_equal(truth[index][1], scene.labels)


def test_what_is_a_detector_of_the_app_has_stored_predictions():
    assert PREDICTED == ["centernet", "vfnet"]


@pytest.mark.parametrize("name", PREDICTED)
def test_the_card_is_what_the_stored_predictions_are_worth(name, truth):
    card, found = load_point_card(name), stored_predictions(name)
    assert card["num_scenes"] == len(found) == len(truth)
    quality = evaluate(found.__getitem__, truth).as_dict()
    for key, value in card["quality"].items():
        assert quality[key] == pytest.approx(value, abs=1e-3), key


@pytest.mark.parametrize("name", PREDICTED)
def test_the_stored_predictions_are_this_detectors(name):
    stored, run = stored_predictions(name)[0], point_detect(load(name))
    found = run(torch.from_numpy(draw_scene("validation", 0).pixels))
    confident = int((np.asarray(found.scores) > 0.3).sum())  # the tail may change places by a score's last digit
    assert 0 < confident <= len(stored.scores)
    np.testing.assert_allclose(found.boxes[:confident], stored.boxes[:confident], atol=0.1)
    np.testing.assert_allclose(found.scores[:confident], stored.scores[:confident], atol=1e-3)


def test_predictions_are_stored_scene_by_scene(tmp_path, monkeypatch):
    (tmp_path / "vfnet_focal.json").write_text('{"num_scenes": 1}')
    (tmp_path / "vfnet_focal.safetensors").write_bytes((POINT_WEIGHTS / "vfnet_focal.safetensors").read_bytes())
    save_predictions("vfnet_focal", tmp_path / "found.npz", tmp_path)
    stored = np.load(tmp_path / "found.npz")
    found = point_detect(load("vfnet_focal"))(torch.from_numpy(draw_scene("validation", 0).pixels))
    assert stored["counts"].tolist() == [len(found.scores)]
    np.testing.assert_array_equal(stored["labels"], found.labels)
    np.testing.assert_allclose(stored["boxes"] / 16, found.boxes, atol=1 / 32)


def test_time_is_measured_in_turns():
    ran = []

    def work(name):
        ran.append(name)
        sum(range(200_000))  # what takes no time has no ratio

    milliseconds, ratio = measure(lambda _: work("ours"), lambda _: work("theirs"), repeats=2)
    assert ran == ["ours", "theirs"] * 3
    assert milliseconds > 0
    assert ratio > 0
