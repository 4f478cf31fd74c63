"""Judges a trained ThunderNet and ships it: weights in half precision, with a card.

    python -m vizcore.training thundernet --ship

trains what is left of a run and writes ``vizcore/assets/weights/thundernet``; ``--evaluate`` judges what lies there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tqdm import tqdm

from vizcore.costs import count, count_parameters
from vizcore.data.scenes import BACKGROUNDS, CLASSES, draw_scene
from vizcore.models.fcos import as_input
from vizcore.models.thundernet import THUNDERNET_WEIGHTS, ThunderNetDetector, load_thundernet, read_thundernet
from vizcore.models.weight_files import save_network
from vizcore.training.evaluation import Detections, evaluate, evaluate_from
from vizcore.training.harness import TrainedModel
from vizcore.training.recipes import SELECTION_SCENES
from vizcore.training.thundernet import (
    SIZE,
    STAGES,
    THUNDERNET_RECIPES,
    ThunderNetRecipe,
    find_objects,
    run_thundernet_command,
)

LEAST_SIDE: Final = 24.0
"""A card also tells AP50 of the objects whose √(area) has at least so many pixels."""
_REGIONS: Final = 200


def load_thundernet_card(name: str) -> dict[str, Any] | None:
    """The card of a ThunderNet; None if it was not shipped.

    Args:
        name: of the card, without its ending.
    """
    path = THUNDERNET_WEIGHTS / f"{name}.json"
    if not path.is_file():
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


def list_thundernet_cards() -> tuple[dict[str, Any], ...]:
    """The cards of the four recipes, in their order; of those that were shipped."""
    return tuple(card for card in map(load_thundernet_card, THUNDERNET_RECIPES) if card is not None)


@torch.inference_mode()
def find_in(detector: ThunderNetDetector, pixels: np.ndarray) -> Detections:
    """Final boxes on a square scene whose side divides by 64, from pixels ``[H, W, 3]`` uint8."""
    stages = detector.backbone.stage_features(as_input(torch.from_numpy(pixels)[None]))
    return find_objects(detector.part, {name: stages[name] for name in STAGES}, size=pixels.shape[0])


def judge_thundernet(detector: ThunderNetDetector, num_scenes: int) -> dict[str, Any]:
    """Quality on the validation scenes of 320 pixels, from scenes to boxes."""
    found, targets = [], []
    for index in tqdm(range(num_scenes), mininterval=10):
        scene = draw_scene("validation", index, size=SIZE)
        found.append(find_in(detector, scene.pixels))
        targets.append((scene.boxes, scene.labels))
    return {
        "quality": evaluate(found.__getitem__, targets).as_dict(),
        "ap50_from_24": round(evaluate_from(found.__getitem__, targets, side=LEAST_SIDE), 4),
    }


def measure_thundernet(detector: ThunderNetDetector, *, repeats: int = 15) -> float:
    """Milliseconds of one core for a validation scene of 320 pixels, pixels to boxes; the least of all turns.

    The processor's seconds are counted, not the wall's: other work on the machine is not ours.
    """
    pixels = draw_scene("validation", 0, size=SIZE).pixels
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = []
    try:
        for _ in range(repeats + 1):
            started = time.process_time()
            find_in(detector, pixels)
            seconds.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * min(seconds[1:]), 1)


def ship_thundernet(
    recipe: ThunderNetRecipe,
    model: str,
    trained: TrainedModel,
    *,
    seed: int,
    num_training_scenes: int,
    num_scenes: int,
    folder: Path,
) -> dict[str, Any]:
    """Writes a trained detection part and its card, judged as it was written; of a further seed the card alone.

    Args:
        recipe: that it was made by.
        model: name of the recipe.
        trained: how the run ended.
        seed: of weights and batches.
        num_training_scenes: that it learned from.
        num_scenes: of the validation split, to judge it on.
        folder: to write into.

    Returns:
        The card.
    """
    name = model if seed == 0 else f"{model}_seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_network(path, trained.model, recipe.config)
    detector = read_thundernet(path)
    card: dict[str, Any] = {
        "name": name,
        "title": recipe.title,
        "config": asdict(recipe.config),
        "seed": seed,
        "data": {
            "scenes": num_training_scenes,
            "size": SIZE,
            "classes": list(CLASSES),
            "backgrounds": list(BACKGROUNDS["train"]),
            "validation_size": SIZE,
            "validation_backgrounds": list(BACKGROUNDS["validation"]),
            "selection_scenes": SELECTION_SCENES,
        },
        "steps": trained.step,
        "batch_size": recipe.schedule.batch_size,
        "hours": round(trained.seconds / 3600, 2),
        "command": f"python -m vizcore.training {model} --steps {trained.step} --scenes {num_training_scenes} "
        f"--seed {seed} --ship",
        "num_scenes": num_scenes,
        **judge_thundernet(detector, num_scenes),
        "parameters": count_parameters(detector.part),
        "multiply_adds": count(detector, torch.zeros(1, 3, SIZE, SIZE), torch.zeros(_REGIONS, 5)).multiply_adds,
        "milliseconds": measure_thundernet(detector),
        "bytes": path.stat().st_size,
    }
    if seed:
        path.unlink()
    part = folder / f"{name}.part"
    part.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, folder / f"{name}.json")
    return card


def run_command(options: argparse.Namespace) -> None:
    """Trains, ships or judges a ThunderNet as the command line says."""
    model: str = options.model
    if options.evaluate:
        print(json.dumps(judge_thundernet(load_thundernet(model), options.validation), indent=2))  # noqa: T201
        return
    trained = run_thundernet_command(options)
    if not options.ship:
        return
    card = ship_thundernet(
        THUNDERNET_RECIPES[model],
        model,
        trained,
        seed=options.seed,
        num_training_scenes=options.scenes,
        num_scenes=options.validation,
        folder=THUNDERNET_WEIGHTS,
    )
    run = options.folder / card["name"]
    shutil.copyfile(run / "log.csv", THUNDERNET_WEIGHTS / f"{card['name']}.csv")
    print(json.dumps(card, indent=2, ensure_ascii=False))  # noqa: T201
