"""A recorded picture and a recorded matching as bytes: sent to a browser once, asked there by hovering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8

from vizcore.detr.masks import MASK_STEP, KeepTrace, MaskOutput
from vizcore.detr.matching import MatchingTrace
from vizcore.detr.panoptic import MIN_AREA
from vizcore.detr.recording import DETRTrace
from vizcore.packing import pack

BUDGET = 3_000_000
"""Bytes that all attention of a picture may take."""
_STEPS = ((1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8))
"""How many tokens along a side are joined: of those that look, and of those looked at."""


@dataclass(frozen=True)
class PackedTrace:
    """A recorded picture for the browser.

    Attributes:
        content: header and arrays, see :func:`pack_trace`.
        looking: tokens along a side that were joined into one that looks.
        seen: tokens along a side that were joined into one that is looked at.
    """

    content: bytes
    looking: int
    seen: int


def pack_trace(trace: DETRTrace, *, budget: int = BUDGET) -> PackedTrace:
    """Lays a recorded picture with all its attention out as :mod:`vizcore.packing` does.

    A row of weights is written as bytes, 255 for its greatest; ``…_top`` holds that greatest. Where all rows would take
    more than the budget, neighbouring tokens are joined: those that look share the mean of their rows, those looked at
    are summed, so that a row still sums to 1.

    Args:
        trace: recorded with attention.
        budget: bytes.

    Returns:
        The content: ``boxes``, ``scores``, ``labels``, ``start`` (without rows if queries begin nowhere), ``encoder``
        ``[E, heads, S', S'']``, ``decoder_self``, ``decoder_cross`` ``[L, heads, Q, S'']`` and their ``…_top``.

    Raises:
        ValueError: If no attention was recorded.
    """
    if trace.encoder is None or trace.decoder_self is None or trace.decoder_cross is None:
        raise ValueError("pack_trace needs a trace with attention")
    height, width = trace.grid
    rows = trace.encoder.shape[0] * trace.encoder.shape[1]
    cross = int(np.prod(trace.decoder_cross.shape[:3]))
    rest = 8192 + trace.decoder_self.size + 4 * cross + 48 * trace.scores.size + trace.outside.size
    for looking, seen in _STEPS:
        tokens = -(-height // seen) * -(-width // seen)
        lookers = -(-height // looking) * -(-width // looking)
        if rows * lookers * (tokens + 4) + cross * (tokens + 4) + rest <= budget:
            break
    arrays: dict[str, np.ndarray] = {
        "boxes": trace.boxes.astype(np.float32),
        "scores": trace.scores.astype(np.float32),
        "labels": trace.labels.astype(np.int32),
        "nothing": trace.probabilities[..., -1].astype(np.float32),
        "start": (np.zeros((0, 4)) if trace.start_boxes is None else trace.start_boxes).astype(np.float32),
        "outside": trace.outside.astype(np.uint8),
    }
    encoder = _join_seen(_join_looking(trace.encoder, trace.grid, looking), trace.grid, seen)
    for name, weights in (
        ("encoder", encoder),
        ("decoder_self", trace.decoder_self),
        ("decoder_cross", _join_seen(trace.decoder_cross, trace.grid, seen)),
    ):
        top = weights.max(-1) if weights.size else np.zeros(weights.shape[:-1], np.float32)
        scaled = weights * (255 / np.maximum(top, 1e-12))[..., None]
        arrays[name] = np.rint(scaled).astype(np.uint8)
        arrays[f"{name}_top"] = top.astype(np.float32)
    content = pack(
        arrays,
        grid=list(trace.grid),
        cell=trace.cell,
        size=list(trace.image_size),
        looking=looking,
        seen=seen,
    )
    return PackedTrace(content, looking, seen)


def pack_matching(trace: MatchingTrace) -> bytes:
    """Lays a recorded matching out as :mod:`vizcore.packing` does: its arrays by name, inf as -1 in ``distances``."""
    single, index = np.float32, np.int32
    return pack(
        {
            "cost": trace.cost.astype(single),
            "queries": trace.queries.astype(index),
            "targets": trace.targets.astype(index),
            "row": trace.row.astype(index),
            "from_row": trace.from_row.astype(index),
            "column": trace.column.astype(index),
            "distance": trace.distance.astype(single),
            "distances": np.where(np.isfinite(trace.distances), trace.distances, -1).astype(single),
            "previous": trace.previous.astype(index),
            "tree": trace.tree.astype(np.uint8),
            "augments": trace.augments.astype(np.uint8),
            "column_of": trace.column_of.astype(index),
            "u": trace.u.astype(single),
            "v": trace.v.astype(single),
        },
        rows_are_targets=trace.rows_are_targets,
        total=trace.total,
    )


def pack_masks(
    output: MaskOutput,
    photo: UInt8[np.ndarray, "H W 3"],
    *,
    truth: np.ndarray | None = None,
    keep: KeepTrace | None = None,
) -> bytes:
    """Lays the masks of all queries out as :mod:`vizcore.packing` does.

    Args:
        output: the masks.
        photo: the picture.
        truth: ``[H, W]`` the object that is seen at each canvas pixel, -1 for none; None where nobody knows.
        keep: how good the merged picture is at every threshold; None where nobody knows.

    Returns:
        The content: ``masks`` in steps of ``MASK_STEP``, ``scores``, ``labels``, ``grey`` (the picture, a value a
        cell), ``truth`` (no rows if nobody knows), and of each number of sure queries ``pq``, ``sq``, ``rq`` (empty if
        nobody knows) and the rows ``pairs_from`` to the next of ``pair_query``, ``pair_target``, ``pair_iou``,
        likewise ``missed_from`` and ``missed``, ``invented_from`` and ``invented``.
    """
    pixels = torch.from_numpy(photo).float().mean(-1)[None, None]
    rows, columns = output.mask_logits.shape[1:]
    grey = F.interpolate(pixels, size=(rows, columns), mode="bilinear", antialias=True, align_corners=False)[0, 0]
    matches = keep.matches if keep else ()
    arrays: dict[str, np.ndarray] = {
        "masks": np.rint(output.mask_logits / MASK_STEP).astype(np.int16),
        "scores": output.scores.astype(np.float32),
        "labels": output.labels.astype(np.int32),
        "grey": grey.round().clamp(0, 255).numpy().astype(np.uint8),
        "truth": (np.zeros((0, 0)) if truth is None else truth).astype(np.int16),
    }
    for name in ("pq", "sq", "rq"):
        arrays[name] = np.array([getattr(match, name) for match in matches], np.float32)
    for start, names in (
        ("pairs_from", {"pair_query": "queries", "pair_target": "targets", "pair_iou": "iou"}),
        ("missed_from", {"missed": "missed"}),
        ("invented_from", {"invented": "invented"}),
    ):
        for name, field in names.items():
            rows_of = [getattr(match, field) for match in matches]
            arrays[start] = np.cumsum([0, *map(len, rows_of)]).astype(np.int32)
            values = np.concatenate(rows_of) if rows_of else np.zeros(0)
            arrays[name] = values.astype(np.float32 if field == "iou" else np.int32)
    return pack(arrays, size=list(output.size), step=MASK_STEP, min_area=MIN_AREA)


def _join_looking(weights: np.ndarray, grid: tuple[int, int], side: int) -> np.ndarray:
    """Means of the rows of neighbouring tokens."""
    if side == 1 or not weights.size:
        return weights
    layers, heads, _, tokens = weights.shape
    rows = torch.from_numpy(weights).reshape(layers * heads, *grid, tokens).permute(0, 3, 1, 2)
    joined = F.avg_pool2d(rows, side, ceil_mode=True)
    result: np.ndarray = joined.flatten(2).transpose(1, 2).reshape(layers, heads, -1, tokens).numpy()
    return result


def _join_seen(weights: np.ndarray, grid: tuple[int, int], side: int) -> np.ndarray:
    """Sums of the columns of neighbouring tokens."""
    if side == 1 or not weights.size:
        return weights
    height, width = grid
    columns = torch.from_numpy(weights).reshape(-1, 1, *grid)
    columns = F.pad(columns, (0, -width % side, 0, -height % side))
    joined = F.avg_pool2d(columns, side) * side**2
    result: np.ndarray = joined.reshape(*weights.shape[:-1], -1).numpy()
    return result
