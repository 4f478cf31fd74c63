"""Weighted box fusion: overlapping boxes become one, weighted by their scores."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vizcore.nms.bookkeeping import Changes
from vizcore.nms.result import MERGED, UNTOUCHED, Comparisons, NMSOptions, NMSTrace
from vizcore.nms.rules import exceeds, first_best, rule_overlaps


def run_fusion(
    boxes: Tensor, scores: Tensor, labels: Tensor | None, order: np.ndarray, options: NMSOptions
) -> NMSTrace:
    """Weighted box fusion: nothing is thrown away; each box pulls the cluster it overlaps best toward itself."""
    clusters = _Clusters(boxes, scores, labels)
    num_compared = np.zeros(len(order), dtype=np.int64)
    changes = Changes()
    suppressed_by = np.full(len(boxes), -1)
    for step, box in enumerate(order.tolist()):
        ids, ious = clusters.measure(box, options)
        num_compared[step] = len(ids)
        best = first_best(ious, options) if len(ids) else -1
        if best >= 0 and bool(exceeds(torch.tensor(ious[best], dtype=torch.float64), options)):
            founder = clusters.join(int(ids[best]), box)
            suppressed_by[box] = founder
            one = np.ones(1, dtype=np.int64)
            changes.add(step, one * box, founder, ious[best : best + 1], scores.numpy()[[box]], np.zeros(1))
        else:
            clusters.found(box)
    founders, fused, fused_scores = clusters.result()
    ranking = np.argsort(-fused_scores, kind="stable")
    scores_after = scores.numpy().copy()
    scores_after[suppressed_by >= 0] = 0
    scores_after[founders] = fused_scores
    left_at = np.full(len(boxes), len(order))
    left_at[order] = np.arange(len(order))
    return NMSTrace(
        boxes=boxes.numpy(),
        scores=scores.numpy(),
        labels=None if labels is None else labels.numpy(),
        options=options,
        keep=founders[ranking],
        kept_boxes=fused[ranking].astype(boxes.numpy().dtype),
        scores_after=scores_after,
        suppressed_by=suppressed_by,
        order=order,
        picks=order,
        num_compared=num_compared,
        left_at=left_at,
        **changes.arrays(),
    )


def list_fused(trace: NMSTrace) -> np.ndarray:
    """Gives, for each step of a fusion, the fused box of the cluster that the box in hand joined or founded.

    Args:
        trace: of the method fusion.

    Returns:
        ``[S, 4]`` xyxy, pixels, in double precision.
    """
    sums: dict[int, np.ndarray] = {}
    fused = np.zeros((trace.num_steps, 4))
    for step, box in enumerate(trace.picks.tolist()):
        by = int(trace.suppressed_by[box])
        founder = by if by >= 0 else box
        corners, score = trace.boxes[box].astype(np.float64), float(trace.scores[box])
        row = np.concatenate([score * corners, corners, [score, 1.0]])
        total = sums[founder] = sums.get(founder, 0) + row
        fused[step] = total[:4] / total[8] if total[8] > 0 else total[4:8] / total[9]
    return fused


def measure_fusion_step(trace: NMSTrace, step: int, boxes: Tensor) -> Comparisons:
    """Measures the box in hand again with each cluster as it stood before the step."""
    pick = int(trace.picks[step])
    labels = None if trace.labels is None else torch.from_numpy(trace.labels)
    earlier = trace.picks[:step]
    founder_of = np.where(trace.suppressed_by[earlier] >= 0, trace.suppressed_by[earlier], earlier)
    founders = earlier[trace.suppressed_by[earlier] < 0]
    clusters = _Clusters(boxes, torch.from_numpy(trace.scores), labels)
    position = np.full(len(boxes), -1)
    position[founders] = np.arange(len(founders))
    cluster = torch.from_numpy(position[founder_of])
    weights = torch.from_numpy(trace.scores[earlier])
    corners = boxes[earlier].double()
    clusters.founders = founders.tolist()
    clusters.weighted.index_add_(0, cluster, weights.unsqueeze(1) * corners)
    clusters.plain.index_add_(0, cluster, corners)
    clusters.weight.index_add_(0, cluster, weights)
    clusters.count.index_add_(0, cluster, torch.ones(len(earlier), dtype=torch.float64))
    number = len(founders)
    weight = clusters.weight[:number].unsqueeze(1)
    plain = clusters.plain[:number] / clusters.count[:number].unsqueeze(1).clamp(min=1)
    fused = torch.where(weight > 0, clusters.weighted[:number] / weight.masked_fill(weight == 0, 1), plain)
    clusters.fused[:number] = fused.to(clusters.fused.dtype)
    if labels is not None:
        clusters.cluster_labels[:number] = labels[founders]
    ids, ious = clusters.measure(pick, trace.options)
    others = founders[ids]
    merged = others == trace.suppressed_by[pick]
    before = np.full(len(ids), trace.scores[pick])
    factors = np.where(merged, 0.0, 1.0)
    verdicts = np.where(merged, MERGED, UNTOUCHED)
    return Comparisons(step, pick, others, ious, ious, factors, before, before * factors, verdicts)


class _Clusters:
    """The clusters of a fusion while it grows; sums are kept, so that a fused box is one division away."""

    def __init__(self, boxes: Tensor, scores: Tensor, labels: Tensor | None) -> None:
        self.boxes, self.scores, self.labels = boxes, scores, labels
        self.founders: list[int] = []
        self.fused = torch.zeros((len(boxes), 4), dtype=boxes.dtype)
        self.cluster_labels = torch.zeros(len(boxes), dtype=torch.int64)
        self.weighted = torch.zeros((len(boxes), 4), dtype=torch.float64)
        self.plain = torch.zeros((len(boxes), 4), dtype=torch.float64)
        self.weight = torch.zeros(len(boxes), dtype=torch.float64)
        self.count = torch.zeros(len(boxes), dtype=torch.float64)

    def measure(self, box: int, options: NMSOptions) -> tuple[np.ndarray, np.ndarray]:
        number = len(self.founders)
        ids = torch.arange(number)
        if self.labels is not None:
            ids = ids[self.cluster_labels[:number] == self.labels[box]]
        ious = rule_overlaps(self.boxes[box : box + 1], self.fused[ids], options)[0]
        return ids.numpy(), ious.double().numpy()

    def found(self, box: int) -> None:
        self.founders.append(box)
        if self.labels is not None:
            self.cluster_labels[len(self.founders) - 1] = self.labels[box]
        self._add(len(self.founders) - 1, box)

    def join(self, cluster: int, box: int) -> int:
        self._add(cluster, box)
        return self.founders[cluster]

    def _add(self, cluster: int, box: int) -> None:
        corners = self.boxes[box].double()
        self.weighted[cluster] += self.scores[box] * corners
        self.plain[cluster] += corners
        self.weight[cluster] += self.scores[box]
        self.count[cluster] += 1
        if self.weight[cluster] > 0:
            self.fused[cluster] = (self.weighted[cluster] / self.weight[cluster]).to(self.fused.dtype)
        else:  # all members score 0: no weight to prefer any, so the plain mean
            self.fused[cluster] = (self.plain[cluster] / self.count[cluster]).to(self.fused.dtype)

    def result(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        number = len(self.founders)
        mean_scores = self.weight[:number] / self.count[:number].clamp(min=1)
        return np.asarray(self.founders, dtype=np.int64), self.fused[:number].numpy(), mean_scores.numpy()
