"""Who owns a box by either rule, and over which sizes the rules agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64

from vizcore.fpn.levels import (
    CANONICAL_LEVEL,
    CANONICAL_SIZE,
    cell_owners,
    fcos_center_level,
    level_number,
    roi_level,
    roi_level_value,
)
from vizcore.fpn.trace import FPNTrace
from vizcore.models.fcos import FCOSConfig


@dataclass(frozen=True, eq=False)
class Ownership:
    """Who owns a box, by either rule.

    Attributes:
        size: (height, width) of the box in pixels of the network's input, where both rules measure.
        level: number that the FPN paper's rule gives.
        value: that number before it is rounded down; −∞ without an area.
        farthest: distance from the box's center to its farthest side, pixels of the input.
        cells: for each level of the detector the (row, column) of the cells that FCOS's training would give the box.
    """

    size: tuple[float, float]
    level: int
    value: float
    farthest: float
    cells: Mapping[str, Int64[np.ndarray, "K 2"]]

    @property
    def fcos_levels(self) -> tuple[str, ...]:
        """The levels that have such cells."""
        return tuple(name for name, cells in self.cells.items() if len(cells))

    @property
    def num_cells(self) -> int:
        """Such cells on all levels."""
        return sum(len(cells) for cells in self.cells.values())

    @property
    def side(self) -> float:
        """Square root of the box's area, pixels of the input."""
        return float(self.size[0] * self.size[1]) ** 0.5


def find_owner(
    trace: FPNTrace,
    box: Float[np.ndarray, " 4"],
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Ownership:
    """Who owns a box of the photo.

    Args:
        trace: of the photo.
        box: xyxy, pixels of the photo.
        canonical_size: side of the square that belongs to the canonical level, pixels of the input.
        canonical_level: k0.
    """
    ((x1, y1, x2, y2),) = trace.to_input(np.asarray(box, dtype=np.float64)[None])
    boxes = torch.tensor([[x1, y1, x2, y2]], dtype=torch.float64)
    return Ownership(
        size=(float(y2 - y1), float(x2 - x1)),
        level=int(roi_level(boxes, canonical_size=canonical_size, canonical_level=canonical_level)[0]),
        value=float(roi_level_value(boxes, canonical_size=canonical_size, canonical_level=canonical_level)[0]),
        farthest=float(max(x2 - x1, y2 - y1) / 2),
        cells=cell_owners(trace.config, trace.input_size, np.array([x1, y1, x2, y2])),
    )


def first_side(config: FCOSConfig, level: str) -> float:
    """Side of the smallest square, pixels of the input, beyond which FCOS gives a box to a level."""
    return 2 * config.ranges[config.levels.index(level)][0]


class Band(NamedTuple):
    """The sizes that the paper's rule gives to a level.

    Attributes:
        name: of the level, ``"P2"`` to ``"P5"``.
        low: square root of the area from which on, pixels of the input.
        high: up to (not including) this; None for the coarsest level, which takes all that is larger.
    """

    name: str
    low: float
    high: float | None


def paper_bands(
    *,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> tuple[Band, ...]:
    """Where the paper's rule passes from level to level, finest first.

    Args:
        k_min: number of the finest level.
        k_max: number of the coarsest level.
        canonical_size: side of the square that belongs to the canonical level, pixels of the input.
        canonical_level: k0.
    """
    return tuple(
        Band(
            f"P{number}",
            canonical_size * 2 ** (number - canonical_level) if number > k_min else 0,
            canonical_size * 2 ** (number + 1 - canonical_level) if number < k_max else None,
        )
        for number in range(k_min, k_max + 1)
    )


@dataclass(frozen=True, eq=False)
class OwnershipCurve:
    """Which level gets a square box, by both rules.

    Attributes:
        sides: ``[N]`` float64, pixels of the input, from small to large.
        paper: ``[N]`` int64, number of the level by area.
        fcos: ``[N]`` int64, number of the level by the farthest side, seen from the box's center.
    """

    sides: np.ndarray
    paper: np.ndarray
    fcos: np.ndarray

    @property
    def agreement(self) -> float:
        """Share of sizes, in equal steps of their logarithm, on which both rules name one level."""
        return float((self.paper == self.fcos).mean())


def ownership_curve(
    config: FCOSConfig,
    *,
    smallest: float = 4.0,
    largest: float = 640.0,
    count: int = 400,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> OwnershipCurve:
    """Both rules for squares of growing size.

    Args:
        config: of the detector, for FCOS's ranges.
        smallest: side of the first square, pixels.
        largest: side of the last one.
        count: of squares, spaced evenly in their logarithm.
        k_min: finest level of the paper's rule.
        k_max: its coarsest level.
        canonical_size: side of the square that belongs to the canonical level, pixels.
        canonical_level: k0.
    """
    sides = torch.logspace(math.log2(smallest), math.log2(largest), count, base=2.0, dtype=torch.float64)
    paper = level_number(
        sides, sides, k_min=k_min, k_max=k_max, canonical_size=canonical_size, canonical_level=canonical_level
    )
    fcos = fcos_center_level(sides, sides, config)
    return OwnershipCurve(sides.numpy(), paper.to(torch.int64).numpy(), fcos.to(torch.int64).numpy())
