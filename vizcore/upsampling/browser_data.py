"""Grids to begin with, and traces packed as bytes for the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vizcore.data.digits import load_digit
from vizcore.data.photos import encode_png, load_sample
from vizcore.packing import pack
from vizcore.upsampling.linear_map import ScatterTrace, UpsamplingTrace
from vizcore.upsampling.operators import UpsamplingError, _whole_number

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
    _whole_number("size", size, minimum=1)
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


def pack_traces(grid: np.ndarray, traces: Mapping[str, UpsamplingTrace]) -> bytes:
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
        pictures: ``[H, W, 3]`` uint8, or ``[H, W]`` in [0, 1] as grey.

    Returns:
        As :mod:`vizcore.packing`: the files in their order, named by their place, as uint8.
    """
    files = [encode_png(_as_pixels(picture)) for picture in pictures]
    return pack({str(place): np.frombuffer(file, np.uint8) for place, file in enumerate(files)})


def _as_pixels(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint8:
        return picture
    grey = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
