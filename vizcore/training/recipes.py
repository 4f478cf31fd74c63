"""What can be trained: for each name the model, the data and the schedule it was shipped with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from vizcore.models.fcos import (
    FCOS,
    FCOSConfig,
    Points,
    Selection,
    detection_losses,
    detections,
    level_points,
    level_sizes,
)
from vizcore.seeding import seeded
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.features import FeatureCache, open_features
from vizcore.training.harness import Schedule, batch_indices

NUM_TRAINING_SCENES: Final = 8192
TRAINING_SIZE: Final = 256
VALIDATION_SIZE: Final = 512
SELECTION_SCENES: Final = 100
"""During training a model is judged on the first so many validation scenes; the weights that did best are kept."""


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is made.

    Attributes:
        title: for people.
        config: of the detector.
        schedule: of the run.
    """

    title: str
    config: FCOSConfig
    schedule: Schedule


_COMPARED: Final = Schedule(2000)

RECIPES: Final = {
    "fcos_fpn": Recipe("FCOS on a feature pyramid P2–P6", FCOSConfig("fpn", finest=2, channels=64), Schedule(8000)),
    "compare_fpn": Recipe("Feature pyramid P3–P6", FCOSConfig("fpn"), _COMPARED),
    "compare_separate": Recipe("Separate levels P3–P6", FCOSConfig("separate"), _COMPARED),
    "compare_top": Recipe("Top stage alone", FCOSConfig("top"), _COMPARED),
}
"""The detector that is shipped, and three that differ in their neck alone, trained with one budget to be compared."""


def build(recipe: Recipe, *, seed: int) -> FCOS:
    """The untrained model; the same seed gives the same weights."""
    with seeded(seed):
        return FCOS(recipe.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def make_losses(
    recipe: Recipe, features: FeatureCache, *, seed: int
) -> Callable[[nn.Module, int], Mapping[str, Tensor]]:
    """The losses of a step, as the harness wants them."""
    config = recipe.config
    points = _points(config, features.size)

    def losses(model: nn.Module, step: int) -> Mapping[str, Tensor]:
        chosen = batch_indices(len(features), recipe.schedule.batch_size, step, seed=seed)
        stages, boxes, labels = features.batch(chosen, config.stages)
        with torch.autocast("cpu", torch.bfloat16):
            output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages.items()})
        return detection_losses(output, points, config.ranges, boxes, labels)

    return losses


def make_evaluation(
    recipe: Recipe, folder: Path, *, count: int = NUM_VALIDATION_SCENES
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges a model on cached features of the validation scenes; the card is judged on the scenes themselves."""
    return judge_on_features(recipe.config, detections, folder, count=count)


def judge_on_features(
    config: FCOSConfig, find: Callable[..., Selection], folder: Path, *, count: int, kind: str = "shapes"
) -> Callable[[nn.Module], Mapping[str, float]]:
    """Judges models of one kind on cached features of the validation scenes.

    Args:
        config: of their levels and stages.
        find: final boxes from a model's output, the points of the levels and the (height, width) of a scene.
        folder: of the features.
        count: only so many scenes.
        kind: of the scenes.
    """
    features = open_features(folder, "validation", count, size=VALIDATION_SIZE, kind=kind)
    points = _points(config, features.size)
    targets = [(boxes.numpy(), labels.numpy()) for boxes, labels in zip(features.boxes, features.labels, strict=True)]

    def judge(model: nn.Module) -> Mapping[str, float]:
        @torch.inference_mode()
        def detect(index: int) -> Detections:
            stages, _, _ = features.batch(torch.tensor([index]), config.stages)
            with torch.autocast("cpu", torch.bfloat16):
                output = model({name: x.contiguous(memory_format=torch.channels_last) for name, x in stages.items()})
            found = find(output, points, (features.size, features.size))
            return Detections(found.boxes.numpy(), found.scores.numpy(), found.labels.numpy())

        return evaluate(detect, targets, kind=kind).as_dict()

    return judge


def _points(config: FCOSConfig, size: int) -> Points:
    return level_points(level_sizes((size, size), config.strides), config.strides)
