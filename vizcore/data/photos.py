"""Photos: the samples that installed packages carry, and safe decoding of a reader's own file."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from vizcore.errors import ExplainedError

MAX_MEGABYTES: Final = 20
MAX_MEGAPIXELS: Final = 50
MAX_FRAMES: Final = 500
MAX_ANIMATION_MEGAPIXELS: Final = 1000
MAX_SCANS: Final = 64
MAX_SCAN_MEGAPIXELS: Final = 1000
MAX_WAIT_SECONDS: Final = 30
MAX_SIDE: Final = 1280
FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")

# Templates of every sentence a PhotoError can carry: the catalogues translate these.
EMPTY: Final = "The file is empty; a photo of up to {limit} MB is expected."
TOO_MANY_BYTES: Final = "The file has {megabytes} MB; at most {limit} MB are read."
TOO_MANY_PIXELS: Final = "The picture is larger than {limit} megapixels, the most that is read."
TOO_MANY_FRAMES: Final = "The animation is longer than {limit} frames, the most that is read."
TOO_LARGE_ANIMATION: Final = "All frames of the animation together exceed {limit} megapixels, the most that is read."
TOO_MANY_SCANS: Final = "The picture is stored in more than {limit} passes, the most that is read at its size."
BUSY: Final = "Other pictures are still being read; try again in a moment."
NOT_A_PHOTO: Final = (
    "The file is not a picture that can be read; PNG, JPEG, WebP, BMP, GIF and TIFF up to {limit} MB are, "
    "whatever the file is called."
)
DAMAGED: Final = (
    "The {file_format} file is damaged or cut short; a whole picture of up to {limit} megapixels is expected."
)
NO_SUCH_SAMPLE: Final = "There is no sample photo called “{name}”; there are {names}."
MESSAGES: Final = (
    EMPTY,
    TOO_MANY_BYTES,
    TOO_MANY_PIXELS,
    TOO_MANY_FRAMES,
    TOO_LARGE_ANIMATION,
    TOO_MANY_SCANS,
    BUSY,
    NOT_A_PHOTO,
    DAMAGED,
    NO_SUCH_SAMPLE,
)

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
_SIGNATURES: Final = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}

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


@dataclass(frozen=True)
class SamplePhoto:
    """A real photo that comes with an installed package.

    Attributes:
        name: Identifier, as in links.
        title: What the photo shows.
        source: Who made it and where it comes from.
        licence: Under which terms.
    """

    name: str
    title: str
    source: str
    licence: str


# name → (package, file inside it, the rest of SamplePhoto). The files lie in the wheels: nothing is fetched.
_SAMPLES: Final = {
    "chelsea": (
        "skimage",
        "data/chelsea.png",
        "Chelsea the cat",
        "Stefan van der Walt, in scikit-image",
        "CC0",
    ),
    "coffee": (
        "skimage",
        "data/coffee.png",
        "A cup of coffee",
        "Rachel Michetti, Pikolo Espresso Bar, in scikit-image",
        "CC0",
    ),
    "motorcycle": (
        "skimage",
        "data/motorcycle_left.png",
        "A motorcycle in a garage",
        "Middlebury Stereo Datasets (Scharstein et al., GCPR 2014), left view, in scikit-image",
        "No licence stated; the authors ask to cite the paper",
    ),
    "astronaut": (
        "skimage",
        "data/astronaut.png",
        "The astronaut Eileen Collins",
        "NASA Great Images, in scikit-image",
        "Public domain",
    ),
    "rocket": (
        "skimage",
        "data/rocket.jpg",
        "A Falcon 9 leaving the launch pad",
        "SpaceX, in scikit-image",
        "Public domain",
    ),
    "coins": (
        "skimage",
        "data/coins.png",
        "Greek coins from Pompeii",
        "Brooklyn Museum Collection, in scikit-image",
        "No known copyright restrictions",
    ),
    "china": (
        "sklearn",
        "datasets/images/china.jpg",
        "A temple in China",
        "danielbuechele on Flickr, in scikit-learn",
        "CC BY 2.0",
    ),
    "flower": (
        "sklearn",
        "datasets/images/flower.jpg",
        "A dahlia",
        "vultilion on Flickr, in scikit-learn",
        "CC BY 2.0",
    ),
}


def list_samples() -> tuple[SamplePhoto, ...]:
    """The sample photos, the ones with a clear single object first."""
    return tuple(SamplePhoto(name, *texts) for name, (_, _, *texts) in _SAMPLES.items())


def load_sample(name: str) -> Photo:
    """Read a sample photo from the installed package that carries it.

    Args:
        name: One of the names in ``list_samples()``.

    Returns:
        The decoded photo.

    Raises:
        PhotoError: If there is no sample of that name.
    """
    if name not in _SAMPLES:
        raise PhotoError(NO_SUCH_SAMPLE, name=name, names=", ".join(_SAMPLES))
    package, file_name, *_ = _SAMPLES[name]
    spec = find_spec(package)  # the folder alone: importing scikit-learn would cost a second
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the sample photo {name!r} comes with the package {package!r}", name=package)
    return decode_photo((Path(spec.submodule_search_locations[0]) / file_name).read_bytes(), name=name)


def decode_photo(data: bytes, *, name: str = "") -> Photo:
    """Decode a photo from untrusted bytes.

    Reads PNG, JPEG, WebP, BMP, GIF (first frame) and TIFF (first page), by content and not by file name. Sizes are
    checked before any pixel is decoded. Palette, grey, CMYK and 16-bit pictures become 8-bit sRGB (an embedded colour
    profile is applied), transparency is laid over white, an EXIF rotation is carried out, and a picture with more than
    ``MAX_SIDE`` pixels on its longer side is scaled down to that with antialiasing, keeping the aspect.

    Args:
        data: The content of the file.
        name: Shown with the photo; not interpreted.

    Returns:
        The photo.

    Raises:
        PhotoError: If the file is empty, too large in bytes, pixels or frames, damaged, or not such a picture.
    """
    if not data:
        raise PhotoError(EMPTY, limit=MAX_MEGABYTES)
    if len(data) > MAX_MEGABYTES * 2**20:
        # Rounded up, so that a file just above the limit is not said to have the limit's size.
        raise PhotoError(TOO_MANY_BYTES, megabytes=-(-len(data) // 2**20), limit=MAX_MEGABYTES)
    with _turn(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _open(data) as image:
            file_format = "JPEG" if image.format == "MPO" else str(image.format)
            try:
                return _decode(image, name, file_format)
            except MemoryError:
                raise PhotoError(TOO_MANY_PIXELS, limit=MAX_MEGAPIXELS) from None
            except PhotoError:
                raise
            except Exception as error:  # Pillow's decoders raise almost anything on damaged data
                raise PhotoError(DAMAGED, file_format=file_format, limit=MAX_MEGAPIXELS) from error


@contextmanager
def _turn() -> Iterator[None]:
    """Waits until no other picture is decoded, but not for ever."""
    if not _DECODING.acquire(timeout=MAX_WAIT_SECONDS):
        raise PhotoError(BUSY)
    try:
        yield
    finally:
        _DECODING.release()


def encode_png(pixels: UInt8[np.ndarray, "H W 3"]) -> bytes:
    """Encode pixels without loss.

    Args:
        pixels: ``[H, W, 3]`` RGB, ``[H, W, 4]`` RGBA or ``[H, W]`` grey, 0..255.

    Returns:
        The content of a PNG file.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def encode_jpeg(pixels: UInt8[np.ndarray, "H W 3"], *, quality: int = 88) -> bytes:
    """Encode pixels for the eye: about a tenth of the PNG's size, colours kept at full resolution.

    Args:
        pixels: ``[H, W, 3]`` RGB or ``[H, W]`` grey, 0..255.
        quality: 1 (worst) to 95 (best).

    Returns:
        The content of a JPEG file.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def _open(data: bytes) -> Image.Image:
    """Read the header only, and refuse what is too large to go on with."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        num_frames = _count_frames(image, data)
    except Image.DecompressionBombError:  # Pillow's own limit lies above ours
        raise PhotoError(TOO_MANY_PIXELS, limit=MAX_MEGAPIXELS) from None
    except Exception as error:  # a header full of nonsense raises struct.error, ValueError, SyntaxError, …
        file_format = _signature(data)
        if file_format:
            raise PhotoError(DAMAGED, file_format=file_format, limit=MAX_MEGAPIXELS) from error
        raise PhotoError(NOT_A_PHOTO, limit=MAX_MEGABYTES) from error
    num_pixels = image.width * image.height
    if num_pixels > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(TOO_MANY_PIXELS, limit=MAX_MEGAPIXELS)
    most_scans = min(MAX_SCANS, MAX_SCAN_MEGAPIXELS * 1_000_000 // max(num_pixels, 1))
    if image.format in ("JPEG", "MPO") and _count_scans(data, most_scans) > most_scans:
        raise PhotoError(TOO_MANY_SCANS, limit=most_scans)
    if num_frames > MAX_FRAMES:
        raise PhotoError(TOO_MANY_FRAMES, limit=MAX_FRAMES)
    if num_frames * num_pixels > MAX_ANIMATION_MEGAPIXELS * 1_000_000 and num_frames > 1:
        raise PhotoError(TOO_LARGE_ANIMATION, limit=MAX_ANIMATION_MEGAPIXELS)
    return image


def _signature(data: bytes) -> str:
    """The format that the first bytes announce, empty if none of ours."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for start, name in _SIGNATURES.items() if data.startswith(start)), "")


def _count_frames(image: Image.Image, data: bytes) -> int:
    """Number of frames, counting no further than the limit and decoding none."""
    if image.format == "GIF":
        return _count_gif_frames(data)
    if image.format == "TIFF":
        pages = Image.open(io.BytesIO(data), formats=("TIFF",))
        for num_frames in range(1, MAX_FRAMES + 1):
            try:
                pages.seek(num_frames)
            except EOFError:
                return num_frames
        return MAX_FRAMES + 1
    return int(getattr(image, "n_frames", 1))  # PNG, WebP and MPO declare it in a header


def _count_scans(data: bytes, most: int) -> int:
    """Number of passes in which a JPEG file stores its picture, counting no further than one beyond ``most``.

    A progressive picture has some ten. A hostile file can have a hundred thousand, of a few bytes each, and the decoder
    goes over the whole picture for each of them.
    """
    position, num_scans = 2, 0
    while num_scans <= most:
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > len(data):
            break
        marker = data[position + 1]
        if marker == 0xFF:  # a byte that fills up
            position += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # inside a pass, or without a length
            position += 2
        elif marker == 0xD9:  # the end; in other formats more pictures follow, which are not decoded
            break
        else:
            num_scans += marker == 0xDA
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return num_scans


def _count_gif_frames(data: bytes) -> int:
    """Walk over the blocks of a GIF file; Pillow's own count decodes or takes seconds on a hostile file."""
    position = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)  # header, global palette
    num_frames = 0
    while position < len(data) and num_frames <= MAX_FRAMES:
        block = data[position]
        if block == 0x2C:  # an image: descriptor, local palette, code size, data
            num_frames += 1
            flags = data[position + 9] if position + 9 < len(data) else 0
            position += 10 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0) + 1
        elif block == 0x21:  # an extension: label, data
            position += 2
        else:  # the trailer, or something that is no GIF
            break
        while position < len(data) and data[position]:
            position += data[position] + 1
        position += 1
    return num_frames


def _decode(image: Image.Image, name: str, file_format: str) -> Photo:
    """Decode the first frame into an upright RGB working copy."""
    orientation = _orientation(image)
    width, height = image.size
    # A JPEG can be decoded at 1/2, 1/4 or 1/8: still at least twice as fine as what is kept.
    image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))
    image.load()
    if image.format == "TIFF":  # Pillow turns these itself while loading
        (width, height), orientation = image.size, 1
    profile = image.info.get("icc_profile")
    rgb = _shrunk(_eight_bit(image), width, height)
    rgb = _to_srgb(rgb, profile)
    if rgb.mode == "RGBA":
        paper = Image.new("RGBA", rgb.size, "white")
        rgb = Image.alpha_composite(paper, rgb).convert("RGB")
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
        if orientation >= 5:
            width, height = height, width
    return Photo(np.array(rgb), (height, width), name, file_format)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 if there is none or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring any Pillow mode to RGB, RGBA or CMYK with 8 bits a channel."""
    if image.mode.startswith("I") or image.mode == "F":
        return _grey_from_numbers(image).convert("RGB")
    if image.mode in ("RGB", "CMYK") and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def _grey_from_numbers(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float grey to 0..255; Pillow itself would clip them."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), copy=True, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif image.mode == "F" and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    elif image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    values -= low
    values *= 255 / ((high - low) or 1)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))


def _shrunk(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scale to at most ``MAX_SIDE`` with antialiasing; never enlarge."""
    scale = min(1.0, MAX_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply an embedded colour profile; without one, or with a broken one, take the numbers as they are."""
    if profile:
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        colours = image.convert("RGB") if alpha else image
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(colours, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            if alpha:
                converted.putalpha(alpha)
            return converted
    return image if image.mode == "RGBA" else image.convert("RGB")
