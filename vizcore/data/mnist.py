"""MNIST as an offer: four files from torchvision's address, received with progress, checked, read by torchvision.

torchvision's own download shows no progress, cannot be stopped, and falls back to a connection without encryption; so
the files are received here, checked against the MD5 that torchvision publishes and against what an IDX file has to look
like, and laid where ``torchvision.datasets.MNIST`` finds them.

Reference:
    Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner. Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86, 1998. The IDX format: a magic number (two zero bytes, a byte for the type, a byte for
    the number of dimensions), each dimension as a big-endian 32-bit integer, then the numbers.
"""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from jaxtyping import Int64, UInt8
from torch import Tensor

from vizcore.errors import ExplainedError
from vizcore.weights import WeightsCancelledError, WeightsSource, download_weights, weights_folder

SIZES: Final = {
    "train-images-idx3-ubyte": 9_912_422,
    "train-labels-idx1-ubyte": 28_881,
    "t10k-images-idx3-ubyte": 1_648_877,
    "t10k-labels-idx1-ubyte": 4_542,
}
"""Bytes of each file as it is sent, compressed."""
DOWNLOAD_BYTES: Final = sum(SIZES.values())
SIDE: Final = 28
_UBYTE: Final = 0x08
_MOST_BYTES: Final = 64 * 2**20  # of an unpacked file; MNIST's largest has 47 MB

WRONG_HASH: Final = (
    "{file_name} is damaged: its MD5 starts with {found} instead of {expected}; it was deleted, so download it again."
)
NOT_GZIP: Final = "{file_name} is not a whole gzip file; it was deleted, so download it again."
TOO_SHORT: Final = "{file_name} ends within its header, so it is no IDX file."
WRONG_MAGIC: Final = "{file_name} does not begin with the two zero bytes of an IDX file."
WRONG_TYPE: Final = "{file_name} holds numbers of type 0x{found:02x}; digits are bytes, type 0x08."
WRONG_DIMENSIONS: Final = "{file_name} has {found} dimensions instead of {expected}."
WRONG_PICTURE: Final = "{file_name} holds pictures of {height} × {width} pixels; MNIST's have 28 × 28."
WRONG_LENGTH: Final = "{file_name} announces {expected} bytes of numbers and holds {found}."
WRONG_LABEL: Final = "{file_name} holds the label {label}; digits go from 0 to 9."
DIFFERENT_COUNTS: Final = "There are {pictures} pictures and {labels} labels; each picture needs one."
NOT_HERE: Final = "MNIST is not on this computer yet; it has to be downloaded first ({megabytes} MB)."
CANCELLED: Final = "The download of MNIST was canceled; starting it again continues where it stopped."
MESSAGES: Final = (
    WRONG_HASH,
    NOT_GZIP,
    TOO_SHORT,
    WRONG_MAGIC,
    WRONG_TYPE,
    WRONG_DIMENSIONS,
    WRONG_PICTURE,
    WRONG_LENGTH,
    WRONG_LABEL,
    DIFFERENT_COUNTS,
    NOT_HERE,
    CANCELLED,
)


class MNISTError(ExplainedError, RuntimeError):
    """MNIST that cannot be had or read, with the reason in one sentence."""


def mnist_available() -> bool:
    """Whether all four files are here; their content is looked at when they are read."""
    return all((_raw_folder() / name).is_file() for name in SIZES)


def download_mnist(
    *,
    on_progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    mirror: str | None = None,
    md5s: Sequence[str] | None = None,
    timeout: float = 20.0,
) -> Path:
    """Downloads what is missing of MNIST, going on where an earlier attempt stopped.

    Args:
        on_progress: called with (bytes here, ``DOWNLOAD_BYTES``), over all files.
        is_cancelled: asked again and again; when it answers True, the download stops.
        mirror: address of the folder that holds the files; torchvision's first if None.
        md5s: of the four compressed files, in the order of ``SIZES``; torchvision's if None.
        timeout: longest silence of the server, seconds.

    Returns:
        The root that ``torchvision.datasets.MNIST`` takes.

    Raises:
        MNISTError: if a file is not what was published, or ``is_cancelled`` said so.
        WeightsError: if there is no network, no such file, no room, or silence.
    """
    from torchvision.datasets import MNIST

    published = dict(MNIST.resources)
    expected = list(md5s) if md5s is not None else [published[f"{name}.gz"] for name in SIZES]
    address = (mirror or MNIST.mirrors[0]).rstrip("/")
    raw = _raw_folder()
    raw.mkdir(parents=True, exist_ok=True)
    done = 0
    for (name, num_bytes), md5 in zip(SIZES.items(), expected, strict=True):
        if not (raw / name).is_file():

            def report(received: int, total: int, done: int = done) -> None:
                if on_progress:
                    on_progress(done + received, DOWNLOAD_BYTES)

            try:
                packed = download_weights(
                    WeightsSource(f"{address}/{name}.gz", num_bytes=num_bytes),
                    on_progress=report,
                    is_cancelled=is_cancelled,
                    timeout=timeout,
                )
            except WeightsCancelledError:
                raise MNISTError(CANCELLED) from None
            try:
                content = _unpack(packed, md5)
                check_idx(content, name)
            finally:
                packed.unlink(missing_ok=True)
            part = raw / f"{name}.part"
            part.write_bytes(content)
            os.replace(part, raw / name)
        done += num_bytes
        if on_progress:
            on_progress(done, DOWNLOAD_BYTES)
    return weights_folder()


def load_mnist(*, train: bool) -> tuple[UInt8[Tensor, "N 28 28"], Int64[Tensor, " N"]]:
    """Reads MNIST's pictures, ink from 0 to 255, and labels, through ``torchvision.datasets.MNIST``.

    Raises:
        MNISTError: if it is not here, or a file is not what it should be; which one and why.
    """
    from torchvision.datasets import MNIST

    if not mnist_available():
        raise MNISTError(NOT_HERE, megabytes=f"{DOWNLOAD_BYTES / 1e6:.1f}")
    for name in SIZES:
        check_idx((_raw_folder() / name).read_bytes(), name)
    data = MNIST(str(weights_folder()), train=train, download=False)
    pictures, labels = data.data, data.targets
    if len(pictures) != len(labels):
        raise MNISTError(DIFFERENT_COUNTS, pictures=len(pictures), labels=len(labels))
    return pictures, labels


def check_idx(content: bytes, file_name: str) -> None:
    """Checks that bytes are one of MNIST's four files.

    Args:
        content: the whole file, unpacked.
        file_name: whose ``idx3`` or ``idx1`` says whether it holds pictures or labels.

    Raises:
        MNISTError: which says what is wrong.
    """
    dimensions = 3 if "idx3" in file_name else 1
    if len(content) < 4:
        raise MNISTError(TOO_SHORT, file_name=file_name)
    if content[:2] != b"\0\0":
        raise MNISTError(WRONG_MAGIC, file_name=file_name)
    if content[2] != _UBYTE:
        raise MNISTError(WRONG_TYPE, file_name=file_name, found=content[2])
    if content[3] != dimensions:
        raise MNISTError(WRONG_DIMENSIONS, file_name=file_name, found=content[3], expected=dimensions)
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise MNISTError(TOO_SHORT, file_name=file_name)
    shape = [int.from_bytes(content[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(dimensions)]
    if dimensions == 3 and shape[1:] != [SIDE, SIDE]:
        raise MNISTError(WRONG_PICTURE, file_name=file_name, height=shape[1], width=shape[2])
    if len(content) - start != math.prod(shape):
        raise MNISTError(WRONG_LENGTH, file_name=file_name, expected=math.prod(shape), found=len(content) - start)
    if dimensions == 1 and content[start:] and max(content[start:]) > 9:
        raise MNISTError(WRONG_LABEL, file_name=file_name, label=max(content[start:]))


def _raw_folder() -> Path:
    return weights_folder() / "MNIST" / "raw"


def _unpack(packed: Path, md5: str) -> bytes:
    content = packed.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise MNISTError(WRONG_HASH, file_name=packed.name, found=found[:8], expected=md5[:8])
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        unpacked = decoder.decompress(content, _MOST_BYTES)
    except zlib.error:
        raise MNISTError(NOT_GZIP, file_name=packed.name) from None
    if not decoder.eof:
        raise MNISTError(NOT_GZIP, file_name=packed.name)
    return unpacked
