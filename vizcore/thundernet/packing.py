"""ThunderNet's maps and anchors, as the browser takes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vizcore.models.thundernet import STRIDE, cell_anchors, level_anchors
from vizcore.packing import pack
from vizcore.thundernet.errors import ThunderNetError
from vizcore.thundernet.trace import SIZE

CELLS = SIZE // STRIDE
"""Along each side of the map."""


def pack_maps(maps: Mapping[str, np.ndarray]) -> bytes:
    """Writes maps that lie over the same picture, each with its least and greatest number.

    Args:
        maps: ``[H, W]`` of each, by name.

    Returns:
        As :mod:`vizcore.packing`: float32 arrays by name; ``ranges`` in the header.
    """
    ranges = {name: [float(values.min()), float(values.max())] for name, values in maps.items()}
    return pack({name: values.astype(np.float32) for name, values in maps.items()}, ranges=ranges)


def anchor_boxes(cell: tuple[int, int] | None = None) -> np.ndarray:
    """Anchors, xyxy in pixels of the 320-pixel picture, not clipped to it.

    Args:
        cell: (row, column) of the one whose 25 anchors are asked for; None for all 10,000.

    Raises:
        ThunderNetError: If there is no such cell.
    """
    if cell is None:
        return level_anchors(CELLS, CELLS).numpy()
    if not all(0 <= place < CELLS for place in cell):
        raise ThunderNetError("The map has {cells} × {cells} cells; there is no cell {cell}.", cells=CELLS, cell=cell)
    return cell_anchors(*cell).numpy()
