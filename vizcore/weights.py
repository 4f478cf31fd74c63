"""Pretrained weights: find them on disk, download them once, load them without running what they carry."""

import errno
import hashlib
import http.client
import os
import pickle
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from vizcore.errors import ExplainedError

FOLDER_VARIABLE: Final = "GRAD2BOX_WEIGHTS"
CHUNK_BYTES: Final = 256 * 1024
MAX_BYTES: Final = 2 * 2**30
SIZE_TOLERANCE: Final = 2**20

# Templates of every sentence a WeightsError can carry: the catalogues translate these.
NO_NETWORK: Final = (
    "{host} cannot be reached, so {file_name} was not downloaded; check the network, or go on without this model."
)
TIMED_OUT: Final = "{host} did not answer for {seconds} seconds; try again, and the download goes on where it stopped."
CUT_SHORT: Final = (
    "The connection to {host} broke after {received} of {total} MB; try again, and the download goes on from there."
)
NOT_FOUND: Final = "{host} has no file {file_name} (HTTP status {status})."
REFUSED: Final = "{host} refused to send {file_name} (HTTP status {status}); try again later."
WRONG_CHECKSUM: Final = (
    "{file_name} is damaged: its SHA-256 starts with {found} instead of {expected}; download it again."
)
DISK_FULL: Final = (
    "There is no room in {folder} for {file_name}, which needs {total} MB; free some space and try again."
)
NOT_WRITABLE: Final = "{folder} cannot be written to; set GRAD2BOX_WEIGHTS to a folder that can."
BUSY: Final = "{file_name} is being downloaded already; wait until that has finished."
CANCELLED: Final = "The download of {file_name} was canceled; starting it again continues where it stopped."
UNSAFE: Final = "{file_name} is not a plain file of weights, so nothing in it was run and nothing was loaded."
UNREADABLE: Final = "{file_name} cannot be read as weights; delete it and download it again."
MISSING: Final = "{file_name} is not on this computer yet; it has to be downloaded first."
TOO_LONG: Final = "{host} sends more than the {total} MB that {file_name} may have; the download was stopped."
NOT_SECURE: Final = "{host} would send {file_name} over a connection that anyone can change; nothing was downloaded."
DOES_NOT_FIT: Final = "The weights in {file_name} do not fit the model {model}."
LACKS: Final = "The weights in {file_name} are not those of {model}: they lack {name} of the shape {shape}."
MESSAGES: Final = (
    NO_NETWORK,
    TIMED_OUT,
    CUT_SHORT,
    NOT_FOUND,
    REFUSED,
    WRONG_CHECKSUM,
    DISK_FULL,
    NOT_WRITABLE,
    BUSY,
    CANCELLED,
    UNSAFE,
    UNREADABLE,
    MISSING,
    TOO_LONG,
    NOT_SECURE,
    DOES_NOT_FIT,
    LACKS,
)

_THIS_COMPUTER: Final = ("127.0.0.1", "localhost", "::1")
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WeightsError(ExplainedError, RuntimeError):
    """Weights that cannot be had, with the reason in one sentence."""


class WeightsCancelledError(WeightsError):
    """The reader stopped the download; what had arrived is kept."""


@dataclass(frozen=True)
class WeightsSource:
    """Where weights come from.

    Attributes:
        url: Address of the file. As torch hub does it, its name may end in ``-<start of the SHA-256>.pth``.
        num_bytes: Size of the file as published; no more than that (and ``SIZE_TOLERANCE``) is received. 0 if unknown.
        sha256: The whole SHA-256 of the file, 64 hexadecimal digits; empty if only the start in the name is known.
    """

    url: str
    num_bytes: int = 0
    sha256: str = ""

    @property
    def file_name(self) -> str:
        """Name of the file on disk."""
        return Path(unquote(urlsplit(self.url).path)).name

    @property
    def host(self) -> str:
        """Who is asked for it."""
        return urlsplit(self.url).netloc

    @property
    def most_bytes(self) -> int:
        """What is received at most, whatever the server says of its length or does not say."""
        return self.num_bytes + SIZE_TOLERANCE if self.num_bytes else MAX_BYTES

    @property
    def sha256_prefix(self) -> str:
        """The SHA-256 if it is known, else the start of it that the name carries, empty if it carries none."""
        if self.sha256:
            return self.sha256.lower()
        match = re.search(r"-([0-9a-f]{8,64})\.[^.]*$", self.file_name)
        return match[1] if match else ""


def weights_folder() -> Path:
    """Where downloads go: ``GRAD2BOX_WEIGHTS`` if set, else the folder that torch hub uses."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).expanduser() if chosen else _hub_folder()


def find_weights(source: WeightsSource) -> Path | None:
    """Look for downloaded weights in ``weights_folder()`` and in torch hub's folder.

    The checksum is not computed here: looking must be cheap enough to draw a menu. ``load_weights`` computes it.

    Args:
        source: What to look for.

    Returns:
        Path of the file, or None.
    """
    for folder in (weights_folder(), _hub_folder()):
        path = folder / source.file_name
        try:
            if path.is_file() and path.stat().st_size > 0:
                return path
        except OSError:  # a folder that may not be looked into holds nothing for us
            continue
    return None


def download_weights(
    source: WeightsSource,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    timeout: float = 20.0,
) -> Path:
    """Download weights into ``weights_folder()``, going on where an earlier attempt stopped.

    The file appears under its name only when it is whole and its checksum is right; until then it is called
    ``<name>.part``. A whole file that is already there is returned without asking the network.

    Args:
        source: What to download.
        on_progress: Called with (bytes on disk, bytes in all; 0 if the server does not say).
        is_cancelled: Asked before each piece of at most ``CHUNK_BYTES``; when it answers True, the download stops.
        timeout: Longest silence of the server, seconds.

    Returns:
        Path of the file.

    Raises:
        WeightsCancelledError: If ``is_cancelled`` said so.
        WeightsError: If there is no network, no such file, no room, silence, or the content is not what was published.
        ValueError: If the address is not https (or of this computer), or names no file.
    """
    if not _is_secure(source.url) or not source.file_name:
        raise ValueError(f"expected the https address of a file, got {source.url!r}")
    folder = weights_folder()
    whole, part = folder / source.file_name, folder / f"{source.file_name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{source.file_name}.lock", timeout=0):
            if whole.is_file() and _has_prefix(whole, source.sha256_prefix):
                return whole
            resumed = _receive(source, part, on_progress, is_cancelled, timeout)
            if resumed and not _has_prefix(part, source.sha256_prefix):
                # The beginning may stem from another version of the file: once more, from the start.
                part.unlink()
                _receive(source, part, on_progress, is_cancelled, timeout)
            try:
                _check(part, source)
            except WeightsError:
                part.unlink()
                raise
            os.replace(part, whole)
    except Timeout:
        raise WeightsError(BUSY, file_name=source.file_name) from None
    except OSError as error:  # the network's errors have been told apart in _receive: what is left is the disk
        if error.errno in _NO_ROOM:
            raise _disk_full(source, source.num_bytes) from error
        raise WeightsError(NOT_WRITABLE, folder=str(folder)) from error
    return whole


def load_weights(source: WeightsSource) -> dict[str, Tensor]:
    """Load downloaded weights.

    Only tensors and plain containers are unpickled (``weights_only=True``): a file cannot run code.

    Args:
        source: Which weights.

    Returns:
        The state dict, on the CPU.

    Raises:
        WeightsError: If the file is missing, its checksum is wrong, or it is not a state dict.
    """
    path = find_weights(source)
    if path is None:
        raise WeightsError(MISSING, file_name=source.file_name)
    _check(path, source)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(UNSAFE, file_name=source.file_name) from error
    except Exception as error:  # on damaged files torch's readers raise almost anything
        raise WeightsError(UNREADABLE, file_name=source.file_name) from error
    if isinstance(state, dict) and set(state) == {"model"}:  # as some authors publish them
        state = state["model"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(UNREADABLE, file_name=source.file_name)
    return state


def _is_secure(url: str) -> bool:
    """Whether nobody on the way can change what comes: https, or a server on this computer."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_COMPUTER)


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address only where :func:`_is_secure` holds."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Refuses an address that anyone on the way could answer."""
        if not _is_secure(newurl):
            raise _InsecureError(urlsplit(newurl).netloc)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _InsecureError(Exception):
    """A server pointed to an address without encryption."""


def _hub_folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f}"


def _disk_full(source: WeightsSource, num_bytes: int) -> WeightsError:
    total = _megabytes(num_bytes)
    return WeightsError(DISK_FULL, folder=str(weights_folder()), file_name=source.file_name, total=total)


def _cut_short(source: WeightsSource, received: int, total: int) -> WeightsError:
    expected = _megabytes(max(total or source.num_bytes, received))
    return WeightsError(CUT_SHORT, host=source.host, received=_megabytes(received), total=expected)


def _too_long(source: WeightsSource) -> WeightsError:
    total = _megabytes(source.most_bytes)
    return WeightsError(TOO_LONG, host=source.host, total=total, file_name=source.file_name)


def _has_prefix(path: Path, prefix: str) -> bool:
    return _sha256(path).startswith(prefix)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, source: WeightsSource) -> None:
    expected = source.sha256_prefix
    if expected:
        found = _sha256(path)[: len(expected)]
        if found != expected:
            raise WeightsError(
                WRONG_CHECKSUM, file_name=path.name.removesuffix(".part"), found=found, expected=expected
            )


def _receive(
    source: WeightsSource,
    part: Path,
    on_progress: Callable[[int, int], None] | None,
    is_cancelled: Callable[[], bool] | None,
    timeout: float,
) -> bool:
    """Append to ``part`` until it is whole; True if something was there before."""
    start = part.stat().st_size if part.is_file() else 0
    try:
        response = _ask(source, start, timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:  # nothing after our last byte: whole already, or not the same file
                if error.headers.get("Content-Range", "").endswith(f"/{start}"):
                    return True
                part.unlink()
                return _receive(source, part, on_progress, is_cancelled, timeout)
            template = NOT_FOUND if error.code in (404, 410) else REFUSED
            raise WeightsError(template, host=source.host, file_name=source.file_name, status=error.code) from None
    except _InsecureError as error:
        raise WeightsError(NOT_SECURE, host=str(error), file_name=source.file_name) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            raise WeightsError(TIMED_OUT, host=source.host, seconds=f"{timeout:g}") from error
        raise WeightsError(NO_NETWORK, host=source.host, file_name=source.file_name) from error
    with response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if start and response.status == 206 and not goes_on:
            raise WeightsError(REFUSED, host=source.host, file_name=source.file_name, status=206)
        received = start if goes_on else 0  # a server that ignores Range sends everything again
        length = response.length or 0
        total = received + length if length else 0
        if total > source.most_bytes:
            raise _too_long(source)
        if length > shutil.disk_usage(part.parent).free:
            raise _disk_full(source, total)
        try:
            with part.open("ab" if goes_on else "wb") as file:
                _copy(response, file, received, total, source, on_progress, is_cancelled, timeout)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise _disk_full(source, total or source.num_bytes) from error
            raise
    return goes_on


def _ask(source: WeightsSource, start: int, timeout: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "grad2box", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_SecureRedirects)
    response: http.client.HTTPResponse = opener.open(
        urllib.request.Request(source.url, headers=headers), timeout=timeout
    )
    return response


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    received: int,
    total: int,
    source: WeightsSource,
    on_progress: Callable[[int, int], None] | None,
    is_cancelled: Callable[[], bool] | None,
    timeout: float,
) -> None:
    """Move the body to the file piece by piece; network errors become sentences, disk errors pass through."""
    while True:
        if on_progress:
            on_progress(received, total)
        if is_cancelled and is_cancelled():
            raise WeightsCancelledError(CANCELLED, file_name=source.file_name)
        try:
            piece = response.read1(CHUNK_BYTES)
        except TimeoutError as error:
            raise WeightsError(TIMED_OUT, host=source.host, seconds=f"{timeout:g}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _cut_short(source, received, total) from error
        if not piece:
            break
        received += len(piece)
        if received > source.most_bytes:
            raise _too_long(source)
        file.write(piece)
    if received < total:
        raise _cut_short(source, received, total)
