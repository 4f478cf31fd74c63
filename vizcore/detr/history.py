"""What was recorded once about the shipped DETR: how it learned, and what each query does over 500 scenes."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torchvision.ops import box_convert

from vizcore.data.scenes import draw_scene
from vizcore.detr.cost import match_cost
from vizcore.detr.matching import match
from vizcore.detr.places import QueryPlaces, collect_places
from vizcore.models.detr import CANVAS, WEIGHTS_FOLDER, Detector, fit_photo

PLACES_FILE: Final = "detr_places.npz"
STRIP_FILE: Final = "detr_strip.npz"
LOG_FILE: Final = "detr.csv"


@dataclass(frozen=True, eq=False)
class TrainingStrip:
    """What a DETR said of a few scenes while it learned.

    Attributes:
        steps: ``[K]`` steps made.
        scenes: ``[P]`` index of each scene in the validation split.
        logits: ``[K, P, Q, C + 1]`` of the last decoder layer; the last class is "no object".
        boxes: ``[K, P, Q, 4]`` cxcywh in sides of the picture.
    """

    steps: np.ndarray
    scenes: np.ndarray
    logits: np.ndarray
    boxes: np.ndarray


@dataclass(frozen=True, eq=False)
class StripMatching:
    """A scene's objects, and who was matched to each while a DETR learned.

    Attributes:
        targets: ``[T, 4]`` xyxy, pixels of the scene.
        labels: ``[T]`` class.
        owners: ``[K, T]`` the query at each time, -1 for none.
        boxes: ``[K, T, 4]`` its box, xyxy, pixels of the scene; 0 for none.
        probabilities: ``[K, T]`` that it gave the object's class, in [0, 1]; 0 for none.
    """

    targets: np.ndarray
    labels: np.ndarray
    owners: np.ndarray
    boxes: np.ndarray
    probabilities: np.ndarray

    @property
    def flips(self) -> np.ndarray:
        """``[K - 1]`` how many objects went to another query from one time to the next."""
        changed: np.ndarray = (self.owners[1:] != self.owners[:-1]).sum(1)
        return changed


def match_strip(strip: TrainingStrip, place: int) -> StripMatching:
    """Matches one scene of a strip anew at each time.

    Args:
        strip: of a training.
        place: of the scene in the strip.
    """
    scene = draw_scene("validation", int(strip.scenes[place]), size=CANVAS)
    labels = torch.from_numpy(scene.labels)
    targets = box_convert(torch.from_numpy(scene.boxes).float(), "xyxy", "cxcywh") / CANVAS
    owners = np.full((len(strip.steps), len(labels)), -1)
    boxes, probabilities = np.zeros((*owners.shape, 4), np.float32), np.zeros(owners.shape, np.float32)
    for time in range(len(strip.steps)):
        logits, answers = (torch.from_numpy(each[time, place]) for each in (strip.logits, strip.boxes))
        queries, matched = match(match_cost(logits, answers, labels, targets).total)
        owners[time, matched] = queries
        boxes[time, matched] = box_convert(answers[queries], "cxcywh", "xyxy") * CANVAS
        probabilities[time, matched] = logits.softmax(-1)[queries, labels[matched]]
    return StripMatching(scene.boxes, scene.labels, owners, boxes, probabilities)


def load_training_log(*, folder: Path = WEIGHTS_FOLDER) -> list[dict[str, float]]:
    """The log of the shipped detector's training: a row for every few steps, with what stands in each.

    Raises:
        FileNotFoundError: If none was shipped.
    """
    with (folder / LOG_FILE).open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


@torch.inference_mode()
def record_strip(detectors: Iterable[tuple[int, Detector]], scenes: Sequence[int]) -> TrainingStrip:
    """Shows a few validation scenes to a detector as it was after some numbers of steps.

    Args:
        detectors: (steps made, the detector then).
        scenes: of the validation split.
    """
    pictures = [fit_photo(torch.from_numpy(draw_scene("validation", index, size=CANVAS).pixels)).x for index in scenes]
    steps, logits, boxes = [], [], []
    for step, detector in detectors:
        outputs = [detector(x) for x in pictures]
        steps.append(step)
        logits.append(torch.stack([output.logits[-1, 0] for output in outputs]).numpy())
        boxes.append(torch.stack([output.boxes[-1, 0] for output in outputs]).numpy())
    return TrainingStrip(np.array(steps), np.array(scenes), np.stack(logits), np.stack(boxes))


def save_strip(strip: TrainingStrip, *, folder: Path = WEIGHTS_FOLDER) -> None:
    """Writes a strip in half precision."""
    half = {"logits": strip.logits.astype(np.float16), "boxes": strip.boxes.astype(np.float16)}
    _save(folder / STRIP_FILE, steps=strip.steps, scenes=strip.scenes, **half)


def load_strip(*, folder: Path = WEIGHTS_FOLDER) -> TrainingStrip:
    """The strip of the shipped detector, single precision.

    Raises:
        FileNotFoundError: If none was shipped.
    """
    with np.load(folder / STRIP_FILE) as file:
        return TrainingStrip(
            file["steps"], file["scenes"], file["logits"].astype(np.float32), file["boxes"].astype(np.float32)
        )


def record_places(
    detector: Detector,
    num_scenes: int,
    *,
    progress: Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> QueryPlaces:
    """Every query's answer to the first validation scenes."""
    pictures = (draw_scene("validation", index, size=CANVAS).pixels for index in range(num_scenes))
    return collect_places(detector, pictures, progress=progress)


def save_places(places: QueryPlaces, *, folder: Path = WEIGHTS_FOLDER) -> None:
    """Writes places: boxes and scores in half precision."""
    start = np.zeros((0, 4)) if places.start_boxes is None else places.start_boxes
    _save(
        folder / PLACES_FILE,
        boxes=places.boxes.astype(np.float16),
        scores=places.scores.astype(np.float16),
        labels=places.labels.astype(np.uint8),
        start=start.astype(np.float32),
    )


def load_places(*, folder: Path = WEIGHTS_FOLDER) -> QueryPlaces:
    """The places of the shipped detector's queries, single precision.

    Raises:
        FileNotFoundError: If none were shipped.
    """
    with np.load(folder / PLACES_FILE) as file:
        start = file["start"]
        return QueryPlaces(
            file["boxes"].astype(np.float32),
            file["scores"].astype(np.float32),
            file["labels"].astype(np.int64),
            start if len(start) else None,
        )


def _save(path: Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    os.replace(part, path)
