"""Every method as one short loop, for the reader: the page hands this source out, and the tests hold traces against it.

Nothing of this project is used here, so that each function stands alone in a plain interpreter. Boxes are ``[N, 4]``
xyxy in pixels, scores ``[N]``, labels ``[N]``; boxes with different labels never meet.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def iou(box: Tensor, others: Tensor, *, pixel_inclusive: bool = False) -> Tensor:
    """Intersection over union of one box with others."""
    one = 1 if pixel_inclusive else 0  # before 2018 a box reached to the end of its last pixel
    top_left, bottom_right = torch.maximum(box[:2], others[:, :2]), torch.minimum(box[2:], others[:, 2:])
    shared = (bottom_right - top_left + one).clamp(min=0).prod(1)
    area = (box[2:] - box[:2] + one).prod() + (others[:, 2:] - others[:, :2] + one).prod(1)
    return (shared / (area - shared)).nan_to_num(0.0)  # 0/0: two boxes without area


def diou(box: Tensor, others: Tensor, *, distance_power: float = 1.0, pixel_inclusive: bool = False) -> Tensor:
    """IoU less the distance of the centers, measured in diagonals of the enclosing box."""
    one = 1 if pixel_inclusive else 0
    apart = ((others[:, :2] + others[:, 2:] - box[:2] - box[2:]) / 2).pow(2).sum(1)
    across = torch.maximum(box[2:], others[:, 2:]) - torch.minimum(box[:2], others[:, :2]) + one
    penalty = (apart / across.pow(2).sum(1)).nan_to_num(0.0)
    return iou(box, others, pixel_inclusive=pixel_inclusive) - penalty**distance_power


def ranked(indices: Iterable[int], scores: Tensor, ties: str = "first") -> list[int]:
    """The indices, best score first; of equal scores the first or the last index leads."""
    values = scores.tolist()
    return sorted(indices, key=lambda index: (-values[index], index if ties == "first" else -index))


def exceeds(overlaps: Tensor, iou_threshold: float, suppress_equal: bool = False) -> Tensor:
    """Whether an overlap is beyond the threshold, or on it."""
    return overlaps.double() >= iou_threshold if suppress_equal else overlaps.double() > iou_threshold


def linear_decay(overlaps: Tensor, iou_threshold: float, suppress_equal: bool = False) -> Tensor:
    """1 - IoU beyond the threshold, else 1."""
    return torch.where(exceeds(overlaps, iou_threshold, suppress_equal), 1 - overlaps, 1.0)


def gaussian_decay(overlaps: Tensor, sigma: float) -> Tensor:
    """The larger the IoU, the smaller the factor; there is no threshold."""
    return torch.exp(-(overlaps**2) / sigma)


def greedy_nms(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    iou_threshold: float,
    score_threshold: float = 0.0,
    suppress_equal: bool = False,
    ties: str = "first",
    overlap: Callable[[Tensor, Tensor], Tensor] = iou,
) -> list[int]:
    """Keeps the best box left and removes what overlaps it, until no box is left."""
    keep = []
    waiting = ranked((scores >= score_threshold).nonzero()[:, 0].tolist(), scores, ties)
    while waiting:
        pick, *waiting = waiting
        keep.append(pick)
        gone = exceeds(overlap(boxes[pick], boxes[waiting]), iou_threshold, suppress_equal)
        gone &= labels[waiting] == labels[pick]
        waiting = [index for index, out in zip(waiting, gone.tolist(), strict=True) if not out]
    return keep


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    decay: Callable[[Tensor], Tensor],
    score_threshold: float = 0.0,
    ties: str = "first",
    overlap: Callable[[Tensor, Tensor], Tensor] = iou,
) -> tuple[list[int], Tensor]:
    """Keeps the best box left and lowers the scores of what overlaps it; returns the kept and all final scores."""
    keep, final = [], scores.double().clone()
    waiting = (final >= score_threshold).nonzero()[:, 0].tolist()
    while waiting:
        pick, *waiting = ranked(waiting, final, ties)
        keep.append(pick)
        factors = decay(overlap(boxes[pick], boxes[waiting]).double())
        factors[labels[waiting] != labels[pick]] = 1.0
        final[waiting] *= factors
        stays = (final[waiting] >= score_threshold).tolist()
        waiting = [index for index, stay in zip(waiting, stays, strict=True) if stay]
    return keep, final


def matrix_nms(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    decay: Callable[[Tensor], Tensor],
    score_threshold: float = 0.0,
    ties: str = "first",
    overlap: Callable[[Tensor, Tensor], Tensor] = iou,
) -> tuple[list[int], Tensor]:
    """Lowers each score by the better box that weighs most, the less the more that box is itself covered."""
    final, covered = scores.double().clone(), torch.zeros(len(boxes), dtype=torch.float64)
    order = ranked((final >= score_threshold).nonzero()[:, 0].tolist(), final, ties)
    for place, index in enumerate(order):
        better = torch.tensor(order[:place], dtype=torch.long)
        better = better[labels[better] == labels[index]]
        overlaps = overlap(boxes[index], boxes[better]).double()
        covered[index] = max(overlaps.tolist(), default=0.0)
        own = decay(covered[better])
        final[index] *= min([1.0, *(decay(overlaps) / own)[own > 0].tolist()])
    keep = [index for index in order if final[index] >= score_threshold]
    return sorted(keep, key=lambda index: -final[index].item()), final


def fuse(boxes: Tensor, scores: Tensor, members: list[int]) -> Tensor:
    """The mean of the members' boxes, weighted by their scores."""
    weights = scores[members].double()
    weights = weights if weights.sum() > 0 else torch.ones_like(weights)
    return ((boxes[members].double() * weights[:, None]).sum(0) / weights.sum()).to(boxes.dtype)


def box_fusion(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    iou_threshold: float,
    score_threshold: float = 0.0,
    suppress_equal: bool = False,
    ties: str = "first",
    overlap: Callable[[Tensor, Tensor], Tensor] = iou,
) -> list[list[int]]:
    """Lets each box join the cluster whose fused box it overlaps best, or found one; the best mean score first."""
    clusters: list[list[int]] = []
    fused: list[Tensor] = []
    names = labels.tolist()
    for index in ranked((scores >= score_threshold).nonzero()[:, 0].tolist(), scores, ties):
        overlaps = overlap(boxes[index], torch.stack([boxes[index], *fused]))[1:]
        same = [place for place, members in enumerate(clusters) if names[members[0]] == names[index]]
        best = next(iter(ranked(same, overlaps, ties)), None)
        if best is not None and exceeds(overlaps[best], iou_threshold, suppress_equal):
            clusters[best].append(index)
            fused[best] = fuse(boxes, scores, clusters[best])
        else:
            clusters.append([index])
            fused.append(fuse(boxes, scores, [index]))
    return sorted(clusters, key=lambda members: -scores[members].double().mean().item())
