"""Decoding in a process of its own: a file of any format takes a bounded time and memory, or ends in one sentence.

The rules of :mod:`vizcore.data.photo_decoding` refuse what is known to be hostile. This holds for what nobody has
thought of: the process is limited by the system, and killed and replaced where it goes beyond (``vizcore.sandbox``).
"""

from __future__ import annotations

import functools
import io
import json
import struct
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image

from vizcore.data import photo_decoding
from vizcore.data.photo_decoding import (
    BROKE_THE_READER,
    BUSY,
    MAX_SIDE,
    MEMORY_MEGABYTES,
    MESSAGES,
    TOO_MUCH_MEMORY,
    TOO_SLOW,
    Photo,
    PhotoError,
    check_length,
    decode_photo,
)
from vizcore.sandbox import Sandbox, SandboxError

TASK: Final = __name__
SECONDS: Final = 1.6
"""Of a processor, for one file."""
WALL_SECONDS: Final = 8.0
"""Of the clock, where others need the processor too."""
_LENGTH: Final = struct.Struct("<I")
_MAX_HEADER: Final = 10_000


@functools.cache
def photos_sandbox() -> Sandbox:
    """The one sandbox of this process for photos; ``photos_sandbox().start()`` gets it ready ahead of the first."""
    return Sandbox(
        [TASK],
        most_at_once=1,
        processor_s=SECONDS,
        memory_bytes=MEMORY_MEGABYTES * 2**20,
        has_threads=True,  # HEIC's decoder ends its process where it cannot have one
    )


def decode_in_worker(data: bytes, *, name: str = "", place: Sandbox | None = None) -> Photo:
    """Decodes a photo as :func:`vizcore.data.photos.decode_photo` does, in a process that can be lost.

    Args:
        data: The content of the file.
        name: Shown with the photo; not interpreted.
        place: Another sandbox than :func:`photos_sandbox`, for tests.

    Returns:
        The photo.

    Raises:
        PhotoError: As for ``decode_photo``, and if the file takes more than ``SECONDS`` of a processor, more than
            ``MEMORY_MEGABYTES``, or ends the process.
    """
    check_length(data)
    try:
        answer = (place or photos_sandbox()).run(TASK, data, wall_s=WALL_SECONDS)
    except SandboxError as error:
        if error.kind == "memory":
            raise PhotoError(TOO_MUCH_MEMORY, limit=MEMORY_MEGABYTES) from None
        if error.kind in ("processor", "wall"):
            raise PhotoError(TOO_SLOW, seconds=SECONDS if error.kind == "processor" else WALL_SECONDS) from None
        raise PhotoError(BUSY if error.kind == "busy" else BROKE_THE_READER) from None
    try:
        return _read_answer(answer, name)
    except PhotoError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        struct.error,
    ):  # no honest process writes such bytes
        raise PhotoError(BROKE_THE_READER) from None


def _read_answer(answer: bytes, name: str) -> Photo:
    """What the process said, as data that is checked: it may be a stranger's by now."""
    (length,) = _LENGTH.unpack_from(answer)
    if length > _MAX_HEADER:
        raise ValueError(length)
    header = json.loads(answer[_LENGTH.size : _LENGTH.size + length])
    if "error" in header:
        values = {str(key): value for key, value in header["values"].items() if isinstance(value, (int, float, str))}
        template = MESSAGES[int(header["error"])]
        template.format(**values)
        raise PhotoError(template, **values)
    height, width = (int(side) for side in header["size"])
    original = tuple(int(side) for side in header["original"])
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE and len(original) == 2 and min(original) > 0):
        raise ValueError(header)
    pixels = np.frombuffer(answer, np.uint8, offset=_LENGTH.size + length).reshape(height, width, 3)
    return Photo(pixels.copy(), (original[0], original[1]), name, str(header["format"])[:10])


# ---- in the worker ---------------------------------------------------------------------------------------------------


def prepare() -> None:
    """Reads one small picture of each format: a worker can open no file any more, not even of a module."""
    import pi_heif
    import tifffile

    pi_heif.libheif_info()
    for file_format in photo_decoding.FORMATS:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, file_format)
        decode_photo(buffer.getvalue())
    for options in ({"photometric": "minisblack"}, {"photometric": "minisblack", "compression": "zlib"}):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, np.zeros((4, 4), np.float64), **options)
        decode_photo(buffer.getvalue())


def answer(request: bytes, note: Callable[[bytes], None]) -> bytes:
    """Decodes the file that a request is, and writes its pixels, or which sentence says why not."""
    pixels = b""
    try:
        photo = decode_photo(request)
    except PhotoError as error:
        if error.template == TOO_MUCH_MEMORY:
            raise MemoryError from None
        header: dict[str, object] = {"error": MESSAGES.index(error.template), "values": error.values}
    else:
        header = {"size": photo.pixels.shape[:2], "original": photo.original_size, "format": photo.file_format}
        pixels = photo.pixels.tobytes()
    written = json.dumps(header).encode()
    return _LENGTH.pack(len(written)) + written + pixels
