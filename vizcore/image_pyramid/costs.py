"""What passes cost: multiply-adds and activations counted exactly, milliseconds measured.

Counting runs a network on torch's meta device, where tensors have shapes but no contents, and looks at every
convolution and linear layer: an output number of a convolution takes ``kernel rows × kernel columns × input channels /
groups`` multiply-adds. Activations are the outputs of these layers, four bytes a number.

Beside the image pyramid stand two alternatives: cutting every window out and classifying it on its own, which shares
nothing, and one pass of a one-stage detector with a feature pyramid over the largest level, on the same backbone.

Reference:
    Ilija Radosavovic et al. Designing Network Design Spaces. CVPR 2020, arXiv 2003.13678 (activations: the output
    tensors of convolutions; they predict run time better than multiply-adds do).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

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
class PassCost:
    """What forward passes take.

    Attributes:
        multiply_adds: of all convolutions and linear layers.
        activation_bytes: outputs of these layers as float32.
    """

    multiply_adds: int = 0
    activation_bytes: int = 0

    def __add__(self, other: PassCost) -> PassCost:
        return PassCost(self.multiply_adds + other.multiply_adds, self.activation_bytes + other.activation_bytes)

    def __mul__(self, times: int) -> PassCost:
        return PassCost(self.multiply_adds * times, self.activation_bytes * times)


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

    levels: tuple[PassCost, ...]
    image_pyramid: Mapping[str, PassCost]
    crops: Mapping[str, PassCost]
    feature_pyramid: Mapping[str, PassCost]
    num_windows: int
    ratios: Mapping[str, float]


def total(parts: Mapping[str, PassCost]) -> PassCost:
    """The parts of a pass together."""
    return sum(parts.values(), PassCost())


class DenseClassifier(nn.Module):
    """The classifier with its average left out: class logits of each cell."""

    def __init__(self, model: EfficientNetLite0) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """``[N, H, W, K]`` logits of normalised photos."""
        return self.model.classify(self.model.features(x).permute(0, 2, 3, 1))


def count_cost(
    network: nn.Module, size: tuple[int, int], part_of: Callable[[str], str] = lambda _: "all"
) -> dict[str, PassCost]:
    """Multiply-adds and activations of one pass over a picture of ``size`` (height, width).

    Args:
        network: on the meta device, so that nothing is computed, and nobody else's.
        size: of the picture, pixels.
        part_of: names the part a layer belongs to, by the layer's name.
    """
    counted: dict[str, PassCost] = {}

    def watch(name: str, layer: nn.Conv2d | nn.Linear) -> torch.utils.hooks.RemovableHandle:
        part = part_of(name)
        if isinstance(layer, nn.Conv2d):
            each = layer.kernel_size[0] * layer.kernel_size[1] * layer.in_channels // layer.groups
        else:
            each = layer.in_features

        def count(_layer: nn.Module, _inputs: object, output: Tensor) -> None:
            cost = PassCost(output.numel() * each, output.numel() * 4)
            counted[part] = counted.get(part, PassCost()) + cost

        return layer.register_forward_hook(count)

    hooks = [watch(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    try:
        with torch.inference_mode():
            network(torch.empty(1, 3, *size, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return counted


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

    cell: Mapping[str, PassCost]
    crop: Mapping[str, PassCost]
    coarse_cell: Mapping[str, PassCost]


def count_units() -> UnitCosts:
    """Counts the three networks on the smallest pictures that they take."""
    with torch.device("meta"):
        model = EfficientNetLite0().eval()
        detector = Detector(FCOS(FCOSConfig()), EfficientNetLite0())
    return UnitCosts(
        cell=count_cost(DenseClassifier(model), (STRIDE, STRIDE), part_of_classifier),
        crop=count_cost(model, (INPUT_SIZE, INPUT_SIZE), part_of_classifier),
        coarse_cell=count_cost(detector, (_COARSEST, _COARSEST), part_of_detector),
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
    best = [float("inf")] * len(runs)
    for turn in range(repeats):
        for index, (network, size) in enumerate(runs):
            picture = torch.zeros(1, 3, *size)
            started = time.perf_counter()
            network(picture)
            best[index] = min(best[index], time.perf_counter() - started)
            if report is not None:
                report((turn * len(runs) + index + 1) / (repeats * len(runs)))
    return tuple(best)


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
