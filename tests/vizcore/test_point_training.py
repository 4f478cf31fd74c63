"""What CenterNet and VarifocalNet are taught: targets that a perfect answer meets, and a judge that tells it so."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from vizcore.centernet import draw_heatmap
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.models.centernet import (
    STRIDE,
    CenterNet,
    CenterNetConfig,
    CenterNetDetector,
    CenterNetOutput,
    load_centernet,
    read_centernet,
)
from vizcore.models.fcos import STAGE_CHANNELS, level_points, level_sizes
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetOutput, cell_scores, detections, load_vfnet, read_vfnet
from vizcore.models.weight_files import save_network
from vizcore.training.__main__ import main as train_main
from vizcore.training.centernet import (
    CENTERNET_OVERLAP,
    CENTERNET_RECIPES,
    build_centernet,
    centernet_losses,
    open_angles,
)
from vizcore.training.point_shipping import boxes_of, flip_output, main, turn_errors
from vizcore.training.varifocalnet import VFNET_RECIPES, build_vfnet, vfnet_losses
from vizcore.varifocalnet import assign_atss

BOXES = torch.tensor([[10.0, 12, 40, 50], [60, 20, 110, 90]])
LABELS = torch.tensor([1, 3])  # a square and a star
ANGLES = torch.tensor([0.3, 1.1])


def stages(size: int = 64, *, count: int = 1) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(count, channels, size // stride, size // stride, generator=generator)
        for (name, channels), stride in zip(STAGE_CHANNELS.items(), (4, 8, 16, 32), strict=True)
    }


def perfect_output(size: int = 128) -> CenterNetOutput:
    """What a network would say that has learned everything."""
    side = size // STRIDE
    heatmap = draw_heatmap(BOXES / STRIDE, LABELS, (side, side), len(CLASSES), min_overlap=CENTERNET_OVERLAP)
    offsets, log_sizes, turns = (torch.zeros(1, 2, side, side) for _ in range(3))
    for box, angle, symmetry in zip(BOXES / STRIDE, ANGLES, (4, 5), strict=True):
        centre = (box[:2] + box[2:]) / 2
        x, y = centre.floor().long().tolist()
        offsets[0, :, y, x] = centre - centre.floor()
        log_sizes[0, :, y, x] = (box[2:] - box[:2]).log()
        turns[0, :, y, x] = torch.stack([(symmetry * angle).cos(), (symmetry * angle).sin()])
    return CenterNetOutput(torch.logit((heatmap == 1).float()[None], eps=1e-6), offsets, log_sizes, turns)


def test_a_perfect_answer_costs_nothing_and_each_head_has_its_own_loss():
    output = perfect_output()
    losses = centernet_losses(output, [BOXES], [LABELS], [ANGLES])
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        {"heatmap": 0, "offset": 0, "size": 0, "turn": 0}, abs=1e-4
    )
    worse = centernet_losses(output._replace(log_sizes=output.log_sizes + 0.5), [BOXES], [LABELS], [ANGLES])
    assert worse["size"].item() == pytest.approx(1.0)  # half for each of two numbers
    assert worse["offset"] == losses["offset"]


def test_the_targets_of_training_are_the_drawn_heatmap():
    # The loss of a network that says the drawn heatmap itself, computed from the drawing.
    from vizcore.centernet import focal_terms

    side = 32
    target = draw_heatmap(BOXES / STRIDE, LABELS, (side, side), len(CLASSES), min_overlap=CENTERNET_OVERLAP)
    p = torch.full_like(target, 0.25)
    output = perfect_output()._replace(logits=torch.logit(p)[None])
    found = centernet_losses(output, [BOXES], [LABELS], [ANGLES])["heatmap"]
    assert found.item() == pytest.approx(focal_terms(p, target).sum().item() / 2, rel=1e-5)


def test_shapes_without_an_angle_teach_no_turn():
    losses = centernet_losses(perfect_output(), [BOXES], [torch.tensor([0, 5])], [torch.full((2,), math.nan)])
    assert losses["turn"].item() == 0


def test_a_perfect_answer_is_decoded_to_the_true_boxes_clipped_to_the_picture():
    found = boxes_of(perfect_output(), (128, 100), k=2)
    order = found.labels.argsort()
    assert found.labels[order].tolist() == [1, 3]
    np.testing.assert_allclose(found.boxes[order], BOXES.clamp(max=torch.tensor([100, 128, 100, 128])), atol=1e-3)


def test_without_the_offset_head_a_centre_is_its_cells_middle():
    found = boxes_of(perfect_output(), (128, 128), k=2, offset=False)
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 / STRIDE
    np.testing.assert_allclose(centres % 1, 0.5, atol=1e-5)


def test_an_answer_and_its_mirror_image_are_one():
    output = perfect_output()
    mirrored = CenterNetOutput(*(x.flip(-1) for x in output))
    both = flip_output(output, mirrored)
    torch.testing.assert_close(both.heatmap, output.heatmap)
    torch.testing.assert_close(both.sizes, output.sizes)


def test_the_error_of_an_angle_is_counted_at_the_true_centre():
    scene = draw_scene("validation", 0, size=256)
    side = 256 // STRIDE
    turns = torch.zeros(1, 2, side, side)
    wanted = 0
    for box, label, angle in zip(scene.boxes, scene.labels, scene.angles, strict=True):
        symmetry = {"square": 4, "triangle": 3, "star": 5}.get(CLASSES[label])
        if symmetry:
            wanted += 1
            x, y = ((box[:2] + box[2:]) / 2 / STRIDE).astype(int)
            turns[0, :, y, x] = torch.tensor([math.cos(symmetry * angle), math.sin(symmetry * angle)])
    maps = torch.zeros(1, 2, side, side)
    errors = turn_errors(CenterNetOutput(torch.zeros(1, 6, side, side), maps, maps, turns), scene)
    assert len(errors) == wanted > 0
    assert max(error for _, error in errors) < 0.01


def test_angles_are_drawn_once_and_read_back(tmp_path):
    first = open_angles(tmp_path, "train", 3, size=64)
    again = open_angles(tmp_path, "train", 3, size=64)
    for index, (a, b) in enumerate(zip(first, again, strict=True)):
        torch.testing.assert_close(a, b, equal_nan=True)
        np.testing.assert_allclose(a, draw_scene("train", index, size=64).angles, rtol=1e-6)


def test_the_same_seed_builds_the_same_network_and_another_another():
    recipe = CENTERNET_RECIPES["centernet"]
    one, same, other = (build_centernet(recipe, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["laterals.0.weight"], other["laterals.0.weight"])


def test_maps_have_a_quarter_of_the_pictures_side_and_start_with_rare_centres():
    network = CenterNet(CenterNetConfig(channels=8)).eval()
    output = network(stages(64, count=2))
    assert output.logits.shape == (2, 6, 16, 16)
    assert output.offsets.shape == output.log_sizes.shape == output.turns.shape == (2, 2, 16, 16)
    assert output.heatmap.mean().item() == pytest.approx(0.01, rel=0.3)


def test_a_network_comes_back_from_its_file(tmp_path):
    for network, read, name in (
        (CenterNet(CenterNetConfig(channels=8)), read_centernet, "centernet"),
        (VFNet(VFNetConfig(channels=8)), read_vfnet, "vfnet"),
    ):
        path = tmp_path / f"{name}.safetensors"
        save_network(path, network, network.config)
        again = getattr(read(path), name)
        assert again.config == network.config
        for key, value in network.state_dict().items():
            torch.testing.assert_close(again.state_dict()[key], value.half().to(value.dtype), rtol=0, atol=0)


@pytest.mark.parametrize("load", [load_centernet, load_vfnet])
@pytest.mark.parametrize("name", ["nothing", "../centernet", ""])
def test_a_detector_that_was_not_shipped_is_refused(load, name):
    with pytest.raises(ValueError, match="no detector called"):
        load(name)


def perfect_cells(config: VFNetConfig, *, score: float) -> tuple[VFNetOutput, object]:
    """Every positive says its true box, and ``score`` for its class."""
    points = level_points(level_sizes((128, 128), config.fcos.strides), config.fcos.strides)
    owners = assign_atss(points, BOXES)
    true = BOXES[owners.clamp(min=0)]
    distances = torch.cat([points.centres - true[:, :2], true[:, 2:] - points.centres], 1).clamp(min=0.1)
    logits = torch.full((len(owners), 6), -12.0)
    (positive,) = torch.nonzero(owners >= 0, as_tuple=True)
    logits[positive, LABELS[owners[positive]]] = math.log(score / (1 - score))
    ctr = torch.zeros(1, len(owners)) if config.score == "class" else None
    return VFNetOutput(logits[None], distances[None], distances[None], ctr, config.star), points


def test_perfect_boxes_cost_nothing_and_a_score_of_their_iou_the_least():
    output, points = perfect_cells(VFNetConfig(), score=0.999999)
    losses = vfnet_losses(output, points, [BOXES], [LABELS])
    assert losses["box"].item() == pytest.approx(0, abs=1e-4)
    assert losses["first"].item() == pytest.approx(0, abs=1e-4)
    assert losses["class"].item() == pytest.approx(0, abs=1e-4)
    doubtful, _ = perfect_cells(VFNetConfig(), score=0.5)
    # Every positive's IoU is 1, so it costs 1 · ln 2.
    assert vfnet_losses(doubtful, points, [BOXES], [LABELS])["class"].item() == pytest.approx(math.log(2), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("vfnet_focal", {"class", "box", "centerness"}),
        ("vfnet_varifocal", {"class", "box"}),
        ("vfnet", {"class", "box", "first"}),
    ],
)
def test_each_recipe_has_its_losses_and_every_weight_learns(name, parts):
    recipe = VFNET_RECIPES[name]
    network = build_vfnet(recipe, seed=0)
    points = level_points(level_sizes((128, 128), recipe.config.fcos.strides), recipe.config.fcos.strides)
    losses = vfnet_losses(network(stages(128)), points, [BOXES], [LABELS])
    assert set(losses) == parts
    torch.stack(list(losses.values())).sum().backward()
    without = [key for key, value in network.named_parameters() if value.grad is None]
    assert without == []


def test_without_objects_the_losses_are_finite():
    output, points = perfect_cells(VFNetConfig(), score=0.5)
    losses = vfnet_losses(output, points, [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)])
    assert all(math.isfinite(value.item()) for value in losses.values())


def test_a_score_is_the_iacs_or_the_mean_of_class_and_centerness():
    iacs, _ = perfect_cells(VFNetConfig(), score=0.8)
    both, _ = perfect_cells(VFNetConfig("class", star=False), score=0.8)
    assert cell_scores(iacs).max().item() == pytest.approx(0.8)
    assert cell_scores(both).max().item() == pytest.approx(math.sqrt(0.8 * 0.5))


def test_final_boxes_are_the_objects_once_each():
    output, points = perfect_cells(VFNetConfig(), score=0.8)
    found = detections(output, points, (128, 128))
    order = found.labels.argsort()
    torch.testing.assert_close(found.boxes[order], BOXES, atol=1e-3, rtol=0)
    assert found.labels[order].tolist() == [1, 3]


def test_a_star_or_a_score_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="score must be class or iou"):
        VFNet(VFNetConfig("mine"))


def test_a_judged_run_has_its_card_with_every_way_to_decode(tmp_path, capsys):
    run = tmp_path / "centernet"
    run.mkdir()
    network = CenterNet(CenterNetConfig(channels=8))
    save_network(run / "centernet.safetensors", network, network.config)
    (run / "log.csv").write_text("step,seconds,rate,loss\n20,7200,1e-3,1\n")
    main(["centernet", "--folder", str(tmp_path), "--out", str(tmp_path / "out"), "--validation", "1"])
    card = json.loads((tmp_path / "out" / "centernet.json").read_text())
    assert card == json.loads(capsys.readouterr().out)
    assert (card["steps"], card["hours"], card["num_scenes"]) == (20, 2.0, 1)
    assert card["quality"] == card["ablation"]["default"]
    assert set(card["ablation"]) == {"default", "nms", "no_offset", "kernel_1", "kernel_5", "k_10", "k_30", "flip"}
    assert card["parameters"] == sum(each.numel() for each in network.parameters())
    assert (tmp_path / "out" / "centernet.safetensors").read_bytes() == (run / "centernet.safetensors").read_bytes()


def test_the_detector_runs_on_a_picture():
    detector = CenterNetDetector(CenterNet(CenterNetConfig(channels=8)))
    assert detector(torch.zeros(1, 3, 64, 128)).logits.shape == (1, 6, 16, 32)
    assert not any(parameter.requires_grad for parameter in detector.parameters())


@pytest.mark.parametrize("option", ["--ship", "--evaluate"])
def test_the_training_command_says_who_judges_and_ships_these(option, capsys):
    with pytest.raises(SystemExit):
        train_main(["centernet", option])
    assert "vizcore.training.point_shipping" in capsys.readouterr().err
