"""How ThunderNet's detection part is trained on cached backbone features, with and without its two additions.

    python -m vizcore.training thundernet

Four recipes differ in CEM and SAM alone and have one budget. The anchors are half the paper's size: the objects of a
scene of 320 pixels have 8 to 200.

Reference:
    Zheng Qin et al. ThunderNet. ICCV 2019, arXiv 1903.11752. Shaoqing Ren et al. Faster R-CNN. NIPS 2015,
    arXiv 1506.01497 (assignment, sampling, losses).

    Ours differs in the frozen EfficientNet-Lite0 backbone, in plain NMS instead of Soft-NMS, and in fewer steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torchvision.ops import batched_nms, box_iou

from vizcore.data.scenes import CLASSES
from vizcore.models.fcos import STAGE_CHANNELS
from vizcore.models.thundernet import (
    SCENE_ANCHOR_SCALE,
    SCENE_SIZE,
    STRIDE,
    DetectionPart,
    ThunderNetConfig,
    encode_boxes,
    judge_regions,
    level_anchors,
    propose,
)
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, TrainedModel, batch_indices, train
from vizcore.training.recipes import SELECTION_SCENES

SIZE: Final = SCENE_SIZE
ANCHOR_SCALE: Final = SCENE_ANCHOR_SCALE
STAGES: Final = ("C4", "C5")
POSITIVE, NEGATIVE = 0.7, 0.3
FOREGROUND: Final = 0.5
"""A region learns the object that it overlaps by at least so much; others learn “nothing”."""
ANCHORS_SAMPLED, REGIONS_SAMPLED = 256, 64
_SHARE_POSITIVE: Final = {"anchors": 0.5, "regions": 0.25}


@dataclass(frozen=True)
class ThunderNetRecipe:
    """How a detection part is made.

    Attributes:
        title: for people.
        config: of the detection part.
        schedule: of the run.
    """

    title: str
    config: ThunderNetConfig
    schedule: Schedule


def _recipe(title: str, *, cem: bool, sam: bool) -> ThunderNetRecipe:
    config = ThunderNetConfig(cem=cem, sam=sam, num_classes=len(CLASSES))
    return ThunderNetRecipe(title, config, Schedule(3000, learning_rate=2e-3, evaluate_every=500))


THUNDERNET_RECIPES: Final = {
    "thundernet_base": _recipe("Compressed RPN and light head", cem=False, sam=False),
    "thundernet_cem": _recipe("with context enhancement", cem=True, sam=False),
    "thundernet_sam": _recipe("with spatial attention", cem=False, sam=True),
    "thundernet": _recipe("ThunderNet’s detection part", cem=True, sam=True),
}


def build_thundernet(recipe: ThunderNetRecipe, *, seed: int) -> DetectionPart:
    """The untrained detection part; the same seed gives the same weights."""
    with seeded(seed):
        part = DetectionPart(STAGE_CHANNELS, recipe.config)
        for predictor in (part.rpn.objectness, part.rpn.deltas, part.head.classes, part.head.deltas):
            nn.init.normal_(predictor.weight, std=0.001)  # its inputs are large: no layer normalises them
            if predictor.bias is not None:
                nn.init.zeros_(predictor.bias)
    return part


def thundernet_losses(
    part: DetectionPart,
    maps: Mapping[str, Float[Tensor, "N _C _H _W"]],
    boxes: list[Float[Tensor, "M 4"]],
    labels: list[Int64[Tensor, " M"]],
    *,
    size: int,
    seed: int,
) -> dict[str, Tensor]:
    """The four losses of a batch: objectness and deltas of anchors, classes and deltas of regions.

    Args:
        part: in training mode.
        maps: ``C4`` and ``C5``.
        boxes: of each scene, xyxy in pixels.
        labels: of each scene.
        size: side of a scene, pixels.
        seed: of what is sampled.
    """
    generator = torch.Generator().manual_seed(seed)
    x, objectness, deltas = part.look(maps)
    anchors = level_anchors(size // STRIDE, size // STRIDE, scale=ANCHOR_SCALE)
    said, wanted, moved, shifts = [], [], [], []
    regions, classes, targets = [], [], []
    for image, (own_boxes, own_labels) in enumerate(zip(boxes, labels, strict=True)):
        owner, kind = _assign(anchors, own_boxes)
        chosen = _sample(kind == 1, kind == 0, ANCHORS_SAMPLED, _SHARE_POSITIVE["anchors"], generator)
        said.append(objectness[image].permute(1, 2, 0).reshape(-1)[chosen])
        wanted.append((kind[chosen] == 1).float())
        positive = chosen[kind[chosen] == 1]
        moved.append(deltas[image].permute(1, 2, 0).reshape(-1, 4)[positive])
        shifts.append(encode_boxes(own_boxes[owner[positive]], anchors[positive]))
        with torch.no_grad():
            proposed = propose(
                objectness[image].detach().float(), deltas[image].detach().float(), anchors, image_size=(size, size)
            )
            found = torch.cat([proposed.boxes, own_boxes])
            overlap, nearest = box_iou(found, own_boxes).max(1)
            is_object = overlap >= FOREGROUND
            taken = _sample(is_object, ~is_object, REGIONS_SAMPLED, _SHARE_POSITIVE["regions"], generator)
        regions.append(torch.cat([torch.full((len(taken), 1), float(image)), found[taken]], dim=1))
        classes.append(torch.where(is_object[taken], own_labels[nearest[taken]], part.config.num_classes))
        targets.append(encode_boxes(own_boxes[nearest[taken]], found[taken]))
    logits, corrections = part.head(x, torch.cat(regions))
    every_class = torch.cat(classes)
    objects = every_class < part.config.num_classes
    wanted_all = torch.cat(wanted)
    return {
        "objectness": F.binary_cross_entropy_with_logits(torch.cat(said), wanted_all),
        "anchor_boxes": _box_loss(torch.cat(moved), torch.cat(shifts), len(wanted_all)),
        "classes": F.cross_entropy(logits, every_class),
        "boxes": 4 * _box_loss(corrections[objects], torch.cat(targets)[objects], len(every_class)),
    }


@torch.inference_mode()
def find_objects(
    part: DetectionPart,
    maps: Mapping[str, Float[Tensor, "1 _C _H _W"]],
    *,
    size: int,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.5,
    most: int = 100,
) -> Detections:
    """Final boxes of one scene.

    Args:
        part: in eval mode.
        maps: ``C4`` and ``C5``.
        size: side of the scene, pixels.
        score_threshold: a final box has a greater score.
        iou_threshold: of the class-aware NMS.
        most: boxes.
    """
    x, objectness, deltas = part.look(maps)
    anchors = level_anchors(size // STRIDE, size // STRIDE, scale=ANCHOR_SCALE)
    found = propose(objectness[0], deltas[0], anchors, image_size=(size, size)).boxes
    boxes, scores = judge_regions(part, x, found, (size, size))
    region, label = (scores > score_threshold).nonzero(as_tuple=True)
    own = scores[region, label]
    keep = batched_nms(boxes[region], own, label, iou_threshold)[:most]
    return Detections(boxes[region][keep].numpy(), own[keep].numpy(), label[keep].numpy())


def make_thundernet_losses(
    recipe: ThunderNetRecipe, features: FeatureCache, *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        chosen = batch_indices(len(features), recipe.schedule.batch_size, step, seed=seed)
        maps, boxes, labels = features.batch(chosen, STAGES)
        assert isinstance(model, DetectionPart)
        return thundernet_losses(model, maps, boxes, labels, size=features.size, seed=(seed << 20) + step)

    return losses


def make_thundernet_evaluation(
    folder: Path, *, count: int = NUM_VALIDATION_SCENES
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a detection part on cached features of the validation scenes of 320 pixels."""
    features = open_features(folder, "validation", count, size=SIZE)
    targets = [(boxes.numpy(), labels.numpy()) for boxes, labels in zip(features.boxes, features.labels, strict=True)]

    def judge(model: nn.Module) -> Mapping[str, float]:
        def detect(index: int) -> Detections:
            maps, _, _ = features.batch(torch.tensor([index]), STAGES)
            assert isinstance(model, DetectionPart)
            return find_objects(model, maps, size=SIZE)

        return evaluate(detect, targets).as_dict()

    return judge


def run_thundernet_command(options: argparse.Namespace) -> TrainedModel:
    """Trains a detection part as the command line says; its weights lie beside the checkpoint when it is done."""
    recipe = THUNDERNET_RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    folder = options.folder / "features"
    run = options.folder / (options.model if options.seed == 0 else f"{options.model}_seed{options.seed}")
    trained = train(
        build_thundernet(recipe, seed=options.seed),
        make_thundernet_losses(recipe, open_features(folder, "train", options.scenes, size=SIZE), seed=options.seed),
        recipe.schedule,
        run,
        resume=options.resume,
        evaluate=make_thundernet_evaluation(folder, count=min(options.validation, SELECTION_SCENES)),
    )
    save_network(run / f"{options.model}.safetensors", trained.model, recipe.config)
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    return trained


def _assign(anchors: Float[Tensor, "A 4"], boxes: Float[Tensor, "M 4"]) -> tuple[Tensor, Tensor]:
    """Of each anchor its object, and whether it is one (1), nothing (0) or left out (-1)."""
    overlaps = box_iou(anchors, boxes)
    best, owner = overlaps.max(1)
    kind = torch.full((len(anchors),), -1, dtype=torch.int64)
    kind[best < NEGATIVE] = 0
    kind[best >= POSITIVE] = 1
    is_best = (overlaps == overlaps.amax(0)) & (overlaps > 0)
    alone = is_best.any(1) & (kind != 1)
    owner[alone] = is_best[alone].int().argmax(1)
    kind[is_best.any(1)] = 1
    return owner, kind


def _sample(
    positive: Tensor, negative: Tensor, count: int, share: float, generator: torch.Generator
) -> Int64[Tensor, " S"]:
    """Indices of at most ``count``, of which at most a share is positive; the rest negative."""
    ones, zeros = positive.nonzero()[:, 0], negative.nonzero()[:, 0]
    ones = ones[torch.randperm(len(ones), generator=generator)[: int(count * share)]]
    zeros = zeros[torch.randperm(len(zeros), generator=generator)[: count - len(ones)]]
    return torch.cat([ones, zeros])


def _box_loss(deltas: Float[Tensor, "P 4"], targets: Float[Tensor, "P 4"], count: int) -> Tensor:
    """Smooth L1 of the positive ones, over all that were sampled; 0 without any."""
    return F.smooth_l1_loss(deltas, targets, reduction="sum", beta=1 / 9) / max(count, 1)
