"""Operators on a grid, the readings of a transposed convolution, and pictures, as the browser takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from vizcore.data.photos import encode_png
from vizcore.upsampling.linear_map import ScatterTrace, UpsamplingTrace


def pack_traces(grid: np.ndarray | Sequence[Sequence[float]], traces: Mapping[str, UpsamplingTrace]) -> bytes:
    """Writes operators on one grid as bytes: all a browser needs to show contributors and to redo the sums.

    The maps are sparse: for each output cell in reading order the input cells with a weight, and the weights.

    Args:
        grid: ``[H, W]`` the input of all of them, also when none is left.
        traces: By the name the page gives them.

    Returns:
        A little-endian uint32 with the length of a JSON header, the header padded to a multiple of 8, then for each
        operator in its order ``output`` [O], ``offset`` [O], ``values`` [Z] as float64, ``starts`` [O + 1] and
        ``cells`` [Z] as uint32, padded to a multiple of 8.
    """
    operators, blocks = [], []
    for name, trace in traces.items():
        flat = trace.weights.reshape(trace.output.size, -1)
        where, cells = np.nonzero(flat)
        starts = np.searchsorted(where, np.arange(trace.output.size + 1))
        operators.append(
            {
                "name": name,
                "rows": trace.output.shape[0],
                "cols": trace.output.shape[1],
                "entries": len(cells),
                "linear": trace.method != "max_unpool",
            }
        )
        blocks += [
            trace.output.astype("<f8").tobytes(),
            trace.offset.astype("<f8").tobytes(),
            flat[where, cells].astype("<f8").tobytes(),
            _padded(starts.astype("<u4").tobytes() + cells.astype("<u4").tobytes()),
        ]
    return _with_header({"input": np.asarray(grid, dtype=np.float64).tolist(), "operators": operators}, blocks)


def pack_scatter(trace: ScatterTrace) -> bytes:
    """Writes a transposed convolution's two readings as bytes.

    Args:
        trace: Of ``trace_scatter``.

    Returns:
        As in ``pack_traces``: a header with the shapes, then ``input``, ``kernel``, ``output``, ``inserted``,
        ``flipped_kernel``, ``convolved`` and ``stamps`` as float64.
    """
    names = ("input", "kernel", "output", "inserted", "flipped_kernel", "convolved", "stamps")
    arrays = {name: getattr(trace, name) for name in names}
    header = {name: list(array.shape) for name, array in arrays.items()}
    return _with_header(header, [array.astype("<f8").tobytes() for array in arrays.values()])


def pack_pictures(pictures: Sequence[np.ndarray]) -> bytes:
    """Writes pictures as PNG files behind one another.

    Args:
        pictures: ``[H, W, 3]`` uint8, or ``[H, W]`` in [0, 1] or bool as grey, True white.

    Returns:
        A little-endian uint32 with the length of a JSON header, the header with the size of each file, the files.
    """
    files = [encode_png(_as_pixels(picture)) for picture in pictures]
    return _with_header([len(file) for file in files], files)


def _as_pixels(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint8:
        return picture
    grey = (
        (picture.astype(np.float64 if picture.dtype == bool else picture.dtype).clip(0, 1) * 255)
        .round()
        .astype(np.uint8)
    )
    return np.repeat(grey[..., None], 3, axis=-1)


def _with_header(header: object, blocks: list[bytes]) -> bytes:
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return len(text).to_bytes(4, "little") + text + b"".join(blocks)


def _padded(block: bytes) -> bytes:
    return block + b"\0" * (-len(block) % 8)
