"""Which objects teach a detector at which resolution: SNIP's valid ranges.

A range is in pixels of the *original* picture. At a high resolution only small objects are valid (they become large
enough), at a low one only large ones (they become small enough), so that every object that teaches has about the size
on which the backbone was trained.

Reference:
    Bharat Singh, Larry S. Davis. An Analysis of Scale Invariance in Object Detection – SNIP. CVPR 2018,
    arXiv 1711.08189 (section 5). The half-open rule on whole pixels is that of the code of SNIPER, NeurIPS 2018,
    arXiv 1805.09300.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vizcore.scale.errors import ScaleError

BOUNDS: Final = ("closed", "half_open")
Range = tuple[float, float]


class Resolution(NamedTuple):
    """One resolution of the training.

    Attributes:
        name: ``"low"``, ``"middle"`` or ``"high"``.
        short: the picture's shorter side is scaled to so many pixels ...
        long: ... unless its longer one would exceed these.
        valid: the paper's range on √(area), pixels of the original picture.
    """

    name: str
    short: int
    long: int
    valid: Range


RESOLUTIONS: Final = (
    Resolution("low", 480, 800, (120.0, math.inf)),
    Resolution("middle", 800, 1200, (40.0, 160.0)),
    Resolution("high", 1400, 2000, (0.0, 80.0)),
)
"""The paper's three, coarse to fine; neighbouring ranges overlap by 40 pixels."""


@dataclass(frozen=True, eq=False)
class ObjectLevel:
    """One object at one resolution.

    Attributes:
        resolution: which.
        factor: pixels of the resized picture per pixel of the original.
        size: (height, width) of the resized picture, pixels.
        box: xyxy, pixels of the resized picture.
        side: √(area) of the box there, pixels.
        valid: whether it teaches at this resolution.
    """

    resolution: Resolution
    factor: float
    size: tuple[int, int]
    box: tuple[float, float, float, float]
    side: float
    valid: bool


class RangeNote(NamedTuple):
    """What ranges leave out or invert: said, not forbidden.

    Attributes:
        kind: ``"inverted"`` (a range whose low end is above its high end: no object is valid), ``"gap"`` (sizes that no
            range holds) or ``"overlap"`` (sizes that two hold).
        low: of the sizes in question, pixels.
        high: of them.
    """

    kind: str
    low: float
    high: float


def valid(boxes: Float[Tensor, "N 4"], *, ranges: Sequence[Range], bounds: str = "closed") -> Bool[Tensor, "N R"]:
    """Which boxes lie in which ranges.

    Args:
        boxes: xyxy, pixels of the original picture.
        ranges: (low, high) on √(area), pixels; ``math.inf`` for no upper end. An inverted range holds nothing.
        bounds: ``"closed"``: low ≤ √(w · h) ≤ high, as the paper writes; ``"half_open"``: low ≤ √(⌊w⌋ · ⌊h⌋) < high, as
            the authors' code of SNIPER counts.

    Raises:
        ScaleError: If a box is not finite or has its corners in the wrong order, a range is not a number, or the bounds
            are unknown.
    """
    if bounds not in BOUNDS:
        raise ScaleError("Bounds are closed or half_open, not {bounds}.", bounds=bounds)
    if any(math.isnan(end) for pair in ranges for end in pair):
        raise ScaleError("The end of a range must be a number.")
    wide = boxes.double()
    if not (torch.isfinite(wide).all() and (wide[:, 2:] >= wide[:, :2]).all()):
        raise ScaleError("A box needs finite corners, left before right and top before bottom.")
    sides = wide[:, 2:] - wide[:, :2]
    size = (sides if bounds == "closed" else sides.floor()).prod(1).sqrt()[:, None]
    low, high = torch.tensor([*ranges], dtype=torch.float64).reshape(-1, 2).T
    return (size >= low) & ((size <= high) if bounds == "closed" else (size < high))


def notes_on(ranges: Sequence[Range], *, smallest: float = 0.0, largest: float = math.inf) -> tuple[RangeNote, ...]:
    """What the ranges leave out, hold twice, or invert.

    Args:
        ranges: (low, high), pixels.
        smallest: size of the smallest object that is asked about.
        largest: size of the largest.
    """
    notes = [RangeNote("inverted", low, high) for low, high in ranges if low > high]
    reached = smallest
    for low, high in sorted((pair for pair in ranges if pair[0] <= pair[1]), key=lambda pair: pair[0]):
        if low > reached:
            notes.append(RangeNote("gap", reached, min(low, largest)))
        elif low < reached and reached > smallest:
            notes.append(RangeNote("overlap", low, min(high, reached)))
        reached = max(reached, high)
    if reached < largest:
        notes.append(RangeNote("gap", reached, largest))
    return tuple(notes)


def resize_factor(size: tuple[int, int], resolution: Resolution) -> float:
    """Pixels of the resized picture per pixel of one of this (height, width)."""
    return min(resolution.short / min(size), resolution.long / max(size))


def trace_object(
    box: Sequence[float],
    size: tuple[int, int],
    *,
    ranges: Sequence[Range] | None = None,
    resolutions: Sequence[Resolution] = RESOLUTIONS,
    bounds: str = "closed",
) -> tuple[ObjectLevel, ...]:
    """One object at every resolution.

    Args:
        box: xyxy, pixels of the original picture.
        size: (height, width) of that picture.
        ranges: one for each resolution; None for the paper's.
        resolutions: coarse to fine.
        bounds: as for :func:`valid`.

    Raises:
        ScaleError: If the box or the ranges cannot be used.
    """
    pairs = [resolution.valid for resolution in resolutions] if ranges is None else list(ranges)
    if len(pairs) != len(resolutions):
        raise ScaleError("There are {count} resolutions, and {given} ranges.", count=len(resolutions), given=len(pairs))
    corners = torch.tensor([list(box)], dtype=torch.float64)
    is_valid = valid(corners, ranges=pairs, bounds=bounds)[0].tolist()
    levels = []
    for resolution, taken in zip(resolutions, is_valid, strict=True):
        factor = resize_factor(size, resolution)
        x1, y1, x2, y2 = (corners[0] * factor).tolist()
        levels.append(
            ObjectLevel(
                resolution,
                factor,
                (round(size[0] * factor), round(size[1] * factor)),
                (x1, y1, x2, y2),
                math.sqrt((x2 - x1) * (y2 - y1)),
                taken,
            )
        )
    return tuple(levels)


def as_array(boxes: Float[Tensor, "N 4"]) -> np.ndarray:
    """Square roots of the boxes' areas, ``[N]`` float64, pixels."""
    sides = boxes.double()[:, 2:] - boxes.double()[:, :2]
    sizes: np.ndarray = sides.prod(1).sqrt().numpy()
    return sizes
