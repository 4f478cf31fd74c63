"""Where an output pixel looks in the input, for both conventions of align_corners, and how repeated resizing drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from vizcore.upsampling.checks import UpsamplingError, whole_number
from vizcore.upsampling.linear_map import check_grid

CONVENTIONS = ("nearest", "nearest_exact", "bilinear", "bilinear_align_corners")
DRIFTS = (*CONVENTIONS, "mixed")


@dataclass(frozen=True, eq=False)
class SamplePositions:
    """The input coordinate at which each output pixel reads, pixel centres at whole numbers.

    Attributes:
        convention: One of ``CONVENTIONS``.
        in_size: Pixels in the input row.
        out_size: Pixels in the output row.
        positions: ``[out_size]`` as torch reads them, that is, clamped to the row: torch's answer for a row that holds
            its own coordinates.
        formula: The rule, I input and O output pixels, d the output index.
        step: Distance between two reads inside the row: I/O or (I - 1)/(O - 1).
    """

    convention: str
    in_size: int
    out_size: int
    positions: np.ndarray
    formula: str
    step: float


@dataclass(frozen=True, eq=False)
class ResizeDrift:
    """What repeated resizing there and back does to a picture.

    Attributes:
        names: The conventions compared; ``mixed`` goes up with align_corners=True and down with False.
        rows: ``[L, R + 1]`` row of the centre of brightness after each round, in pixels of the picture.
        columns: ``[L, R + 1]`` column of the same.
        drift: ``[L, R + 1]`` distance from its first place, pixels.
        error: ``[L, R + 1]`` root mean square difference from the first picture.
        pictures: ``[L, H, W]`` after the last round.
    """

    names: tuple[str, ...]
    rows: np.ndarray
    columns: np.ndarray
    drift: np.ndarray
    error: np.ndarray
    pictures: np.ndarray


_FORMULAS = {
    "nearest": "⌊d·I/O⌋",
    "nearest_exact": "⌊(d + ½)·I/O⌋",
    "bilinear": "max(0, (d + ½)·I/O − ½)",
    "bilinear_align_corners": "d·(I − 1)/(O − 1)",
}


def sample_positions(convention: str, in_size: int, out_size: int) -> SamplePositions:
    """Lets torch resize a row that holds its own coordinates, so that the answers are the places read.

    Args:
        convention: One of ``CONVENTIONS``.
        in_size: Pixels in the input row.
        out_size: Pixels in the output row.

    Returns:
        The position that each output pixel reads.

    Raises:
        UpsamplingError: For an unknown convention or a size below 1.
    """
    if convention not in CONVENTIONS:
        raise UpsamplingError(
            "There is no upsampling method “{method}”; choose one of {known}.",
            method=convention,
            known=", ".join(CONVENTIONS),
        )
    whole_number("in_size", in_size, minimum=1)
    whole_number("out_size", out_size, minimum=1)
    ramp = torch.arange(in_size, dtype=torch.float64)[None, None, None]
    read = _resize(ramp, (1, out_size), convention)[0, 0, 0]
    corners = convention == "bilinear_align_corners"
    step = (in_size - 1) / max(out_size - 1, 1) if corners else in_size / out_size
    return SamplePositions(convention, in_size, out_size, read.numpy(), _FORMULAS[convention], step)


def _resize(x: torch.Tensor, size: tuple[int, int], convention: str) -> torch.Tensor:
    if convention.startswith("bilinear"):
        return F.interpolate(x, size, mode="bilinear", align_corners=convention == "bilinear_align_corners")
    return F.interpolate(x, size, mode=convention.replace("_", "-"))


def legacy_difference(in_size: int, out_size: int) -> float:
    """How far apart ``nn.UpsamplingBilinear2d`` and ``nn.Upsample(mode="bilinear")`` read, both at their defaults.

    Args:
        in_size: Pixels in the input row.
        out_size: Pixels in the output row.

    Returns:
        The largest distance between the two places read by one output pixel, in input pixels: a measurement on a row
        that holds its own coordinates.

    Raises:
        UpsamplingError: For a size below 1.
    """
    whole_number("in_size", in_size, minimum=1)
    whole_number("out_size", out_size, minimum=1)
    ramp = torch.arange(in_size, dtype=torch.float64)[None, None, None]
    legacy = nn.UpsamplingBilinear2d(size=(1, out_size))(ramp)
    modern = nn.Upsample(size=(1, out_size), mode="bilinear")(ramp)
    return float((legacy - modern).abs().max())


def blob(size: int = 33, *, sigma: float = 3.0, centre: tuple[float, float] | None = None) -> np.ndarray:
    """A soft bright spot: its centre of brightness shows any shift.

    Args:
        size: Side of the picture.
        sigma: Width of the spot, pixels.
        centre: Row and column; the middle if not given.

    Returns:
        ``[size, size]`` in [0, 1].
    """
    row, column = centre or ((size - 1) / 2, (size - 1) / 2)
    axis = torch.arange(size, dtype=torch.float64)
    distance = (axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2
    return torch.exp(-distance / (2 * sigma**2)).numpy()


def resize_drift(
    grid: np.ndarray, *, scale_factor: float = 2.0, num_rounds: int = 8, names: Sequence[str] = DRIFTS
) -> ResizeDrift:
    """Resizes a picture to another size and back, again and again, and follows its centre of brightness.

    Args:
        grid: ``[H, W]`` not all zero.
        scale_factor: Of the way there; the way back returns to H × W.
        num_rounds: How often, at most 64.
        names: Which of ``DRIFTS``.

    Returns:
        Centre and error after each round.

    Raises:
        UpsamplingError: For a bad grid, an intermediate size below 1 or above 2048, or a number of rounds out of range.
    """
    start = check_grid(torch.as_tensor(grid, dtype=torch.float64))
    whole_number("num_rounds", num_rounds, minimum=1)
    height, width = start.shape
    between = int(height * scale_factor), int(width * scale_factor)
    if min(between) < 1 or max(between) > 2048 or num_rounds > 64:
        raise UpsamplingError(
            "Between two rounds the picture would be {height}×{width}; "
            "sides from 1 to 2048 and up to 64 rounds are possible.",
            height=between[0],
            width=between[1],
        )
    if float(start.abs().sum()) == 0.0:
        raise UpsamplingError("A picture that is all zero has no center to follow.")
    centres, errors, pictures = [], [], []
    for name in names:
        up, down = ("bilinear_align_corners", "bilinear") if name == "mixed" else (name, name)
        picture = start[None, None]
        track, error = [_centre(start)], [0.0]
        for _ in range(num_rounds):
            picture = _resize(_resize(picture, between, up), (height, width), down)
            track.append(_centre(picture[0, 0]))
            error.append(float((picture[0, 0] - start).square().mean().sqrt()))
        centres.append(track)
        errors.append(error)
        pictures.append(picture[0, 0].numpy())
    places = np.asarray(centres)
    return ResizeDrift(
        names=tuple(names),
        rows=places[..., 0],
        columns=places[..., 1],
        drift=np.hypot(places[..., 0] - places[:, :1, 0], places[..., 1] - places[:, :1, 1]),
        error=np.asarray(errors),
        pictures=np.stack(pictures),
    )


def _centre(picture: torch.Tensor) -> tuple[float, float]:
    weight = picture.abs()
    total = weight.sum()
    rows = torch.arange(picture.shape[0], dtype=picture.dtype)
    columns = torch.arange(picture.shape[1], dtype=picture.dtype)
    return float((weight.sum(1) * rows).sum() / total), float((weight.sum(0) * columns).sum() / total)
