"""The one wire format to the browser (``assets/components/shared/bytes.js`` reads it): named arrays behind a header.

A little-endian uint32 with the header's length, the header as JSON, then the arrays in C order. The header holds,
beside its writer's own fields, ``arrays``: for each name its ``dtype``, ``shape`` and ``offset`` behind the header.
The header is padded with spaces and the arrays with zeros, so that each array begins at a multiple of its item's size,
counted from the first byte: a typed array in the browser may then lie directly over the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

DTYPES: Final = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Numbers that a browser has a typed array of ordinary numbers for."""
_ALIGNMENT: Final = 8


def pack(arrays: Mapping[str, np.ndarray], **header: Any) -> bytes:
    """Writes arrays and a few facts about them as bytes.

    Args:
        arrays: of the types in ``DTYPES``, in any byte order and layout; empty ones too.
        header: the writer's own fields, JSON-like.

    Returns:
        The bytes, see this module.

    Raises:
        ValueError: for an array of another type (the caller converts it, and knows what that loses), or for a number in
            the header that JSON has no word for.
    """
    entries: dict[str, dict[str, Any]] = {}
    blocks: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        dtype = np.dtype(array.dtype)
        if dtype.name not in DTYPES:
            raise ValueError(f"{name} is {dtype.name}; a browser reads {', '.join(DTYPES)}")
        gap = -offset % dtype.itemsize
        entries[name] = {"dtype": dtype.name, "shape": list(array.shape), "offset": offset + gap}
        blocks += [b"\0" * gap, array.astype(dtype.newbyteorder("<")).tobytes()]
        offset += gap + array.nbytes
    text = json.dumps({"arrays": entries, **header}, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % _ALIGNMENT)
    return len(text).to_bytes(4, "little") + text + b"".join(blocks)


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads what :func:`pack` wrote, as the browser does.

    Args:
        content: the bytes.

    Returns:
        The writer's own fields, and the arrays by name in their order, as views of the bytes that cannot be written to.
    """
    start = 4 + int.from_bytes(content[:4], "little")
    header = json.loads(content[4:start])
    arrays = {}
    for name, entry in header.pop("arrays").items():
        dtype, shape = np.dtype(entry["dtype"]).newbyteorder("<"), tuple(entry["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.ndarray(shape, dtype, content, start + entry["offset"]) if count else np.empty(shape, dtype)
    return header, arrays
