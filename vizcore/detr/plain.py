"""The matching as a program of its own would write it: what the scripts of the page are made of.

Every function stands alone but for those before it; the tests hold them to :mod:`vizcore.detr`.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def giou(first: Tensor, second: Tensor) -> Tensor:
    """GIoU of every box of the first with every box of the second; cxcywh."""
    low = torch.maximum((first[:, :2] - first[:, 2:] / 2)[:, None], second[:, :2] - second[:, 2:] / 2)
    high = torch.minimum((first[:, :2] + first[:, 2:] / 2)[:, None], second[:, :2] + second[:, 2:] / 2)
    far_low = torch.minimum((first[:, :2] - first[:, 2:] / 2)[:, None], second[:, :2] - second[:, 2:] / 2)
    far_high = torch.maximum((first[:, :2] + first[:, 2:] / 2)[:, None], second[:, :2] + second[:, 2:] / 2)
    intersection = (high - low).clamp(min=0).prod(-1)
    union = first[:, 2:].prod(-1)[:, None] + second[:, 2:].prod(-1) - intersection
    enclosing = (far_high - far_low).prod(-1)
    iou = intersection / union.where(union > 0, torch.ones_like(union))
    return iou - (enclosing - union) / enclosing.where(enclosing > 0, torch.ones_like(enclosing))


def match_cost(
    logits: Tensor,
    boxes: Tensor,
    labels: Tensor,
    targets: Tensor,
    cost_class: float,
    cost_bbox: float,
    cost_giou: float,
) -> Tensor:
    """Cost of giving each query (row) each target (column); the last logit is "no object"."""
    class_part = -cost_class * logits.softmax(-1)[:, labels]
    bbox_part = cost_bbox * (boxes[:, None] - targets).abs().sum(-1)
    return class_part + bbox_part - cost_giou * giou(boxes, targets)


def match(cost: Tensor) -> list[tuple[int, int]]:
    """The pairs (query, target) of least total cost."""
    queries, targets = linear_sum_assignment(cost.numpy())
    return list(zip(queries.tolist(), targets.tolist(), strict=True))


def match_greedily(cost: Tensor) -> list[tuple[int, int]]:
    """The cheapest pair, then the cheapest of what is left, and so on."""
    rest, pairs = cost.clone(), []
    for _ in range(min(cost.shape)):
        query, target = divmod(int(rest.argmin()), cost.shape[1])
        pairs.append((query, target))
        rest[query], rest[:, target] = float("inf"), float("inf")
    return pairs
