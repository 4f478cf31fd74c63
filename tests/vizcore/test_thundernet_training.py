"""One step of ThunderNet's training, its boxes there and back, and that it can learn two scenes by heart."""

import numpy as np
import pytest
import torch

from vizcore.data.scenes import draw_scene
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.models.fcos import as_input
from vizcore.models.thundernet import decode_boxes, encode_boxes, level_anchors, propose
from vizcore.training.thundernet import (
    SIZE,
    THUNDERNET_RECIPES,
    _assign,
    _sample,
    build_thundernet,
    find_objects,
    thundernet_losses,
)


@pytest.fixture(scope="module")
def batch():
    scenes = [draw_scene("train", index, size=SIZE) for index in range(2)]
    with torch.inference_mode():
        stages = load_efficientnet_lite0().stage_features(
            as_input(torch.stack([torch.from_numpy(s.pixels) for s in scenes]))
        )
    maps = {name: stages[name].clone() for name in ("C4", "C5")}
    return maps, [torch.from_numpy(s.boxes) for s in scenes], [torch.from_numpy(s.labels) for s in scenes]


def test_boxes_there_and_back():
    anchors = level_anchors(3, 4)
    boxes = anchors * 0.7 + torch.tensor([3.0, -2.0, 9.0, 5.0])
    assert torch.allclose(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, atol=1e-2)
    # An anchor's own deltas are zero; a box shifted by its width has 1.
    assert encode_boxes(torch.tensor([[10.0, 0, 20, 30]]), torch.tensor([[0.0, 0, 10, 30]])).tolist() == [[1, 0, 0, 0]]
    assert decode_boxes(torch.full((1, 4), 1e9), torch.tensor([[0.0, 0, 10, 30]])).isfinite().all()


def test_half_sized_anchors_keep_their_middles():
    whole, half = level_anchors(2, 2), level_anchors(2, 2, scale=0.5)
    assert torch.allclose((whole[:, :2] + whole[:, 2:]), (half[:, :2] + half[:, 2:]), atol=1e-4)
    assert torch.allclose((whole[:, 2:] - whole[:, :2]) / 2, half[:, 2:] - half[:, :2], atol=1e-4)


def test_proposals_come_by_objectness_and_do_not_repeat():
    anchors = level_anchors(4, 4, scale=0.5)
    objectness = torch.full((25, 4, 4), -5.0)
    objectness[10, 1, 2] = 3.0  # size 64 / 2, ratio 0.5
    objectness[12, 3, 3] = 2.0
    found = propose(objectness, torch.zeros(100, 4, 4), anchors, image_size=(64, 64), candidates=2, most=5)
    assert found.anchors.tolist() == [(1 * 4 + 2) * 25 + 10, (3 * 4 + 3) * 25 + 12]
    assert torch.allclose(found.scores, torch.tensor([3.0, 2.0]).sigmoid())
    found = found.boxes
    assert len(found) == 2
    assert torch.allclose(found[0], anchors[(1 * 4 + 2) * 25 + 10].clamp(0, 64))
    assert (found >= 0).all()
    assert (found <= 64).all()


def test_the_best_anchor_learns_an_object_that_none_fits():
    anchors = level_anchors(4, 4, scale=0.5)
    boxes = torch.tensor([[1.0, 1.0, 5.0, 5.0], [16.0, 16.0, 48.0, 48.0]])
    owner, kind = _assign(anchors, boxes)
    assert {int(place) for place in owner[kind == 1]} == {0, 1}
    assert (kind == 0).any()


def test_a_sample_is_balanced_and_its_seeds():
    positive, negative = torch.arange(100) < 60, torch.arange(100) >= 70
    draws = [_sample(positive, negative, 40, 0.25, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert positive[draws[0]].sum() == 10
    assert negative[draws[0]].sum() == 30
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("name", THUNDERNET_RECIPES)
def test_every_weight_learns_from_a_step(name, batch):
    maps, boxes, labels = batch
    part = build_thundernet(THUNDERNET_RECIPES[name], seed=0)
    losses = thundernet_losses(part, maps, boxes, labels, size=SIZE, seed=0)
    assert set(losses) == {"objectness", "anchor_boxes", "classes", "boxes"}
    assert losses["objectness"].item() == pytest.approx(np.log(2), abs=0.05)  # it knows nothing yet
    assert losses["classes"].item() == pytest.approx(np.log(7), abs=0.2)
    sum(losses.values()).backward()
    for key, parameter in part.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


def test_a_scene_can_be_learned_by_heart(batch):
    maps, boxes, labels = ({name: x[:1] for name, x in batch[0].items()}, batch[1][:1], batch[2][:1])
    part = build_thundernet(THUNDERNET_RECIPES["thundernet"], seed=0).train()
    optimizer = torch.optim.AdamW(part.parameters(), lr=1e-3)
    first = last = 0.0
    for step in range(25):
        losses = thundernet_losses(part, maps, boxes, labels, size=SIZE, seed=step)
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < 0.6 * first
    found = find_objects(part.eval(), maps, size=SIZE)
    assert ((found.boxes >= 0) & (found.boxes <= SIZE)).all()
    assert len(found.boxes) == len(found.scores) == len(found.labels) <= 100
