"""Places on a photo: which cell of a map lies under a point, and where a cell's middle is, before any network has run.

The maps' sizes follow from the photo's size alone. What lies wholly on the padding is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vizcore.fpn.neck import stride_of
from vizcore.fpn.trace import resized_size


def grid_on_photo(name: str, image_size: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) of a stage or level without the cells that lie wholly on the padding.

    Args:
        name: ``"C2"`` … ``"C5"`` or ``"P2"`` … ``"P6"``.
        image_size: (height, width) of the photo.
    """
    rows, columns = (-(-side // stride_of(name)) for side in resized_size(image_size))
    return rows, columns


def cell_under(name: str, point: Sequence[float], image_size: tuple[int, int]) -> tuple[int, int]:
    """(row, column) of the cell under a point; a point beside the photo stands for the photo's middle.

    Args:
        name: of a stage or level.
        point: (x, y), pixels of the photo.
        image_size: (height, width) of the photo.
    """
    x, y = point
    height, width = image_size
    if not (0 <= x < width and 0 <= y < height):
        x, y = width / 2, height / 2
    x_scale, y_scale = _scales(image_size)
    rows, columns = grid_on_photo(name, image_size)
    stride = stride_of(name)
    return min(math.floor(y * y_scale / stride), rows - 1), min(math.floor(x * x_scale / stride), columns - 1)


def center_on_photo(name: str, cell: tuple[int, int], image_size: tuple[int, int]) -> tuple[float, float]:
    """The middle (x, y) of a cell, pixels of the photo; at the far edges it may lie on the padding.

    Args:
        name: of a stage or level.
        cell: (row, column).
        image_size: (height, width) of the photo.
    """
    x_scale, y_scale = _scales(image_size)
    stride = stride_of(name)
    return (cell[1] + 0.5) * stride / x_scale, (cell[0] + 0.5) * stride / y_scale


def box_on_photo(box: Sequence[float], image_size: tuple[int, int]) -> tuple[float, float, float, float]:
    """A box if it lies on the photo, else the photo's middle.

    Args:
        box: xyxy, pixels of the photo.
        image_size: (height, width) of the photo.
    """
    x1, y1, x2, y2 = box
    height, width = image_size
    if not (0 <= x1 <= x2 <= width and 0 <= y1 <= y2 <= height):
        x1, y1, x2, y2 = width // 4, height // 4, width - width // 4, height - height // 4
    return float(x1), float(y1), float(x2), float(y2)


def _scales(image_size: tuple[int, int]) -> tuple[float, float]:
    """Pixels of the network's input per pixel of the photo, along x and along y."""
    height, width = resized_size(image_size)
    return width / image_size[1], height / image_size[0]
