"""Operators on a grid, the readings of a transposed convolution, and pictures, as the browser takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vizcore.data.photos import encode_png
from vizcore.packing import pack
from vizcore.upsampling.linear_map import ScatterTrace, UpsamplingTrace


def pack_traces(grid: np.ndarray | Sequence[Sequence[float]], traces: Mapping[str, UpsamplingTrace]) -> bytes:
    """Writes operators on one grid as bytes: all a browser needs to show contributors and to redo the sums.

    The maps are sparse: for each output cell in reading order the input cells with a weight, and the weights.

    Args:
        grid: ``[H, W]`` the input of all of them, also when none is left.
        traces: By the name the page gives them.

    Returns:
        As :mod:`vizcore.packing`: the ``input`` and the ``operators`` in their order, and for each of them the arrays
        ``<name>.output`` and ``<name>.offset`` [O], ``<name>.values`` [Z] as float64, ``<name>.starts`` [O + 1] and
        ``<name>.cells`` [Z] as uint32.
    """
    operators: list[dict[str, object]] = []
    arrays: dict[str, np.ndarray] = {}
    for name, trace in traces.items():
        flat = trace.weights.reshape(trace.output.size, -1)
        where, cells = np.nonzero(flat)
        starts = np.searchsorted(where, np.arange(trace.output.size + 1))
        rows, columns = trace.output.shape
        operators.append({"name": name, "rows": rows, "cols": columns, "linear": trace.method != "max_unpool"})
        arrays |= {
            f"{name}.output": trace.output.ravel().astype(np.float64),
            f"{name}.offset": trace.offset.ravel().astype(np.float64),
            f"{name}.values": flat[where, cells].astype(np.float64),
            f"{name}.starts": starts.astype(np.uint32),
            f"{name}.cells": cells.astype(np.uint32),
        }
    return pack(arrays, input=np.asarray(grid, dtype=np.float64).tolist(), operators=operators)


def pack_scatter(trace: ScatterTrace) -> bytes:
    """Writes a transposed convolution's two readings as bytes.

    Args:
        trace: Of ``trace_scatter``.

    Returns:
        As :mod:`vizcore.packing`: ``input``, ``kernel``, ``output``, ``inserted``, ``flipped_kernel``, ``convolved``
        and ``stamps`` as float64.
    """
    names = ("input", "kernel", "output", "inserted", "flipped_kernel", "convolved", "stamps")
    return pack({name: getattr(trace, name).astype(np.float64) for name in names})


def pack_pictures(pictures: Sequence[np.ndarray]) -> bytes:
    """Writes pictures as PNG files.

    Args:
        pictures: ``[H, W, 3]`` uint8, or ``[H, W]`` in [0, 1] or bool as grey, True white.

    Returns:
        As :mod:`vizcore.packing`: the files in their order, named by their place, as uint8.
    """
    files = [encode_png(_as_pixels(picture)) for picture in pictures]
    return pack({str(place): np.frombuffer(file, np.uint8) for place, file in enumerate(files)})


def _as_pixels(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint8:
        return picture
    grey = (
        (picture.astype(np.float64 if picture.dtype == bool else picture.dtype).clip(0, 1) * 255)
        .round()
        .astype(np.uint8)
    )
    return np.repeat(grey[..., None], 3, axis=-1)
