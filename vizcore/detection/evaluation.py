"""How good a detector's boxes are where the truth is known, and where its boxes share a spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import box_iou

from vizcore.data.annotations import Annotation
from vizcore.detection.output import DetectorOutput


@dataclass(frozen=True)
class Match:
    """What became of one object that a person has boxed.

    Attributes:
        annotation: the object.
        index: the final box that names it and overlaps it best; None if no box names it.
        iou: of the two, in [0, 1]; 0 if no box names it.
    """

    annotation: Annotation
    index: int | None
    iou: float


def match_annotations(output: DetectorOutput, annotations: Sequence[Annotation]) -> tuple[Match, ...]:
    """For each object the box of a fitting class with the largest IoU."""
    matches = []
    for annotation in annotations:
        (named,) = np.nonzero([output.label_names[label] in annotation.labels for label in output.labels])
        if not len(named):
            matches.append(Match(annotation, None, 0.0))
            continue
        truth = torch.tensor([annotation.box], dtype=torch.float32)
        overlaps = box_iou(torch.from_numpy(output.boxes[named]), truth)[:, 0]
        best = int(overlaps.argmax())
        matches.append(Match(annotation, int(named[best]), float(overlaps[best])))
    return tuple(matches)


def shared_spots(output: DetectorOutput) -> tuple[tuple[int, int], ...]:
    """Pairs of final boxes of different classes that overlap by more than the IoU threshold.

    Class-aware NMS lets both stand; one of one class would have fallen.
    """
    boxes = torch.from_numpy(output.boxes)
    over = (box_iou(boxes, boxes) > output.iou_threshold).numpy()
    differ = output.labels[:, None] != output.labels[None, :]
    first, second = np.nonzero(np.triu(over & differ, 1))
    return tuple(zip(first.tolist(), second.tolist(), strict=True))
