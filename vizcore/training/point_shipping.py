"""Judges and ships CenterNet and VarifocalNet: weights in half precision, a card, and tables of what was tried.

``python -m vizcore.training.point_shipping centernet --folder runs`` judges what was trained there and writes
``vizcore/assets/weights/points``; with ``--out`` somewhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torchvision.ops import batched_nms
from tqdm import tqdm

from vizcore.centernet import angle_error, decode, turn_to_angle
from vizcore.costs import count, count_parameters
from vizcore.data.scenes import CLASSES, SYMMETRIES, Scene, draw_scene
from vizcore.models.centernet import POINT_WEIGHTS, STRIDE, CenterNetDetector, CenterNetOutput, read_centernet
from vizcore.models.fcos import as_input, detect, level_points, level_sizes, load_fcos
from vizcore.models.vfnet import VFNetDetector, detections, read_vfnet
from vizcore.training.centernet import CENTERNET_RECIPES, CenterNetRecipe
from vizcore.training.evaluation import NUM_VALIDATION_SCENES, Detections, evaluate
from vizcore.training.recipes import NUM_TRAINING_SCENES, SELECTION_SCENES, TRAINING_SIZE, VALIDATION_SIZE
from vizcore.training.varifocalnet import VFNET_RECIPES, VFNetRecipe
from vizcore.varifocalnet import RANKINGS, rank, rank_correlation, vfnet_cells

ABLATIONS: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "nms": {"iou_threshold": 0.6},
    "no_offset": {"offset": False},
    "kernel_1": {"kernel": 1},
    "kernel_5": {"kernel": 5},
    "k_10": {"k": 10},
    "k_30": {"k": 30},
    "flip": {"flip": True},
}
"""Ways to decode the same maps; the names are those of ``vizcore.figures.centernet``."""


def boxes_of(
    output: CenterNetOutput,
    size: tuple[int, int],
    *,
    k: int = 100,
    kernel: int = 3,
    offset: bool = True,
    iou_threshold: float | None = None,
) -> Detections:
    """Decodes the first picture's maps to boxes clipped to it.

    Args:
        output: of the network.
        size: (height, width) of the picture, pixels.
        k: boxes.
        kernel: of the peaks.
        offset: use the offset head; else the centre is the cell's middle, the best guess without it.
        iou_threshold: of an NMS after the peaks; None for none.
    """
    offsets = output.offsets[0] if offset else torch.full_like(output.offsets[0], 0.5)
    boxes, scores, labels = decode(output.heatmap[0], offsets, output.sizes[0], k=k, kernel=kernel)
    height, width = size
    boxes = torch.minimum((boxes * STRIDE).clamp(min=0), torch.tensor([width, height, width, height]))
    if iou_threshold is not None:
        keep = batched_nms(boxes, scores, labels, iou_threshold)
        boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
    return Detections(boxes.numpy(), scores.numpy(), labels.numpy())


def flip_output(output: CenterNetOutput, mirrored: CenterNetOutput) -> CenterNetOutput:
    """The mean of what is said of a picture and of its mirror image; offsets and turns stay as they were, as there."""
    back = CenterNetOutput(*(x.flip(-1) for x in mirrored))
    heatmap = (output.heatmap + back.heatmap) / 2
    return CenterNetOutput(torch.logit(heatmap), output.offsets, (output.log_sizes + back.log_sizes) / 2, output.turns)


@torch.inference_mode()
def judge_centernet(detector: CenterNetDetector, num_scenes: int) -> dict[str, Any]:
    """Quality of every way to decode, and the rotation's median error in degrees at the true centres."""
    found: dict[str, list[Detections]] = {name: [] for name in ABLATIONS}
    targets, errors = [], []
    for index in tqdm(range(num_scenes), mininterval=10):
        scene = draw_scene("validation", index, size=VALIDATION_SIZE)
        targets.append((scene.boxes, scene.labels))
        x = as_input(torch.from_numpy(scene.pixels)[None])
        output = detector(x)
        both = flip_output(output, detector(x.flip(-1)))
        for name, options in ABLATIONS.items():
            chosen = {key: value for key, value in options.items() if key != "flip"}
            found[name].append(boxes_of(both if "flip" in options else output, scene.pixels.shape[:2], **chosen))
        errors += turn_errors(output, scene)
    quality = {
        name: evaluate(lambda index, answers=answers: answers[index], targets).as_dict()  # type: ignore[misc]
        for name, answers in found.items()
    }
    return {
        "ablation": quality,
        "degrees": {
            name: round(statistics.median(error for kind, error in errors if kind == name), 2)
            for name in SYMMETRIES
            if any(kind == name for kind, _ in errors)
        },
    }


def turn_errors(output: CenterNetOutput, scene: Scene) -> list[tuple[str, float]]:
    """Class and error in degrees of every shape that has an angle, at its true centre."""
    answers = []
    for box, label, angle in zip(scene.boxes.tolist(), scene.labels.tolist(), scene.angles.tolist(), strict=True):
        name = CLASSES[label]
        if name in SYMMETRIES:
            x, y = int((box[0] + box[2]) / 2 / STRIDE), int((box[1] + box[3]) / 2 / STRIDE)
            said = turn_to_angle(output.turns[:1, :, y, x], SYMMETRIES[name])
            answers.append((name, float(angle_error(said, torch.tensor([angle]), SYMMETRIES[name]))))
    return answers


@torch.inference_mode()
def judge_vfnet(detector: VFNetDetector, num_scenes: int) -> dict[str, Any]:
    """Quality as it is, of every ranking, and the rank correlation of score and IoU."""
    config = detector.vfnet.config.fcos
    points = level_points(level_sizes((VALIDATION_SIZE, VALIDATION_SIZE), config.strides), config.strides)
    found: list[Detections] = []
    ranked: dict[str, list[Detections]] = {name: [] for name in RANKINGS}
    targets, scores, ious = [], [], []
    for index in tqdm(range(num_scenes), mininterval=10):
        scene = draw_scene("validation", index, size=VALIDATION_SIZE)
        targets.append((scene.boxes, scene.labels))
        output = detector(as_input(torch.from_numpy(scene.pixels)[None]))
        best = detections(output, points, scene.pixels.shape[:2])  # type: ignore[arg-type]
        found.append(Detections(best.boxes.numpy(), best.scores.numpy(), best.labels.numpy()))
        cells = vfnet_cells(output, points, scene.pixels.shape[:2], scene.boxes, scene.labels)  # type: ignore[arg-type]
        for name in RANKINGS:
            answer = rank(cells, name)
            ranked[name].append(Detections(answer.boxes, answer.scores, answer.labels))
            if name == ("iacs" if output.centerness is None else "cls_ctr"):
                scores.append(answer.scores)
                ious.append(answer.ious)
    quality: Mapping[str, Mapping[str, float]] = {
        name: evaluate(lambda index, answers=answers: answers[index], targets).as_dict()  # type: ignore[misc]
        for name, answers in ranked.items()
    }
    return {
        "quality": evaluate(lambda index: found[index], targets).as_dict(),
        "rankings": quality,
        "rank_correlation": round(rank_correlation(np.concatenate(scores), np.concatenate(ious)), 4),
    }


Detect = Callable[[UInt8[Tensor, "H W 3"]], Any]
"""From pixels to boxes, scores and labels."""


def point_detect(detector: CenterNetDetector | VFNetDetector) -> Detect:
    """From pixels to boxes with a detector of this family."""
    size = (VALIDATION_SIZE, VALIDATION_SIZE)
    if isinstance(detector, CenterNetDetector):
        return torch.inference_mode()(lambda pixels: boxes_of(detector(as_input(pixels[None])), size))
    strides = detector.vfnet.config.fcos.strides
    points = level_points(level_sizes(size, strides), strides)
    return torch.inference_mode()(lambda pixels: detections(detector(as_input(pixels[None])), points, size))


def measure(detect: Detect, reference: Detect, *, repeats: int = 15) -> tuple[float, float]:
    """Milliseconds of one core for a validation scene, pixels to boxes, and how many times a reference's they are.

    Both run in turns with one thread, and the processor's seconds are counted, not the wall's: other work on the
    machine then falls on both. The least of all turns is taken, which that work disturbs least.

    Args:
        detect: to measure.
        reference: to measure beside.
        repeats: turns, after one that is not counted.
    """
    pixels = torch.from_numpy(draw_scene("validation", 0, size=VALIDATION_SIZE).pixels)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds: list[list[float]] = [[], []]
    try:
        for _ in range(repeats + 1):
            for each, spent in zip((detect, reference), seconds, strict=True):
                started = time.process_time()
                each(pixels)
                spent.append(time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    ours, theirs = (min(spent[1:]) for spent in seconds)
    return round(1000 * ours, 1), round(ours / theirs, 2)


def measure_again(name: str, folder: Path = POINT_WEIGHTS) -> dict[str, Any]:
    """Writes the costs of a shipped detector beside ``fcos_fpn``'s into its card.

    Args:
        name: of the card, without its ending.
        folder: where card and weights lie.
    """
    path = folder / f"{name}.json"
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    weights = folder / f"{name}.safetensors"
    card |= costs_of(read_centernet(weights) if name in CENTERNET_RECIPES else read_vfnet(weights))
    _write(path, card)
    return card


def save_predictions(name: str, path: Path, folder: Path = POINT_WEIGHTS) -> None:
    """Writes what a shipped detector finds on its card's scenes, so that the card can be checked without it.

    Args:
        name: of the card, without its ending.
        path: ``.npz`` to write; boxes are whole sixteenths of a pixel, scores in half precision.
        folder: where card and weights lie.
    """
    weights = folder / f"{name}.safetensors"
    card: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    run = point_detect(read_centernet(weights) if name in CENTERNET_RECIPES else read_vfnet(weights))
    found = []
    for index in tqdm(range(card["num_scenes"]), mininterval=10):
        pixels = torch.from_numpy(draw_scene("validation", index, size=VALIDATION_SIZE).pixels)
        found.append(run(pixels))
    np.savez_compressed(
        path,
        boxes=np.concatenate([np.round(np.asarray(each.boxes) * 16) for each in found]).astype(np.int16),
        scores=np.concatenate([np.asarray(each.scores) for each in found]).astype(np.float16),
        labels=np.concatenate([np.asarray(each.labels) for each in found]).astype(np.int8),
        counts=np.array([len(each.scores) for each in found], dtype=np.int16),
    )


def costs_of(detector: CenterNetDetector | VFNetDetector) -> dict[str, float]:
    """Parameters, multiply-adds and time of a detector, as a card tells them."""
    network = detector.centernet if isinstance(detector, CenterNetDetector) else detector.vfnet
    fcos = load_fcos("fcos_fpn")
    milliseconds, ratio = measure(point_detect(detector), lambda pixels: detect(fcos, pixels))
    return {
        "parameters": count_parameters(network),
        "multiply_adds": count(detector, torch.zeros(1, 3, VALIDATION_SIZE, VALIDATION_SIZE)).multiply_adds,
        "milliseconds": milliseconds,
        "times_fcos": ratio,
    }


def _write(path: Path, card: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m vizcore.training.point_shipping", description=__doc__)
    parser.add_argument("model", choices=[*CENTERNET_RECIPES, *VFNET_RECIPES])
    parser.add_argument("--folder", type=Path, default=Path("runs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=POINT_WEIGHTS)
    parser.add_argument("--validation", type=int, default=NUM_VALIDATION_SCENES)
    parser.add_argument("--costs", action="store_true", help="only measure what is shipped again: time and operations")
    parser.add_argument("--predictions", type=Path, help="only write there what the shipped detector finds")
    options = parser.parse_args(arguments)
    name = options.model if options.seed == 0 else f"{options.model}_seed{options.seed}"
    if options.costs:
        print(json.dumps(measure_again(name, options.out), indent=2))  # noqa: T201
        return
    if options.predictions:
        save_predictions(name, options.predictions, options.out)
        return
    run = options.folder / name
    weights = run / f"{options.model}.safetensors"
    steps, hours = _how_long(run / "log.csv")
    recipes: dict[str, CenterNetRecipe | VFNetRecipe] = {**CENTERNET_RECIPES, **VFNET_RECIPES}
    recipe = recipes[options.model]
    card: dict[str, Any] = {
        "name": name,
        "title": recipe.title,
        "config": asdict(recipe.config),
        "seed": options.seed,
        "data": {
            "scenes": NUM_TRAINING_SCENES,
            "size": TRAINING_SIZE,
            "classes": list(CLASSES),
            "validation_size": VALIDATION_SIZE,
            "selection_scenes": SELECTION_SCENES,
        },
        "steps": steps,
        "batch_size": recipe.schedule.batch_size,
        "hours": hours,
        "command": f"python -m vizcore.training {options.model} --steps {steps} --seed {options.seed}",
        "num_scenes": options.validation,
        "bytes": weights.stat().st_size,
    }
    detector: CenterNetDetector | VFNetDetector
    if options.model in CENTERNET_RECIPES:
        detector = read_centernet(weights)
        card |= judge_centernet(detector, options.validation)
        card["quality"] = card["ablation"]["default"]
    else:
        detector = read_vfnet(weights)
        card |= judge_vfnet(detector, options.validation)
    card |= costs_of(detector)
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, options.out / f"{name}.safetensors")
    shutil.copyfile(run / "log.csv", options.out / f"{name}.csv")
    _write(options.out / f"{name}.json", card)
    print(json.dumps(card, indent=2))  # noqa: T201


def _how_long(log: Path) -> tuple[int, float]:
    """Steps and hours of a run, from its log."""
    header, *_, last = log.read_text(encoding="utf-8").splitlines()
    row = dict(zip(header.split(","), last.split(","), strict=True))
    return int(row["step"]), round(float(row["seconds"]) / 3600, 2)


if __name__ == "__main__":
    main()
