"""Where the objects of some sample photos are: boxes drawn by hand, to measure detectors against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from vizcore.data.portraits import portrait_boxes


@dataclass(frozen=True)
class Annotation:
    """One object of a photo.

    Attributes:
        title: what it is, for people.
        box: xyxy, pixels of the sample photo.
        labels: the names under which detectors may know it (ImageNet splits cats, and has no motorcycle but a moped).
    """

    title: str
    box: tuple[float, float, float, float]
    labels: tuple[str, ...]


def load_annotations(sample: str) -> tuple[Annotation, ...]:
    """The objects of a sample photo; empty for photos without annotations."""
    if sample == "portraits":
        return tuple(Annotation("a face", box, ("face",)) for box in portrait_boxes())
    entries = json.loads(Path(__file__).with_name("annotations.json").read_text(encoding="utf-8")).get(sample, [])
    return tuple(Annotation(entry["title"], tuple(entry["box"]), tuple(entry["labels"])) for entry in entries)


def annotate_scene(index: int) -> tuple[Annotation, ...]:
    """The objects of a drawn scene that no detector was trained on: known, since they were drawn."""
    from vizcore.data.scenes import CLASSES, draw_scene  # it imports torch, which photos do not need

    scene = draw_scene("validation", index)
    return tuple(
        Annotation(CLASSES[label], tuple(box), (CLASSES[label],))
        for box, label in zip(scene.boxes.tolist(), scene.labels.tolist(), strict=True)
    )
