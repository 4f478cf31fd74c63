"""Photos: the samples that installed packages carry, and what is done with pixels as files."""

import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vizcore.data.photo_decoding import (
    FORMATS,
    MAX_MEGABYTES,
    MAX_MEGAPIXELS,
    MAX_SIDE,
    MESSAGES,
    NO_SUCH_SAMPLE,
    Photo,
    PhotoError,
    decode_photo,
)
from vizcore.data.portraits import FILE, draw_portraits

__all__ = [
    "FORMATS",
    "MAX_MEGABYTES",
    "MAX_MEGAPIXELS",
    "MAX_SIDE",
    "MESSAGES",
    "Photo",
    "PhotoError",
    "SamplePhoto",
    "decode_photo",
    "encode_jpeg",
    "encode_png",
    "list_people",
    "list_samples",
    "load_sample",
    "sample_file",
]


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

# As above: pictures of people, for pages about faces. The second is laid out from many (see vizcore.data.portraits).
_PEOPLE: Final = {
    "camera": (
        "skimage",
        "data/camera.png",
        "A photographer, from the side",
        "Lav Varshney, in scikit-image",
        "CC0",
    ),
    "portraits": (
        "skimage",
        FILE,
        "A crowd laid out from 100 portraits",
        "Labeled Faces in the Wild (Huang et al. 2007), in scikit-image",
        "No licence stated; the authors ask to cite the report",
    ),
}


def list_samples() -> tuple[SamplePhoto, ...]:
    """The sample photos, the ones with a clear single object first."""
    return tuple(SamplePhoto(name, *texts) for name, (_, _, *texts) in _SAMPLES.items())


def list_people() -> tuple[SamplePhoto, ...]:
    """More samples, of people, for pages about faces; :func:`load_sample` reads them too."""
    return tuple(SamplePhoto(name, *texts) for name, (_, _, *texts) in _PEOPLE.items())


def sample_file(name: str) -> str:
    """The name of the file that a sample photo lies in; of one that is laid out, of a picture file of it."""
    return f"{name}.png" if name == "portraits" else Path((_SAMPLES | _PEOPLE)[name][1]).name


def load_sample(name: str) -> Photo:
    """Read a sample photo from the installed package that carries it.

    Args:
        name: One of the names in ``list_samples()`` or ``list_people()``.

    Returns:
        The decoded photo.

    Raises:
        PhotoError: If there is no sample of that name.
    """
    known = _SAMPLES | _PEOPLE
    if name not in known:
        raise PhotoError(NO_SUCH_SAMPLE, name=name, names=", ".join(known))
    if name == "portraits":
        return decode_photo(encode_png(draw_portraits()), name=name)
    package, file_name, *_ = known[name]
    spec = find_spec(package)  # the folder alone: importing scikit-learn would cost a second
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the sample photo {name!r} comes with the package {package!r}", name=package)
    return decode_photo((Path(spec.submodule_search_locations[0]) / file_name).read_bytes(), name=name)


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
