"""A photo's way through a feature pyramid: every map, and the boxes that come out of it.

The maps that cannot be derived are kept: stages, laterals and levels. What a merge receives from above and what it
makes are one copy and one addition away and are derived when asked for, to the last bit: a 512-pixel photo would
otherwise take half as much memory again.

Any connection can be cut. A cut arrow brings zeros; everything after it is computed again from the recorded stages, so
the backbone runs once per photo.

Reference:
    Tsung-Yi Lin et al. Feature Pyramid Networks for Object Detection. CVPR 2017, arXiv 1612.03144.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int64, Real
from torch import Tensor
from torchvision.ops import batched_nms

from vizcore.fpn.errors import FPNError
from vizcore.fpn.neck import check_cuts, is_cut, run_neck, stride_of
from vizcore.models.fcos import Detector, FCOSConfig, as_input, candidates, level_points

MAX_SIDE: Final = 512
"""A photo's longer side is scaled down to so many pixels, never up."""
RECORDING_FLOOR: Final = 0.05
"""Candidates with a greater score are recorded ..."""
MIN_CANDIDATES, MAX_CANDIDATES = 150, 1000
"""... but at least so many are (where the photo has so many cells), and at most so many."""
MAX_DETECTIONS: Final = 100

Maps = Mapping[str, Float32[np.ndarray, "_C _H _W"]]


@dataclass(frozen=True, eq=False)
class FPNTrace:
    """All maps of a feature pyramid over one photo, and what the head made of them.

    The maps cover the padded input. A cell (row, column) of a map with stride s is the square of s pixels that starts
    at (column · s, row · s) in the input; the photo ends at ``resized_size``.

    Attributes:
        image_size: (height, width) of the photo.
        resized_size: (height, width) of the photo as the network sees it, without padding.
        input_size: (height, width) of the network's input, padded at the right and below to multiples of 64.
        config: of the detector.
        cuts: the connections that were cut.
        stages: ``C2`` … ``C5``: ``[C, H, W]`` float32, the backbone's maps.
        laterals: by stage, ``[C, H, W]`` float32: its 1×1 convolution; zeros where it was cut.
        levels: ``P2`` … ``P6``, those of the detector: ``[C, H, W]`` float32, what the head reads.
        boxes: ``[M, 4]`` float32, candidates, xyxy in pixels of the photo, clipped to it, by decreasing score.
        input_boxes: ``[M, 4]`` float32, the same in pixels of the input, where NMS compares them.
        scores: ``[M]`` float32 in [0, 1].
        labels: ``[M]`` int64, class.
        level_of: ``[M]`` int64, index into ``config.levels``.
        cells: ``[M, 2]`` int64, (row, column) on that level.
        keep: ``[K]`` int64, the candidates that are the final boxes, by decreasing score.
        score_threshold: a final box has a greater score.
        iou_threshold: a candidate falls if its IoU with a better one of its class is greater.
        seconds: wall time of ``"resize"``, ``"backbone"``, ``"neck"``, ``"head"``, ``"candidates"`` and ``"nms"``;
            after a cut, the first two are those of the first run.
    """

    image_size: tuple[int, int]
    resized_size: tuple[int, int]
    input_size: tuple[int, int]
    config: FCOSConfig
    cuts: frozenset[str]
    stages: Maps
    laterals: Maps
    levels: Maps
    boxes: np.ndarray
    input_boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    level_of: np.ndarray
    cells: np.ndarray
    keep: np.ndarray
    score_threshold: float
    iou_threshold: float
    seconds: Mapping[str, float]

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the input per cell of every map."""
        return {name: stride_of(name) for name in (*self.stages, *self.levels)}

    @property
    def scale(self) -> float:
        """Pixels of the input per pixel of the photo, at most 1."""
        return max(self.resized_size) / max(self.image_size)

    @property
    def scales(self) -> tuple[float, float]:
        """The same along x and along y: a thin strip's short side is rounded to a whole pixel."""
        return self.resized_size[1] / self.image_size[1], self.resized_size[0] / self.image_size[0]

    @property
    def merged(self) -> Maps:
        """By level, ``[C, H, W]``: lateral plus upsampled, what the 3×3 convolution reads; finest first."""
        return {level: self.merge(level)[2] for level in self._merging()}

    @property
    def upsampled(self) -> Maps:
        """By level but the topmost, ``[C, H, W]``: what comes down into it; zeros where the arrow was cut."""
        return {level: self.merge(level)[1] for level in self._merging()[:-1]}

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        maps = (*self.stages.values(), *self.laterals.values(), *self.levels.values())
        rows = (self.boxes, self.input_boxes, self.scores, self.labels, self.level_of, self.cells, self.keep)
        return sum(array.nbytes for array in (*maps, *rows))

    def maps(self, name: str) -> Float32[np.ndarray, "C H W"]:
        """The map of a stage or a level.

        Raises:
            KeyError: If the detector has no such map.
        """
        return self.stages[name] if name in self.stages else self.levels[name]

    def merge(self, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lateral, upsampled and their sum at a level, each ``[C, H, W]``.

        The topmost level and those of a neck without a top-down pathway receive zeros.

        Raises:
            KeyError: If the level merges nothing (P6 is every other cell of P5).
        """
        lateral = self.laterals[f"C{level[1:]}"]
        above = f"P{int(level[1:]) + 1}"
        if above not in self._merging() or self.config.neck != "fpn" or is_cut(level, self.cuts):
            return lateral, np.zeros_like(lateral), lateral
        upsampled = _nearest(self.merge(above)[2], lateral.shape[-2:])
        return lateral, upsampled, lateral + upsampled

    def to_photo(self, points: Real[np.ndarray, "*N D"]) -> Float[np.ndarray, "*N D"]:
        """Points (x, y) or boxes (xyxy) of the input in pixels of the photo; not clipped."""
        points = np.asarray(points, dtype=np.float64)
        return points / np.resize(self.scales, points.shape[-1])

    def to_input(self, points: Real[np.ndarray, "*N D"]) -> Float[np.ndarray, "*N D"]:
        """Points (x, y) or boxes (xyxy) of the photo in pixels of the input."""
        points = np.asarray(points, dtype=np.float64)
        return points * np.resize(self.scales, points.shape[-1])

    def points(self, level: str) -> Float[np.ndarray, "A 2"]:
        """The middles (x, y) of a level's cells in pixels of the photo, row by row; some may lie on the padding."""
        rows, columns = self.maps(level).shape[-2:]
        points = level_points([(rows, columns)], (stride_of(level),))
        return self.to_photo(points.centres.numpy())

    def cell_box(self, name: str, cell: tuple[int, int]) -> Float[np.ndarray, " 4"]:
        """The square of a map's cell (row, column) as a box in pixels of the photo."""
        row, column, stride = cell[0], cell[1], stride_of(name)
        return self.to_photo(np.array([column, row, column + 1, row + 1]) * stride)

    def cell_center(self, name: str, cell: tuple[int, int]) -> tuple[float, float]:
        """The middle (x, y) of a map's cell (row, column) in pixels of the photo."""
        x1, y1, x2, y2 = self.cell_box(name, cell).tolist()
        return (x1 + x2) / 2, (y1 + y2) / 2

    def count_by_level(self) -> dict[str, int]:
        """How many final boxes each level of the detector found."""
        found = np.bincount(self.level_of[self.keep], minlength=len(self.config.levels))
        return dict(zip(self.config.levels, found.tolist(), strict=True))

    def _merging(self) -> tuple[str, ...]:
        return tuple(f"P{stage[1:]}" for stage in self.config.stages)


def resized_size(image_size: tuple[int, int], *, max_side: int = MAX_SIDE) -> tuple[int, int]:
    """(height, width) of a photo as the network sees it: the longer side at most ``max_side``, each side at least 1."""
    scale = min(1.0, max_side / max(image_size))
    height, width = (max(1, round(side * scale)) for side in image_size)
    return height, width


def prepare(photo: np.ndarray, *, max_side: int = MAX_SIDE) -> tuple[Float[Tensor, "1 3 H W"], tuple[int, int]]:
    """A photo as the network's input, and the (height, width) that it takes of it; the rest is padding.

    Args:
        photo: uint8 ``[H, W, 3]``, RGB.
        max_side: the longer side is scaled down to so many pixels, never up.

    Raises:
        FPNError: If it is no such array.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0:
        raise FPNError(
            "A photo must be uint8 [H, W, 3] with at least one pixel; got {dtype} {shape}.",
            dtype=photo.dtype,
            shape=list(photo.shape),
        )
    size = resized_size((photo.shape[0], photo.shape[1]), max_side=max_side)
    pixels = torch.from_numpy(np.ascontiguousarray(photo))[None]
    if size != tuple(photo.shape[:2]):
        image = pixels.permute(0, 3, 1, 2).to(torch.float32)
        image = F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)
        pixels = image.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return as_input(pixels), size


@torch.inference_mode()
def trace_fpn(
    detector: Detector,
    photo: np.ndarray,
    *,
    cuts: Iterable[str] = frozenset(),
    score_threshold: float = 0.3,
    iou_threshold: float = 0.6,
) -> FPNTrace:
    """Runs a detector on a photo and records its maps and its candidates.

    Args:
        detector: backbone, neck and head.
        photo: uint8 ``[H, W, 3]``, RGB, of any size; its longer side is scaled down to ``MAX_SIDE``.
        cuts: connections of the neck that bring zeros, see :func:`possible_cuts`.
        score_threshold: final boxes have a greater score, in [0, 1].
        iou_threshold: a candidate falls if its IoU with a better one of its class is greater, in [0, 1].

    Raises:
        FPNError: If the photo, a cut or a threshold cannot be used.
    """
    chosen = check_cuts(detector.fcos.config, cuts)
    started = time.perf_counter()
    x, size = prepare(photo)
    resized = time.perf_counter()
    stages = detector.backbone.stage_features(x)
    seconds = {"resize": resized - started, "backbone": time.perf_counter() - resized}
    return _finish(
        detector,
        stages,
        (photo.shape[0], photo.shape[1]),
        size,
        chosen,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        seconds=seconds,
    )


@torch.inference_mode()
def retrace(
    detector: Detector,
    trace: FPNTrace,
    *,
    cuts: Iterable[str],
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
) -> FPNTrace:
    """The same photo with other cuts: neck and head run again on the recorded stages, the backbone does not.

    Args:
        detector: that made the trace, or one with another neck on the same backbone.
        trace: of the photo, with any cuts.
        cuts: connections that bring zeros, see :func:`possible_cuts`.
        score_threshold: as in :func:`trace_fpn`; None for the trace's.
        iou_threshold: likewise.

    Raises:
        FPNError: If a cut or a threshold cannot be used.
    """
    return _finish(
        detector,
        {name: torch.from_numpy(values)[None] for name, values in trace.stages.items()},
        trace.image_size,
        trace.resized_size,
        check_cuts(detector.fcos.config, cuts),
        score_threshold=trace.score_threshold if score_threshold is None else score_threshold,
        iou_threshold=trace.iou_threshold if iou_threshold is None else iou_threshold,
        seconds={name: trace.seconds[name] for name in ("resize", "backbone")},
    )


def refilter(trace: FPNTrace, *, score_threshold: float, iou_threshold: float) -> FPNTrace:
    """The same maps and candidates at other thresholds; nothing of the network runs.

    Below ``RECORDING_FLOOR`` and the trace's own threshold, candidates may be missing.

    Raises:
        FPNError: If a threshold is not a number in [0, 1].
    """
    started = time.perf_counter()
    keep = _suppress(
        torch.from_numpy(trace.input_boxes),
        torch.from_numpy(trace.scores),
        torch.from_numpy(trace.labels),
        score_threshold,
        iou_threshold,
    )
    return replace(
        trace,
        keep=keep.numpy(),
        score_threshold=float(score_threshold),
        iou_threshold=float(iou_threshold),
        seconds={**trace.seconds, "nms": time.perf_counter() - started},
    )


def _finish(
    detector: Detector,
    stages: Mapping[str, Tensor],
    image_size: tuple[int, int],
    size: tuple[int, int],
    cuts: frozenset[str],
    *,
    score_threshold: float,
    iou_threshold: float,
    seconds: dict[str, float],
) -> FPNTrace:
    """Neck, head and NMS on backbone stages."""
    _check_thresholds(score_threshold, iou_threshold)
    fcos = detector.fcos
    started = time.perf_counter()
    neck = run_neck(fcos, stages, cuts=cuts)
    merged = time.perf_counter()
    output = fcos.answers(neck.levels)
    answered = time.perf_counter()
    grids = [(level.shape[-2], level.shape[-1]) for level in neck.levels.values()]
    points = level_points(grids, fcos.config.strides)
    floor = min(RECORDING_FLOOR, score_threshold)
    found = candidates(output, points, size, score_threshold=floor, least=2 * MIN_CANDIDATES, most=MAX_CANDIDATES)
    # A cell on the padding may see a box that lies wholly beside the photo: nothing of it is left after clipping.
    solid = (found.boxes[:, 2:] > found.boxes[:, :2]).all(1)
    solid &= (solid.cumsum(0) <= MIN_CANDIDATES) | (found.scores > floor)
    boxes, scores, labels, places = (column[solid] for column in found)
    selected = time.perf_counter()
    keep = _suppress(boxes, scores, labels, score_threshold, iou_threshold)
    finished = time.perf_counter()
    x_scale, y_scale = size[1] / image_size[1], size[0] / image_size[0]
    in_photo = (boxes / boxes.new_tensor([x_scale, y_scale, x_scale, y_scale])).clamp(min=0)
    in_photo = in_photo.minimum(boxes.new_tensor([*image_size[::-1], *image_size[::-1]]))
    finest = next(iter(stages.values()))
    stride = stride_of(next(iter(stages)))
    return FPNTrace(
        image_size=image_size,
        resized_size=size,
        input_size=(finest.shape[-2] * stride, finest.shape[-1] * stride),
        config=fcos.config,
        cuts=cuts,
        stages={name: values[0].numpy() for name, values in stages.items()},
        laterals={name: values[0].numpy() for name, values in neck.laterals.items()},
        levels={name: values[0].numpy() for name, values in neck.levels.items()},
        boxes=in_photo.numpy(),
        input_boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=labels.numpy(),
        level_of=points.levels[places].numpy(),
        cells=points.cells[places].numpy(),
        keep=keep.numpy(),
        score_threshold=float(score_threshold),
        iou_threshold=float(iou_threshold),
        seconds={
            **seconds,
            "neck": merged - started,
            "head": answered - merged,
            "candidates": selected - answered,
            "nms": finished - selected,
        },
    )


def _suppress(
    boxes: Float[Tensor, "M 4"],
    scores: Float[Tensor, " M"],
    labels: Int64[Tensor, " M"],
    score_threshold: float,
    iou_threshold: float,
) -> Int64[Tensor, " K"]:
    """Indices of the final boxes, by decreasing score."""
    _check_thresholds(score_threshold, iou_threshold)
    # Compared in float32: in float64 the score nearest to 0.3 would pass "> 0.3".
    (passed,) = torch.nonzero(scores > scores.new_tensor(score_threshold), as_tuple=True)
    keep = batched_nms(boxes[passed], scores[passed], labels[passed], iou_threshold)
    chosen: Tensor = passed[keep][:MAX_DETECTIONS]
    return chosen


def _check_thresholds(*thresholds: float) -> None:
    for value in thresholds:
        if not 0 <= value <= 1:
            raise FPNError("A threshold must be a number from 0 to 1, not {value}.", value=value)


def _nearest(maps: Float32[np.ndarray, "C H W"], size: tuple[int, ...]) -> Float32[np.ndarray, "C H2 W2"]:
    """``F.interpolate(maps, size, mode="nearest")``."""
    upsampled: np.ndarray = F.interpolate(torch.from_numpy(maps)[None], size=size, mode="nearest")[0].numpy()
    return upsampled
