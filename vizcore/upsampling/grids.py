"""Grids to begin with."""

from __future__ import annotations

import numpy as np

from vizcore.data.digits import load_digit
from vizcore.data.photos import load_sample
from vizcore.upsampling.checks import UpsamplingError, whole_number

PRESETS = ("ramp", "impulse", "checker", "digit", "photo")


def preset_grid(name: str, size: int = 4) -> np.ndarray:
    """A grid worth looking at.

    Args:
        name: ``ramp`` counts up in reading order, ``impulse`` is a single 1, ``checker`` alternates 0 and 1, ``digit``
            is a handwritten 3, ``photo`` an eye of the sample cat in grey levels.
        size: Rows and columns; the digit and the photo are read at 8 and cut to the middle for less.

    Returns:
        ``[size, size]`` float64.

    Raises:
        UpsamplingError: For an unknown name or a size out of 1 to 8.
    """
    whole_number("size", size, minimum=1)
    if size > 8 or name not in PRESETS:
        raise UpsamplingError(
            "There is no grid “{name}” of {size}×{size}; choose one of {known} and at most 8×8.",
            name=name,
            size=size,
            known=", ".join(PRESETS),
        )
    rows, columns = np.indices((size, size))
    if name == "ramp":
        return (rows * size + columns + 1).astype(np.float64)
    if name == "impulse":
        return ((rows == (size - 1) // 2) & (columns == (size - 1) // 2)).astype(np.float64)
    if name == "checker":
        return ((rows + columns) % 2).astype(np.float64)
    start = (8 - size) // 2
    middle = (slice(start, start + size), slice(start, start + size))
    if name == "digit":
        return load_digit(3)[middle].copy()
    # 80 × 80 pixels around one eye of the cat, averaged in blocks of 10.
    eye = load_sample("chelsea").pixels[76:156, 132:212].mean(-1).reshape(8, 10, 8, 10).mean((1, 3))
    grid: np.ndarray = eye.round()[middle].copy()
    return grid
