"""What the loops write down while they run."""

from __future__ import annotations

import numpy as np

from vizcore.nms.result import NMSError

MAX_CHANGES = 4_000_000  # recorded score changes; only the soft methods on thousands of heaped boxes come near


class Changes:
    """Score changes while a trace is being recorded."""

    def __init__(self) -> None:
        self.rows: list[tuple[np.ndarray, ...]] = []
        self.number = 0

    def add(
        self, step: int, others: np.ndarray, by: int, overlaps: np.ndarray, before: np.ndarray, after: np.ndarray
    ) -> None:
        """Notes what one step changed, a row for each of the others."""
        self.number += len(others)
        if self.number > MAX_CHANGES:
            raise NMSError(
                "These boxes overlap so heavily that more than {limit} score changes would be recorded; "
                "raise the score threshold.",
                limit=MAX_CHANGES,
            )
        self.rows.append((np.full(len(others), step), others, np.full(len(others), by), overlaps, before, after))

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns of a trace, by name."""
        names = ("change_step", "change_box", "change_by", "change_overlap", "change_before", "change_after")
        types = (np.int64, np.int64, np.int64, np.float64, np.float64, np.float64)
        columns = zip(*self.rows, strict=True) if self.rows else [[np.zeros(0)] for _ in names]
        return {
            name: np.concatenate(list(column)).astype(kind)
            for name, kind, column in zip(names, types, columns, strict=True)
        }


def count_waiting(picks: np.ndarray, left_at: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Counts, for each pick, the boxes of its class still in the queue: those that left at its step or later."""
    counts = np.zeros(len(picks), dtype=np.int64)
    classes = np.zeros(len(left_at), dtype=np.int64) if labels is None else labels
    took_part = np.zeros(len(left_at), dtype=bool)
    took_part[left_at < len(picks)] = True
    for label in np.unique(classes[picks]) if len(picks) else ():
        leaving = np.sort(left_at[took_part & (classes == label)])
        steps = np.flatnonzero(classes[picks] == label)
        counts[steps] = len(leaving) - np.searchsorted(leaving, steps) - 1
    return counts


def count_before(order: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Counts, for each box in order, the boxes of its class before it."""
    if labels is None:
        return np.arange(len(order))
    counts = np.zeros(len(order), dtype=np.int64)
    seen: dict[int, int] = {}
    for step, label in enumerate(labels[order].tolist()):
        counts[step] = seen.get(label, 0)
        seen[label] = counts[step] + 1
    return counts
