"""MTCNN recorded: an image pyramid, a fully convolutional window, and a cascade of ever larger networks.

P-Net says of every window of 12 × 12 pixels, on every level, how much it looks like a face. What passes is suppressed
where it overlaps, made square and cut out at 24 × 24 for R-Net; what passes there, at 48 × 48 for O-Net.

Reference:
    Kaipeng Zhang, Zhanpeng Zhang, Zhifeng Li, Yu Qiao. Joint face detection and alignment using multi-task cascaded
    convolutional networks. IEEE Signal Processing Letters 2016, arXiv 1604.02878.

    Ours differs from the package ``mtcnn`` 1.0.0, whose weights it runs: a level is made by an antialiased bilinear
    resize (there: by averaging areas), levels are taken as long as a window fits (the
    authors' rule; the package leaves out the last or takes one more), suppression is greedy (in the package a box that
    was suppressed still suppresses), and at most ``MAX_PROPOSALS`` reach R-Net.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torchvision.ops import nms

from vizcore.models.mtcnn import CROPS, MTCNN, STRIDE, WINDOW

LANDMARKS: Final = ("left eye", "right eye", "nose", "left corner of the mouth", "right corner of the mouth")
"""In the order of the network; left and right as one who looks at the picture sees them."""
THRESHOLDS: Final = (0.6, 0.7, 0.8)
"""Face probability that P-Net, R-Net and O-Net ask for."""
LEVEL_IOU, PROPOSAL_IOU, REFINED_IOU, FINAL_OVERLAP = 0.5, 0.7, 0.7, 0.7
MAX_PROPOSALS: Final = 600


@dataclass(frozen=True, eq=False)
class MTCNNLevel:
    """One size of the photo as P-Net sees it.

    Attributes:
        scale: pixels of the level over pixels of the photo.
        pixels: uint8 ``[h, w, 3]``.
        faces: ``[H, W]`` float32, face probability of each window.
        num_passed: windows above the threshold.
        boxes: ``[K, 4]`` float32 xyxy, pixels of the photo: what is left of them after NMS on this level.
        scores: ``[K]`` float32.
        cells: ``[K, 2]`` int64, (row, column) of each in ``faces``.
        seconds: wall time of the forward pass.
    """

    scale: float
    pixels: UInt8[np.ndarray, "h w 3"]
    faces: Float[np.ndarray, "H W"]
    num_passed: int
    boxes: Float[np.ndarray, "K 4"]
    scores: Float[np.ndarray, " K"]
    cells: Int64[np.ndarray, "K 2"]
    seconds: float


@dataclass(frozen=True, eq=False)
class MTCNNTrace:
    """A run of the cascade. Boxes are xyxy in pixels of the photo.

    Attributes:
        image_size: (height, width) of the photo.
        levels: of the pyramid, largest first.
        proposals: ``[P, 4]`` float32, squares: what P-Net leaves after NMS across all levels, by decreasing score.
        proposal_scores: ``[P]`` float32.
        proposal_levels: ``[P]`` int64, index into ``levels``.
        proposal_cells: ``[P, 2]`` int64, (row, column) on that level.
        rnet_scores: ``[P]`` float32, what R-Net says of each proposal.
        rnet_boxes: ``[P, 4]`` float32, each as R-Net would refine it.
        refined: ``[R]`` int64, the proposals that are left after R-Net's threshold and NMS, by decreasing R-Net score.
        refined_boxes: ``[R, 4]`` float32, squares: what O-Net looks at.
        onet_scores: ``[R]`` float32, what O-Net says of each.
        onet_boxes: ``[R, 4]`` float32, each as O-Net refines it.
        landmarks: ``[R, 5, 2]`` float32, (x, y) of ``LANDMARKS``, pixels of the photo.
        keep: ``[N]`` int64, index into the R: the faces, by decreasing score.
        thresholds: of P-Net, R-Net and O-Net.
        seconds: wall time of ``"pyramid"``, ``"P-Net"``, ``"NMS"``, ``"R-Net"`` and ``"O-Net"``.
    """

    image_size: tuple[int, int]
    levels: tuple[MTCNNLevel, ...]
    proposals: Float[np.ndarray, "P 4"]
    proposal_scores: Float[np.ndarray, " P"]
    proposal_levels: Int64[np.ndarray, " P"]
    proposal_cells: Int64[np.ndarray, "P 2"]
    rnet_scores: Float[np.ndarray, " P"]
    rnet_boxes: Float[np.ndarray, "P 4"]
    refined: Int64[np.ndarray, " R"]
    refined_boxes: Float[np.ndarray, "R 4"]
    onet_scores: Float[np.ndarray, " R"]
    onet_boxes: Float[np.ndarray, "R 4"]
    landmarks: Float[np.ndarray, "R 5 2"]
    keep: Int64[np.ndarray, " N"]
    thresholds: tuple[float, float, float]
    seconds: dict[str, float]

    @property
    def num_windows(self) -> int:
        """Windows that P-Net looked at, on all levels."""
        return sum(level.faces.size for level in self.levels)

    @property
    def boxes(self) -> Float[np.ndarray, "N 4"]:
        """The faces, within the photo."""
        height, width = self.image_size
        return self.onet_boxes[self.keep].clip(0, np.array([width, height, width, height], dtype=np.float32))

    @property
    def scores(self) -> Float[np.ndarray, " N"]:
        """Of the faces, in [0, 1]."""
        return self.onet_scores[self.keep]

    def window(self, proposal: int) -> tuple[float, float, float, float]:
        """The window that made a proposal, xyxy in pixels of the photo."""
        row, column = (STRIDE * int(place) for place in self.proposal_cells[proposal])
        scale = self.levels[int(self.proposal_levels[proposal])].scale
        return column / scale, row / scale, (column + WINDOW) / scale, (row + WINDOW) / scale


def mtcnn_scales(height: int, width: int, *, min_size: float = 20, factor: float = 0.709) -> Float[np.ndarray, " S"]:
    """Scales of the pyramid's levels, largest first: as long as P-Net's window fits into the shorter side.

    Args:
        height: of the photo, pixels.
        width: of the photo, pixels.
        min_size: side of the smallest face that is looked for, pixels: 12 pixels of the first level.
        factor: side of a level over the side of the one before; 0.709 halves the area.

    Returns:
        ``[S]`` float64; empty for a photo whose shorter side is below ``min_size``.

    Raises:
        ValueError: ``min_size`` is not above 0, or ``factor`` not between 0 and 1.
    """
    if not min_size > 0 or not 0 < factor < 1:
        raise ValueError(f"min_size must be above 0 and factor between 0 and 1; got {min_size} and {factor}")
    first = WINDOW / min_size
    shorter = min(height, width) * first
    scales: list[float] = []
    while shorter >= WINDOW:
        scales.append(first * factor ** len(scales))
        shorter *= factor
    return np.array(scales)


@torch.inference_mode()
def trace_mtcnn(
    model: MTCNN,
    photo: UInt8[np.ndarray, "H W 3"],
    *,
    min_size: float = 20,
    factor: float = 0.709,
    thresholds: tuple[float, float, float] = THRESHOLDS,
) -> MTCNNTrace:
    """Looks for faces and records every stage.

    Args:
        model: from ``load_mtcnn``.
        photo: RGB.
        min_size: side of the smallest face that is looked for, pixels.
        factor: side of a level over the side of the one before.
        thresholds: face probability that P-Net, R-Net and O-Net ask for, each in [0, 1].
    """
    image_size = (photo.shape[0], photo.shape[1])
    seconds = dict.fromkeys(("pyramid", "P-Net", "NMS", "R-Net", "O-Net"), 0.0)
    started = time.perf_counter()
    # Bytes, and their channels last: torch resizes these several times as fast as floats.
    picture = torch.from_numpy(np.array(photo, order="C")).permute(2, 0, 1)[None]
    scales = mtcnn_scales(*image_size, min_size=min_size, factor=factor).tolist()
    sizes = [tuple(math.ceil(side * scale) for side in image_size) for scale in scales]
    pictures = [F.interpolate(picture, size, mode="bilinear", antialias=True) for size in sizes]
    seconds["pyramid"] = time.perf_counter() - started

    levels = []
    for scale, resized in zip(scales, pictures, strict=True):
        level = _propose(model, resized, scale, thresholds[0])
        seconds["P-Net"] += level.seconds
        levels.append(level)
    started = time.perf_counter()
    boxes, scores, which, cells = _gather(levels)
    keep = nms(boxes, scores, PROPOSAL_IOU)[:MAX_PROPOSALS]
    proposals, scores, which, cells = _square(boxes[keep]), scores[keep], which[keep], cells[keep]
    seconds["NMS"] = time.perf_counter() - started

    started = time.perf_counter()
    normal = normalise(picture)
    rnet_scores, shifts = model.rnet(crop(normal, proposals, CROPS["rnet"]))
    rnet_boxes = _shift(proposals, shifts)
    (passed,) = torch.nonzero(rnet_scores > thresholds[1], as_tuple=True)
    refined = passed[nms(rnet_boxes[passed], rnet_scores[passed], REFINED_IOU)]
    refined_boxes = _square(rnet_boxes[refined])
    seconds["R-Net"] = time.perf_counter() - started

    started = time.perf_counter()
    onet_scores, shifts, points = model.onet(crop(normal, refined_boxes, CROPS["onet"]))
    onet_boxes = _shift(refined_boxes, shifts)
    landmarks = points * _sides(refined_boxes)[:, None] + refined_boxes[:, None, :2] - 1
    keep = _keep_largest_overlap(onet_boxes, onet_scores, thresholds[2])
    seconds["O-Net"] = time.perf_counter() - started

    return MTCNNTrace(
        image_size=image_size,
        levels=tuple(levels),
        proposals=proposals.numpy(),
        proposal_scores=scores.numpy(),
        proposal_levels=which.numpy(),
        proposal_cells=cells.numpy(),
        rnet_scores=rnet_scores.numpy(),
        rnet_boxes=rnet_boxes.numpy(),
        refined=refined.numpy(),
        refined_boxes=refined_boxes.numpy(),
        onet_scores=onet_scores.numpy(),
        onet_boxes=onet_boxes.numpy(),
        landmarks=landmarks.numpy(),
        keep=keep.numpy(),
        thresholds=thresholds,
        seconds=seconds,
    )


def normalise(pixels: UInt8[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 H W"]:
    """0..255 to about −1..1, as the networks were trained."""
    return pixels.to(torch.float32, memory_format=torch.contiguous_format).sub_(127.5).div_(128)


def crop(picture: Float[Tensor, "1 3 H W"], boxes: Float[Tensor, "N 4"], side: int) -> Float[Tensor, "N 3 side side"]:
    """Each box at ``side`` × ``side`` pixels, bilinearly, its first and last pixels on its edges; 0 beyond the picture.

    Args:
        picture: normalised, so that 0 is a middle grey.
        boxes: xyxy, pixels.
        side: of the crops.
    """
    height, width = picture.shape[2:]
    steps = torch.linspace(0, 1, side)
    # In grid_sample's units the middle of the first pixel is −1 and that of the last one 1.
    x = 2 * (boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * steps) / width - 1
    y = 2 * (boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * steps) / height - 1
    grid = torch.stack([x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], dim=3)
    return F.grid_sample(picture.expand(len(boxes), -1, -1, -1), grid, align_corners=True)


def _propose(model: MTCNN, resized: UInt8[Tensor, "1 3 h w"], scale: float, threshold: float) -> MTCNNLevel:
    """P-Net on one level, and NMS among its windows."""
    started = time.perf_counter()
    faces, shifts = model.pnet(normalise(resized))
    seconds = time.perf_counter() - started
    faces, shifts = faces[0], shifts[0]
    cells = torch.nonzero(faces > threshold)
    scores = faces[cells[:, 0], cells[:, 1]]
    corners = STRIDE * cells.flip(1).float()
    windows = torch.cat([corners, corners + WINDOW], dim=1)
    boxes = (windows + WINDOW * shifts[:, cells[:, 0], cells[:, 1]].T) / scale
    keep = nms(boxes, scores, LEVEL_IOU)
    return MTCNNLevel(
        scale=scale,
        pixels=resized[0].permute(1, 2, 0).numpy(),
        faces=faces.numpy(),
        num_passed=len(cells),
        boxes=boxes[keep].numpy(),
        scores=scores[keep].numpy(),
        cells=cells[keep].numpy(),
        seconds=seconds,
    )


def _gather(levels: list[MTCNNLevel]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes, scores, level and cell of what is left on all levels."""
    if not levels:
        return (
            torch.zeros(0, 4),
            torch.zeros(0),
            torch.zeros(0, dtype=torch.int64),
            torch.zeros(0, 2, dtype=torch.int64),
        )
    which = torch.cat([torch.full((len(level.scores),), index) for index, level in enumerate(levels)])
    boxes, scores, cells = (
        torch.cat([torch.from_numpy(getattr(level, name)) for level in levels]) for name in ("boxes", "scores", "cells")
    )
    return boxes, scores, which, cells


def _square(boxes: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """The square round each box that has its middle and its longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half], dim=1)


def _sides(boxes: Float[Tensor, "N 4"]) -> Float[Tensor, "N 2"]:
    """Width and height as the authors count them: from the first to the last pixel."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def _shift(boxes: Float[Tensor, "N 4"], shifts: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    return boxes + shifts * _sides(boxes).repeat(1, 2)


def _keep_largest_overlap(boxes: Float[Tensor, "N 4"], scores: Float[Tensor, " N"], threshold: float) -> Tensor:
    """Greedy suppression where the overlap covers ``FINAL_OVERLAP`` of the smaller box: a face within a face goes."""
    order = scores.argsort(descending=True, stable=True)
    order = order[scores[order] > threshold]
    kept: list[int] = []
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    for index in order.tolist():
        others = torch.tensor(kept, dtype=torch.int64)
        shared = torch.minimum(boxes[others, 2:], boxes[index, 2:]) - torch.maximum(boxes[others, :2], boxes[index, :2])
        overlap = shared.clamp(min=0).prod(1) / torch.minimum(areas[others], areas[index])
        if not bool((overlap > FINAL_OVERLAP).any()):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)
