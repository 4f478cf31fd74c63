"""A pyramid's maps and what one cell sees, as the browser takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from vizcore.data.photos import encode_png
from vizcore.fpn.designs import Design
from vizcore.fpn.errors import FPNError
from vizcore.fpn.levels import level_anchors
from vizcore.fpn.neck import stride_of
from vizcore.fpn.receptive_field import EffectiveField, receptive_interval
from vizcore.fpn.trace import FPNTrace
from vizcore.fpn.views import atlas_layout, channel_atlas, channel_views, pca_rgb, to_bytes, value_range
from vizcore.packing import pack

PACKED_VIEWS: Final = ("mean", "max", "norm", "pca", "channel")
FIELD_SIDE: Final = 128
"""A gradient is sent with at most so many numbers along its longer side."""
INTERVALS: Final = 8
"""Receptive fields repeat after so many cells: the levels above share them by twos, P2 to P5."""
_STEPS: Final = 65535


def pack_maps(trace: FPNTrace, *, view: str = "mean", channel: int = 0) -> bytes:
    """Writes one number (for ``pca`` also one color) for each cell of every map.

    Cells that lie wholly on the padding are left out. A number travels as one of 65 536 equal steps between its map's
    least and greatest; the color scale (``shades``) leaves out the outermost cells.

    Args:
        trace: of a photo.
        view: one of ``PACKED_VIEWS``; ``pca`` sends the mean as its number.
        channel: which channel the view ``channel`` shows; a map that has fewer is sent empty.

    Returns:
        As :mod:`vizcore.packing`: what is known of each map (``maps``), and for each that is filled its cells
        ``[H, W]`` as uint16 under its name, its colors ``[H, W, 3]`` as uint8 under ``<name>.rgb``. Maps are named
        ``C4``, ``P4``, ``lateral:P4``, ``upsampled:P4`` and ``merged:P4``.

    Raises:
        FPNError: If there is no such view.
    """
    if view not in PACKED_VIEWS:
        raise FPNError("view must be one of {known}; got {view}.", known=", ".join(PACKED_VIEWS), view=repr(view))
    specs: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for name, maps in _all_maps(trace).items():
        stride = stride_of(name.rpartition(":")[2])
        rows, columns = (-(-side // stride) for side in trace.resized_size)
        spec: dict[str, Any] = {
            "name": name,
            "channels": maps.shape[0],
            "all_rows": maps.shape[1],
            "all_cols": maps.shape[2],
            "rows": rows,
            "cols": columns,
            "stride": stride,
            "filled": view != "channel" or channel < maps.shape[0],
            "colored": view == "pca",
        }
        if spec["filled"]:
            cut = maps[:, :rows, :columns]
            kind = "mean" if view == "pca" else view
            values = channel_views(cut, kind, channel=channel if view == "channel" else None)
            low, high = float(values.min()), float(values.max())
            steps = np.zeros(values.shape) if high <= low else (values.astype(np.float64) - low) / (high - low)
            spec |= {"low": low, "high": high, "shades": value_range(values)}
            arrays[name] = np.rint(steps * _STEPS).astype(np.uint16)
            if view == "pca":
                arrays[f"{name}.rgb"] = pca_rgb(cut)
        specs.append(spec)
    return pack(arrays, image=list(trace.image_size), scales=list(trace.scales), maps=specs)


def pack_field(
    trace: FPNTrace,
    field: EffectiveField,
    *,
    level: str,
    anchors: bool = False,
) -> bytes:
    """Writes what belongs to one cell: its gradient, the points of its level and its anchors.

    The gradient is averaged over squares so that its longer side has at most ``FIELD_SIDE`` numbers, then sent as the
    square root of its share of the greatest.

    Args:
        trace: of the photo.
        field: of one cell.
        level: stage or level of the cell.
        anchors: whether the FPN paper's three anchors of the cell are sent, for a level.

    Returns:
        As :mod:`vizcore.packing`: ``heat`` ``[height, width]`` uint8, and the ``points`` of the level
        ``[rows, columns, 2]``, x and y, float32, in pixels of the photo.
    """
    rows, columns = (-(-side // stride_of(level)) for side in trace.resized_size)
    step = -(-max(field.gradient.shape) // FIELD_SIDE)
    padding = [(0, -side % step) for side in field.gradient.shape]
    padded = np.pad(field.gradient.astype(np.float64), padding)
    height, width = (side // step for side in padded.shape)
    pooled = padded.reshape(height, step, width, step).mean((1, 3))
    shares = np.sqrt(pooled / pooled.max()) if pooled.max() > 0 else pooled
    heat = np.rint(255 * shares).astype(np.uint8)
    points = trace.points(level).reshape(*trace.maps(level).shape[-2:], 2)[:rows, :columns].astype(np.float32)
    own: list[list[float]] = []
    if anchors and level[0] == "P":
        size = (trace.maps(level).shape[-2], trace.maps(level).shape[-1])
        shapes = level_anchors(level, size).reshape(*size, -1, 4)[field.cell]
        own = trace.to_photo(shapes).tolist()
    return pack(
        {"heat": heat, "points": points},
        reach=[
            side * step / (scale * whole)
            for side, scale, whole in zip((height, width), trace.scales[::-1], trace.image_size, strict=True)
        ],
        anchors=own,
        theoretical=trace.to_photo(field.theoretical_box[None])[0].tolist(),
        held=field.box(field.side).tolist(),
        intervals=[receptive_interval(level, index) for index in range(INTERVALS)],
        stride=stride_of(level),
        scales=list(trace.scales),
        image=list(trace.image_size),
    )


def pack_thumbnails(maps: Mapping[str, Float[np.ndarray, "C H W"]]) -> bytes:
    """Writes the mean over the channels of some maps in 256 shades.

    Args:
        maps: by any name.

    Returns:
        As :mod:`vizcore.packing`: each map ``[H, W]`` as uint8.
    """
    views = {name: channel_views(each, "mean") for name, each in maps.items()}
    return pack({name: to_bytes(view, *value_range(view)) for name, view in views.items()})


def pack_atlas(maps: Float[np.ndarray, "C H W"], *, side: int) -> bytes:
    """Writes all channels side by side as a PNG file, as :func:`atlas_layout` lays them out.

    Places left over are transparent: black ones would look like dead channels.

    Args:
        maps: of a stage or level.
        side: longer side of a tile, pixels.
    """
    sheet = channel_atlas(maps, side=side)
    columns, rows, (high, wide) = atlas_layout(maps.shape[0], (maps.shape[1], maps.shape[2]), side=side)
    filled = (np.arange(rows * columns) < maps.shape[0]).reshape(rows, columns)
    alpha = np.where(filled, 255, 0).astype(np.uint8).repeat(high, axis=0).repeat(wide, axis=1)
    return encode_png(np.stack([sheet, sheet, sheet, alpha], axis=-1))


def pack_design(design: Design, maps: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """A design's nodes and arrows, JSON-like. In an image pyramid each pass is one arrow from its picture to its level.

    Args:
        design: of some picture.
        maps: names of the maps that can be shown: ``"C4"`` of the one backbone, ``"separate:P4"`` of a design. The
            image pyramid's one level at scale 1 is design (b)'s.

    Returns:
        ``nodes``: for each node ``name``, ``kind``, ``map_name``, ``size``, ``channels``, ``scale`` (of the picture it
        belongs to) and ``picture`` (which of the maps shows it, None if none does). ``edges``: ``start``, ``end`` and
        ``kind``.
    """
    pyramid = design.name == "image_pyramid"
    nodes = []
    for node in design.nodes:
        if pyramid and node.kind == "stage":
            continue
        scale = (stride_of(node.map_name) if node.map_name else 1) / node.stride
        picture = node.map_name if node.kind == "stage" else f"{'top' if pyramid else design.name}:{node.map_name}"
        shown = node.kind in ("stage", "level") and scale == 1 and picture in maps
        nodes.append(
            {
                "name": node.name,
                "kind": node.kind,
                "map_name": node.map_name,
                "size": list(node.size),
                "channels": node.channels,
                "scale": scale,
                "picture": picture if shown else None,
            }
        )
    edges = [{"start": edge.start, "end": edge.end, "kind": edge.kind} for edge in design.edges]
    if pyramid:
        images, levels = ([node.name for node in design.nodes if node.kind == kind] for kind in ("image", "level"))
        edges = [edge for edge in edges if edge["kind"] in ("resize", "head")]
        edges += [{"start": start, "end": end, "kind": "lateral"} for start, end in zip(images, levels, strict=True)]
    return {"nodes": nodes, "edges": edges}


def _all_maps(trace: FPNTrace) -> dict[str, np.ndarray]:
    merges = {level: trace.merge(level) for level in trace.levels if f"C{level[1:]}" in trace.laterals}
    return {
        **trace.stages,
        **trace.levels,
        **{
            f"{part}:{level}": maps
            for level, parts in merges.items()
            for part, maps in zip(("lateral", "upsampled", "merged"), parts, strict=True)
        },
    }
