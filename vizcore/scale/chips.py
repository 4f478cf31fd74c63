"""SNIPER's chips: windows of one size, chosen greedily until every object that is valid lies in one.

Reference:
    Bharat Singh, Mahyar Najibi, Larry S. Davis. SNIPER: Efficient Multi-Scale Training. NeurIPS 2018, arXiv 1805.09300
    (section 3.1). The greedy cover: Vasek Chvátal. A Greedy Heuristic for the Set-Covering Problem. 1979.

    Ours differs in having positive chips only: which backgrounds a trained RPN would still confuse is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vizcore.scale.errors import ScaleError
from vizcore.scale.ranges import RESOLUTIONS, Range, resize_factor

CHIP: Final = 512
CHIP_STRIDE: Final = 32


@dataclass(frozen=True, eq=False)
class ChipTrace:
    """The greedy cover at one resolution, chip by chip.

    Attributes:
        size: (height, width) of the resized picture, pixels.
        boxes: ``[M, 4]`` float32: all objects, xyxy in its pixels.
        valid: ``[M]`` bool: those that must be covered.
        chips: ``[K, 4]`` float32: xyxy, in the order chosen.
        covered_by: ``[M]`` int64: the first chip that holds the object wholly; -1 if none does (not valid, or larger
            than a chip).
    """

    size: tuple[int, int]
    boxes: np.ndarray
    valid: np.ndarray
    chips: np.ndarray
    covered_by: np.ndarray

    @property
    def pixels(self) -> int:
        """That are processed: all chips."""
        return int(sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in self.chips.tolist()))

    @property
    def whole_pixels(self) -> int:
        """Of the whole resized picture."""
        return self.size[0] * self.size[1]


def cover(
    boxes: np.ndarray, valid: np.ndarray, size: tuple[int, int], *, chip: int = CHIP, stride: int = CHIP_STRIDE
) -> ChipTrace:
    """Chooses, again and again, the chip that holds most of the objects that no chip holds yet.

    Args:
        boxes: ``[M, 4]`` xyxy, pixels of the resized picture.
        valid: ``[M]`` bool: which must be covered.
        size: (height, width) of the resized picture.
        chip: side of a chip; a smaller picture is one chip.
        stride: from one place of a chip to the next; the last ones end at the picture's border.

    Returns:
        The trace; of chips that hold equally many, the first from the top, then from the left.

    Raises:
        ScaleError: If chip or stride is below 1.
    """
    if chip < 1 or stride < 1:
        raise ScaleError("A chip and its stride need at least one pixel.")
    places = chip_places(size, chip=chip, stride=stride)
    inside = ((boxes[None, :, :2] >= places[:, None, :2]) & (boxes[None, :, 2:] <= places[:, None, 2:])).all(
        -1
    ) & valid.astype(bool)
    open_ = inside.any(0)
    chosen: list[int] = []
    covered_by = np.full(len(boxes), -1, dtype=np.int64)
    while open_.any():
        best = int((inside & open_).sum(1).argmax())
        covered_by[inside[best] & open_] = len(chosen)
        open_ &= ~inside[best]
        chosen.append(best)
    return ChipTrace(size, boxes.astype(np.float32), valid.astype(bool), places[chosen].reshape(-1, 4), covered_by)


def chip_places(size: tuple[int, int], *, chip: int = CHIP, stride: int = CHIP_STRIDE) -> np.ndarray:
    """Where a chip may lie: ``[P, 4]`` float32 xyxy, row by row."""
    height, width = size
    tops, lefts = (
        sorted({*range(0, max(side - chip, 0) + 1, stride), max(side - chip, 0)}) for side in (height, width)
    )
    return np.array(
        [[left, top, min(left + chip, width), min(top + chip, height)] for top in tops for left in lefts],
        dtype=np.float32,
    )


def trace_chips(
    boxes: np.ndarray,
    size: tuple[int, int],
    *,
    ranges: Sequence[Range] | None = None,
    chip: int = CHIP,
    stride: int = CHIP_STRIDE,
) -> tuple[ChipTrace, ...]:
    """The greedy cover of a picture's objects at each of the paper's resolutions.

    Args:
        boxes: ``[M, 4]`` xyxy, pixels of the original picture.
        size: (height, width) of that picture.
        ranges: one for each resolution, on √(area), original pixels; None for the paper's.
        chip: side of a chip.
        stride: between its places.
    """
    pairs = [resolution.valid for resolution in RESOLUTIONS] if ranges is None else list(ranges)
    sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).astype(np.float64).prod(1))
    traces = []
    for resolution, (low, high) in zip(RESOLUTIONS, pairs, strict=True):
        factor = resize_factor(size, resolution)
        resized = round(size[0] * factor), round(size[1] * factor)
        enlarged = np.minimum(boxes * factor, [resized[1], resized[0]] * 2)
        traces.append(cover(enlarged, (sides >= low) & (sides <= high), resized, chip=chip, stride=stride))
    return tuple(traces)
