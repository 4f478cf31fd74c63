"""The masks of all queries on one picture, what is made of them, and how good that is at every keep threshold.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 4.3.

    The masks are drawn for every query, not for the sure ones alone, so that the threshold can be moved afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from vizcore.detr.errors import NOT_FINITE, OTHER_HEAD, DETRError
from vizcore.detr.panoptic import KEEP_THRESHOLD, MIN_AREA, Panoptic, SegmentMatch, match_segments, merge_masks
from vizcore.detr.recording import DETRTrace, check_photo
from vizcore.models.detr import Detector, fit_photo, join_stages
from vizcore.models.detr_masks import MASK_STRIDE, MaskHead

MASK_STEP: Final = 1 / 1024
"""Mask logits are multiples of it below 32 in magnitude: they fit 16 bits, so a browser computes with the same numbers,
and a float32 holds every bilinear mean of them exactly."""
_FINER: Final = ("C3", "C2")
_AT_ONCE: Final = 10


@dataclass(frozen=True, eq=False)
class MaskOutput:
    """The masks of all queries on a picture.

    Attributes:
        image_size: (height, width) of the photo.
        size: (height, width) of the photo on the detector's canvas, canvas pixels.
        mask_logits: ``[Q, h, w]`` one value per 4 × 4 canvas pixels, a multiple of ``MASK_STEP`` in (-32, 32).
        logits: ``[Q, K + 1]`` logarithms of the probabilities of the classes; the last one is "no object".
        scores: ``[Q]`` greatest probability of a class, in [0, 1].
        labels: ``[Q]`` that class.
        seconds: wall time.
    """

    image_size: tuple[int, int]
    size: tuple[int, int]
    mask_logits: np.ndarray
    logits: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    seconds: float


@torch.inference_mode()
def run_masks(head: MaskHead, detector: Detector, trace: DETRTrace, photo: UInt8[np.ndarray, "H W 3"]) -> MaskOutput:
    """Draws the mask of every query of a picture that was recorded; only the backbone and the mask head run.

    Args:
        head: that was trained on the detector.
        detector: the one that was recorded.
        trace: of the picture.
        photo: the picture, RGB.

    Raises:
        DETRError: If the photo is not one, the head belongs to another detector, or a mask is not finite.
    """
    check_photo(photo)
    if head.config.channels != detector.detr.config.channels or head.config.backbone != detector.detr.config.backbone:
        raise DETRError(OTHER_HEAD, head=head.config.channels, detector=detector.detr.config.channels)
    started = time.perf_counter()
    fitted = fit_photo(torch.from_numpy(photo))
    stages = detector.backbone.stage_features(fitted.x.contiguous(memory_format=torch.channels_last))
    projected, finer = detector.detr.input_proj(join_stages(stages)), [stages[name] for name in _FINER]
    memory, queries = torch.from_numpy(trace.memory)[None], torch.from_numpy(trace.queries[-1])[None]
    drawn = torch.cat(
        [
            head(queries[:, start : start + _AT_ONCE], memory, projected, finer, fitted.padding)[0]
            for start in range(0, trace.num_queries, _AT_ONCE)
        ]
    )
    logits = torch.from_numpy(trace.probabilities[-1]).clamp(min=torch.finfo(torch.float32).tiny).log()
    scores, labels = logits.softmax(-1)[:, :-1].max(-1)  # as merge_masks has them, to the last bit
    height, width = (max(1, round(side * fitted.scale)) for side in photo.shape[:2])
    rows, columns = (-(-side // MASK_STRIDE) for side in (height, width))
    return MaskOutput(
        image_size=(photo.shape[0], photo.shape[1]),
        size=(height, width),
        mask_logits=settle_masks(drawn[:, :rows, :columns]).numpy(),
        logits=logits.numpy(),
        scores=scores.numpy(),
        labels=labels.numpy(),
        seconds=time.perf_counter() - started,
    )


def settle_masks(mask_logits: Float[Tensor, "Q h w"]) -> Float[Tensor, "Q h w"]:
    """Mask logits as multiples of ``MASK_STEP`` in (-32, 32).

    Raises:
        DETRError: If one is not finite.
    """
    if not mask_logits.isfinite().all():
        raise DETRError(NOT_FINITE, name="mask_logits")
    most = 2**15 - 1
    return (mask_logits / MASK_STEP).round().clamp(-most, most) * MASK_STEP


def enlarge_masks(output: MaskOutput) -> Float[Tensor, "Q H W"]:
    """Mask logits at every canvas pixel, bilinear between the middles of the cells; exact in float32."""
    masks = torch.from_numpy(output.mask_logits)[:, None]
    height, width = output.size
    full = F.interpolate(masks, scale_factor=float(MASK_STRIDE), mode="bilinear", align_corners=False)
    return full[:, 0, :height, :width]


def merge_output(output: MaskOutput, *, keep_threshold: float = KEEP_THRESHOLD) -> Panoptic:
    """Gives every canvas pixel of a picture to the sure query whose mask is greatest there; see :func:`merge_masks`.

    Args:
        output: the masks.
        keep_threshold: a query takes part if its class is more probable, in [0, 1].
    """
    # Who is not sure enough owns nothing, and does not have to be enlarged.
    sure = output.scores > np.float32(keep_threshold)
    some = replace(output, mask_logits=output.mask_logits[sure])
    merged = merge_masks(enlarge_masks(some), torch.from_numpy(output.logits[sure]), keep_threshold=0.0)
    names = np.append(np.flatnonzero(sure), -1)
    return Panoptic(
        owner=names[merged.owner],
        queries=names[merged.queries],
        labels=merged.labels,
        scores=merged.scores,
        areas=merged.areas,
        dropped=names[merged.dropped],
    )


@dataclass(frozen=True, eq=False)
class KeepTrace:
    """How good a merged picture is at every keep threshold: between two scores of queries nothing changes.

    Attributes:
        scores: ``[Q]`` of the queries, decreasing.
        matches: ``Q + 1`` of them: with none, with the surest one, with the two surest and so on.
    """

    scores: np.ndarray
    matches: tuple[SegmentMatch, ...]

    def at(self, keep_threshold: float) -> SegmentMatch:
        """The segments and their partners at a threshold."""
        return self.matches[int((self.scores > np.float32(keep_threshold)).sum())]


def trace_keep(
    output: MaskOutput, owner: Int[np.ndarray, "H W"], labels: Int[np.ndarray, " T"], *, min_area: int = MIN_AREA
) -> KeepTrace:
    """Merges a picture with one query more at a time, the surest first, and compares each with the truth.

    Args:
        output: the masks.
        owner: the object that is seen at each pixel, -1 for the background; of the size of the canvas's picture.
        labels: classes of the objects.
        min_area: as for :func:`merge_masks`.
    """
    full = enlarge_masks(output)
    order = np.argsort(-output.scores, kind="stable")
    nobody = len(full)
    best, first = torch.zeros(output.size), torch.full(output.size, nobody)
    matches = [match_segments(np.full(output.size, -1), output.labels, owner, labels)]
    for number, query in enumerate(order.tolist(), start=1):
        wins = (full[query] > best) | ((full[query] == best) & (first > query))  # of equals the first, as in an argmax
        if not wins.any():  # it owns nothing, and nothing changes
            matches.append(matches[-1])
            continue
        best, first = torch.where(wins, full[query], best), torch.where(wins, query, first)
        areas = torch.bincount(first.flatten(), minlength=nobody + 1)[:-1]
        settled = first
        if ((areas > 0) & (areas <= min_area)).any():
            large = torch.tensor([each for each in sorted(order[:number].tolist()) if areas[each] > min_area])
            left = (areas <= min_area)[first.clamp(max=nobody - 1)] & (first < nobody)
            settled = first.clone()
            settled[left] = _give_away(full[large.long()][:, left], large.long(), nobody)
        merged = torch.where(settled == nobody, -1, settled).numpy()
        matches.append(match_segments(merged, output.labels, owner, labels))
    return KeepTrace(output.scores[order], tuple(matches))


def _give_away(masks: Float[Tensor, "K P"], queries: Int[Tensor, " K"], nobody: int) -> Int[Tensor, " P"]:
    """The next owner of pixels whose owner was too small."""
    if not len(masks):
        return torch.full(masks.shape[1:], nobody)
    greatest, place = masks.max(0)
    return torch.where(greatest < 0, nobody, queries[place])
