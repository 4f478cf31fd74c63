"""Ways to look at a map of many channels: one number or one color per cell, or all channels side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from vizcore.fpn.errors import FPNError
from vizcore.fpn.neck import stride_of
from vizcore.fpn.trace import FPNTrace

VIEWS: Final = ("mean", "max", "norm")
"""Over the channels of a cell: the mean, the greatest value, the Euclidean norm divided by √C."""
CLIPPED_SHARE: Final = 0.01
"""Share of cells at each end that a color scale gives up, so that one bright cell does not darken the others."""


class AtlasLayout(NamedTuple):
    """Where the channels lie on a sheet: channel c is the tile at row c // columns, column c % columns.

    Attributes:
        columns: tiles in a row.
        rows: of tiles.
        tile: (height, width) of a tile, pixels; no gaps in between.
    """

    columns: int
    rows: int
    tile: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the sheet, pixels."""
        return self.rows * self.tile[0], self.columns * self.tile[1]


class CellValue(NamedTuple):
    """What a map says under a point.

    Attributes:
        value: of the chosen view.
        cell: (row, column).
    """

    value: float
    cell: tuple[int, int]


def channel_views(
    maps: Float32[np.ndarray, "C H W"], kind: str, *, channel: int | None = None
) -> Float32[np.ndarray, "H W"]:
    """One number per cell.

    Args:
        maps: of a stage or level.
        kind: ``"mean"``, ``"max"``, ``"norm"`` (root mean square, so that maps of different C compare) or
            ``"channel"``.
        channel: which one, for ``"channel"``.

    Raises:
        FPNError: If there is no such view or channel.
    """
    values = torch.from_numpy(maps)
    if kind == "channel":
        if channel is None or not 0 <= channel < len(maps):
            raise FPNError("channel must be one of 0 … {last}; got {channel}.", last=len(maps) - 1, channel=channel)
        return values[channel].numpy().copy()
    if kind not in VIEWS:
        raise FPNError("kind must be one of {known} or channel; got {kind}.", known=", ".join(VIEWS), kind=repr(kind))
    if kind == "mean":
        view = values.mean(0)
    elif kind == "max":
        view = values.amax(0)
    else:
        view = values.square().mean(0).sqrt()
    return view.numpy()


def pca_rgb(maps: Float32[np.ndarray, "C H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """The three directions in which a map's cells differ most, as red, green and blue.

    A direction's sign is arbitrary; here its largest entry is positive. Each color runs from the 1st to the 99th
    percentile. Where cells do not differ at all, they are gray.
    """
    channels, height, width = maps.shape
    cells = torch.from_numpy(maps).reshape(channels, -1).T.to(torch.float64)
    centered = cells - cells.mean(0)
    _, vectors = torch.linalg.eigh(centered.T @ centered)  # ascending
    directions = vectors[:, -3:].flip(1)
    largest = directions.abs().argmax(0, keepdim=True)
    directions = directions * torch.where(directions.gather(0, largest) < 0, -1.0, 1.0)
    coordinates = centered @ directions
    if coordinates.shape[1] < 3:
        coordinates = torch.cat([coordinates, coordinates.new_zeros(len(cells), 3 - coordinates.shape[1])], dim=1)
    scaled = [_to_unit(column) for column in coordinates.T]
    colors = (torch.stack(scaled, dim=1) * 255).round().to(torch.uint8)
    return colors.reshape(height, width, 3).numpy()


def atlas_layout(num_channels: int, map_size: tuple[int, int], *, side: int) -> AtlasLayout:
    """How :func:`channel_atlas` lays out a map's channels, so that a click on the sheet finds its channel."""
    if num_channels < 1 or side < 1:
        raise FPNError(
            "An atlas needs a channel and a side of at least a pixel; got {channels} and {side}.",
            channels=num_channels,
            side=side,
        )
    scale = side / max(map_size)
    height, width = (max(1, round(length * scale)) for length in map_size)
    # About as wide as high, a little wider where it does not come out even.
    columns = min(num_channels, math.ceil(math.sqrt(num_channels * height / width)))
    return AtlasLayout(columns, math.ceil(num_channels / columns), (height, width))


def channel_atlas(
    maps: Float32[np.ndarray, "C H W"], *, side: int = 48, per: str = "channel"
) -> UInt8[np.ndarray, "H2 W2"]:
    """All channels as tiles of one sheet, dark for the smallest value and bright for the greatest.

    A map larger than its tile is averaged over areas, a smaller one repeated cell by cell.

    Args:
        maps: of a stage or level.
        side: longer side of a tile, pixels.
        per: ``"channel"`` stretches every channel to its own range, ``"level"`` all of them to a common one, which
            shows which channels say much and which say little.

    Raises:
        FPNError: If ``per`` is neither.
    """
    if per not in ("channel", "level"):
        raise FPNError("per must be channel or level; got {per}.", per=repr(per))
    values = torch.from_numpy(maps)
    columns, rows, tile = atlas_layout(len(maps), (maps.shape[1], maps.shape[2]), side=side)
    larger = maps.shape[1] > tile[0] or maps.shape[2] > tile[1]
    tiles = torch.nn.functional.interpolate(values[None], size=tile, mode="area" if larger else "nearest-exact")[0]
    if per == "channel":
        low, high = tiles.amin((1, 2), keepdim=True), tiles.amax((1, 2), keepdim=True)
    else:
        low, high = tiles.min(), tiles.max()
    span = high - low
    unit = torch.where(span > 0, (tiles - low) / torch.where(span > 0, span, 1.0), 0.5)
    sheet = torch.zeros(rows * columns, *tile)
    sheet[: len(maps)] = unit
    sheet = sheet.reshape(rows, columns, *tile).permute(0, 2, 1, 3).reshape(rows * tile[0], columns * tile[1])
    return (sheet * 255).round().to(torch.uint8).numpy()


def value_range(view: Float32[np.ndarray, "H W"], *, clipped_share: float = CLIPPED_SHARE) -> tuple[float, float]:
    """(low, high) for a color scale: percentiles, so that single cells do not set it; apart by more than nothing."""
    low, high = (float(x) for x in np.quantile(view, (clipped_share, 1 - clipped_share)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def cell_at(trace: FPNTrace, name: str, x: float, y: float) -> tuple[int, int]:
    """(row, column) of a map's cell under a point of the photo; a point beside the photo takes the nearest cell.

    Args:
        trace: of the photo.
        name: of a stage or level.
        x: pixels of the photo.
        y: likewise.
    """
    stride = trace.strides[name]
    rows, columns = trace.maps(name).shape[-2:]
    ((input_x, input_y),) = trace.to_input(np.array([[x, y]]))
    row, column = (
        min(max(math.floor(place / stride), 0), count - 1) for place, count in ((input_y, rows), (input_x, columns))
    )
    return row, column


def on_photo(trace: FPNTrace, name: str) -> Float[np.ndarray, "C H W"]:
    """A stage or level without the cells that lie wholly on the padding."""
    rows, columns = (-(-side // stride_of(name)) for side in trace.resized_size)
    return trace.maps(name)[:, :rows, :columns]


def cell_on_photo(trace: FPNTrace, name: str, x: float, y: float) -> tuple[int, int]:
    """As :func:`cell_at`, but never a cell that lies wholly on the padding."""
    row, column = cell_at(trace, name, x, y)
    rows, columns = on_photo(trace, name).shape[1:]
    return min(row, rows - 1), min(column, columns - 1)


def values_at(
    trace: FPNTrace, x: float, y: float, *, kind: str = "mean", channel: int | None = None
) -> Mapping[str, CellValue]:
    """What every stage and level says under a point of the photo.

    Args:
        trace: of the photo.
        x: pixels of the photo.
        y: likewise.
        kind: view, as in :func:`channel_views`.
        channel: which one, for ``"channel"``; maps that have fewer channels are left out.
    """
    found = {}
    for name in trace.strides:
        maps = trace.maps(name)
        if kind == "channel" and channel is not None and channel >= len(maps):
            continue
        row, column = cell_at(trace, name, x, y)
        view = channel_views(maps[:, row : row + 1, column : column + 1], kind, channel=channel)
        found[name] = CellValue(float(view[0, 0]), (row, column))
    return found


def to_bytes(view: Float32[np.ndarray, "H W"], low: float, high: float) -> UInt8[np.ndarray, "H W"]:
    """A view as 0 … 255 between two values; beyond them the ends."""
    unit = (np.asarray(view, dtype=np.float64) - low) / (high - low)
    return np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)


def _to_unit(values: Float[torch.Tensor, " A"]) -> Float[torch.Tensor, " A"]:
    low, high = torch.quantile(values, CLIPPED_SHARE), torch.quantile(values, 1 - CLIPPED_SHARE)
    # Differences that are nothing but rounding are none.
    if high - low <= 1e-9 * values.abs().max().clamp(min=1e-30):
        return torch.full_like(values, 0.5)
    return ((values - low) / (high - low)).clamp(0, 1)
