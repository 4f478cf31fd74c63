"""What stands in a photo's file beside its pixels, read without decoding: formats, frames, passes, segments, profiles.

A decoder trusts its file: it goes over the picture once for each pass that a file announces, and unpacks each text.
So the file is walked first, marker by marker, which costs no more than its length.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

MAX_FRAMES: Final = 500
MAX_SEGMENTS: Final = 20_000
"""Markers, chunks or blocks of a file that hold no pixels; a large photo has some dozens."""
MAX_PROFILE_BYTES: Final = 16 * 2**20
"""Of an unpacked colour profile; the largest printer profiles have three million."""

_MAX_TEXT_BYTES: Final = 2**20  # of an unpacked text that may say how the picture is turned
_SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_TEXTS_OF_ORIENTATION: Final = (b"Raw profile type exif", b"Raw profile type xmp", b"XML:com.adobe.xmp")


def signature(data: bytes) -> str:
    """The format that the first bytes announce, empty if none of ours."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "HEIC"
    return next((name for start, name in _SIGNATURES.items() if data.startswith(start)), "")


@dataclass(frozen=True)
class JPEGParts:
    """What a JPEG file is made of.

    Attributes:
        num_scans: passes in which it stores its picture, counted no further than one beyond what was asked.
        num_segments: all its segments, counted no further than one beyond ``MAX_SEGMENTS``.
        has_end: whether the end mark of the picture is there.
    """

    num_scans: int
    num_segments: int
    has_end: bool


def walk_jpeg(data: bytes, most_scans: int) -> JPEGParts:
    """Goes from marker to marker, as far as the end mark, or until there are too many of them.

    A progressive picture has some ten passes. A hostile file can have a hundred thousand, of a few bytes each, and the
    decoder goes over the whole picture for each of them.
    """
    position, num_scans, num_segments, has_end = 2, 0, 0, False
    while num_scans <= most_scans and num_segments <= MAX_SEGMENTS:
        position = data.find(b"\xff", position)
        if position < 0 or position + 2 > len(data):
            break
        marker = data[position + 1]
        if marker == 0xD9:  # the end; in other formats more pictures follow, which are not decoded
            has_end = True
            break
        if position + 4 > len(data):
            break
        if marker == 0xFF:  # a byte that fills up
            position += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # inside a pass, or without a length
            position += 2
        else:
            num_scans += marker == 0xDA
            num_segments += 1
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return JPEGParts(num_scans, num_segments, has_end)


@dataclass(frozen=True)
class PNGParts:
    """A PNG file, made ready for a decoder.

    Attributes:
        data: the file without its colour profile, and without texts except a short one on its orientation.
        profile: the unpacked colour profile, None if there is none that can be used.
        bit_depth: bits a sample.
        num_segments: its chunks other than those of pixels, counted no further than one beyond ``MAX_SEGMENTS``.
    """

    data: bytes
    profile: bytes | None
    bit_depth: int
    num_segments: int


def clean_png(data: bytes) -> PNGParts:
    """Takes out what Pillow would refuse a picture for: texts and profiles that unpack to more than a megabyte."""
    position, kept_from, num_segments = 8, 0, 0
    kept: list[bytes] = []
    profile = None
    while position + 12 <= len(data) and num_segments <= MAX_SEGMENTS:
        length = int.from_bytes(data[position : position + 4], "big")
        kind, end = data[position + 4 : position + 8], position + 12 + length
        body = memoryview(data)[position + 8 : position + 8 + length]
        # Chunks of no length are a way to make a decoder go round for nothing.
        num_segments += kind not in (b"IDAT", b"fdAT") or not length
        drop = False
        if kind == b"iCCP":
            profile, drop = _unpacked_profile(body), True
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            drop = not _is_short_orientation(kind, body)
        if drop:
            kept.append(data[kept_from:position])
            kept_from = end
        if kind == b"IEND":
            break
        position = end
    if kept:
        data = b"".join([*kept, data[kept_from:]])
    return PNGParts(data, profile, data[24] if len(data) > 24 else 8, num_segments)


def _unpacked_profile(body: memoryview) -> bytes | None:
    """The profile of an iCCP chunk: a name, a zero, the method 0, and deflated bytes."""
    name, zero, packed = bytes(body).partition(b"\0")
    if not zero or packed[:1] != b"\0" or len(name) > 79:
        return None
    return _unpack(packed[1:], MAX_PROFILE_BYTES)


def _is_short_orientation(kind: bytes, body: memoryview) -> bool:
    keyword, _, rest = bytes(body[: _MAX_TEXT_BYTES + 1]).partition(b"\0")
    if keyword not in _TEXTS_OF_ORIENTATION or len(body) > _MAX_TEXT_BYTES:
        return False
    if kind == b"zTXt":
        return _unpack(rest[1:], _MAX_TEXT_BYTES) is not None
    if kind == b"iTXt" and rest[:1] == b"\1":  # deflated: flag, method, language, translated keyword, text
        parts = rest[2:].split(b"\0", 2)
        return len(parts) == 3 and _unpack(parts[2], _MAX_TEXT_BYTES) is not None
    return True


def _unpack(packed: bytes, limit: int) -> bytes | None:
    """Inflates, but to no more than ``limit`` bytes; None if it is more, or no such stream."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(packed, limit)
    except zlib.error:
        return None
    return plain if inflater.eof else None


@dataclass(frozen=True)
class GIFParts:
    """What a GIF file is made of.

    Attributes:
        num_frames: pictures, counted no further than one beyond ``MAX_FRAMES``.
        num_segments: blocks that hold no picture, counted no further than one beyond ``MAX_SEGMENTS``.
    """

    num_frames: int
    num_segments: int


def walk_gif(data: bytes) -> GIFParts:
    """Goes over the blocks; Pillow's own count of frames decodes, or takes seconds on a hostile file."""
    position = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)  # header, global palette
    num_frames = num_segments = 0
    while position < len(data) and num_frames <= MAX_FRAMES and num_segments <= MAX_SEGMENTS:
        block = data[position]
        if block == 0x2C:  # an image: descriptor, local palette, code size, data
            num_frames += 1
            flags = data[position + 9] if position + 9 < len(data) else 0
            position += 10 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0) + 1
        elif block == 0x21:  # an extension: label, data
            num_segments += 1
            position += 2
        else:  # the trailer, or something that is no GIF
            break
        while position < len(data) and data[position]:
            position += data[position] + 1
        position += 1
    return GIFParts(num_frames, num_segments)
