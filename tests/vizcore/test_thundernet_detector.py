"""ThunderNet as a detector of the detection page and as a shipped file with its card, with weights nobody trained."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.detection import DetectionError, thundernet_detector
from vizcore.detection.published import reported_ap
from vizcore.models import thundernet
from vizcore.models.efficientnet_lite import fold_norms
from vizcore.models.thundernet import SCENE_ANCHOR_SCALE, ThunderNetDetector, level_anchors, read_thundernet
from vizcore.training import thundernet_shipping
from vizcore.training.__main__ import main
from vizcore.training.evaluation import Detections, evaluate, evaluate_from
from vizcore.training.harness import TrainedModel
from vizcore.training.thundernet import SIZE, THUNDERNET_RECIPES, build_thundernet


def untrained(name="thundernet"):
    """A part that is sure of something: its last layers say different things of different regions."""
    part = build_thundernet(THUNDERNET_RECIPES[name], seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer, std in ((part.head.classes, 0.2), (part.head.deltas, 0.02), (part.rpn.objectness, 0.1)):
            layer.weight.normal_(std=std, generator=generator)
    return part.eval()


@pytest.fixture(scope="module")
def detector():
    return ThunderNetDetector(untrained())


@pytest.fixture(scope="module")
def shipped(detector, tmp_path_factory):
    """A folder with one shipped detector, and its card."""
    folder = tmp_path_factory.mktemp("thundernet")
    card = thundernet_shipping.ship_thundernet(
        THUNDERNET_RECIPES["thundernet"],
        "thundernet",
        TrainedModel(detector.part, 7, 1800.0, {}),
        seed=0,
        num_training_scenes=12,
        num_scenes=2,
        folder=folder,
    )
    return folder, card


def test_every_candidate_lies_on_the_photo_and_comes_from_a_region(detector):
    photo = load_sample("chelsea").pixels  # 300 × 451, shown at 213 × 320: neither side divides by 64
    output = thundernet_detector.as_detector(detector).run(photo, score_threshold=0.3, iou_threshold=0.5)
    found = output.candidates
    assert [stage.name for stage in output.stages] == [
        "resize", "backbone", "context enhancement", "RPN objectness", "region proposals", "PSRoI scores",
        "score threshold", "NMS",
    ]  # fmt: skip
    counts = {stage.name: stage.count for stage in output.stages}
    assert counts["RPN objectness"] == 16 * 20 * 25  # padded to 256 × 320
    assert 0 < counts["region proposals"] <= 200
    assert counts["PSRoI scores"] == 6 * counts["region proposals"]
    high, wide = photo.shape[:2]
    for boxes in (found.boxes, found.priors):
        assert (boxes >= 0).all()
        assert (boxes <= np.array([wide, high, wide, high]) + 1e-3).all()
    assert len(np.unique(found.priors, axis=0)) <= counts["region proposals"]
    assert (found.scores > 0.02).all()
    assert len(found.anchor_names) == 25
    assert found.anchor_names[12] == "64 × 64"
    assert (found.cells < (16, 20)).all()
    assert ((found.anchors >= 0) & (found.anchors < 25)).all()
    assert (np.diff(output.scores) <= 0).all()


def test_a_region_names_the_anchor_that_it_was_made_from(detector):
    """Without deltas a region is its anchor, clipped to the picture."""
    part = untrained()
    torch.nn.init.zeros_(part.rpn.deltas.weight)
    scene = draw_scene("validation", 1, size=SIZE)
    loaded = thundernet_detector.as_detector(ThunderNetDetector(part, detector.backbone))
    found = loaded.run(scene.pixels, score_threshold=0.3, iou_threshold=0.5).candidates
    anchors = level_anchors(20, 20, scale=SCENE_ANCHOR_SCALE).numpy()
    own = anchors[(found.cells[:, 0] * 20 + found.cells[:, 1]) * 25 + found.anchors]
    np.testing.assert_allclose(found.priors, own.clip(0, SIZE), atol=1e-3)


def test_a_folded_detector_finds_what_the_shipping_judges(shipped):
    folder, _ = shipped
    detector = read_thundernet(folder / "thundernet.safetensors")
    scene = draw_scene("validation", 0, size=SIZE)
    expected = thundernet_shipping.find_in(detector, scene.pixels)
    fold_norms(detector)
    output = thundernet_detector.as_detector(detector).run(scene.pixels, score_threshold=0.05, iou_threshold=0.5)
    assert len(output) == len(expected.scores) > 0
    np.testing.assert_allclose(output.scores, expected.scores, atol=1e-3)
    np.testing.assert_allclose(output.boxes[0], expected.boxes[0], atol=0.1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (700, 20, 3)])
def test_a_photo_of_any_shape_is_answered(detector, shape):
    output = thundernet_detector.as_detector(detector).run(
        np.full(shape, 90, np.uint8), score_threshold=0.0, iou_threshold=1.0
    )
    assert output.image_size == shape[:2]


def test_a_photo_or_threshold_that_cannot_be_used_is_refused(detector):
    loaded = thundernet_detector.as_detector(detector)
    with pytest.raises(DetectionError):
        loaded.run(np.zeros((4, 4), np.uint8), score_threshold=0.3, iou_threshold=0.6)
    with pytest.raises(DetectionError):
        loaded.run(np.zeros((64, 64, 3), np.uint8), score_threshold=2.0, iou_threshold=0.6)


def test_it_is_offered_when_its_file_is_there_and_the_best_card_wins(monkeypatch, tmp_path, shipped):
    monkeypatch.setattr(thundernet, "THUNDERNET_WEIGHTS", tmp_path)
    assert thundernet_detector.list_infos() == ()
    with pytest.raises(DetectionError, match="no detector named 'thundernet_lite0'"):
        thundernet_detector.load("thundernet_lite0")
    for name, ap in (("thundernet", 0.2), ("thundernet_cem", 0.3), ("thundernet_seed1", 0.9)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"quality": {"ap": ap}}))
    for name in ("thundernet", "thundernet_cem"):  # a seed has a card alone
        (tmp_path / f"{name}.safetensors").write_bytes((shipped[0] / "thundernet.safetensors").read_bytes())
    assert thundernet.best_thundernet() == "thundernet_cem"
    assert "thundernet_lite0" in [info.name for info in detection.list_detectors()]
    assert detection.load_detector("thundernet_lite0").info.family == "two stages"


def test_what_is_told_of_its_quality_is_the_best_cards(monkeypatch, shipped):
    monkeypatch.setattr("vizcore.detection.published.best_thundernet", lambda: "thundernet")
    monkeypatch.setattr("vizcore.detection.published.THUNDERNET_WEIGHTS", shipped[0])
    assert reported_ap("thundernet_lite0").ap == shipped[1]["quality"]["ap"]


def test_a_card_tells_what_was_made_and_what_it_costs(shipped):
    folder, card = shipped
    assert json.loads((folder / "thundernet.json").read_text()) == card
    assert (card["steps"], card["hours"], card["num_scenes"], card["seed"]) == (7, 0.5, 2, 0)
    assert card["command"] == "python -m vizcore.training thundernet --steps 7 --scenes 12 --seed 0 --ship"
    assert {"ap", "ap50", "ap_small", "ap_medium", "ap_large"} <= set(card["quality"])
    assert 0 <= card["ap50_from_24"] <= 1
    assert card["parameters"] == sum(each.numel() for each in untrained().parameters())
    assert card["bytes"] == (folder / "thundernet.safetensors").stat().st_size <= 2 * 2**20
    assert card["milliseconds"] > 0
    assert card["multiply_adds"] > 4e8  # the backbone alone


def test_what_is_too_small_is_neither_missed_nor_wrong():
    small, large = [10.0, 10, 30, 30], [50.0, 50, 90, 80]
    targets = [(np.array([small, large], np.float32), np.array([0, 0]))]

    def answer(*boxes):
        found = Detections(np.array(boxes, np.float32), np.linspace(0.9, 0.5, len(boxes)), np.zeros(len(boxes), int))
        return lambda _: found

    assert evaluate_from(answer(large), targets, side=24) == pytest.approx(1)
    assert evaluate_from(answer(small, large), targets, side=24) == pytest.approx(1)
    assert evaluate_from(answer([100.0, 100, 140, 140], large), targets, side=24) == pytest.approx(0.5)
    assert evaluate_from(answer(large), targets, side=20) == pytest.approx(evaluate(answer(large), targets).ap50)
    assert evaluate_from(answer(large), targets, side=20) < 0.6
    assert evaluate_from(answer(large), targets, side=200) == -1


def test_the_command_ships_a_finished_run(monkeypatch, tmp_path, capsys):
    run = tmp_path / "runs" / "thundernet"
    run.mkdir(parents=True)
    (run / "log.csv").write_text("step\n")
    monkeypatch.setattr(thundernet_shipping, "THUNDERNET_WEIGHTS", tmp_path / "out")
    trained = TrainedModel(untrained(), 7, 60.0, {})
    monkeypatch.setattr(thundernet_shipping, "run_thundernet_command", lambda _options: trained)
    folder = ["--folder", str(tmp_path / "runs"), "--validation", "1", "--threads", "1"]
    main(["thundernet", *folder])
    assert not (tmp_path / "out").exists()
    main(["thundernet", *folder, "--ship"])
    assert json.loads(capsys.readouterr().out)["name"] == "thundernet"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "thundernet.csv",
        "thundernet.json",
        "thundernet.safetensors",
    }
    with pytest.raises(SystemExit):
        main(["thundernet", "--predictions", "x.npz"])


def test_the_shipped_one_says_which_part_it_has():
    """The best card is of a part without CEM: no stage may be called by it, and the command is that part's."""
    (info,) = thundernet_detector.list_infos()
    best = thundernet.best_thundernet()
    assert info.source.endswith(f"python -m vizcore.training {best}")
    output = thundernet_detector.load(info.name).run(
        draw_scene("validation", 0, size=64).pixels, score_threshold=0.5, iou_threshold=0.5
    )
    names = [stage.name for stage in output.stages]
    has_context = thundernet.load_thundernet(best).part.config.cem
    assert ("context enhancement" in names) == has_context
    assert ("map of C4 alone" in names) == (not has_context)
