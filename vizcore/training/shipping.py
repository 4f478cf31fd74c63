"""Judges trained detectors and ships them: weights in half precision, each with its card."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from vizcore.costs import count, count_parameters
from vizcore.data.scenes import BACKGROUNDS, CLASSES, draw_scene
from vizcore.models.fcos import (
    FCOS,
    PYRAMID_SCALES,
    Detector,
    detect,
    detect_on_pyramid,
    load_fcos,
)
from vizcore.models.weight_files import WEIGHTS_FOLDER, save_network
from vizcore.training.cards import Card, write_card
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, Quality, evaluate
from vizcore.training.harness import TrainedModel
from vizcore.training.recipes import (
    NUM_TRAINING_SCENES,
    SELECTION_SCENES,
    TRAINING_SIZE,
    VALIDATION_SIZE,
    Recipe,
)

Targets = tuple[np.ndarray, np.ndarray]
"""Boxes ``[M, 4]`` xyxy and labels ``[M]`` of a scene."""
PYRAMID_SCENES: Final = 100
"""An image pyramid is judged on the first so many scenes: each takes it as long as twenty single passes."""


def describe_scenes(training_size: int) -> dict[str, Any]:
    """What a card says of the scenes: those learned from, and those judged on.

    Args:
        training_size: side of a training scene, pixels.
    """
    return {
        "scenes": NUM_TRAINING_SCENES,
        "size": training_size,
        "classes": list(CLASSES),
        "backgrounds": list(BACKGROUNDS["train"]),
        "validation_size": VALIDATION_SIZE,
        "validation_backgrounds": list(BACKGROUNDS["validation"]),
        "selection_scenes": SELECTION_SCENES,
    }


def ship(
    recipe: Recipe, name: str, trained: TrainedModel, *, seed: int, command: str, num_scenes: int
) -> tuple[Card, ...]:
    """Writes a trained detector and its card into ``vizcore/assets/weights``, judged as it was written.

    A detector of the top stage alone gets a second card: the same weights on an image pyramid.
    """
    assert isinstance(trained.model, FCOS)
    path = WEIGHTS_FOLDER / f"{name}.safetensors"
    save_network(path, trained.model, trained.model.config)
    detector = load_fcos(name)
    card = Card(
        name=name,
        weights=name,
        pyramid=False,
        title=recipe.title,
        config=asdict(recipe.config),
        seed=seed,
        data=describe_scenes(TRAINING_SIZE),
        steps=trained.step,
        batch_size=recipe.schedule.batch_size,
        hours=round(trained.seconds / 3600, 2),
        command=command,
        num_scenes=num_scenes,
        quality={},
        parameters=count_parameters(detector.fcos),
        multiply_adds=count_multiply_adds(detector),
        milliseconds=0.0,
        bytes=path.stat().st_size,
    )
    cards = [card]
    if recipe.config.neck == "top":
        pyramid = replace(
            card,
            name="compare_pyramid",
            title="Top stage alone, on an image pyramid",
            pyramid=True,
            num_scenes=min(num_scenes, PYRAMID_SCENES),
            multiply_adds=count_multiply_adds(detector, pyramid=True),
        )
        cards.append(pyramid)
    judged = tuple(
        replace(each, quality=judge(each).as_dict(), milliseconds=measure_milliseconds(each)) for each in cards
    )
    for each in judged:
        write_card(each)
    return judged


def judge(card: Card, *, progress: Callable[[Iterable[int]], Iterable[int]] = iter) -> Quality:
    """Judges the weights of a card again, as they lie in ``vizcore/assets/weights``."""
    return evaluate_detector(
        load_fcos(card.weights), num_scenes=card.num_scenes, pyramid=card.pyramid, progress=progress
    )


def measure_milliseconds(card: Card, *, repeats: int = 7) -> float:
    """Median wall time of a validation scene, pixels to boxes, with one thread."""
    detector = load_fcos(card.weights)
    pixels = torch.from_numpy(draw_scene("validation", 0, size=VALIDATION_SIZE).pixels)
    run = detect_on_pyramid if card.pyramid else detect
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = []
    try:
        for _ in range(repeats + 1):
            started = time.perf_counter()
            run(detector, pixels)
            seconds.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * statistics.median(seconds[1:]), 1)


def predict_scenes(
    detector: Detector,
    *,
    num_scenes: int = NUM_VALIDATION_SCENES,
    pyramid: bool = False,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    kind: str = "shapes",
) -> list[tuple[Targets, Detections]]:
    """What lies on the first validation scenes, and what a detector finds there: pixels to boxes, single precision.

    Args:
        detector: to run.
        num_scenes: how many scenes.
        pyramid: show it every scene at ``PYRAMID_SCALES``.
        progress: wraps the scene indices, such as ``tqdm``.
        kind: of the scenes.
    """
    run = detect_on_pyramid if pyramid else detect
    answers = []
    for index in progress(range(num_scenes)):
        scene = draw_scene("validation", index, size=VALIDATION_SIZE, kind=kind)
        found = run(detector, torch.from_numpy(scene.pixels))
        targets = (scene.boxes, scene.labels)  # not the pixels: 500 scenes of them would take 400 MB
        answers.append((targets, Detections(found.boxes.numpy(), found.scores.numpy(), found.labels.numpy())))
    return answers


def evaluate_detector(
    detector: Detector,
    *,
    num_scenes: int = NUM_VALIDATION_SCENES,
    pyramid: bool = False,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    kind: str = "shapes",
) -> Quality:
    """Judges a detector on what :func:`predict_scenes` finds; the arguments are the same."""
    answers = predict_scenes(detector, num_scenes=num_scenes, pyramid=pyramid, progress=progress, kind=kind)
    return evaluate(lambda index: answers[index][1], [targets for targets, _ in answers], kind=kind)


def save_predictions(card: Card, path: Path) -> None:
    """Writes what a shipped detector finds on its validation scenes, so that its card can be checked without it."""
    answers = predict_scenes(load_fcos(card.weights), num_scenes=card.num_scenes, pyramid=card.pyramid)
    columns = {
        name: np.concatenate([getattr(found, name) for _, found in answers]) for name in ("boxes", "scores", "labels")
    }
    np.savez_compressed(
        path,
        boxes=columns["boxes"],
        scores=columns["scores"],
        labels=columns["labels"].astype(np.int8),
        counts=np.array([len(found.scores) for _, found in answers], dtype=np.int16),
    )


def count_multiply_adds(detector: Detector, *, size: int = VALIDATION_SIZE, pyramid: bool = False) -> int:
    """Multiply-adds of the convolutions for one scene, backbone included; a pyramid's levels are summed."""
    sizes = [size * scale for scale in (PYRAMID_SCALES if pyramid else (1,))]
    return sum(count(detector, torch.zeros(1, 3, side, side)).multiply_adds for side in sizes)
