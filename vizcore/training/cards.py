"""A card for each shipped file: what it is, how it was made, how good it is, what it costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from vizcore.data.scenes import BACKGROUNDS, CLASSES, draw_scene
from vizcore.models.fcos import (
    FCOS,
    PYRAMID_SCALES,
    WEIGHTS_FOLDER,
    Detector,
    Selection,
    detect,
    detect_on_pyramid,
    load_fcos,
)
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, Quality, evaluate
from vizcore.training.harness import TrainedModel
from vizcore.training.recipes import NUM_TRAINING_SCENES, TRAINING_SIZE, VALIDATION_SIZE, Recipe


@dataclass(frozen=True)
class Card:
    """What is known about a shipped detector.

    Attributes:
        name: of the file, without its ending.
        title: for people.
        config: the arguments of its ``FCOSConfig``.
        seed: of weights and batches.
        data: what it was trained on, in words and numbers.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        quality: the shipped (half precision) weights' figures there, from scenes to boxes.
        parameters: of neck and head; the backbone has its own.
        multiply_adds: of a scene of 512 pixels, backbone included.
        bytes: of the file.
    """

    name: str
    title: str
    config: dict[str, Any]
    seed: int
    data: dict[str, Any]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    quality: dict[str, float]
    parameters: int
    multiply_adds: int
    bytes: int


def load_card(name: str) -> Card:
    """The card of a shipped detector."""
    return Card(**json.loads((WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def list_cards() -> tuple[Card, ...]:
    """The cards of all shipped detectors, by name."""
    return tuple(load_card(path.stem) for path in sorted(WEIGHTS_FOLDER.glob("*.json")))


def save_weights(path: Path, fcos: FCOS) -> None:
    """Writes neck and head in half precision, with the configuration that rebuilds them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    tensors = {name: value.detach().to(torch.float16).contiguous() for name, value in fcos.state_dict().items()}
    save_file(tensors, part, metadata={"config": json.dumps(asdict(fcos.config))})
    os.replace(part, path)


def ship(recipe: Recipe, name: str, trained: TrainedModel, *, seed: int, command: str, num_scenes: int) -> Card:
    """Writes a trained detector and its card into ``assets/weights``, judged as it was written."""
    path = WEIGHTS_FOLDER / f"{name}.safetensors"
    assert isinstance(trained.model, FCOS)
    save_weights(path, trained.model)
    detector = load_fcos(name)
    card = Card(
        name=name,
        title=recipe.title,
        config=asdict(recipe.config),
        seed=seed,
        data={
            "scenes": NUM_TRAINING_SCENES,
            "size": TRAINING_SIZE,
            "classes": list(CLASSES),
            "backgrounds": list(BACKGROUNDS["train"]),
            "validation_size": VALIDATION_SIZE,
            "validation_backgrounds": list(BACKGROUNDS["validation"]),
        },
        steps=trained.step,
        batch_size=recipe.schedule.batch_size,
        hours=round(trained.seconds / 3600, 2),
        command=command,
        num_scenes=num_scenes,
        quality=evaluate_detector(detector, num_scenes=num_scenes).as_dict(),
        parameters=sum(parameter.numel() for parameter in detector.fcos.parameters()),
        multiply_adds=count_multiply_adds(detector),
        bytes=path.stat().st_size,
    )
    write_card(card)
    return card


def write_card(card: Card) -> None:
    """Writes a card beside its weights."""
    path = WEIGHTS_FOLDER / f"{card.name}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def evaluate_detector(
    detector: Detector,
    *,
    num_scenes: int = NUM_VALIDATION_SCENES,
    pyramid: bool = False,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Quality:
    """Judges a detector on the validation scenes, from pixels to boxes, in single precision.

    Args:
        detector: to judge.
        num_scenes: the first so many scenes of the split.
        pyramid: show it every scene at ``PYRAMID_SCALES``.
        progress: wraps the scene indices, such as ``tqdm``.
    """
    scenes = [draw_scene("validation", index, size=VALIDATION_SIZE) for index in range(num_scenes)]

    def found(index: int) -> Detections:
        pixels = torch.from_numpy(scenes[index].pixels)
        selection: Selection = detect_on_pyramid(detector, pixels) if pyramid else detect(detector, pixels)
        return Detections(selection.boxes.numpy(), selection.scores.numpy(), selection.labels.numpy())

    return evaluate(found, [(scene.boxes, scene.labels) for scene in scenes], progress=progress)


def count_multiply_adds(detector: Detector, *, size: int = VALIDATION_SIZE, pyramid: bool = False) -> int:
    """Multiply-adds of the convolutions for one scene, backbone included; a pyramid's levels are summed."""
    total = 0
    for scale in PYRAMID_SCALES if pyramid else (1,):
        x = torch.zeros(1, 3, size * scale, size * scale)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            detector(x)
        total += counter.get_total_flops() // 2
    return total
