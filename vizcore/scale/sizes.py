"""How large objects are, relative to their pictures.

Reference:
    Bharat Singh, Larry S. Davis. An Analysis of Scale Invariance in Object Detection – SNIP. CVPR 2018,
    arXiv 1711.08189 (Figure 1): the median object of ImageNet takes 0.554 of its picture's side, that of COCO 0.106.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from jaxtyping import Float

from vizcore.data.scenes import SCENE_SIZE, draw_scene
from vizcore.scale.anchors import best_overlaps, grid_anchors
from vizcore.scale.errors import ScaleError
from vizcore.scale.ranges import RESOLUTIONS

QUANTILES: Final = (0.1, 0.5, 0.9)
PAPER_QUANTILES: Final[Mapping[str, Mapping[float, float]]] = MappingProxyType(
    {"ImageNet": MappingProxyType({0.5: 0.554}), "COCO": MappingProxyType({0.1: 0.024, 0.5: 0.106, 0.9: 0.472})}
)
"""The paper's relative sizes at some quantiles; not computed here."""
PAPER_COVERED: Final[Mapping[float, float]] = MappingProxyType({0.5: 0.58, 0.7: 0.30})
"""By IoU: the share of COCO's objects that the paper finds to have such an anchor."""


@dataclass(frozen=True, eq=False)
class SizeSample:
    """The objects of a data set.

    Attributes:
        sides: ``[M]`` float64: √(w · h), pixels of the original picture.
        relative: ``[M]`` float64: √(w · h) / √(W · H), above 0.
        num_pictures: of the data set, with or without objects.
    """

    sides: np.ndarray
    relative: np.ndarray
    num_pictures: int

    def quantile(self, share: float) -> float:
        """The relative size that so many objects do not exceed.

        Args:
            share: in [0, 1].

        Raises:
            ScaleError: If there are no objects.
        """
        if not len(self.relative):
            raise ScaleError("There are no objects to measure.")
        return float(np.quantile(self.relative, share))

    @property
    def spread(self) -> float:
        """How many times larger the object at 90 % is than the one at 10 %."""
        return self.quantile(0.9) / self.quantile(0.1)

    def share_in(self, low: float, high: float) -> float:
        """Share of the objects with low ≤ √(w · h) ≤ high, pixels; 0 if there are none."""
        return float(((self.sides >= low) & (self.sides <= high)).mean()) if len(self.sides) else 0.0


@dataclass(frozen=True, eq=False)
class AnchorCoverage:
    """Of the objects of some scenes, how well the best anchor fits.

    Attributes:
        best_iou: ``[M]`` float32, in [0, 1].
        sides: ``[M]`` float64, pixels of the scene.
        factor: by how much the scenes were enlarged.
    """

    best_iou: np.ndarray
    sides: np.ndarray
    factor: float

    def share(self, iou: float) -> float:
        """Share of the objects that have an anchor with at least this IoU; 0 if there are none."""
        return float((self.best_iou >= iou).mean()) if len(self.best_iou) else 0.0


def sample_of(boxes: Float[np.ndarray, "M 4"], pictures: Float[np.ndarray, "M 2"], *, num_pictures: int) -> SizeSample:
    """Measures boxes.

    Args:
        boxes: xyxy, pixels.
        pictures: (height, width) of the picture of each.
        num_pictures: of the data set.
    """
    sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).astype(np.float64).prod(1))
    return SizeSample(sides, sides / np.sqrt(pictures.astype(np.float64).prod(1)), num_pictures)


def scene_sample(split: str, count: int, *, report: Callable[[float], None] | None = None) -> SizeSample:
    """Measures the objects of the first ``count`` drawn scenes of a split.

    Args:
        split: ``"train"`` or ``"validation"``.
        count: of scenes.
        report: called with the share that is done.
    """
    boxes = _scene_boxes(split, count, report)
    every = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    return sample_of(every, np.full((len(every), 2), float(SCENE_SIZE)), num_pictures=count)


def anchor_coverage(
    split: str, count: int, *, factor: float = 1.0, report: Callable[[float], None] | None = None
) -> AnchorCoverage:
    """How well the best anchor of a single map fits the objects of drawn scenes.

    Args:
        split: ``"train"`` or ``"validation"``.
        count: of scenes.
        factor: by which the scenes are enlarged first.
        report: called with the share that is done.
    """
    side = round(SCENE_SIZE * factor)
    anchors = grid_anchors((side, side))
    boxes = _scene_boxes(split, count, report)
    every = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    best = best_overlaps(torch.from_numpy(every) * factor, anchors).numpy()
    return AnchorCoverage(best, np.sqrt((every[:, 2:] - every[:, :2]).astype(np.float64).prod(1)), factor)


def shares_by_range(sample: SizeSample) -> dict[str, float]:
    """Of each of the paper's resolutions, the share of the objects that is valid there."""
    return {resolution.name: sample.share_in(*resolution.valid) for resolution in RESOLUTIONS}


def _scene_boxes(split: str, count: int, report: Callable[[float], None] | None) -> list[np.ndarray]:
    found = []
    for index in range(count):
        found.append(draw_scene(split, index).boxes)
        if report is not None:
            report((index + 1) / count)
    return found
