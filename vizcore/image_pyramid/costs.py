"""What an image pyramid costs: multiply-adds and activations counted exactly, milliseconds measured.

Beside it stand two alternatives: cutting every window out and classifying it on its own, which shares
nothing, and one pass of a one-stage detector with a feature pyramid over the largest level, on the same backbone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from vizcore.costs import Cost, count, measure, total
from vizcore.image_pyramid.pyramid import resize
from vizcore.image_pyramid.sliding_window import WINDOW_CELLS
from vizcore.models.efficientnet_lite import INPUT_SIZE, STRIDE, EfficientNetLite0
from vizcore.models.fcos import (
    FCOS,
    Detector,
    FCOSConfig,
    as_input,
    detections,
    level_points,
    level_sizes,
    load_fcos,
)

PARTS = ("backbone", "classifier", "feature pyramid", "detection heads")
"""Where a pass spends its multiply-adds."""
COMPARED = "compare_fpn"
"""The detector beside the image pyramid: P3–P6 on the same backbone, trained on drawn scenes."""
SHAPE_SCORE = 0.45
"""It reports a shape above this score."""
_COARSEST = 64  # pixels of the picture per cell of P6


@dataclass(frozen=True)
class PyramidCost:
    """An image pyramid's cost beside the two alternatives.

    Attributes:
        levels: of one dense pass over each level, largest first.
        image_pyramid: of all levels together, by part of the network.
        crops: of classifying every window on its own, cut out at 224 × 224, by part.
        feature_pyramid: of one pass of a detector with a feature pyramid over the largest level, by part.
        num_windows: windows looked at on all levels.
        ratios: multiply-adds of all levels over those of the largest one: counted, by the geometric sum over so many
            levels, and by its limit f² / (f² − 1).
    """

    levels: tuple[Cost, ...]
    image_pyramid: Mapping[str, Cost]
    crops: Mapping[str, Cost]
    feature_pyramid: Mapping[str, Cost]
    num_windows: int
    ratios: Mapping[str, float]


class DenseClassifier(nn.Module):
    """The classifier with its average left out: class logits of each cell."""

    def __init__(self, model: EfficientNetLite0) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """``[N, H, W, K]`` logits of normalised photos."""
        return self.model.classify(self.model.features(x).permute(0, 2, 3, 1))


def part_of_classifier(name: str) -> str:
    """The part of the classifier that a layer belongs to, by its name."""
    return "classifier" if ".head." in f".{name}." or "classifier" in name else "backbone"


def part_of_detector(name: str) -> str:
    """The part of the detector that a layer belongs to, by its name."""
    if name.startswith("backbone."):
        return "backbone"
    return "feature pyramid" if name.startswith("fcos.neck.") else "detection heads"


@dataclass(frozen=True)
class UnitCosts:
    """What is counted once: every layer's output grows with the picture, and so does its cost.

    Attributes:
        cell: of classifying densely, for each cell of 32 × 32 pixels, by part.
        crop: of classifying one window that was cut out, by part.
        coarse_cell: of the detector with a feature pyramid, for each 64 × 64 pixels, by part.
    """

    cell: Mapping[str, Cost]
    crop: Mapping[str, Cost]
    coarse_cell: Mapping[str, Cost]


def count_units() -> UnitCosts:
    """Counts the three networks on the smallest pictures that they take."""
    with torch.device("meta"):
        model = EfficientNetLite0().eval()
        detector = Detector(FCOS(FCOSConfig()), EfficientNetLite0())

    def picture(side: int) -> Tensor:
        return torch.empty(1, 3, side, side, device="meta")

    return UnitCosts(
        cell=count(DenseClassifier(model), picture(STRIDE)).by_part(part_of_classifier),
        crop=count(model, picture(INPUT_SIZE)).by_part(part_of_classifier),
        coarse_cell=count(detector, picture(_COARSEST)).by_part(part_of_detector),
    )


def padded(size: tuple[int, int]) -> tuple[int, int]:
    """What the detector with a feature pyramid makes of a size: sides that divide by 64."""
    return size[0] + -size[0] % _COARSEST, size[1] + -size[1] % _COARSEST


def scale_sum(scale_step: float, num_levels: int | None = None) -> float:
    """Σ f^(−2k) over the levels k = 0, 1, …: what a pyramid costs if its largest level costs 1.

    Args:
        scale_step: f, above 1.
        num_levels: None for the limit f² / (f² − 1).
    """
    square = scale_step**2
    if num_levels is None:
        return square / (square - 1)
    return sum(square**-index for index in range(num_levels))


def levels_per_octave(scale_step: float) -> float:
    """Levels from one size to half of it."""
    return math.log(2) / math.log(scale_step)


def count_windows(size: tuple[int, int], window_stride: int = 1) -> int:
    """Windows on a level of ``size`` (height, width) pixels."""
    rows, columns = ((side // STRIDE - WINDOW_CELLS) // window_stride + 1 for side in size)
    return rows * columns


def pyramid_cost(
    units: UnitCosts, sizes: Sequence[tuple[int, int]], *, scale_step: float, window_stride: int = 1
) -> PyramidCost:
    """What the levels of ``sizes`` cost, largest first, and what the alternatives would.

    Args:
        units: from :func:`count_units`.
        sizes: (height, width) of the levels, multiples of 32.
        scale_step: by which each level is smaller than the one before, for the geometric sum.
        window_stride: cells from one window to the next, for the windows that would be cut out.
    """
    cells = [height // STRIDE * (width // STRIDE) for height, width in sizes]
    levels = tuple(total(units.cell) * count for count in cells)
    num_windows = sum(count_windows(size, window_stride) for size in sizes)
    height, width = padded(sizes[0])
    return PyramidCost(
        levels=levels,
        image_pyramid={part: cost * sum(cells) for part, cost in units.cell.items()},
        crops={part: cost * num_windows for part, cost in units.crop.items()},
        feature_pyramid={
            part: cost * (height // _COARSEST * (width // _COARSEST)) for part, cost in units.coarse_cell.items()
        },
        num_windows=num_windows,
        ratios={
            "counted": sum(level.multiply_adds for level in levels) / levels[0].multiply_adds,
            "sum": scale_sum(scale_step, len(sizes)),
            "limit": scale_sum(scale_step),
        },
    )


def count_points(size: tuple[int, int]) -> int:
    """Cells of P3–P6, each of which the detector with a feature pyramid asks for a box."""
    height, width = padded(size)
    return sum((height // stride) * (width // stride) for stride in FCOSConfig().strides)


@torch.inference_mode()
def measure_passes(
    model: EfficientNetLite0,
    sizes: Sequence[tuple[int, int]],
    *,
    repeats: int = 3,
    report: Callable[[float], None] | None = None,
) -> tuple[float, ...]:
    """Seconds of one dense pass over each level, and last of one pass with a feature pyramid over the first.

    The least of ``repeats`` runs, taken in turns, so that a busy moment strikes all alike.

    Args:
        model: the classifier, in eval mode; its backbone also serves the detector.
        sizes: (height, width) of the levels, largest first.
        repeats: runs of each.
        report: called with the share that is done.
    """
    dense, detector = DenseClassifier(model), load_fcos(COMPARED, backbone=model)
    runs: list[tuple[nn.Module, tuple[int, int]]] = [*((dense, size) for size in sizes), (detector, padded(sizes[0]))]
    calls = [partial(network, torch.zeros(1, 3, *size)) for network, size in runs]
    return tuple(measure(calls, repeats=repeats, report=report))


@dataclass(frozen=True)
class FeaturePyramidPass:
    """One pass of the detector with a feature pyramid.

    Attributes:
        seconds: from the normalised picture to what the head says.
        num_boxes: drawn shapes it reports.
    """

    seconds: float
    num_boxes: int


@torch.inference_mode()
def run_feature_pyramid(
    pixels: UInt8[np.ndarray, "H W 3"], model: EfficientNetLite0, size: tuple[int, int]
) -> FeaturePyramidPass:
    """Times one pass over a photo, after one over a small picture to warm up, and counts what it reports.

    Args:
        pixels: the photo.
        model: the backbone.
        size: (height, width) that the photo is scaled to; padded to sides that divide by 64.
    """
    detector = load_fcos(COMPARED, backbone=model)
    detector(torch.zeros(1, 3, 4 * _COARSEST, 4 * _COARSEST))
    picture = as_input(torch.from_numpy(resize(pixels, size))[None])
    started = time.perf_counter()
    output = detector(picture)
    seconds = time.perf_counter() - started
    strides = detector.fcos.config.strides
    points = level_points(level_sizes((picture.shape[2], picture.shape[3]), strides), strides)
    found = detections(output, points, size, score_threshold=SHAPE_SCORE)
    return FeaturePyramidPass(seconds, len(found.scores))
