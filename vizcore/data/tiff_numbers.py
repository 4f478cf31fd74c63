"""TIFF files whose kind of number or of bands Pillow does not know: several floats a pixel, ink with transparency.

Where the bands mean no colours (satellites, microscopes), or the compression needs a library that is not here, the kind
is named instead.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

MAX_BYTES: Final = 192 * 2**20
"""Of the numbers of one page, as the file states them."""
_PLAIN: Final = (1, 8, 32946)  # not compressed, and deflated in its two numbers
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED = 0, 1, 2, 5  # what the bands are, in the format's numbers


class UnknownKindError(ValueError):
    """A whole file of a kind that cannot be shown; its text names the kind."""


@dataclass(frozen=True)
class TIFFPage:
    """The first page of a TIFF file.

    Attributes:
        size: (height, width) in pixels.
        num_bytes: of its numbers, unpacked.
        kind: in words for people who make such files: bands, bits, compression.
    """

    size: tuple[int, int]
    num_bytes: int
    kind: str


def read_header(data: bytes) -> TIFFPage:
    """What the first page is, without its numbers.

    Raises:
        Exception: of any kind, for a file that is damaged.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        samples, bits = int(page.samplesperpixel), page.bitspersample
        words = {1: "integers", 2: "signed integers", 3: "floats", 5: "complex integers", 6: "complex floats"}
        number = words.get(int(page.sampleformat), "numbers")
        photometric = getattr(page.photometric, "name", str(page.photometric))
        compression = getattr(page.compression, "name", str(page.compression))
        kind = f"{samples} × {bits}-bit {number}, {photometric}, {compression}"
        height, width = int(page.imagelength), int(page.imagewidth)
        width_in_bytes = -(-int(bits) // 8) if isinstance(bits, int) else 8
        return TIFFPage((height, width), height * width * samples * width_in_bytes, kind)


def read_numbers(data: bytes) -> tuple[Image.Image, bytes | None]:
    """The first page as an 8-bit picture with the numbers' own meaning, and its colour profile.

    Returns:
        A picture in L, LA, RGB, RGBA or CMYK (transparency of ink is laid over white at once), and the profile.

    Raises:
        UnknownKindError: the file is whole and of a kind that is not shown.
        Exception: of any kind, for a file that is damaged.
    """
    import tifffile

    kind = read_header(data).kind
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        if int(page.compression) not in _PLAIN or page.dtype is None or page.dtype.kind not in "uif":
            raise UnknownKindError(kind)
        photometric, samples = int(page.photometric), int(page.samplesperpixel)
        colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _SEPARATED: 4}.get(photometric, 0)
        extra = [int(kind_of) for kind_of in page.extrasamples or ()]
        if not colours or samples < colours or (colours == 1 and samples - colours > 1):
            raise UnknownKindError(kind)
        height, width = int(page.imagelength), int(page.imagewidth)
        values = page.asarray()
        profile = page.tags.valueof(34675)
    values = values.reshape(samples, height, width) if int(page.planarconfig) == 2 else values
    bands = values if int(page.planarconfig) == 2 else np.moveaxis(values.reshape(height, width, samples), 2, 0)
    # 1: colours already multiplied by their opacity, 2: not.
    has_alpha = bool(extra) and extra[0] in (1, 2)
    shown = _to_bytes(bands[:colours], bits=page.bitspersample)
    if photometric == _WHITE_IS_ZERO:
        shown = 255 - shown
    alpha = _to_bytes(bands[colours : colours + 1], bits=page.bitspersample)[0] if has_alpha else None
    if alpha is not None and extra[0] == 1:
        shown = np.where(alpha > 0, np.minimum(shown * (255.0 / np.maximum(alpha, 1)), 255), 0).astype(np.uint8)
    pixels = np.ascontiguousarray(np.moveaxis(shown, 0, 2))
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[colours]
    picture = Image.fromarray(pixels[..., 0] if colours == 1 else pixels, mode)
    if alpha is not None:
        opacity = Image.fromarray(np.ascontiguousarray(alpha))
        if mode == "CMYK":  # white paper is no ink
            picture = Image.composite(picture, Image.new("CMYK", picture.size, (0, 0, 0, 0)), opacity)
        else:
            picture.putalpha(opacity)
    return picture, bytes(profile) if profile is not None else None


def _to_bytes(bands: np.ndarray, *, bits: int) -> np.ndarray:
    """Numbers as 0..255 (0 to 1, or to 255, for floats that lie there; from least to largest for all others)."""
    if bands.dtype == np.uint8 and bits == 8:
        return bands
    if bands.dtype.kind == "u" and bits <= 16:
        return np.rint(bands * (255 / (2**bits - 1))).astype(np.uint8)
    values = np.nan_to_num(bands.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    low, high = number_range(low, high, is_float=bands.dtype.kind == "f")
    return np.rint((values - low) * (255 / ((high - low) or 1))).astype(np.uint8)


def number_range(low: float, high: float, *, is_float: bool) -> tuple[float, float]:
    """What is black and what is white among numbers from ``low`` to ``high``: the range that such numbers are made for.

    Floats within 0 to 1 or 0 to 255, and integers within 0 to 65535, are taken to use that range.
    """
    for top in (1.0, 255.0) if is_float else (65535.0,):
        if low >= 0 and high <= top:
            return 0.0, top
    return low, high
