"""A pyramid packed as bytes for the browser, what a cut changed, and the rule of ownership one cell at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor
from torchvision.ops import box_iou

from vizcore.fpn.levels import (
    CANONICAL_LEVEL,
    CANONICAL_SIZE,
    OwnershipCurve,
    cell_owners,
    level_anchors,
    level_number,
    level_value,
    roi_level,
    roi_level_value,
)
from vizcore.fpn.receptive_field import EffectiveField, receptive_interval
from vizcore.fpn.scene_sizes import SIZE_BORDERS, SIZE_CLASSES, box_sizes
from vizcore.fpn.trace import FPNTrace, stride_of
from vizcore.fpn.views import channel_views, pca_rgb, to_bytes, value_range
from vizcore.models.fcos import CENTER_RADIUS
from vizcore.packing import pack

PACKED_VIEWS: Final = ("mean", "max", "norm", "pca", "channel")
SAME_BOX: Final = 0.5
"""Two boxes of one class with a greater IoU count as the same find before and after a cut."""
FIELD_SIDE: Final = 128
"""A gradient is sent with at most so many numbers along its longer side."""
INTERVALS: Final = 8
"""Receptive fields repeat after so many cells: the levels above share them by twos, P2 to P5."""
_STEPS: Final = 65535


def pack_maps(trace: FPNTrace, *, view: str = "mean", channel: int = 0) -> bytes:
    """Writes one number (for ``pca`` also one colour) for each cell of every map.

    Cells that lie wholly on the padding are left out. A number travels as one of 65 536 equal steps between its map's
    least and greatest; the colour scale (``shades``) leaves out the outermost cells.

    Args:
        trace: of a photo.
        view: one of ``PACKED_VIEWS``; ``pca`` sends the mean as its number.
        channel: which channel the view ``channel`` shows; a map that has fewer is sent empty.

    Returns:
        As :mod:`vizcore.packing`: what is known of each map (``maps``), and for each that is filled its cells
        ``[H, W]`` as uint16 under its name, its colours ``[H, W, 3]`` as uint8 under ``<name>.rgb``. Maps are named
        ``C4``, ``P4``, ``lateral:P4``, ``upsampled:P4`` and ``merged:P4``.

    Raises:
        ValueError: If there is no such view.
    """
    if view not in PACKED_VIEWS:
        raise ValueError(f"view must be one of {', '.join(PACKED_VIEWS)}, not {view!r}")
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


@dataclass(frozen=True, eq=False)
class DetectionChange:
    """Final boxes before and after a cut.

    Attributes:
        before: ``[K]`` for each final box before: its partner after, as an index into ``after``'s final boxes, -1 if
            it was lost.
        after: ``[L]`` for each final box after: its partner before, -1 if it was gained.
    """

    before: Int64[np.ndarray, " K"]
    after: Int64[np.ndarray, " L"]

    @property
    def lost(self) -> Int64[np.ndarray, " ..."]:
        """Final boxes before that have no partner."""
        return np.flatnonzero(self.before < 0)

    @property
    def gained(self) -> Int64[np.ndarray, " ..."]:
        """Final boxes after that have no partner."""
        return np.flatnonzero(self.after < 0)


def compare_detections(before: FPNTrace, after: FPNTrace) -> DetectionChange:
    """Which final boxes two traces of one photo share: best overlap first, one partner each, the same class."""
    pairs = box_iou(*(torch.from_numpy(trace.boxes[trace.keep]) for trace in (before, after))).numpy()
    same = before.labels[before.keep][:, None] == after.labels[after.keep][None]
    overlap = np.where(same, pairs, 0.0)
    partner = np.full(len(before.keep), -1, dtype=np.int64)
    taken = np.full(len(after.keep), -1, dtype=np.int64)
    for place in np.argsort(-overlap, axis=None, kind="stable"):
        row, column = divmod(int(place), max(overlap.shape[1], 1))
        if overlap[row, column] <= SAME_BOX:
            break
        if partner[row] < 0 and taken[column] < 0:
            partner[row], taken[column] = column, row
    return DetectionChange(partner, taken)


def find_objects(
    trace: FPNTrace, boxes: Float[np.ndarray, "M 4"], labels: Int64[np.ndarray, " M"]
) -> Bool[np.ndarray, " M"]:
    """Which true objects have a final box of their class with an IoU of at least one half.

    Args:
        trace: of the picture.
        boxes: xyxy, pixels of the picture.
        labels: class of each.
    """
    if not len(boxes) or not len(trace.keep):
        return np.zeros(len(boxes), dtype=bool)
    found = torch.from_numpy(trace.boxes[trace.keep])
    overlap = box_iou(torch.from_numpy(np.asarray(boxes, dtype=np.float32)), found).numpy()
    same = np.asarray(labels)[:, None] == trace.labels[trace.keep][None]
    result: np.ndarray = ((overlap >= SAME_BOX) & same).any(axis=1)
    return result


def count_found(
    trace: FPNTrace, boxes: Float[np.ndarray, "M 4"], labels: Int64[np.ndarray, " M"]
) -> dict[str, tuple[int, int]]:
    """For each of COCO's size classes: objects found, and objects there are; arguments as for :func:`find_objects`."""
    found, sizes = find_objects(trace, boxes, labels), box_sizes(boxes)
    low, high = SIZE_BORDERS
    # COCO counts an object on a border on both sides.
    members = dict(zip(SIZE_CLASSES, (sizes <= low, (sizes >= low) & (sizes <= high), sizes >= high), strict=True))
    return {name: (int((found & here).sum()), int(here.sum())) for name, here in members.items()}


@dataclass(frozen=True, eq=False)
class Ownership:
    """Who owns a box, by either rule.

    Attributes:
        size: (height, width) of the box in pixels of the network's input, where both rules measure.
        level: number that the FPN paper's rule gives.
        value: that number before it is rounded down; −∞ without an area.
        farthest: distance from the box's centre to its farthest side, pixels of the input.
        cells: for each level of the detector the (row, column) of the cells that FCOS's training would give the box.
    """

    size: tuple[float, float]
    level: int
    value: float
    farthest: float
    cells: Mapping[str, Int64[np.ndarray, "K 2"]]

    @property
    def fcos_levels(self) -> tuple[str, ...]:
        """The levels that have such cells."""
        return tuple(name for name, cells in self.cells.items() if len(cells))


def find_owner(
    trace: FPNTrace,
    box: Float[np.ndarray, " 4"],
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> Ownership:
    """Who owns a box of the photo.

    Args:
        trace: of the photo.
        box: xyxy, pixels of the photo.
        canonical_size: side of the square that belongs to the canonical level, pixels of the input.
        canonical_level: k0.
    """
    ((x1, y1, x2, y2),) = trace.to_input(np.asarray(box, dtype=np.float64)[None])
    boxes = torch.tensor([[x1, y1, x2, y2]], dtype=torch.float64)
    return Ownership(
        size=(float(y2 - y1), float(x2 - x1)),
        level=int(roi_level(boxes, canonical_size=canonical_size, canonical_level=canonical_level)[0]),
        value=float(roi_level_value(boxes, canonical_size=canonical_size, canonical_level=canonical_level)[0]),
        farthest=float(max(x2 - x1, y2 - y1) / 2),
        cells=cell_owners(trace.config, trace.input_size, np.array([x1, y1, x2, y2])),
    )


def paper_rule(
    width: Tensor,
    height: Tensor,
    *,
    canonical_size: float = CANONICAL_SIZE,
    canonical_level: float = CANONICAL_LEVEL,
) -> dict[str, Float64[Tensor, "..."]]:
    """The FPN paper's rule, elementwise: ``level``, and ``value`` before it is rounded down."""
    return {
        "level": level_number(width, height, canonical_size=canonical_size, canonical_level=canonical_level),
        "value": level_value(width, height, canonical_size=canonical_size, canonical_level=canonical_level),
    }


def agreement(curve: OwnershipCurve) -> float:
    """Share of sizes, in equal steps of their logarithm, on which both rules name one level."""
    return float((curve.paper == curve.fcos).mean())


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


def on_photo(trace: FPNTrace, name: str) -> Float[np.ndarray, "C H W"]:
    """A stage or level without the cells that lie wholly on the padding."""
    rows, columns = (-(-side // stride_of(name)) for side in trace.resized_size)
    return trace.maps(name)[:, :rows, :columns]


def cell_rule(
    x: Tensor,
    y: Tensor,
    x1: Tensor,
    y1: Tensor,
    x2: Tensor,
    y2: Tensor,
    stride: Tensor,
    low: Tensor,
    high: Tensor,
) -> dict[str, Float64[Tensor, "..."]]:
    """FCOS's rule for one cell and one box alone in the picture, elementwise: what ``assign_targets`` decides.

    Args:
        x: of the cell's middle, pixels of the network's input.
        y: likewise.
        x1: left side of the box.
        y1: top side.
        x2: right side.
        y2: bottom side.
        stride: of the cell's level.
        low: the level answers for farthest sides beyond this, pixels.
        high: and up to this.

    Returns:
        ``owned`` (1 if the cell has to find the box), ``inside``, ``near``, ``in_range`` (its three conditions) and
        ``farthest`` (distance to the farthest side, pixels).
    """
    left, top, right, bottom = x - x1, y - y1, x2 - x, y2 - y
    nearest = torch.minimum(torch.minimum(left, right), torch.minimum(top, bottom))
    farthest = torch.maximum(torch.maximum(left, right), torch.maximum(top, bottom))
    off_center = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())
    in_range = (farthest > low) & (farthest <= high)
    inside, near = nearest > 0, off_center < CENTER_RADIUS * stride
    yes, no = torch.ones_like(x), torch.zeros_like(x)
    return {
        "owned": torch.where(inside & near & in_range, yes, no),
        "inside": torch.where(inside, yes, no),
        "near": torch.where(near, yes, no),
        "in_range": torch.where(in_range, yes, no),
        "farthest": farthest,
    }


def example_numbers(count: int) -> tuple[Float64[Tensor, " 3"], ...]:
    """So many inputs of different numbers, for ``browser.to_javascript``."""
    return tuple(torch.arange(1.0, 4.0, dtype=torch.float64) + place for place in range(count))
