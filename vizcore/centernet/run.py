"""The trained detector over a picture: what its heads say, kept, and decoded as often as the learner likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torchvision.ops import box_iou

from vizcore.centernet.decoding import KERNEL, DecodeTrace, K, trace_decode
from vizcore.centernet.rotation import angle_error, turn_to_angle
from vizcore.models.centernet import STRIDE, CenterNetDetector
from vizcore.models.fcos import as_input


@dataclass(frozen=True, eq=False)
class CenterNetRun:
    """What the heads say of a picture.

    Attributes:
        heatmap: ``[C, H, W]`` probabilities.
        offsets: ``[2, H, W]`` (x, y) within the cell, cells.
        sizes: ``[2, H, W]`` (width, height), cells.
        turns: ``[2, H, W]`` (cosine, sine) of the angle times the symmetry.
    """

    heatmap: Float32[np.ndarray, "C H W"]
    offsets: Float32[np.ndarray, "2 H W"]
    sizes: Float32[np.ndarray, "2 H W"]
    turns: Float32[np.ndarray, "2 H W"]


@torch.inference_mode()
def run_centernet(detector: CenterNetDetector, pixels: UInt8[np.ndarray, "H W 3"]) -> CenterNetRun:
    """Runs the detector.

    Args:
        detector: from ``load_centernet``.
        pixels: RGB; sides divide by 64.
    """
    output = detector(as_input(torch.from_numpy(pixels)[None]))
    maps = (output.heatmap, output.offsets, output.sizes, output.turns)
    return CenterNetRun(*(each[0].float().contiguous().numpy() for each in maps))


def decode_run(run: CenterNetRun, *, k: int = K, kernel: int = KERNEL, use_offsets: bool = True) -> DecodeTrace:
    """Decodes what a detector said.

    Args:
        run: from :func:`run_centernet`.
        k: boxes.
        kernel: of the peaks, cells.
        use_offsets: take the offset head's word; else the middle of the cell, the best guess without it.

    Raises:
        CenterNetError: k or the kernel cannot be used.
    """
    offsets = torch.from_numpy(run.offsets) if use_offsets else torch.full(run.offsets.shape, 0.5)
    return trace_decode(torch.from_numpy(run.heatmap), offsets, torch.from_numpy(run.sizes), k, kernel=kernel)


def read_angles(run: CenterNetRun, trace: DecodeTrace, symmetries: Sequence[int]) -> Float32[np.ndarray, " k"]:
    """How far every decoded object is turned.

    Args:
        run: whose turns are read.
        trace: of its decoding.
        symmetries: of each class; 0 where no angle is told.

    Returns:
        Radians, NaN where the class has no angle.
    """
    angles = np.full(len(trace.cells), np.nan, dtype=np.float32)
    for row, ((x, y), label) in enumerate(zip(trace.cells.tolist(), trace.labels.tolist(), strict=True)):
        if symmetries[label]:
            turn = torch.from_numpy(run.turns[:, y, x])[None]
            angles[row] = float(turn_to_angle(turn, symmetries[label])[0])
    return angles


def symmetries_of(classes: Sequence[str], symmetries: Mapping[str, int]) -> tuple[int, ...]:
    """The symmetry of each class, 0 for those without an angle."""
    return tuple(symmetries.get(name, 0) for name in classes)


@dataclass(frozen=True)
class AngleMatch:
    """A true object with an angle, and what was said of it.

    Attributes:
        target: index of the object.
        rank: of the decoded box that found it; -1 if none did.
        angle: said, radians; NaN if none.
        true: radians.
        error: degrees the shorter way round, within the symmetry; NaN if none.
    """

    target: int
    rank: int
    angle: float
    true: float
    error: float


def match_angles(
    trace: DecodeTrace,
    angles: Float32[np.ndarray, " k"],
    boxes: Float32[np.ndarray, "M 4"],
    labels: Int64[np.ndarray, " M"],
    true_angles: Float32[np.ndarray, " M"],
    symmetries: Sequence[int],
    *,
    score_threshold: float,
    iou_threshold: float = 0.5,
) -> tuple[AngleMatch, ...]:
    """Compares angles with the truth, for every true object that has one.

    Args:
        trace: of the decoding.
        angles: from :func:`read_angles`.
        boxes: of the true objects, xyxy in pixels.
        labels: of the true objects.
        true_angles: radians; NaN where there is none.
        symmetries: of each class.
        score_threshold: least score of a box that counts.
        iou_threshold: least IoU of a box with its object.
    """
    found = torch.from_numpy(trace.boxes) * STRIDE
    overlaps = box_iou(torch.from_numpy(np.asarray(boxes, dtype=np.float32)), found).numpy()
    matches = []
    for target, (label, true) in enumerate(zip(labels.tolist(), true_angles.tolist(), strict=True)):
        if not symmetries[label]:
            continue
        fits = (trace.labels == label) & (trace.scores >= score_threshold) & (overlaps[target] >= iou_threshold)
        ranks = np.flatnonzero(fits)
        if not len(ranks):
            matches.append(AngleMatch(target, -1, float("nan"), true, float("nan")))
            continue
        rank = int(ranks[overlaps[target][ranks].argmax()])
        said = float(angles[rank])
        error = angle_error(torch.tensor([said]), torch.tensor([true]), symmetries[label])
        matches.append(AngleMatch(target, rank, said, true, float(error[0])))
    return tuple(matches)
