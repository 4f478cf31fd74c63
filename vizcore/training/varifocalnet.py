"""How VarifocalNet and what it is compared with are trained: one budget, one difference at a time."""

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
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from vizcore.boxes import boxes_to_distances_ltrb, distances_ltrb_to_boxes
from vizcore.models.fcos import Points, centerness_target, level_points, level_sizes
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetOutput, detections
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training.evaluation import NUM_VALIDATION_SCENES
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, batch_indices, train
from vizcore.training.recipes import SELECTION_SCENES, TRAINING_SIZE, judge_on_features
from vizcore.varifocalnet.assignment import assign_atss
from vizcore.varifocalnet.losses import varifocal_terms

FIRST_WEIGHT: Final = 1.5
FINAL_WEIGHT: Final = 2.0
"""Of the GIoU losses of the first and the refined box, as in the paper."""
LEAST_IOU: Final = 1e-6


@dataclass(frozen=True)
class VFNetRecipe:
    """How a shipped detector is made.

    Attributes:
        title: for people.
        config: of the detector.
        schedule: of the run.
    """

    title: str
    config: VFNetConfig
    schedule: Schedule


_BUDGET: Final = Schedule(2000)

VFNET_RECIPES: Final = {
    "vfnet_focal": VFNetRecipe("FCOS with ATSS, focal loss", VFNetConfig("class", star=False), _BUDGET),
    "vfnet_varifocal": VFNetRecipe("The same with varifocal loss", VFNetConfig("iou", star=False), _BUDGET),
    "vfnet": VFNetRecipe("VarifocalNet: with star refinement", VFNetConfig("iou", star=True), _BUDGET),
}
"""Levels, channels and budget are those of ``compare_fpn``, which has FCOS's own rule of who is positive."""


def build_vfnet(recipe: VFNetRecipe, *, seed: int) -> VFNet:
    """The untrained model; the same seed gives the same weights."""
    with seeded(seed):
        return VFNet(recipe.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def vfnet_losses(
    output: VFNetOutput, points: Points, boxes: list[Float[Tensor, "M 4"]], labels: list[Int64[Tensor, " M"]]
) -> dict[str, Tensor]:
    """The losses of a batch: of the classes, of the boxes, and of the centerness or the first boxes if there are any.

    Box losses are weighted by the target of the score (IoU or centerness) and divided by the sum of the weights, as in
    the authors' code; the class loss is divided by the number of positives.
    """
    owners = [assign_atss(points, each) for each in boxes]
    wanted, wanted_boxes, wanted_labels = [], [], []
    for image, (owner, image_boxes, image_labels) in enumerate(zip(owners, boxes, labels, strict=True)):
        (cells,) = torch.nonzero(owner >= 0, as_tuple=True)
        wanted.append(image * len(points.levels) + cells)
        wanted_boxes.append(image_boxes[owner[cells]])
        wanted_labels.append(image_labels[owner[cells]])
    positives, matched, classes = torch.cat(wanted), torch.cat(wanted_boxes), torch.cat(wanted_labels)
    number = max(len(positives), 1)
    centres = points.centres.repeat(len(boxes), 1)[positives]
    final = distances_ltrb_to_boxes(output.distances.flatten(0, 1)[positives], centres)
    targets = torch.zeros_like(output.logits).flatten(0, 1)
    if output.centerness is not None:
        targets[positives, classes] = 1.0
        centerness = centerness_target(boxes_to_distances_ltrb(matched, centres))
        overlap = generalized_box_iou_loss(final, matched, reduction="none")
        return {
            "class": sigmoid_focal_loss(output.logits.flatten(0, 1), targets, alpha=0.25, gamma=2.0, reduction="sum")
            / number,
            "box": FINAL_WEIGHT * (overlap * centerness).sum() / centerness.sum().clamp(min=1e-6),
            "centerness": F.binary_cross_entropy_with_logits(
                output.centerness.flatten()[positives], centerness, reduction="sum"
            )
            / number,
        }
    first = distances_ltrb_to_boxes(output.first.flatten(0, 1)[positives], centres)
    with torch.no_grad():
        q, q_first = (_paired_iou(each, matched).clamp(min=LEAST_IOU) for each in (final, first))
    targets[positives, classes] = q
    losses = {
        "class": varifocal_terms(output.logits.flatten(0, 1), targets).sum() / number,
        "box": FINAL_WEIGHT * _weighted_giou(final, matched, q),
    }
    if output.refined:
        losses["first"] = FIRST_WEIGHT * _weighted_giou(first, matched, q_first)
    return losses


def _paired_iou(boxes: Float[Tensor, "P 4"], others: Float[Tensor, "P 4"]) -> Float[Tensor, " P"]:
    shared = (torch.minimum(boxes[:, 2:], others[:, 2:]) - torch.maximum(boxes[:, :2], others[:, :2])).clamp(min=0)
    overlap = shared.prod(1)
    return overlap / ((boxes[:, 2:] - boxes[:, :2]).prod(1) + (others[:, 2:] - others[:, :2]).prod(1) - overlap)


def _weighted_giou(boxes: Tensor, others: Tensor, weights: Tensor) -> Tensor:
    loss = generalized_box_iou_loss(boxes, others, reduction="none")
    return (loss * weights).sum() / weights.sum().clamp(min=1)


def make_vfnet_losses(
    recipe: VFNetRecipe, features: FeatureCache, *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""
    config = recipe.config.fcos
    points = _points(recipe.config, features.size)

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        chosen = batch_indices(len(features), recipe.schedule.batch_size, step, seed=seed)
        stages, boxes, labels = features.batch(chosen, config.stages)
        with torch.autocast("cpu", torch.bfloat16):
            output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages.items()})
        return vfnet_losses(output, points, boxes, labels)

    return losses


def make_vfnet_evaluation(
    recipe: VFNetRecipe, folder: Path, *, count: int = NUM_VALIDATION_SCENES
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a model on cached features of the validation scenes; the card is judged on the scenes themselves."""
    return judge_on_features(recipe.config.fcos, detections, folder, count=count)


def _points(config: VFNetConfig, size: int) -> Points:
    return level_points(level_sizes((size, size), config.fcos.strides), config.fcos.strides)


def run_vfnet_command(options: argparse.Namespace) -> None:
    """Trains as the command line says; the weights lie beside the checkpoint when it is done."""
    recipe = VFNET_RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    folder = options.folder / "features"
    features = open_features(folder, "train", options.scenes, size=TRAINING_SIZE)
    run = options.folder / (options.model if options.seed == 0 else f"{options.model}_seed{options.seed}")
    trained = train(
        build_vfnet(recipe, seed=options.seed),
        make_vfnet_losses(recipe, features, seed=options.seed),
        recipe.schedule,
        run,
        resume=options.resume,
        evaluate=make_vfnet_evaluation(recipe, folder, count=min(options.validation, SELECTION_SCENES)),
    )
    save_network(run / f"{options.model}.safetensors", trained.model, recipe.config)
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
