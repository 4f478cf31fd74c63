"""A panoptic picture: every pixel goes to one query, and how good that is.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 4.3: the
    argmax, the threshold of 0.85. Alexander Kirillov, Kaiming He, Ross Girshick, Carsten Rother, Piotr Dollár. Panoptic
    Segmentation. CVPR 2019, arXiv 1801.00868: the quality.

    In COCO every pixel belongs to something, for grass and sky are classes too. Our scenes have a background that is no
    class, so a pixel that every mask denies belongs to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from vizcore.detr.errors import BAD_SHAPE, NOT_FINITE, DETRError

KEEP_THRESHOLD = 0.85
MIN_AREA = 4


@dataclass(frozen=True, eq=False)
class Panoptic:
    """Who owns each pixel.

    Attributes:
        owner: ``[H, W]`` index of the query that owns each pixel, -1 for nobody.
        queries: ``[K]`` the queries that own any, increasing.
        labels: ``[K]`` their classes.
        scores: ``[K]`` how sure they are of it, in [0, 1].
        areas: ``[K]`` pixels they own.
        dropped: queries that were sure enough, and were left with too few pixels.
    """

    owner: np.ndarray
    queries: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    areas: np.ndarray
    dropped: np.ndarray


def merge_masks(
    mask_logits: Float[Tensor, "Q H W"],
    logits: Float[Tensor, "Q K1"],
    *,
    keep_threshold: float = KEEP_THRESHOLD,
    min_area: int = MIN_AREA,
    background: bool = True,
) -> Panoptic:
    """Gives every pixel to the sure query whose mask is greatest there.

    A query that is left with no more than ``min_area`` pixels is dropped, and its pixels are given away again.

    Args:
        mask_logits: of each query at each pixel.
        logits: of the classes; the last one is "no object".
        keep_threshold: a query takes part if its class is more probable, in [0, 1].
        min_area: pixels.
        background: whether a pixel whose mask logits are all negative belongs to nobody.

    Raises:
        DETRError: If the shapes do not fit or a number is not finite.
    """
    if mask_logits.ndim != 3 or logits.ndim != 2 or len(mask_logits) != len(logits) or logits.shape[1] < 2:
        raise DETRError(BAD_SHAPE, name="mask_logits", wanted=f"[{len(logits)}, H, W]", found=list(mask_logits.shape))
    if not (mask_logits.isfinite().all() and logits.isfinite().all()):
        raise DETRError(NOT_FINITE, name="mask_logits")
    scores, labels = logits.softmax(-1)[:, :-1].max(-1)
    sure = scores > keep_threshold
    if not background:  # "no object" may be the most probable of all: then the query is silent
        sure &= logits.argmax(-1) < logits.shape[1] - 1
    chosen = torch.nonzero(sure)[:, 0]
    dropped: list[int] = []
    while True:
        owner = _argmax(mask_logits[chosen], background)
        areas = torch.bincount(owner[owner >= 0].flatten(), minlength=len(chosen))
        small = areas <= min_area
        if not small.any():
            break
        dropped += chosen[small].tolist()
        chosen = chosen[~small]
    names = torch.cat([chosen, torch.tensor([-1])])  # the last name is what -1 picks
    return Panoptic(
        owner=names[owner].numpy(),
        queries=chosen.numpy(),
        labels=labels[chosen].numpy(),
        scores=scores[chosen].detach().numpy(),
        areas=areas.numpy(),
        dropped=np.array(sorted(dropped), dtype=np.int64),
    )


def _argmax(mask_logits: Float[Tensor, "K H W"], background: bool) -> Int64[Tensor, "H W"]:
    """Place of the greatest mask at each pixel, -1 for none."""
    if not len(mask_logits):
        return torch.full(mask_logits.shape[1:], -1)
    greatest, place = mask_logits.max(0)
    return torch.where(greatest < 0, -1, place) if background else place


@dataclass(frozen=True)
class PanopticQuality:
    """How good panoptic pictures are; PQ = SQ · RQ for a single class.

    Attributes:
        pq: panoptic quality, mean over the classes that occur, in [0, 1].
        sq: segmentation quality: mean IoU of the pairs.
        rq: recognition quality: F1 of the pairs.
        true_positives: pairs of equal class with an IoU above 1/2, over all classes.
        false_positives: predicted segments without a partner.
        false_negatives: true segments without a partner.
    """

    pq: float
    sq: float
    rq: float
    true_positives: int
    false_positives: int
    false_negatives: int


def panoptic_quality(
    pictures: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], *, num_classes: int
) -> PanopticQuality:
    """Compares predicted with true segments.

    A predicted and a true segment of one class are a pair if their IoU is above 1/2; then neither can have another.

    Args:
        pictures: of each picture the predicted segment of every pixel (``[H, W]``, -1 for none) and the class of each
            segment, then the same of the truth; segments are numbered from 0.
        num_classes: how many classes there are.
    """
    overlap, pairs, found, true = (np.zeros(num_classes) for _ in range(4))
    for predicted, labels, wanted, wanted_labels in pictures:
        found += np.bincount(labels, minlength=num_classes)
        true += np.bincount(wanted_labels, minlength=num_classes)
        for label in np.intersect1d(labels, wanted_labels):
            for one in np.flatnonzero(labels == label):
                mask = predicted == one
                meets = np.bincount(wanted[mask & (wanted >= 0)], minlength=len(wanted_labels))
                for other in np.flatnonzero((meets > 0) & (wanted_labels == label)):
                    iou = meets[other] / (mask.sum() + (wanted == other).sum() - meets[other])
                    if iou > 0.5:
                        overlap[label] += iou
                        pairs[label] += 1
    occurs = found + true > 0
    if not occurs.any():
        return PanopticQuality(0.0, 0.0, 0.0, 0, 0, 0)
    # Two misses of either kind weigh as much as one pair.
    half = (found + true) / 2
    quality = overlap[occurs] / half[occurs]
    recognition = pairs[occurs] / half[occurs]
    segmentation = overlap[occurs] / np.maximum(pairs[occurs], 1)
    return PanopticQuality(
        float(quality.mean()),
        float(segmentation.mean()),
        float(recognition.mean()),
        int(pairs.sum()),
        int((found - pairs).sum()),
        int((true - pairs).sum()),
    )


@dataclass(frozen=True, eq=False)
class SegmentMatch:
    """The segments of one picture and the true ones; all classes are counted together, so PQ = SQ · RQ.

    Attributes:
        queries: ``[P]`` that have a partner.
        targets: ``[P]`` their partners: of the same class, with an IoU above 1/2.
        iou: ``[P]`` of the pairs.
        invented: ``[F]`` queries that own pixels without a partner.
        missed: ``[M]`` true segments without a partner.
    """

    queries: np.ndarray
    targets: np.ndarray
    iou: np.ndarray
    invented: np.ndarray
    missed: np.ndarray

    @property
    def sq(self) -> float:
        """Segmentation quality: mean IoU of the pairs, 0 without any."""
        return float(self.iou.mean()) if len(self.iou) else 0.0

    @property
    def rq(self) -> float:
        """Recognition quality: F1 of the pairs, 0 where nothing is and nothing was found."""
        all_of_them = len(self.iou) + (len(self.invented) + len(self.missed)) / 2
        return len(self.iou) / all_of_them if all_of_them else 0.0

    @property
    def pq(self) -> float:
        """Panoptic quality, in [0, 1]."""
        return self.sq * self.rq


def match_segments(
    owner: Int[np.ndarray, "H W"],
    labels: Int[np.ndarray, " Q"],
    true_owner: Int[np.ndarray, "H W"],
    true_labels: Int[np.ndarray, " T"],
) -> SegmentMatch:
    """Pairs the segments of a merged picture with the true ones.

    Args:
        owner: the query that owns each pixel, -1 for nobody.
        labels: the class of each query.
        true_owner: the object that is seen at each pixel, -1 for the background.
        true_labels: the class of each object.

    Raises:
        DETRError: If the pictures have different sizes.
    """
    if owner.shape != true_owner.shape:
        raise DETRError(BAD_SHAPE, name="owner", wanted=list(true_owner.shape), found=list(owner.shape))
    rows, columns = len(labels) + 1, len(true_labels) + 1
    cells = (owner.astype(np.int64) + 1) * columns + true_owner + 1
    shared = np.bincount(cells.ravel(), minlength=rows * columns).reshape(rows, columns)
    ours, theirs = shared.sum(1)[1:], shared.sum(0)[1:]
    both = shared[1:, 1:]
    iou = both / np.maximum(ours[:, None] + theirs - both, 1)
    queries, targets = np.nonzero((iou > 0.5) & (np.asarray(labels)[:, None] == np.asarray(true_labels)))
    return SegmentMatch(
        queries=queries,
        targets=targets,
        iou=iou[queries, targets],
        invented=np.setdiff1d(np.flatnonzero(ours), queries),
        missed=np.setdiff1d(np.arange(len(true_labels)), targets),
    )
