"""From the bytes of a stranger's file to upright sRGB pixels, or to one sentence.

Sizes, frames, passes and segments are bounded before any pixel is decoded. What no rule foresees is bounded by
:mod:`vizcore.data.photo_worker`, which decodes in a process with limits of its own.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from vizcore.data import tiff_numbers
from vizcore.data.photo_files import MAX_FRAMES, MAX_SEGMENTS, clean_png, signature, walk_gif, walk_jpeg
from vizcore.errors import ExplainedError

MAX_MEGABYTES: Final = 20
MAX_MEGAPIXELS: Final = 50
MAX_FILE_SIDE: Final = 65_535
MAX_ANIMATION_MEGAPIXELS: Final = 1000
MAX_SCANS: Final = 64
MAX_SCAN_MEGAPIXELS: Final = 1000
MAX_WAIT_SECONDS: Final = 30
MAX_SIDE: Final = 1280
FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # as Pillow calls them; HEIC has a decoder of its own

# Templates of every sentence a PhotoError can carry: the catalogues translate these.
EMPTY: Final = "The file is empty; a photo of up to {limit} MB is expected."
TOO_MANY_BYTES: Final = "The file has {megabytes} MB; at most {limit} MB are read."
TOO_MANY_PIXELS: Final = "The picture is larger than {limit} megapixels, the most that is read."
TOO_LONG_A_SIDE: Final = "The picture has a side of more than {limit} pixels, the most that is read."
TOO_MANY_FRAMES: Final = "The animation is longer than {limit} frames, the most that is read."
TOO_LARGE_ANIMATION: Final = "All frames of the animation together exceed {limit} megapixels, the most that is read."
TOO_MANY_SCANS: Final = "The picture is stored in more than {limit} passes, the most that is read at its size."
TOO_MANY_SEGMENTS: Final = "The file holds more than {limit} remarks beside the picture, the most that is read."
TOO_MUCH_MEMORY: Final = (
    "The picture needs more memory than the {limit} MB that one file may take; save a smaller copy."
)
TOO_SLOW: Final = (
    "The picture takes more than {seconds} s to read, the most that one file may take; save a smaller copy."
)
BROKE_THE_READER: Final = "The file broke the program that reads pictures; nothing else was touched."
BUSY: Final = "Other pictures are still being read; try again in a moment."
NOT_A_PHOTO: Final = (
    "The file is not a picture that can be read; PNG, JPEG, WebP, BMP, GIF, TIFF and HEIC up to {limit} MB are, "
    "whatever the file is called."
)
DAMAGED: Final = (
    "The {file_format} file is damaged or cut short; a whole picture of up to {limit} megapixels is expected."
)
UNKNOWN_KIND: Final = (
    "The {file_format} file is of a kind that is not read here ({kind}); save it with 8 bits a channel, or as PNG."
)
NO_SUCH_SAMPLE: Final = "There is no sample photo called “{name}”; there are {names}."
MESSAGES: Final = (
    EMPTY,
    TOO_MANY_BYTES,
    TOO_MANY_PIXELS,
    TOO_LONG_A_SIDE,
    TOO_MANY_FRAMES,
    TOO_LARGE_ANIMATION,
    TOO_MANY_SCANS,
    TOO_MANY_SEGMENTS,
    TOO_MUCH_MEMORY,
    TOO_SLOW,
    BROKE_THE_READER,
    BUSY,
    NOT_A_PHOTO,
    DAMAGED,
    UNKNOWN_KIND,
    NO_SUCH_SAMPLE,
)
MEMORY_MEGABYTES: Final = 400
"""What decoding may take beyond the program itself, where that can be limited."""

# EXIF orientation → what brings the picture upright (1 and unknown values: nothing).
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG: Final = 0x0112
_STRIP_PIXELS: Final = 4_000_000
_PREMULTIPLIED: Final = {"LA": "La", "RGBA": "RGBa"}
# What a JPEG file is given in place of the end mark that it lacks; the bytes before the second are no picture.
_ENDS: Final = (b"\xff\xd9", bytes(range(0x31, 0x91)) + b"\xff\xd9")

# One picture is decoded at a time: a class that uploads together must not hold fifty megapixels each in memory at once,
# and Python's warning filters, which are set aside while Pillow works, belong to the whole process.
_DECODING: Final = threading.Lock()


class PhotoError(ExplainedError, ValueError):
    """A file that cannot be shown, with a one-sentence reason that names the limit."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, upright, in RGB, small enough to work on.

    Attributes:
        pixels: ``[H, W, 3]`` sRGB in 0..255; the longer side has at most ``MAX_SIDE`` pixels.
        original_size: ``(height, width)`` of the upright picture in the file, pixels.
        name: Name of the sample or of the file; may be empty.
        file_format: What the content is (``"PNG"``, ``"JPEG"``, …), whatever the file is called.
    """

    pixels: UInt8[np.ndarray, "H W 3"]
    original_size: tuple[int, int]
    name: str
    file_format: str


@dataclass(frozen=True, eq=False)
class _Opened:
    """A file whose header was read and found small enough.

    Attributes:
        load: decodes it.
        file_format: what it is.
    """

    load: Callable[[], Photo]
    file_format: str


def decode_photo(data: bytes, *, name: str = "") -> Photo:
    """Decode a photo from untrusted bytes.

    Reads PNG, JPEG, WebP, BMP, GIF (first frame), TIFF (first page) and HEIC, by content and not by file name. Sizes
    are checked before any pixel is decoded. Palette, grey, CMYK, 16-bit and float pictures become 8-bit sRGB (an
    embedded colour profile is applied), transparency is laid over white, an EXIF rotation is carried out, and a picture
    with more than ``MAX_SIDE`` pixels on its longer side is scaled down to that with antialiasing, keeping the aspect.
    A JPEG that lacks nothing but its end mark is whole.

    Args:
        data: The content of the file.
        name: Shown with the photo; not interpreted.

    Returns:
        The photo.

    Raises:
        PhotoError: If the file is empty, too large in bytes, pixels, frames, passes or remarks, damaged, of a kind that
            cannot be shown, or not such a picture.
    """
    check_length(data)
    with _turn(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = _open(data, name)
        try:
            return opened.load()
        except MemoryError:
            raise PhotoError(TOO_MUCH_MEMORY, limit=MEMORY_MEGABYTES) from None
        except PhotoError:
            raise
        except Exception as error:  # Pillow's decoders raise almost anything on damaged data
            raise PhotoError(DAMAGED, file_format=opened.file_format, limit=MAX_MEGAPIXELS) from error


def check_length(data: bytes) -> None:
    """Refuses a file for its number of bytes.

    Raises:
        PhotoError: If there are none, or too many.
    """
    if not data:
        raise PhotoError(EMPTY, limit=MAX_MEGABYTES)
    if len(data) > MAX_MEGABYTES * 2**20:
        # Rounded up, so that a file just above the limit is not said to have the limit's size.
        raise PhotoError(TOO_MANY_BYTES, megabytes=-(-len(data) // 2**20), limit=MAX_MEGABYTES)


@contextmanager
def _turn() -> Iterator[None]:
    """Waits until no other picture is decoded, but not for ever."""
    if not _DECODING.acquire(timeout=MAX_WAIT_SECONDS):
        raise PhotoError(BUSY)
    try:
        yield
    finally:
        _DECODING.release()


# ---- headers ---------------------------------------------------------------------------------------------------------


def _open(data: bytes, name: str) -> _Opened:
    """Read the header only, and refuse what is too large to go on with."""
    announced = signature(data)
    if announced == "PNG":
        return _open_png(data, name)
    if announced == "JPEG":
        return _open_jpeg(data, name)
    if announced == "HEIC":
        return _open_heic(data, name)
    gif = walk_gif(data) if announced == "GIF" and len(data) > 13 else None
    if gif:
        _check_segments(gif.num_segments)
    image = _read_header(data, announced)
    if image is None or _wraps_round(image):
        return _open_tiff_numbers(data, name)
    file_format = str(image.format)
    _check_size(image.width, image.height)
    if gif:
        _check_frames(gif.num_frames, image.width * image.height)
    elif image.format == "TIFF":
        _check_frames(_count_pages(data), image.width * image.height)
    else:
        _check_frames(int(getattr(image, "n_frames", 1)), image.width * image.height)
    return _Opened(lambda: _decode(image, name, file_format), file_format)


def _open_png(data: bytes, name: str) -> _Opened:
    parts = clean_png(data)
    _check_segments(parts.num_segments)
    image = _read_header(parts.data, "PNG")
    assert image is not None
    _check_size(image.width, image.height)
    _check_frames(int(getattr(image, "n_frames", 1)), image.width * image.height)
    if parts.profile:
        image.info["icc_profile"] = parts.profile
    if isinstance(image.info.get("transparency"), (int, tuple)) and image.mode in ("L", "RGB"):
        image.info["transparency"] = _eight_bit_samples(image.info["transparency"], parts.bit_depth)
    return _Opened(lambda: _decode(image, name, "PNG"), "PNG")


def _eight_bit_samples(value: int | tuple[int, ...], bit_depth: int) -> int | tuple[int, ...]:
    """The transparent colour of a PNG, stated in the file's own bits, as Pillow states the pixels of L and RGB."""
    if isinstance(value, tuple):
        return tuple(int(_eight_bit_samples(part, bit_depth)) for part in value)  # type: ignore[arg-type]
    return value >> 8 if bit_depth == 16 else value * 255 // (2**bit_depth - 1)


def _open_jpeg(data: bytes, name: str) -> _Opened:
    parts = walk_jpeg(data, MAX_SCANS)
    _check_segments(parts.num_segments)
    image = _read_header(data, "JPEG")
    assert image is not None
    num_pixels = image.width * image.height
    _check_size(image.width, image.height)
    most_scans = min(MAX_SCANS, MAX_SCAN_MEGAPIXELS * 1_000_000 // max(num_pixels, 1))
    if parts.num_scans > most_scans:
        raise PhotoError(TOO_MANY_SCANS, limit=most_scans)
    _check_frames(int(getattr(image, "n_frames", 1)), num_pixels)
    if parts.has_end:
        return _Opened(lambda: _decode(image, name, "JPEG"), "JPEG")
    return _Opened(lambda: _decode_without_end(data, name), "JPEG")


def _decode_without_end(data: bytes, name: str) -> Photo:
    """A JPEG without its end mark: whole if what stands where the mark should be makes no difference to the picture.

    The decoder asks for bytes beyond the last pixel and gives up where there are none. Given an end mark it fills what
    is missing with grey, and never says so.
    """
    body = data.rstrip(b"\xff")
    photos = []
    for end in _ENDS:
        image = _read_header(body + end, "JPEG")
        assert image is not None
        photos.append(_decode(image, name, "JPEG"))
    if not np.array_equal(photos[0].pixels, photos[1].pixels):
        raise PhotoError(DAMAGED, file_format="JPEG", limit=MAX_MEGAPIXELS)
    return photos[0]


def _open_heic(data: bytes, name: str) -> _Opened:
    import pi_heif  # the decoder of phones' pictures, without an encoder's licence

    pi_heif.options.DECODE_THREADS = 1
    try:
        image = pi_heif.HeifImageFile(io.BytesIO(data))
    except Exception as error:
        raise PhotoError(DAMAGED, file_format="HEIC", limit=MAX_MEGAPIXELS) from error
    _check_size(image.width, image.height)
    _check_frames(image.n_frames, image.width * image.height)
    return _Opened(lambda: _decode(image, name, "HEIC"), "HEIC")


def _open_tiff_numbers(data: bytes, name: str) -> _Opened:
    """A TIFF file of a kind that Pillow does not know."""
    try:
        header = tiff_numbers.read_header(data)
    except Exception as error:
        raise PhotoError(DAMAGED, file_format="TIFF", limit=MAX_MEGAPIXELS) from error
    height, width = header.size
    _check_size(width, height)
    if header.num_bytes > tiff_numbers.MAX_BYTES:
        raise PhotoError(TOO_MUCH_MEMORY, limit=MEMORY_MEGABYTES)

    def load() -> Photo:
        try:
            image, profile = tiff_numbers.read_numbers(data)
        except tiff_numbers.UnknownKindError as error:
            raise PhotoError(UNKNOWN_KIND, file_format="TIFF", kind=str(error)) from None
        orientation = _tiff_orientation(data)
        return _finish(_shrunk(image), profile, orientation, image.size, name, "TIFF")

    return _Opened(load, "TIFF")


def _tiff_orientation(data: bytes) -> int:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return int(file.pages[0].tags.valueof(_ORIENTATION_TAG, 1))


def _read_header(data: bytes, announced: str) -> Image.Image | None:
    """What Pillow makes of a file; None for a TIFF file of a kind that it does not know."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:  # Pillow's own limit lies above ours
        raise PhotoError(TOO_MANY_PIXELS, limit=MAX_MEGAPIXELS) from None
    except Exception as error:  # a header full of nonsense raises struct.error, ValueError, SyntaxError, …
        if announced == "TIFF":
            return None
        if announced:
            raise PhotoError(DAMAGED, file_format=announced, limit=MAX_MEGAPIXELS) from error
        raise PhotoError(NOT_A_PHOTO, limit=MAX_MEGABYTES) from error


def _wraps_round(image: Image.Image) -> bool:
    """Whether a TIFF file holds 32-bit numbers without sign, which Pillow reads with one."""
    if image.format != "TIFF" or image.mode != "I":
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]
    return tags.get(258, (1,))[0] == 32 and tags.get(339, (1,))[0] == 1


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(TOO_MANY_PIXELS, limit=MAX_MEGAPIXELS)
    if max(width, height) > MAX_FILE_SIDE:
        raise PhotoError(TOO_LONG_A_SIDE, limit=MAX_FILE_SIDE)


def _check_segments(num_segments: int) -> None:
    if num_segments > MAX_SEGMENTS:
        raise PhotoError(TOO_MANY_SEGMENTS, limit=MAX_SEGMENTS)


def _check_frames(num_frames: int, num_pixels: int) -> None:
    if num_frames > MAX_FRAMES:
        raise PhotoError(TOO_MANY_FRAMES, limit=MAX_FRAMES)
    if num_frames * num_pixels > MAX_ANIMATION_MEGAPIXELS * 1_000_000 and num_frames > 1:
        raise PhotoError(TOO_LARGE_ANIMATION, limit=MAX_ANIMATION_MEGAPIXELS)


def _count_pages(data: bytes) -> int:
    """Pages of a TIFF file, counting no further than the limit and decoding none."""
    pages = Image.open(io.BytesIO(data), formats=("TIFF",))
    for num_frames in range(1, MAX_FRAMES + 1):
        try:
            pages.seek(num_frames)
        except EOFError:
            return num_frames
        except Exception:  # the next page is damaged or of an unknown kind; the first may be fine
            return num_frames
    return MAX_FRAMES + 1


# ---- pixels ----------------------------------------------------------------------------------------------------------


def _decode(image: Image.Image, name: str, file_format: str) -> Photo:
    """Decode the first frame into an upright RGB working copy."""
    orientation = _orientation(image)
    size = image.size
    # A JPEG can be decoded at 1/2, 1/4 or 1/8: still at least twice as fine as what is kept.
    image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))
    image.load()
    if image.format in ("TIFF", "HEIF"):  # these are turned while loading
        size, orientation = image.size, 1
    profile = image.info.get("icc_profile")
    return _finish(_shrunk(image, size), profile, orientation, size, name, file_format)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 if there is none or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1


def _finish(
    image: Image.Image, profile: bytes | None, orientation: int, size: tuple[int, int], name: str, file_format: str
) -> Photo:
    """Colours to sRGB, transparency over white, and upright.

    Args:
        image: 8-bit L, LA, RGB, RGBA or CMYK, already small.
        profile: of its colours.
        orientation: as EXIF states it.
        size: (width, height) of the whole picture.
        name: of the file.
        file_format: what it is.
    """
    rgb = _to_srgb(image, profile)
    if rgb.mode == "RGBA":
        paper = Image.new("RGBA", rgb.size, "white")
        rgb = Image.alpha_composite(paper, rgb).convert("RGB")
    width, height = size
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
        if orientation >= 5:
            width, height = height, width
    return Photo(np.array(rgb), (height, width), name, file_format)


def _shrunk(image: Image.Image, size: tuple[int, int] | None = None) -> Image.Image:
    """An 8-bit picture of at most ``MAX_SIDE``, with antialiasing; never enlarged.

    A large picture is converted and reduced strip by strip, so that no second copy of it is ever in memory.

    Args:
        image: any of Pillow's modes.
        size: (width, height) of the whole picture, where ``image`` was decoded at a fraction of it.
    """
    width, height = size or image.size
    scale = min(1.0, MAX_SIDE / max(width, height))
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    convert = _converter(image)
    # As coarse as can be while at least two pixels (three for those that are not large) are left for each that is kept.
    gap = 2 if image.width * image.height > 4 * _STRIP_PIXELS else 3
    factors = [max(1, int(now / then / gap)) for now, then in zip(image.size, target, strict=True)]
    whole = convert(image) if factors == [1, 1] else _reduced(image, convert, (factors[0], factors[1]))
    if whole.size == target:
        return _straight(whole)
    # The reduced picture may end in a cell that is not full: the part of it that the picture fills.
    box = (0, 0, image.width / factors[0], image.height / factors[1])
    return _straight(_premultiplied(whole).resize(target, Image.Resampling.LANCZOS, box=box))


def _reduced(
    image: Image.Image, convert: Callable[[Image.Image], Image.Image], factors: tuple[int, int]
) -> Image.Image:
    """Each cell of ``factors`` (width, height) pixels as their average."""
    across, down = factors
    num_rows = max(1, _STRIP_PIXELS // (image.width * down)) * down
    whole = None
    for top in range(0, image.height, num_rows):
        strip = image.crop((0, top, image.width, min(top + num_rows, image.height)))
        part = _premultiplied(convert(strip)).reduce((across, down))
        if whole is None:
            whole = Image.new(part.mode, (part.width, -(-image.height // down)))
        whole.paste(part, (0, top // down))
    assert whole is not None
    return whole


def _premultiplied(image: Image.Image) -> Image.Image:
    """So that the colour under what is transparent does not bleed when pixels are averaged."""
    return image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image


def _straight(image: Image.Image) -> Image.Image:
    return image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode]) if image.mode in ("La", "RGBa") else image


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What brings this picture, or a strip of it, to L, LA, RGB, RGBA or CMYK with 8 bits a channel."""
    if image.mode.startswith("I") or image.mode == "F":
        return _number_converter(image)
    transparent = image.has_transparency_data
    if image.mode == "LAB":
        return lambda part: ImageCms.profileToProfile(  # type: ignore[return-value]
            part, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    if image.mode == "CMYK" or (image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info):
        return lambda part: part
    is_grey = image.mode in ("1", "L", "LA", "La")
    mode = ("LA" if is_grey else "RGBA") if transparent else "L" if is_grey else "RGB"
    if mode == "LA" and image.mode in ("1", "L"):  # Pillow has no direct way from a transparent grey to LA
        return lambda part: part.convert("RGBA").convert("LA")
    return lambda part: part.convert(mode)


def _number_converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Scales 16-bit, 32-bit and float grey to 0..255; Pillow itself would clip them."""
    if image.mode.startswith("I;16"):
        clear = image.info.get("transparency")

        def from_words(part: Image.Image) -> Image.Image:
            values = np.asarray(part)
            grey = Image.fromarray((values >> 8).astype(np.uint8))
            if isinstance(clear, int):
                grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
            return grey

        return from_words
    is_float = image.mode == "F"
    ends = [_finite(part) for part in _strips(image)]
    low = min(float(part.min()) for part in ends)
    high = max(float(part.max()) for part in ends)
    low, high = tiff_numbers.number_range(low, high, is_float=is_float)

    def from_numbers(part: Image.Image) -> Image.Image:
        values = _finite(part)
        values -= low
        values *= 255 / ((high - low) or 1)
        return Image.fromarray(np.rint(values, out=values).clip(0, 255).astype(np.uint8))

    return from_numbers


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    num_rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, num_rows):
        yield image.crop((0, top, image.width, min(top + num_rows, image.height)))


def _finite(image: Image.Image) -> np.ndarray:
    """A copy, float32, 0 where there is no finite number."""
    return np.nan_to_num(np.asarray(image, dtype=np.float32), copy=True, nan=0.0, posinf=0.0, neginf=0.0)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply an embedded colour profile; without one, or with a broken one, take the numbers as they are.

    Returns:
        RGB or RGBA.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert("L" if image.mode == "LA" else "RGB") if alpha else image
    converted = _through_profile(colours, profile) if profile else None
    if converted is None:
        converted = colours.convert("RGB")
    if alpha:
        converted.putalpha(alpha)
    return converted


def _through_profile(colours: Image.Image, profile: bytes) -> Image.Image | None:
    """Colours in L, RGB or CMYK by the profile's own description; None where it is broken or of other colours."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and colours.mode == "L":
            colours = colours.convert("RGB")
        if colours.mode != {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}.get(space):
            return None
        return ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
