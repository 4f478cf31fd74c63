"""The levels of a pyramid as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vizcore.image_pyramid.costs import PyramidCost
from vizcore.image_pyramid.sliding_window import SlidingWindowTrace


def level_rows(trace: SlidingWindowTrace, cost: PyramidCost, seconds: Sequence[float]) -> list[dict[str, int | float]]:
    """One row for each level, largest first: its size, its windows, what they say, and what they cost.

    Args:
        trace: of one class.
        cost: of the same levels.
        seconds: of each level's pass; more than there are levels do no harm.
    """
    peaks, counts = trace.peaks, trace.count_candidates()
    return [
        {
            "level": index + 1,
            "width": int(width),
            "height": int(height),
            "windows": int(np.prod(trace.grids[index])),
            "best": round(peaks[index], 6),
            "above_threshold": counts[index],
            "multiply_adds": cost.levels[index].multiply_adds,
            "activation_bytes": cost.levels[index].activation_bytes,
            "milliseconds": round(1000 * seconds[index], 3),
        }
        for index, (height, width) in enumerate(trace.level_sizes)
    ]
