"""How the small DETR is taught: the helps do what they say, and what is not kept changes nothing that is."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

from tests.vizcore.test_training import run
from vizcore import detr
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.detr.loss import UNUSED, pad_targets
from vizcore.models.detr import SMALL, Detector, detect
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training import detr as training
from vizcore.training import detr_shipping as shipping
from vizcore.training.attention import attend_by_picture
from vizcore.training.detr import DETR_RECIPES, DETRRecipe, build_detr, denoising_queries, step_losses
from vizcore.training.evaluation import Detections, evaluate
from vizcore.training.features import FeatureCache
from vizcore.training.harness import Schedule, TrainedModel

TINY = replace(
    SMALL, channels=32, num_heads=2, feedforward=32, num_queries=6, num_encoder_layers=1, num_decoder_layers=2
)
RECIPE = DETRRecipe("tiny", TINY, Schedule(4, batch_size=2, warm_up=2), groups=2, denoising=12)


def random_features(count: int, grid: int = 8) -> torch.Tensor:
    return torch.randn(count, 592, grid, grid, generator=torch.Generator().manual_seed(0))


def random_targets(counts=(3, 0), *, seed: int = 0) -> training._Targets:
    generator = torch.Generator().manual_seed(seed)
    boxes = [0.2 + 0.3 * torch.rand(count, 4, generator=generator) for count in counts]
    labels = [torch.randint(6, (count,), generator=generator) for count in counts]
    padded_labels, padded_boxes, numbers = pad_targets(labels, boxes)
    return training._Targets(padded_labels, padded_boxes, numbers)


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- attention ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(5, 5), (3, 9)])
def test_attention_by_picture_is_torchs_and_so_are_its_gradients(lengths):
    shapes = [(2, 4, lengths[0], 8), (2, 4, lengths[1], 8), (2, 4, lengths[1], 8)]
    tensors = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(attend_by_picture, tensors)
    torch.testing.assert_close(attend_by_picture(*tensors), F.scaled_dot_product_attention(*tensors))


def test_attention_by_picture_knows_masks():
    query, key, value = (torch.randn(2, 4, 5, 8, requires_grad=True) for _ in range(3))
    allowed = torch.eye(5, dtype=torch.bool)
    torch.testing.assert_close(attend_by_picture(query, key, value, allowed), value)


# -- helps -------------------------------------------------------------------------------------------------------------


def test_noisy_boxes_stay_near_their_target():
    targets = random_targets((4, 2))
    noisy = denoising_queries(targets, 40, 6, generator=noise())
    assert (noisy.group_size, noisy.num_groups) == (4, 10)
    assert noisy.boxes.shape == (2, 40, 4)
    assert noisy.owners[1, :4].tolist() == [0, 1, UNUSED, UNUSED]
    true = targets.boxes.repeat(1, 10, 1)
    real = noisy.owners >= 0
    moved = ((noisy.boxes[..., :2] - true[..., :2]).abs() / true[..., 2:])[real]
    assert 0.3 < moved.max() <= 0.5 + 1e-5
    scale = (noisy.boxes[..., 2:] / true[..., 2:])[real]
    assert scale.min() >= 0.5 - 1e-5
    assert scale.max() <= 1.5 + 1e-5
    kept = (noisy.labels == targets.labels.repeat(1, 10))[real].float().mean()
    assert 0.7 < kept < 1.0


@pytest.mark.parametrize(("counts", "most", "groups"), [((0, 0), 12, 12), ((5,), 4, 0), ((5,), 5, 1)])
def test_noisy_boxes_never_pass_their_number(counts, most, groups):
    noisy = denoising_queries(random_targets(counts), most, 6, generator=noise())
    assert noisy.num_groups == groups
    assert noisy.boxes.shape[1] <= most
    assert torch.all(noisy.boxes > 0)


def test_what_helps_does_not_touch_the_queries_that_are_kept(monkeypatch):
    """The first set's losses are those of the detector alone, and equal the public loss."""
    model = build_detr(RECIPE, seed=0).eval()
    features, targets = random_features(2), random_targets()
    losses = step_losses(model, features, targets, generator=noise())
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = model.detr.answers(features)
    labels = [targets.labels[row, :count] for row, count in enumerate(targets.counts)]
    boxes = [targets.boxes[row, :count] for row, count in enumerate(targets.counts)]
    expected = detr.set_loss(output.logits.float(), output.boxes.float(), labels, boxes)
    for name in ("class", "bbox", "giou"):
        assert losses[name].item() == pytest.approx(expected[name].item(), rel=0.02)
    auxiliary = sum(value for name, value in expected.items() if name.endswith("_0"))
    assert losses["auxiliary"].item() == pytest.approx(auxiliary.item(), rel=0.02)


def test_each_help_can_be_left_out():
    features, targets = random_features(2), random_targets()
    bare = replace(RECIPE, groups=0, denoising=0, token_head=False, auxiliary=False)
    losses = step_losses(build_detr(bare, seed=0), features, targets, generator=noise())
    assert losses["groups"] == losses["denoising"] == losses["auxiliary"] == 0
    assert "tokens" not in losses
    whole = step_losses(build_detr(RECIPE, seed=0), features, targets, generator=noise())
    assert all(whole[name] > 0 for name in ("groups", "denoising", "auxiliary", "tokens"))


def test_every_weight_is_taught():
    model = build_detr(RECIPE, seed=0)
    # At the start the last layer is zero, and nothing below it has a gradient: one step on.
    torch.nn.init.normal_(model.detr.bbox_embed.layers[-1].weight, std=0.1)
    sum(step_losses(model, random_features(2), random_targets(), generator=noise()).values()).backward()
    untaught = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert untaught == []


def test_without_targets_a_step_is_finite():
    losses = step_losses(build_detr(RECIPE, seed=0), random_features(2), random_targets((0, 0)), generator=noise())
    assert all(value.isfinite() for value in losses.values())


def test_a_step_is_a_function_of_seed_and_step():
    cache = FeatureCache(
        {"C3": np.ones((4, 40, 8, 8), np.float16), "C4": np.ones((4, 112, 4, 4), np.float16)}
        | {"C5": np.ones((4, 320, 2, 2), np.float16)},
        [torch.tensor([[4.0, 8.0, 30.0, 40.0]])] * 4,
        [torch.tensor([2])] * 4,
        64,
    )
    model = build_detr(RECIPE, seed=0).eval()
    losses = training.make_detr_losses(RECIPE, cache, seed=3)
    first, again, other = (sum(losses(model, step).values()).item() for step in (1, 1, 2))
    assert first == again != other


def test_a_tiny_one_learns_one_scene():
    """A hundred steps on one object: the loss falls to a small part of what it was."""
    with seeded(0):
        model = build_detr(replace(RECIPE, denoising=4), seed=0)
    features, targets = random_features(1, 4), random_targets((2,))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    history = []
    for step in range(100):
        losses = step_losses(model, features, targets, generator=noise(step))
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append((losses["class"] + losses["bbox"] + losses["giou"]).item())
    assert np.mean(history[-5:]) < 0.15 * history[0]


# -- recipes and shipping ----------------------------------------------------------------------------------------------


def test_ablations_differ_from_their_reference_in_one_thing():
    reference = DETR_RECIPES["detr_reference"]
    for name in ("detr_no_positions", "detr_no_encoder", "detr_no_auxiliary"):
        recipe = DETR_RECIPES[name]
        assert recipe.schedule == reference.schedule
        changed = [key for key, value in asdict(reference.config).items() if asdict(recipe.config)[key] != value]
        changed += [
            key
            for key in ("groups", "denoising", "token_head", "auxiliary")
            if getattr(recipe, key) != getattr(reference, key)
        ]
        assert len(changed) == 1, name


def test_every_help_is_named():
    said = shipping.helps_of(DETR_RECIPES["detr"])
    assert len(said) == 11
    for word in ("frozen", "C3", "3×3", "DAB-DETR", "DN-DETR", "Group DETR", "Co-DETR", "average"):
        assert any(word in sentence for sentence in said)
    bare = replace(RECIPE, groups=0, denoising=0, token_head=False)
    assert not any("In training" in sentence for sentence in shipping.helps_of(bare))


def test_snapshots_are_kept_on_the_way(tmp_path):
    kept = []
    run(tmp_path, snapshots=(2, 7), save_snapshot=lambda model, step: kept.append((step, model.training)))
    assert kept == [(2, False), (7, False)]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    model = build_detr(RECIPE, seed=0).eval()
    trained = TrainedModel(model, 4, 7200.0, {})
    card = shipping.ship_detr(RECIPE, "tiny", trained, folder, seed=0, command="make it", num_scenes=3)
    return folder, model, card


def test_a_card_describes_its_file(shipped):
    folder, model, card = shipped
    path = folder / "tiny.safetensors"
    assert card.bytes == path.stat().st_size
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["config"]) == card.config == asdict(TINY)
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118
        assert set(file.keys()) == set(model.detr.state_dict())  # what helped is not in it
    assert card.parameters == sum(parameter.numel() for parameter in model.detr.parameters())
    assert card.hours == 2.0
    assert json.loads((folder / "tiny.json").read_text()) == asdict(card)
    assert not list(folder.glob("*.part"))


def test_a_card_judges_from_scenes_to_boxes(shipped):
    folder, _, card = shipped
    detector = Detector(shipping.read_detr(folder / "tiny.safetensors"))
    scenes = [draw_scene("validation", index) for index in range(3)]
    found = [detect(detector, torch.from_numpy(scene.pixels)) for scene in scenes]
    quality = evaluate(
        lambda index: Detections(*(column.numpy() for column in found[index])),
        [(scene.boxes, scene.labels) for scene in scenes],
    )
    assert card.quality == quality.as_dict()
    assert len(card.layers) == TINY.num_decoder_layers
    assert card.layers[-1]["ap"] == card.quality["ap"]
    assert card.data["classes"] == list(CLASSES)


def test_how_it_learned_and_what_its_queries_do_is_kept(shipped):
    """Two snapshots, the second one the shipped weights: on its scenes it says what the detector says."""
    folder, model, _ = shipped
    snapshots = folder / "snapshots"
    shipping.save_snapshot(snapshots, build_detr(RECIPE, seed=5), 1)
    shipping.save_snapshot(snapshots, model, 40)
    save_network(folder / "detr.safetensors", model.detr, model.detr.config)
    shipping.ship_history(snapshots, folder, num_scenes=2)
    strip, places = detr.load_strip(folder=folder), detr.load_places(folder=folder)
    assert strip.steps.tolist() == [1, 40]
    assert strip.logits.shape == (2, 8, 6, 7)
    assert np.abs(strip.logits[0] - strip.logits[1]).max() > 0.1
    detector = Detector(shipping.read_detr(folder / "detr.safetensors"))
    for index in range(2):
        found = detect(detector, torch.from_numpy(draw_scene("validation", index).pixels))
        scores = torch.from_numpy(strip.logits[1, index]).softmax(-1)[:, :-1].amax(-1)
        torch.testing.assert_close(scores, found.scores, rtol=1e-2, atol=1e-2)
        torch.testing.assert_close(torch.from_numpy(places.scores[index]), found.scores, rtol=1e-2, atol=1e-2)
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        torch.testing.assert_close(torch.from_numpy(512 * places.boxes[index, :, 2:]), sides, rtol=1e-2, atol=0.5)
    assert places.start_boxes.shape == (6, 4)
    assert (folder / "detr_places.npz").stat().st_size < 400_000
