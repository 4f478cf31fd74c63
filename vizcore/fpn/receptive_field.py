"""What part of the picture a cell sees: in theory, from kernels and strides, and in effect, from a gradient.

The theoretical field is found by walking back through the real modules: an output interval becomes the interval of
inputs that can reach it. A level of a feature pyramid sees the union of what its lateral and the level above see;
because two cells of a level share one of the level above, its size depends on where the cell lies.

The effective field is the gradient of a cell with respect to the input. It is largest in the middle and falls off long
before the theoretical border.

Reference:
    Wenjie Luo, Yujia Li, Raquel Urtasun, Richard Zemel. Understanding the Effective Receptive Field in Deep
    Convolutional Neural Networks. NIPS 2016, arXiv 1701.04128. André Araujo, Wade Norris, Jack Sim. Computing
    Receptive Fields of Convolutional Neural Networks. Distill, 2019.

    Ours differs from Luo et al. in showing one picture's gradient of the sum over a cell's channels, not an average
    over many pictures and random upstream gradients.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vizcore.fpn.errors import FPNError
from vizcore.fpn.neck import run_neck, stride_of
from vizcore.fpn.trace import prepare
from vizcore.models.efficientnet_lite import EfficientNetLite0, SameConv2d
from vizcore.models.fcos import STAGE_CHANNELS, Detector

SHARE: Final = 0.95
"""The square that is reported holds so much of the gradient."""
_PHASES: Final = 8  # cells of a level that lie differently above the levels over it: 2 for each step up, P2 to P5


class ReceptiveField(NamedTuple):
    """Of the cells of a map, along one axis (both axes are alike), pixels of the input.

    Attributes:
        size: largest number of pixels that can reach a cell, where no border cuts it.
        stride: from one cell to the next.
        offset: where the first cell's field starts; negative on the padding.
    """

    size: int
    stride: int
    offset: int


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """The gradient of one cell with respect to the picture.

    Attributes:
        name: of the stage or level.
        cell: (row, column).
        gradient: ``[H, W]`` float32: absolute gradient of the sum of the cell's channels, summed over the colors, for
            every pixel of the resized photo (the input without its padding).
        scales: (x, y) pixels of the resized photo per pixel of the photo.
        theoretical_box: xyxy, pixels of the resized photo, clipped to it.
        center: (x, y), middle of the cell, pixels of the resized photo.
        side: of the square around the center that holds ``SHARE`` of the gradient, pixels of the resized photo.
        area_share: area of that square's part of the picture over the area of the theoretical box, in [0, 1].
        deviation: root of the gradient-weighted mean square distance from the center along one axis, averaged over
            both axes, pixels: the σ of a Gaussian of the same spread.
    """

    name: str
    cell: tuple[int, int]
    gradient: np.ndarray
    scales: tuple[float, float]
    theoretical_box: np.ndarray
    center: tuple[float, float]
    side: float
    area_share: float
    deviation: float

    @property
    def theoretical_share(self) -> float:
        """Area of the theoretical box over the area of the picture, in [0, 1]."""
        height, width = self.gradient.shape
        return _area(self.theoretical_box) / (height * width)

    def share_within(self, side: float) -> float:
        """Share of the gradient in the square of this side around the center, in [0, 1]; 0 where there is none."""
        total = float(self.gradient.sum(dtype=np.float64))
        distance = _distance(self.gradient.shape, self.center)
        inside = float(self.gradient[distance <= side / 2].sum(dtype=np.float64))
        return inside / total if total > 0 else 0.0

    def box(self, side: float) -> Float[np.ndarray, " 4"]:
        """The square of this side around the center, clipped to the picture, as a box in pixels of the photo."""
        (x, y), (height, width) = self.center, self.gradient.shape
        corners = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])
        clipped = np.clip(corners, 0, [width, height, width, height])
        return clipped / np.array([*self.scales, *self.scales])


def theoretical_receptive_field(name: str, *, neck: str = "fpn") -> ReceptiveField:
    """What the cells of a stage or level can see.

    Args:
        name: ``"C2"`` … ``"C5"`` or ``"P2"`` … ``"P6"``.
        neck: that makes the level, one of ``vizcore.models.fcos.NECKS``; stages do not depend on it.

    Raises:
        FPNError: If there is no such map.
    """
    intervals = [receptive_interval(name, index, neck=neck) for index in range(_PHASES)]
    return ReceptiveField(max(end - start for start, end in intervals), stride_of(name), intervals[0][0])


def receptive_box(name: str, cell: tuple[int, int], *, neck: str = "fpn") -> tuple[int, int, int, int]:
    """What one cell (row, column) can see: xyxy, pixels of the input, not clipped to it.

    Raises:
        FPNError: If there is no such map.
    """
    top, bottom = receptive_interval(name, cell[0], neck=neck)
    left, right = receptive_interval(name, cell[1], neck=neck)
    return left, top, right, bottom


def receptive_interval(name: str, index: int, *, neck: str = "fpn") -> tuple[int, int]:
    """Along one axis: the pixels from … up to (not including) that can reach the cell with this index.

    Raises:
        FPNError: If there is no such map.
    """
    if name not in ("C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6"):
        raise FPNError("There is no stage or level {name}.", name=repr(name))
    number = int(name[1:])
    if name[0] == "C":
        return _through_stage(number, index, index)
    if number == 6:
        number, index = 5, 2 * index  # every other cell of P5
    first, last = index - 1, index + 1  # the 3×3 convolution
    start, end = _through_stage(number, first, last)
    while neck == "fpn" and number < 5:
        number, first, last = number + 1, first // 2, last // 2  # nearest: cell i copies cell ⌊i / 2⌋
        above = _through_stage(number, first, last)
        start, end = min(start, above[0]), max(end, above[1])
    return start, end


def effective_receptive_field(
    detector: Detector, photo: np.ndarray, level: str, cell: tuple[int, int], *, cuts: Iterable[str] = ()
) -> EffectiveField:
    """How much each pixel of a photo moves a cell: one forward and one backward pass.

    Args:
        detector: backbone and neck; its head plays no part.
        photo: uint8 ``[H, W, 3]``, RGB.
        level: a stage or a level of the detector.
        cell: (row, column) on it.
        cuts: connections of the neck that bring zeros.

    Raises:
        FPNError: If the photo, the level, the cell or a cut cannot be used.
    """
    x, size = prepare(photo)
    fcos = detector.fcos
    if level not in ("C2", "C3", "C4", "C5", *fcos.config.levels):
        raise FPNError("This detector has no stage or level {name}.", name=repr(level))
    with torch.inference_mode(False), torch.enable_grad():
        x = x.clone().requires_grad_()
        stages = _stage_features(detector.backbone, x)
        maps = stages[level] if level in stages else run_neck(fcos, stages, cuts=cuts).levels[level]
        rows, columns = maps.shape[-2:]
        row, column = cell
        if not (0 <= row < rows and 0 <= column < columns):
            raise FPNError(
                "{level} has {rows} × {columns} cells; there is no cell {cell}.",
                level=level,
                rows=rows,
                columns=columns,
                cell=tuple(cell),
            )
        (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), x)
    field = gradient[0].abs().sum(0)[: size[0], : size[1]].numpy()
    stride = stride_of(level)
    center = ((column + 0.5) * stride, (row + 0.5) * stride)
    bounds = [size[1], size[0], size[1], size[0]]
    theoretical = np.clip(receptive_box(level, (row, column), neck=fcos.config.neck), 0, bounds).astype(np.float64)
    side = _side_holding(field, center, SHARE)
    held = np.clip(np.add([*center, *center], np.array([-1, -1, 1, 1]) * side / 2), 0, bounds)
    return EffectiveField(
        name=level,
        cell=(row, column),
        gradient=field,
        scales=(size[1] / photo.shape[1], size[0] / photo.shape[0]),
        theoretical_box=theoretical,
        center=center,
        side=side,
        area_share=min(1.0, _area(held) / max(_area(theoretical), 1.0)),
        deviation=_deviation(field, center),
    )


def _stage_features(backbone: EfficientNetLite0, x: Float[Tensor, "1 3 H W"]) -> dict[str, Float[Tensor, "1 C H2 W2"]]:
    """``backbone.stage_features``, keeping for the way back only what enters each stage: half the memory."""
    found: dict[str, Tensor] = {}
    maps: Tensor = checkpoint(backbone.stem, x, use_reentrant=False, preserve_rng_state=False)
    for stage in backbone.stages:
        maps = checkpoint(stage, maps, use_reentrant=False, preserve_rng_state=False)
        found[f"C{(x.shape[-1] // maps.shape[-1]).bit_length() - 1}"] = maps  # the last one of each stride stays
    return {name: found[name] for name in STAGE_CHANNELS}


def _through_stage(number: int, first: int, last: int) -> tuple[int, int]:
    """The input interval that reaches the cells ``first`` … ``last`` of a backbone stage."""
    for kernel, stride in reversed(_convolutions(number)):
        # SAME on an even side pads kernel − stride in all, the smaller half in front.
        padding = (kernel - stride) // 2
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last + 1


@functools.lru_cache(maxsize=4)
def _convolutions(number: int) -> tuple[tuple[int, int], ...]:
    """(kernel, stride) of the convolutions from the picture to stage C``number``, in order.

    The shortcuts around blocks reach no farther than the blocks do.
    """
    with torch.device("meta"):
        backbone = EfficientNetLite0()
    found: list[tuple[int, int]] = []
    stride = 1
    for part in (backbone.stem, *backbone.stages):
        layers = [layer for layer in part.modules() if isinstance(layer, SameConv2d)]
        stride *= int(np.prod([layer.stride[0] for layer in layers]))
        if stride > 2**number:
            break
        found += [(layer.kernel_size[0], layer.stride[0]) for layer in layers]
    return tuple(found)


def _distance(size: tuple[int, ...], center: tuple[float, float]) -> Float32[np.ndarray, "H W"]:
    """Of each pixel's middle from the center: the greater of the two axes' distances."""
    rows = np.abs(np.arange(size[0], dtype=np.float32) + np.float32(0.5 - center[1]))
    columns = np.abs(np.arange(size[1], dtype=np.float32) + np.float32(0.5 - center[0]))
    return np.maximum(rows[:, None], columns[None])


def _side_holding(field: Float32[np.ndarray, "H W"], center: tuple[float, float], share: float) -> float:
    """Side of the smallest square around the center that holds a share of the gradient, whole pixels."""
    rings = np.ceil(_distance(field.shape, center)).astype(np.int64)
    cumulated = np.cumsum(np.bincount(rings.ravel(), weights=field.ravel().astype(np.float64)))
    if not cumulated[-1] > 0:
        return 0.0
    return 2.0 * int(np.searchsorted(cumulated, share * cumulated[-1]))


def _deviation(field: Float32[np.ndarray, "H W"], center: tuple[float, float]) -> float:
    weights = field.astype(np.float64)
    total = float(weights.sum())
    if not total > 0:
        return 0.0
    rows = (np.arange(field.shape[0]) + 0.5 - center[1]) ** 2
    columns = (np.arange(field.shape[1]) + 0.5 - center[0]) ** 2
    mean = (weights.sum(1) @ rows + weights.sum(0) @ columns) / (2 * total)
    return float(np.sqrt(mean))


def _area(box: Float[np.ndarray, " 4"]) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))
