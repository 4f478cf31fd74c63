"""Predictions and targets that tests share."""

import torch
from torch import Tensor


def random_boxes(count: int, *, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Boxes cxcywh in sides of the picture, none of them without area, none of them square."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(count, 4, generator=generator, dtype=dtype)
    return torch.cat([values[:, :2], 0.05 + 0.4 * values[:, 2:]], 1)


def random_set(
    num_queries: int, num_targets: int, *, num_classes: int = 4, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits, boxes, labels and targets of one picture."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(num_queries, num_classes + 1, generator=generator, dtype=torch.float64)
    labels = torch.randint(num_classes, (num_targets,), generator=generator)
    return logits, random_boxes(num_queries, seed=seed + 1), labels, random_boxes(num_targets, seed=seed + 2)
