"""The mask head: the authors' numbers and names, maps that sum to one, a training that teaches visible masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vizcore.data.scenes import draw_scene
from vizcore.models.detr import DETR, PAPER, SMALL, join_stages, normalise
from vizcore.models.detr_masks import (
    DETRsegm,
    MaskHead,
    MHAttentionMap,
    draw_masks,
    load_mask_head,
)
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training import detr_masks as training
from vizcore.training.features import FeatureCache
from vizcore.training.harness import Schedule, TrainedModel

TINY = replace(
    SMALL, channels=32, num_heads=2, feedforward=32, num_queries=6, num_encoder_layers=1, num_decoder_layers=2
)


@pytest.fixture(scope="module")
def detr() -> DETR:
    with seeded(0):
        return DETR(TINY).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def head() -> MaskHead:
    with seeded(1):
        return MaskHead(TINY).eval()


@pytest.fixture(scope="module")
def backbone():
    return load_efficientnet_lite0()


def stages(count: int = 2, cells: int = 4):
    generator = torch.Generator().manual_seed(0)
    channels = {"C2": 24, "C3": 40, "C4": 112, "C5": 320}
    sizes = {"C2": 4 * cells, "C3": 2 * cells, "C4": cells, "C5": cells // 2}
    return {name: torch.randn(count, channels[name], size, size, generator=generator) for name, size in sizes.items()}


def test_the_papers_head_has_the_papers_parameters():
    """By hand: (in · 9 + 1) · out for a 3×3 convolution, in · out + out for a 1×1 one, 2 a channel for norms."""
    head = MaskHead(PAPER)
    convolutions = [(264, 264), (264, 128), (128, 64), (64, 32), (32, 16), (16, 1)]
    expected = sum((9 * first + 1) * second for first, second in convolutions)
    expected += 2 * (264 + 128 + 64 + 32 + 16)
    expected += sum(first * second + second for first, second in ((1024, 128), (512, 64), (256, 32)))
    expected += 2 * (256 * 256 + 256)
    assert sum(parameter.numel() for parameter in head.parameters()) == expected


def test_the_papers_head_has_the_authors_names():
    names = {name for name in DETRsegm(PAPER).state_dict() if not name.startswith("detr.")}
    layers = [f"mask_head.{kind}{number}" for number in range(1, 6) for kind in ("lay", "gn")]
    layers += [f"mask_head.adapter{number}" for number in range(1, 4)]
    layers += ["mask_head.out_lay", "bbox_attention.q_linear", "bbox_attention.k_linear"]
    assert names == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert "detr.transformer.decoder.norm.weight" in DETRsegm(PAPER).state_dict()


def test_maps_are_one_softmax_over_heads_and_places():
    """Head by head and place by place, as dot products of the projected query with the projected token."""
    with seeded(0):
        attention = MHAttentionMap(16, 4)
    queries, memory = torch.randn(2, 3, 16), torch.randn(2, 16, 3, 5)
    maps = attention(queries, memory, None)
    assert maps.shape == (2, 3, 4, 3, 5)
    torch.testing.assert_close(maps.sum((2, 3, 4)), torch.ones(2, 3))
    q, k = attention.q_linear(queries[1, 2]), attention.k_linear(memory[1].flatten(1).T)
    scores = torch.stack([k[:, 4 * h : 4 * h + 4] @ q[4 * h : 4 * h + 4] / 2 for h in range(4)])
    torch.testing.assert_close(maps[1, 2].flatten(1), scores.flatten().softmax(0).reshape(4, 15))


def test_maps_leave_padding_out():
    with seeded(0):
        attention = MHAttentionMap(16, 4)
    padding = torch.zeros(1, 3, 5, dtype=torch.bool)
    padding[:, :, 3:] = True
    maps = attention(torch.randn(1, 2, 16), torch.randn(1, 16, 3, 5), padding)
    assert torch.all(maps[..., 3:] == 0)
    torch.testing.assert_close(maps.sum((2, 3, 4)), torch.ones(1, 2))


def test_the_papers_head_draws_at_a_quarter():
    head = MaskHead(PAPER).eval()
    finer = [torch.randn(1, channels, size, size) for channels, size in ((1024, 4), (512, 8), (256, 16))]
    with torch.no_grad():
        masks = head(torch.randn(1, 3, 256), torch.randn(1, 4, 256), torch.randn(1, 256, 2, 2), finer)
    assert masks.shape == (1, 3, 16, 16)


def test_masks_of_queries_do_not_depend_on_each_other(detr, head):
    maps = stages()
    features, finer = join_stages(maps), [maps[name] for name in training.FINER_STAGES]
    output = detr.answers(features)
    with torch.no_grad():
        all_masks = head(output.queries[-1], output.memory, detr.input_proj(features), finer)
    assert all_masks.shape == (2, 6, 16, 16)
    some = draw_masks(head, detr, output, features, finer, queries=[4, 1])
    torch.testing.assert_close(some, all_masks[0, [4, 1]], rtol=1e-3, atol=1e-4)
    assert draw_masks(head, detr, output, features, finer, queries=[]).shape == (0, 16, 16)


def test_many_queries_are_drawn_in_parts(head):
    with seeded(0):
        detr = DETR(replace(TINY, num_queries=20)).eval()
    maps = stages(1)
    features, finer = join_stages(maps), [maps[name] for name in training.FINER_STAGES]
    with torch.no_grad():
        output = detr.answers(features)
        whole = head(output.queries[-1], output.memory, detr.input_proj(features), finer)[0]
    parts = draw_masks(head, detr, output, features, finer, queries=range(20))
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-4)


def test_losses_by_hand():
    """A mask of four pixels, two of them object, all logits 0: Dice 1 - (2 · 1 + 1) / (2 + 2 + 1) = 0.4.

    Focal: -α_t (1/2)² log(1/2) with α 1/4 for the two of the object and 3/4 for the others, so their mean has α 1/2.
    """
    losses = training.mask_losses(torch.zeros(1, 2, 2), torch.tensor([[[1.0, 1.0], [0.0, 0.0]]]))
    assert losses["dice"].item() == pytest.approx(0.4)
    assert losses["focal"].item() == pytest.approx(0.5 * 0.25 * np.log(2))


def test_a_perfect_mask_costs_nothing():
    target = (torch.arange(64).reshape(1, 8, 8) % 3 == 0).float()
    losses = training.mask_losses(40 * target - 20, target)
    assert losses["dice"] == pytest.approx(0.0, abs=1e-6)
    assert losses["focal"] == pytest.approx(0.0, abs=1e-6)


def test_no_masks_cost_nothing():
    losses = training.mask_losses(torch.zeros(0, 4, 4), torch.zeros(0, 4, 4))
    assert [value.item() for value in losses.values()] == [0.0, 0.0]


def test_small_masks_are_the_scenes():
    scene = draw_scene("train", 5, size=128)
    small = training.small_owner("train", 5, size=128)
    assert small.shape == (32, 32)
    assert small[3, 7] == scene.owner[14, 30]
    assert set(np.unique(small)) <= set(range(-1, len(scene.labels)))


@pytest.fixture(scope="module")
def cache(backbone) -> FeatureCache:
    scenes = [draw_scene("train", index, size=128) for index in range(2)]
    with torch.no_grad():
        maps = backbone.stage_features(
            normalise(torch.from_numpy(np.stack([scene.pixels for scene in scenes]))).permute(0, 3, 1, 2)
        )
    return FeatureCache(
        {name: values.half().numpy() for name, values in maps.items()},
        [torch.from_numpy(scene.boxes) for scene in scenes],
        [torch.from_numpy(scene.labels) for scene in scenes],
        128,
    )


def test_a_head_learns_to_draw(detr, cache):
    """On two scenes the Dice loss falls by half, and nothing of the detector moves."""
    before = {name: value.clone() for name, value in detr.state_dict().items()}
    model = training.build_mask_head(TINY, seed=0)
    losses = training.make_mask_losses(detr, cache, split="train", seed=0, schedule=Schedule(150, batch_size=2))
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    history = []
    for step in range(150):
        parts = losses(model, step)
        optimizer.zero_grad()
        sum(parts.values()).backward()
        optimizer.step()
        history.append(parts["dice"].item())
    assert np.mean(history[-5:]) < 0.6 * history[0]
    assert all(torch.equal(value, before[name]) for name, value in detr.state_dict().items())


class Oracle(nn.Module):
    """Stands for a head that draws the truth of the scene that is judged."""

    def forward(self, queries, memory, projected, finer, padding=None):
        masks = F.one_hot(torch.from_numpy(self.owner.astype(np.int64)) + 1, self.number + 1)[..., 1:]
        return 40.0 * masks.permute(2, 0, 1)[None, : queries.shape[1], 2::4, 2::4] - 20.0


def test_judging_the_truth_is_nearly_one(detr, backbone, monkeypatch):
    """Only the edge is lost, for masks have a pixel for sixteen; with the true classes nothing else is."""
    scene = draw_scene("validation", 0)
    large = np.bincount(scene.owner[scene.owner >= 0], minlength=len(scene.labels)) > 300
    oracle = Oracle()
    oracle.owner, oracle.number = scene.owner, len(scene.labels)
    logits = torch.full((2, 1, len(scene.labels), 7), -20.0)
    logits[:, 0, range(len(scene.labels)), scene.labels] = 20.0
    plain = detr.answers

    def answers(features, padding=None, **options):
        output = plain(features, padding, **options)
        queries = torch.zeros(2, 1, len(scene.labels), TINY.channels)
        return output._replace(logits=logits, queries=queries)

    monkeypatch.setattr(detr, "answers", answers)
    quality = training.judge_masks(oracle, detr, backbone, num_scenes=1)
    assert quality.sq > 0.75
    assert quality.true_positives >= large.sum()
    assert quality.false_positives <= (~large).sum()


def test_a_shipped_head_comes_back_with_its_card(detr, backbone, tmp_path, monkeypatch):
    model = training.build_mask_head(TINY, seed=0)
    card = training.ship_masks(
        TrainedModel(model, 7, 3600.0, {}), detr, backbone, tmp_path, seed=0, command="make it", num_scenes=1
    )
    assert card.bytes == (tmp_path / "detr_masks.safetensors").stat().st_size
    assert card.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert set(card.quality) == {"pq", "sq", "rq", "true_positives", "false_positives", "false_negatives"}
    monkeypatch.setattr(training, "WEIGHTS_FOLDER", tmp_path)
    assert training.load_mask_card() == card
    with pytest.raises(ValueError, match="no mask head called 'none'"):
        load_mask_head("none", folder=tmp_path)


def test_a_head_that_was_trained_on_has_the_work_of_both_legs():
    before = training.load_mask_card()
    leg = replace(before, steps=300, hours=0.25, command="again", quality={"pq": 0.9})
    card = training.join_mask_cards(replace(before, steps=1000, hours=1.0, command="first"), leg)
    assert (card.steps, card.hours, card.command) == (1300, 1.25, "first && again")
    assert card.quality == {"pq": 0.9}


def test_a_head_on_disk_is_the_head(head, tmp_path):
    save_network(tmp_path / "detr_masks.safetensors", head, head.config)
    loaded = load_mask_head(folder=tmp_path)
    assert loaded.config == TINY
    for name, value in head.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)
