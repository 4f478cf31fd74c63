"""SNIP's training: what is ignored teaches nothing, each size has its range, and two tests of one model."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from vizcore.data.scenes import draw_scene
from vizcore.models.fcos import HeadOutput, assign_targets, detection_losses
from vizcore.training import snip
from vizcore.training.cards import SCALE_TRAININGS, ScaleCard, write_scale_card
from vizcore.training.features import open_features, resize_pixels
from vizcore.training.recipes import build

SIDE = 128
POINTS = snip.points_at(SIDE)
BOXES = [torch.tensor([[8.0, 8, 72, 72], [80, 80, 112, 112], [40, 40, 56, 56]])]
LABELS = [torch.tensor([0, 3, 5])]


def random_output(requires_grad: bool = False) -> HeadOutput:
    generator = torch.Generator().manual_seed(0)
    cells = len(POINTS.levels)
    logits = torch.randn(1, cells, 6, generator=generator).requires_grad_(requires_grad)
    distances = (8 + 40 * torch.rand(1, cells, 4, generator=generator)).requires_grad_(requires_grad)
    return HeadOutput(logits, distances, torch.randn(1, cells, generator=generator).requires_grad_(requires_grad))


def test_where_every_object_teaches_the_losses_are_those_of_fcos() -> None:
    ours = snip.snip_losses(random_output(), POINTS, BOXES, LABELS, [torch.ones(3, dtype=torch.bool)])
    theirs = detection_losses(random_output(), POINTS, ((0.0, math.inf),), BOXES, LABELS)
    assert ours.keys() == theirs.keys()
    for name, loss in ours.items():
        assert loss.item() == pytest.approx(theirs[name].item(), rel=1e-6)


def test_cells_inside_an_object_that_teaches_nothing_get_no_gradient() -> None:
    output = random_output(requires_grad=True)
    losses = snip.snip_losses(output, POINTS, BOXES, LABELS, [torch.tensor([False, True, True])])
    sum(losses.values()).backward()  # type: ignore[union-attr]
    x, y = POINTS.centres.T
    inside = (x > 8) & (x < 72) & (y > 8) & (y < 72)
    small = (x > 40) & (x < 56) & (y > 40) & (y < 56)  # another object that teaches lies inside
    moved = output.logits.grad[0].abs().amax(1)  # type: ignore[index]
    assert (moved[inside & ~small] < 1e-9).all()
    assert (moved[~inside | small] > 1e-6).all()
    owner = assign_targets(POINTS, ((0.0, math.inf),), BOXES[0][1:])
    pulled = output.distances.grad[0].abs().amax(1) > 0  # type: ignore[index]
    assert pulled.tolist() == (owner >= 0).tolist()


def test_each_training_shows_its_sides_by_step_and_seed() -> None:
    assert {snip.side_of_step("scale_one", step, seed=0) for step in range(50)} == {snip.AS_IT_IS}
    multi = [snip.side_of_step("scale_multi", step, seed=0) for step in range(300)]
    assert multi == [snip.side_of_step("scale_snip", step, seed=0) for step in range(300)]
    assert multi != [snip.side_of_step("scale_multi", step, seed=1) for step in range(300)]
    assert all(multi.count(place) > 60 for place in range(3))


def test_the_cards_are_those_of_the_recipes() -> None:
    assert tuple(snip.SCALE_RECIPES) == SCALE_TRAININGS


def test_every_object_teaches_somewhere() -> None:
    sizes = torch.linspace(8, 204, 200)
    boxes = torch.stack([torch.zeros(200), torch.zeros(200), sizes, sizes], dim=1)
    valid = snip.valid(boxes, ranges=snip.RANGES)
    assert valid.any(1).all()
    assert valid[0].tolist() == [False, False, True]
    assert valid[-1].tolist() == [True, False, False]


def test_a_scene_is_shown_at_another_side_and_keeps_its_boxes(tmp_path: Path) -> None:
    scene = draw_scene("train", 1, size=64)
    shown = open_features(tmp_path, "train", 2, size=64, shown=128)
    assert shown.stages["C4"].shape == (2, 112, 8, 8)
    assert shown.boxes[1].tolist() == scene.boxes.tolist()
    pixels = torch.from_numpy(scene.pixels)[None]
    assert torch.equal(resize_pixels(pixels, 64), pixels)
    assert resize_pixels(torch.full((1, 8, 8, 3), 7, dtype=torch.uint8), 4).unique().tolist() == [7]


class Told(torch.nn.Module):
    """A head that finds one box at each side, of the same object or not."""

    def __init__(self, boxes: dict[int, list[float]]) -> None:
        super().__init__()
        self.boxes = boxes

    def forward(self, stages: dict[str, torch.Tensor]) -> HeadOutput:
        side = 16 * stages["C4"].shape[-1]
        points = snip.points_at(side)
        logits = torch.full((1, len(points.levels), 6), -20.0)
        distances, centerness = torch.ones(1, len(points.levels), 4), torch.full((1, len(points.levels)), 20.0)
        box = torch.tensor(self.boxes[side])
        cell = int((points.centres - (box[:2] + box[2:]) / 2).norm(dim=1).argmin())
        logits[0, cell, 2] = 3.0
        distances[0, cell] = torch.cat([points.centres[cell] - box[:2], box[2:] - points.centres[cell]])
        return HeadOutput(logits, distances, centerness)


STAGES = [{"C4": torch.zeros(1, 112, side // 16, side // 16)} for side in snip.SIDES]


def test_one_side_is_believed_about_everything() -> None:
    told = Told({256: [10.0, 10, 20, 20]})
    found = snip.find_objects(told, STAGES, test="one")  # type: ignore[arg-type]
    assert found.boxes.tolist() == [[10, 10, 20, 20]]
    assert found.labels.tolist() == [2]


def test_three_sides_are_believed_within_their_ranges_and_joined_in_pixels_of_the_scene() -> None:
    # At half size a box of 40 is one of 80 in the scene: valid. At once a box of 10 is not. At twice, 60 is 30: valid.
    told = Told({128: [20.0, 20, 60, 60], 256: [200.0, 200, 210, 210], 512: [400.0, 100, 460, 160]})
    found = snip.find_objects(told, STAGES, test="three")  # type: ignore[arg-type]
    assert sorted(found.boxes.tolist()) == [[40, 40, 120, 120], [200, 50, 230, 80]]


def test_a_step_of_each_training_has_losses(tmp_path: Path) -> None:
    recipe = snip.SCALE_RECIPES["scale_snip"]
    features = [open_features(tmp_path, "train", 2, size=256, shown=side) for side in snip.SIDES]
    model = build(recipe, seed=0)
    for name in snip.SCALE_RECIPES:
        losses = snip.make_scale_losses(name, recipe, features, seed=0)(model, 3)
        assert all(loss.isfinite() for loss in losses.values())


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    card = ScaleCard("scale_one", "one", 0, 2, 256, [128], [[60.0, None]], 1, 16, 0.0, "no", 1, {"one": {"ap": 0.5}})
    write_scale_card(card, tmp_path)
    assert ScaleCard(**json.loads((tmp_path / "scale_one.json").read_text())) == card
    assert asdict(card)["qualities"]["one"]["ap"] == 0.5
