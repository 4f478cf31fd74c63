"""Small sets of predictions and targets, each with one thing to find; the tests hold every claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

NUM_CLASSES: Final = 3


@dataclass(frozen=True, eq=False)
class MatchingPreset:
    """Predictions and targets of one picture.

    Attributes:
        name: one of ``PRESETS``.
        logits: ``[Q, 4]`` of three classes and "no object".
        boxes_cxcywh: ``[Q, 4]`` in sides of the picture.
        labels: ``[T]`` of the targets.
        targets_cxcywh: ``[T, 4]`` in sides of the picture.
        moved: (query, its box afterwards) for a preset that is about a movement; None for the others.
    """

    name: str
    logits: Tensor
    boxes_cxcywh: Tensor
    labels: Tensor
    targets_cxcywh: Tensor
    moved: tuple[int, Tensor] | None = None


# Boxes in 64ths of the picture's side (cx, cy, width, height), probabilities of three classes and "no object" in
# percent, targets with their class. All numbers are exact in binary but the logits.
_ROWS: Final[dict[str, tuple[list[list[int]], list[list[int]], list[list[int]]]]] = {
    # Four objects and six queries, most of them nearly right.
    "scene": (
        [[16, 16, 16, 12], [44, 18, 12, 20], [18, 46, 20, 16], [48, 46, 10, 14], [32, 32, 24, 24], [42, 20, 14, 18]],
        [[90, 4, 4, 2], [5, 80, 5, 10], [10, 15, 70, 5], [60, 10, 10, 20], [10, 10, 10, 70], [5, 30, 5, 60]],
        [[16, 17, 18, 12, 0], [43, 19, 12, 22, 1], [19, 45, 18, 18, 2], [48, 47, 12, 14, 0]],
    ),
    # Query 0 is the best for both targets. Greedy gives it to the first, and the second gets one that is far away.
    "greedy": (
        [[30, 32, 16, 16], [20, 32, 16, 16]],
        [[80, 5, 5, 10], [80, 5, 5, 10]],
        [[26, 32, 16, 16, 0], [38, 32, 16, 16, 0]],
    ),
    # Two queries on one object, both sure: only one can have it.
    "duplicates": (
        [[24, 32, 20, 16], [25, 32, 20, 16], [50, 20, 10, 10]],
        [[90, 2, 4, 4], [85, 5, 5, 5], [5, 80, 5, 10]],
        [[24, 32, 20, 16, 0], [50, 20, 10, 10, 1]],
    ),
    # Two objects of one class, one nearly on the other, both found: a suppression would lose one of them.
    "overlapping": (
        [[28, 32, 24, 24], [31, 32, 24, 24], [54, 10, 8, 8]],
        [[95, 1, 1, 3], [90, 3, 3, 4], [2, 3, 5, 90]],
        [[28, 32, 24, 24, 0], [31, 32, 24, 24, 0]],
    ),
    # Three queries, five objects: two objects are nobody's.
    "crowded": (
        [[12, 12, 12, 10], [34, 30, 12, 14], [52, 52, 10, 12]],
        [[80, 5, 5, 10], [10, 70, 10, 10], [5, 5, 80, 10]],
        [[12, 12, 12, 10, 0], [34, 30, 12, 12, 1], [52, 52, 10, 12, 2], [14, 50, 12, 12, 0], [50, 14, 12, 10, 1]],
    ),
    # Two queries between two objects of one class: a step of two 64ths, and both change over.
    "flip": (
        [[31, 32, 12, 12], [32, 32, 12, 12]],
        [[80, 5, 5, 10], [80, 5, 5, 10]],
        [[20, 32, 12, 12, 0], [44, 32, 12, 12, 0]],
    ),
}
_MOVES: Final = {"flip": (0, [33, 32, 12, 12])}
PRESETS: Final = tuple(_ROWS)


def load_preset(name: str) -> MatchingPreset:
    """A set of predictions and targets.

    Args:
        name: one of ``PRESETS``.

    Raises:
        ValueError: If there is none of this name.
    """
    if name not in _ROWS:
        raise ValueError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    boxes, percents, targets = _ROWS[name]
    rows = torch.tensor(targets, dtype=torch.float64).reshape(-1, 5)
    moved = None
    if name in _MOVES:
        query, box = _MOVES[name]
        moved = (query, torch.tensor(box, dtype=torch.float64) / 64)
    return MatchingPreset(
        name,
        (torch.tensor(percents, dtype=torch.float64) / 100).log(),
        torch.tensor(boxes, dtype=torch.float64) / 64,
        rows[:, 4].long(),
        rows[:, :4] / 64,
        moved,
    )
