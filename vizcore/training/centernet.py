"""How CenterNet is trained: its recipe, and the losses of a step."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vizcore.centernet.decoding import decode
from vizcore.centernet.gaussian import gaussian, gaussian_radius, locate_peaks
from vizcore.centernet.losses import OFFSET_WEIGHT, focal_terms_from_logits, is_peak, l1_loss
from vizcore.data.scenes import CLASSES, SYMMETRIES, draw_scene
from vizcore.models.centernet import STRIDE, CenterNet, CenterNetConfig, CenterNetOutput
from vizcore.models.fcos import STAGE_CHANNELS
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, batch_indices, train
from vizcore.training.recipes import SELECTION_SCENES, TRAINING_SIZE, VALIDATION_SIZE

CENTERNET_OVERLAP: Final = 0.3
"""``min_overlap`` of the training's exact radius: about as wide as the authors' released formula at 0.7."""
LOG_SIZE_WEIGHT: Final = 1.0
TURN_WEIGHT: Final = 0.5
SYMMETRY_OF: Final = tuple(SYMMETRIES.get(name, 0) for name in CLASSES)
"""For each class its rotational symmetry, 0 where no angle is told."""


@dataclass(frozen=True)
class CenterNetRecipe:
    """How a shipped CenterNet is made.

    Attributes:
        title: for people.
        config: of the detector.
        schedule: of the run.
    """

    title: str
    config: CenterNetConfig
    schedule: Schedule


CENTERNET_RECIPES: Final = {
    "centernet": CenterNetRecipe(
        "CenterNet on a map of stride 4", CenterNetConfig(), Schedule(5000, learning_rate=2e-3, evaluate_every=500)
    ),
}


def build_centernet(recipe: CenterNetRecipe, *, seed: int) -> CenterNet:
    """The untrained model; the same seed gives the same weights."""
    with seeded(seed):
        return CenterNet(recipe.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def open_angles(folder: Path, split: str, count: int, *, size: int) -> list[Float[Tensor, " M"]]:
    """Angles of the objects of the scenes 0 … count - 1, drawn once and kept beside the features."""
    path = folder / f"{split}-{size}-{count}-angles.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps([draw_scene(split, row, size=size).angles.tolist() for row in range(count)]))
        os.replace(part, path)
    return [torch.tensor(each, dtype=torch.float32) for each in json.loads(path.read_text())]


def centernet_losses(
    output: CenterNetOutput,
    boxes: list[Float[Tensor, "M 4"]],
    labels: list[Int64[Tensor, " M"]],
    angles: list[Float[Tensor, " M"]],
) -> dict[str, Tensor]:
    """The four losses of a batch: of the heatmap, and at every centre of offset, size and turn.

    Args:
        output: of the network.
        boxes: of each scene, xyxy in pixels.
        labels: of each scene.
        angles: of each scene, radians; NaN where there is none.
    """
    target = torch.zeros_like(output.logits)
    height, width = target.shape[-2:]
    places, offsets, sizes, classes, turns = [], [], [], [], []
    for image, (scene_boxes, scene_labels) in enumerate(zip(boxes, labels, strict=True)):
        peaks = locate_peaks(scene_boxes / STRIDE, (height, width))
        for (x, y), (w, h), label in zip(
            peaks.cells.tolist(), peaks.sizes.tolist(), scene_labels.tolist(), strict=True
        ):
            radius = int(gaussian_radius(h, w, min_overlap=CENTERNET_OVERLAP))
            top, bottom = max(y - radius, 0), min(y + radius + 1, height)
            left, right = max(x - radius, 0), min(x + radius + 1, width)
            patch = target[image, label, top:bottom, left:right]
            drawn = gaussian(torch.arange(left, right)[None] - x, torch.arange(top, bottom)[:, None] - y, radius)
            torch.maximum(patch, drawn, out=patch)
        places.append(torch.cat([torch.full((len(scene_boxes), 1), image), peaks.cells], 1))
        offsets.append(peaks.offsets)
        sizes.append(peaks.sizes)
        classes.append(scene_labels)
        turns.append(angles[image])
    owners, x, y = torch.cat(places).unbind(1)
    symmetry = torch.tensor(SYMMETRY_OF)[torch.cat(classes)]
    turned = symmetry > 0
    angle = torch.cat(turns)[turned] * symmetry[turned]
    said = output.turns[owners, :, y, x][turned]
    return {
        "heatmap": focal_terms_from_logits(output.logits, target).sum() / is_peak(target).sum().clamp(min=1),
        "offset": OFFSET_WEIGHT * l1_loss(output.offsets[owners, :, y, x], torch.cat(offsets)),
        "size": LOG_SIZE_WEIGHT * l1_loss(output.log_sizes[owners, :, y, x], torch.cat(sizes).log()),
        "turn": TURN_WEIGHT * l1_loss(said, torch.stack([angle.cos(), angle.sin()], 1)),
    }


def make_centernet_losses(
    recipe: CenterNetRecipe, features: FeatureCache, angles: list[Tensor], *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        chosen = batch_indices(len(features), recipe.schedule.batch_size, step, seed=seed)
        stages, boxes, labels = features.batch(chosen, tuple(STAGE_CHANNELS))
        with torch.autocast("cpu", torch.bfloat16):
            output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages.items()})
        return centernet_losses(output, boxes, labels, [angles[row] for row in chosen.tolist()])

    return losses


def make_centernet_evaluation(
    folder: Path, *, count: int = NUM_VALIDATION_SCENES
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a model on cached features of the validation scenes; the card is judged on the scenes themselves."""
    features = open_features(folder, "validation", count, size=VALIDATION_SIZE)
    targets = [(boxes.numpy(), labels.numpy()) for boxes, labels in zip(features.boxes, features.labels, strict=True)]

    def judge(model: nn.Module) -> Mapping[str, float]:
        @torch.inference_mode()
        def detect(index: int) -> Detections:
            stages, _, _ = features.batch(torch.tensor([index]), tuple(STAGE_CHANNELS))
            with torch.autocast("cpu", torch.bfloat16):
                output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages.items()})
            boxes, scores, labels = decode(output.heatmap[0], output.offsets[0], output.sizes[0])
            boxes = (boxes * STRIDE).clamp(0, features.size)
            return Detections(boxes.numpy(), scores.numpy(), labels.numpy())

        return evaluate(detect, targets).as_dict()

    return judge


def run_centernet_command(options: argparse.Namespace) -> None:
    """Trains a CenterNet as the command line says; its weights lie beside the checkpoint when it is done."""
    recipe = CENTERNET_RECIPES[options.model]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    folder = options.folder / "features"
    features = open_features(folder, "train", options.scenes, size=TRAINING_SIZE)
    angles = open_angles(folder, "train", options.scenes, size=TRAINING_SIZE)
    run = options.folder / (options.model if options.seed == 0 else f"{options.model}_seed{options.seed}")
    trained = train(
        build_centernet(recipe, seed=options.seed),
        make_centernet_losses(recipe, features, angles, seed=options.seed),
        recipe.schedule,
        run,
        resume=options.resume,
        evaluate=make_centernet_evaluation(folder, count=min(options.validation, SELECTION_SCENES)),
    )
    save_network(run / f"{options.model}.safetensors", trained.model, recipe.config)
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
