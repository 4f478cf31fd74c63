"""What was recorded once about the shipped DETR: how it learned, and what each query does over 500 scenes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from vizcore.data.scenes import draw_scene
from vizcore.detr.places import QueryPlaces, collect_places
from vizcore.models.detr import CANVAS, WEIGHTS_FOLDER, Detector, fit_photo

PLACES_FILE: Final = "detr_places.npz"
STRIP_FILE: Final = "detr_strip.npz"


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
