"""A Haar feature, read off an integral image and added up pixel by pixel.

Reference:
    Paul Viola, Michael Jones. Rapid object detection using a boosted cascade of simple features. CVPR 2001.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from vizcore.image_pyramid.history import FACE_WINDOW

HAAR_TYPES = {"type-2-x": (1, 2), "type-2-y": (2, 1), "type-3-x": (1, 3), "type-3-y": (3, 1), "type-4": (2, 2)}
"""Kinds of Haar features as (rows, columns) of equal rectangles, named as scikit-image does."""


@dataclass(frozen=True, eq=False)
class HaarFeature:
    """A Haar feature on a patch, by the integral image and by adding pixels.

    Attributes:
        patch: ``[24, 24]`` grey in [0, 1].
        rectangles: of each rectangle: sign, first row, first column, rows, columns.
        value: by four look-ups a rectangle.
        value_by_pixels: by adding up every pixel.
        num_lookups: numbers read from the integral image.
        num_pixels: pixels that were added up.
    """

    patch: Float[np.ndarray, "24 24"]
    rectangles: tuple[tuple[int, int, int, int, int], ...]
    value: float
    value_by_pixels: float
    num_lookups: int
    num_pixels: int


def count_haar_features(side: int = FACE_WINDOW) -> dict[str, int]:
    """How many Haar features of each kind a window of ``side`` × ``side`` pixels holds: every position, every size."""
    counts = {}
    for kind, (rows, columns) in HAAR_TYPES.items():
        counts[kind] = math.prod(
            sum(side - parts * length + 1 for length in range(1, side // parts + 1)) for parts in (rows, columns)
        )
    return counts


def measure_haar_feature(photo: UInt8[np.ndarray, "H W 3"], box: Sequence[float]) -> HaarFeature:
    """The feature that Viola and Jones' first stage found: eyes are darker than the cheeks below them.

    Args:
        photo: RGB.
        box: xyxy in pixels of the photo; this part is scaled to 24 × 24.
    """
    from skimage.color import rgb2gray
    from skimage.transform import integral_image, resize

    left, top, right, bottom = (round(side) for side in box)
    height, width = photo.shape[:2]
    cut = rgb2gray(photo[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)])
    patch = resize(cut, (FACE_WINDOW, FACE_WINDOW), anti_aliasing=True)
    table = np.pad(integral_image(patch), ((1, 0), (1, 0)))
    rectangles = ((-1, 7, 3, 4, 18), (1, 11, 3, 4, 18))
    value = by_pixels = 0.0
    for sign, row, column, rows, columns in rectangles:
        below, beside = row + rows, column + columns
        value += sign * (table[below, beside] - table[row, beside] - table[below, column] + table[row, column])
        by_pixels += sign * patch[row:below, column:beside].sum()
    return HaarFeature(
        patch=patch,
        rectangles=rectangles,
        value=float(value),
        value_by_pixels=float(by_pixels),
        num_lookups=6,  # the two rectangles share an edge, and with it two of their eight corners
        num_pixels=sum(rows * columns for _, _, _, rows, columns in rectangles),
    )
