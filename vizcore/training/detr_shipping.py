"""Judges a trained DETR and ships it: weights in half precision, with a card that also holds what was ablated."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from vizcore.costs import count, count_parameters
from vizcore.data.scenes import draw_scene
from vizcore.detr.history import record_places, record_strip, save_places, save_strip
from vizcore.models.detr import (
    CANVAS,
    WEIGHTS_FOLDER,
    Detector,
    detect,
    detections,
    fit_photo,
    load_detr,
    read_detr,
)
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.models.weight_files import save_network
from vizcore.training.detr import (
    DETR_RECIPES,
    SIZE,
    DETRRecipe,
    Trainee,
    build_detr,
    make_detr_evaluation,
    make_detr_losses,
)
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.features import open_features
from vizcore.training.harness import TrainedModel, train
from vizcore.training.recipes import SELECTION_SCENES
from vizcore.training.shipping import describe_scenes

SNAPSHOTS: Final = (0.005, 0.02, 0.06, 0.2, 0.5, 1.0)
"""Shares of the run after which the averaged weights are kept, to show how it learned."""
NMS_THRESHOLD: Final = 0.7
"""IoU of the suppression that is tried after each decoder layer, as in the paper's figure 4 (there it is tuned)."""


STRIP_SCENES: Final = tuple(range(8))
"""Validation scenes that are shown as they were answered on the way."""


@dataclass(frozen=True)
class DETRCard:
    """What is known about a shipped DETR.

    Attributes:
        name: of the card and the file.
        title: for people.
        config: the arguments of its ``DETRConfig``.
        helps: what helped it learn besides the paper's recipe, each in a sentence.
        seed: of weights and batches.
        data: what it was trained on, in words and numbers.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        quality: the shipped (half precision) weights' figures there, from scenes to boxes.
        layers: of each decoder layer its ``ap`` and ``ap50``, and the same after a suppression at IoU ``NMS_THRESHOLD``
            (``nms_ap``, ``nms_ap50``).
        parameters: of the transformer and all but the backbone.
        multiply_adds: of a scene of 512 pixels, backbone included.
        milliseconds: median for such a scene on the machine it was judged on, one thread, from pixels to boxes.
        bytes: of the file.
    """

    name: str
    title: str
    config: dict[str, Any]
    helps: list[str]
    seed: int
    data: dict[str, Any]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    quality: dict[str, float]
    layers: list[dict[str, float]]
    parameters: int
    multiply_adds: int
    milliseconds: float
    bytes: int


def load_detr_card(name: str = "detr") -> DETRCard:
    """The card of a shipped DETR."""
    return DETRCard(**json.loads((WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def list_detr_cards() -> tuple[DETRCard, ...]:
    """The cards of all DETRs that were measured, the shipped one first; the others' weights are not shipped."""
    paths = (WEIGHTS_FOLDER / f"{name}.json" for name in DETR_RECIPES)
    return tuple(load_detr_card(path.stem) for path in paths if path.is_file())


def helps_of(recipe: DETRRecipe) -> list[str]:
    """What helps a recipe learn, each in a sentence; what the paper does is not listed."""
    config = recipe.config
    said = {
        "The backbone is frozen, and its features are computed once.": True,
        "A token covers 16 pixels instead of 32 and reads stages C3, C4 and C5 instead of C5 alone.": True,
        "A 3×3 convolution and norms stand before the encoder.": config.convolution,
        "Each query begins at a box of its own on a grid, which every decoder layer corrects (DAB-DETR).": (
            config.start_boxes
        ),
        "Queries and keys of the cross-attention begin with one projection, so that a query first looks near its own "
        "box.": config.start_boxes,
        f"Position encodings have periods of {config.shortest_period:g} to "
        f"{config.shortest_period * config.temperature:g} pictures.": config.spatial_positions
        and config.temperature != 10000,
        "Positions are added to the tokens themselves too, not only to queries and keys.": config.position_values
        and config.spatial_positions,
        f"In training, up to {recipe.denoising} noisy true boxes a scene are given to the decoder to be put right "
        "(DN-DETR).": recipe.denoising > 0,
        f"In training, {recipe.groups} further sets of queries are matched on their own (Group DETR).": (
            recipe.groups > 0
        ),
        "In training, every token of the encoder's output has to name the object around it (Co-DETR).": (
            recipe.token_head
        ),
        "A running average of the weights is what is judged and shipped.": True,
    }
    return [sentence for sentence, holds in said.items() if holds]


def ship_detr(
    recipe: DETRRecipe,
    name: str,
    trained: TrainedModel,
    folder: Path,
    *,
    seed: int,
    command: str,
    num_scenes: int,
) -> DETRCard:
    """Writes a trained DETR and its card into a folder, judged as it was written."""
    assert isinstance(trained.model, Trainee)
    path = folder / f"{name}.safetensors"
    save_network(path, trained.model.detr, trained.model.detr.config)
    detector = Detector(read_detr(path))
    layers = judge_layers(detector, num_scenes=num_scenes)
    card = DETRCard(
        name=name,
        title=recipe.title,
        config=asdict(recipe.config),
        helps=helps_of(recipe),
        seed=seed,
        data=describe_scenes(SIZE),
        steps=trained.step,
        batch_size=recipe.schedule.batch_size,
        hours=round(trained.seconds / 3600, 2),
        command=command,
        num_scenes=num_scenes,
        quality=layers[-1][0],
        layers=[
            {"ap": plain["ap"], "ap50": plain["ap50"], "nms_ap": after["ap"], "nms_ap50": after["ap50"]}
            for plain, after in layers
        ],
        parameters=count_parameters(detector.detr),
        multiply_adds=count_detr_multiply_adds(detector),
        milliseconds=measure_detr_milliseconds(detector),
        bytes=path.stat().st_size,
    )
    save_detr_card(card, folder)
    return card


def save_detr_card(card: DETRCard, folder: Path) -> None:
    """Writes a card into a folder, under its name."""
    part = folder / f"{card.name}.part"
    part.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, folder / f"{card.name}.json")


@torch.inference_mode()
def judge_layers(
    detector: Detector,
    *,
    num_scenes: int = NUM_VALIDATION_SCENES,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Figures after each decoder layer, from scenes to boxes: as they are, and after class-aware NMS.

    Args:
        detector: to judge.
        num_scenes: of the validation split.
        progress: wraps the scene indices, such as ``tqdm``.
    """
    num_layers = detector.detr.config.num_decoder_layers
    plain: list[list[Detections]] = [[] for _ in range(num_layers)]
    after: list[list[Detections]] = [[] for _ in range(num_layers)]
    targets = []
    for index in progress(range(num_scenes)):
        scene = draw_scene("validation", index, size=SIZE)
        targets.append((scene.boxes, scene.labels))
        fitted = fit_photo(torch.from_numpy(scene.pixels))
        output = detector(fitted.x, fitted.padding)
        for layer in range(num_layers):
            found = detections(output.logits[layer, 0], output.boxes[layer, 0], (CANVAS, CANVAS))
            keep = batched_nms(found.boxes, found.scores, found.labels, NMS_THRESHOLD)
            plain[layer].append(_as_detections(*found))
            after[layer].append(_as_detections(*(column[keep] for column in found)))
    return [
        (evaluate(one.__getitem__, targets).as_dict(), evaluate(other.__getitem__, targets).as_dict())
        for one, other in zip(plain, after, strict=True)
    ]


def _as_detections(boxes: Tensor, scores: Tensor, labels: Tensor) -> Detections:
    return Detections(boxes.numpy(), scores.numpy(), labels.numpy())


def count_detr_multiply_adds(detector: Detector) -> int:
    """Multiply-adds for one scene, backbone included."""
    return count(detector, torch.zeros(1, 3, CANVAS, CANVAS)).multiply_adds


def measure_detr_milliseconds(detector: Detector, *, repeats: int = 7) -> float:
    """Median wall time of a validation scene, pixels to boxes, with one thread."""
    pixels = torch.from_numpy(draw_scene("validation", 0, size=SIZE).pixels)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = []
    try:
        for _ in range(repeats + 1):
            started = time.perf_counter()
            detect(detector, pixels)
            seconds.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * statistics.median(seconds[1:]), 1)


def run_command(options: argparse.Namespace) -> None:
    """Trains, ships or judges a DETR as the command line says."""
    name: str = options.model
    if options.evaluate:
        (quality, _) = judge_layers(load_detr(name), num_scenes=options.validation)[-1]
        print(name, *(f"{key} {value}" for key, value in quality.items()))  # noqa: T201
        return
    recipe = DETR_RECIPES[name]
    if options.steps:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=options.steps))
    home: Path = options.folder / name
    trained = train(
        build_detr(recipe, seed=options.seed),
        make_detr_losses(
            recipe, open_features(options.folder / "features", "train", options.scenes, size=SIZE), seed=options.seed
        ),
        recipe.schedule,
        home,
        resume=options.resume,
        evaluate=make_detr_evaluation(options.folder / "features", count=min(options.validation, SELECTION_SCENES)),
        snapshots=tuple(round(share * recipe.schedule.steps) for share in SNAPSHOTS),
        save_snapshot=lambda model, step: save_snapshot(home / "snapshots", model, step),
        checkpoint_seconds=300.0,
    )
    print(f"{trained.step} steps in {trained.seconds / 60:.1f} minutes: {trained.best}")  # noqa: T201
    shipped = options.ship and name == "detr"  # of an ablation the card alone is shipped
    command = f"python -m vizcore.training {name} --steps {trained.step} --seed {options.seed} --ship"
    card = ship_detr(
        recipe,
        name,
        trained,
        WEIGHTS_FOLDER if shipped else home,
        seed=options.seed,
        command=command,
        num_scenes=options.validation,
    )
    if shipped:
        shutil.copyfile(home / "log.csv", WEIGHTS_FOLDER / f"{name}.csv")
        ship_history(home / "snapshots", WEIGHTS_FOLDER, num_scenes=options.validation)
    elif options.ship:
        shutil.copyfile(home / f"{name}.json", WEIGHTS_FOLDER / f"{name}.json")
    print(card.name, *(f"{key} {value}" for key, value in card.quality.items()))  # noqa: T201


def ship_history(snapshots: Path, folder: Path, *, num_scenes: int) -> None:
    """Records how the detector in a folder learned, and what its queries do, beside it.

    Args:
        snapshots: folder with weights kept on the way, named by their step.
        folder: holds ``detr.safetensors``.
        num_scenes: of the validation split, for the queries' places.
    """
    backbone = load_efficientnet_lite0()
    then = (
        (int(path.stem), Detector(read_detr(path), backbone)) for path in sorted(snapshots.glob("[0-9]*.safetensors"))
    )
    save_strip(record_strip(then, STRIP_SCENES), folder=folder)
    detector = Detector(read_detr(folder / "detr.safetensors"), backbone)
    save_places(record_places(detector, num_scenes), folder=folder)


def save_snapshot(folder: Path, model: nn.Module, step: int) -> None:
    """Keeps the weights of a detector on the way, named by the steps made."""
    assert isinstance(model, Trainee)
    save_network(folder / f"{step:06d}.safetensors", model.detr, model.detr.config)
