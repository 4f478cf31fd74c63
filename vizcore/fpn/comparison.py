"""What a cut changed, and which of the drawn objects are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torchvision.ops import box_iou

from vizcore.fpn.scene_sizes import SIZE_BORDERS, SIZE_CLASSES, box_sizes
from vizcore.fpn.trace import FPNTrace

SAME_BOX: Final = 0.5
"""Two boxes of one class with a greater IoU count as the same find before and after a cut."""


@dataclass(frozen=True, eq=False)
class DetectionChange:
    """Final boxes before and after a cut.

    Attributes:
        before: ``[K]`` for each final box before: its partner after, as an index into ``after``'s final boxes, -1 if
            it was lost.
        after: ``[L]`` for each final box after: its partner before, -1 if it was gained.
    """

    before: Int64[np.ndarray, " K"]
    after: Int64[np.ndarray, " L"]

    @property
    def lost(self) -> Int64[np.ndarray, " ..."]:
        """Final boxes before that have no partner."""
        return np.flatnonzero(self.before < 0)

    @property
    def gained(self) -> Int64[np.ndarray, " ..."]:
        """Final boxes after that have no partner."""
        return np.flatnonzero(self.after < 0)


def compare_detections(before: FPNTrace, after: FPNTrace) -> DetectionChange:
    """Which final boxes two traces of one photo share: best overlap first, one partner each, the same class."""
    pairs = box_iou(*(torch.from_numpy(trace.boxes[trace.keep]) for trace in (before, after))).numpy()
    same = before.labels[before.keep][:, None] == after.labels[after.keep][None]
    overlap = np.where(same, pairs, 0.0)
    partner = np.full(len(before.keep), -1, dtype=np.int64)
    taken = np.full(len(after.keep), -1, dtype=np.int64)
    for place in np.argsort(-overlap, axis=None, kind="stable"):
        row, column = divmod(int(place), max(overlap.shape[1], 1))
        if overlap[row, column] <= SAME_BOX:
            break
        if partner[row] < 0 and taken[column] < 0:
            partner[row], taken[column] = column, row
    return DetectionChange(partner, taken)


@dataclass(frozen=True, eq=False)
class Find:
    """A final box, before or after a cut.

    Attributes:
        fate: ``"lost"`` by the cut, ``"gained"`` by it, or ``"kept"``.
        trace: in which it is a final box.
        candidate: its index among that trace's candidates.
    """

    fate: Literal["lost", "gained", "kept"]
    trace: FPNTrace
    candidate: int

    @property
    def name(self) -> str:
        """Tells it from all others of both traces."""
        return f"{'b' if self.fate == 'lost' else 'a'}{self.candidate}"

    @property
    def level(self) -> str:
        """The level that found it."""
        return self.trace.config.levels[self.trace.level_of[self.candidate]]

    @property
    def cell(self) -> tuple[int, int]:
        """(row, column) of the cell that found it."""
        row, column = self.trace.cells[self.candidate].tolist()
        return row, column


def list_finds(before: FPNTrace, after: FPNTrace) -> tuple[Find, ...]:
    """The boxes that a cut lost, best first, then all that stand, worst first: the best is drawn last, above the rest.

    Args:
        before: the photo's trace.
        after: with cuts; the same cuts lose and gain nothing.
    """
    if before.cuts == after.cuts:
        return tuple(Find("kept", after, int(candidate)) for candidate in after.keep[::-1])
    change = compare_detections(before, after)
    standing = [
        Find("gained" if partner < 0 else "kept", after, int(candidate))
        for partner, candidate in zip(change.after, after.keep, strict=True)
    ]
    return (*(Find("lost", before, int(before.keep[place])) for place in change.lost), *standing[::-1])


def find_objects(
    trace: FPNTrace, boxes: Float[np.ndarray, "M 4"], labels: Int64[np.ndarray, " M"]
) -> Bool[np.ndarray, " M"]:
    """Which true objects have a final box of their class with an IoU of at least one half.

    Args:
        trace: of the picture.
        boxes: xyxy, pixels of the picture.
        labels: class of each.
    """
    if not len(boxes) or not len(trace.keep):
        return np.zeros(len(boxes), dtype=bool)
    found = torch.from_numpy(trace.boxes[trace.keep])
    overlap = box_iou(torch.from_numpy(np.asarray(boxes, dtype=np.float32)), found).numpy()
    same = np.asarray(labels)[:, None] == trace.labels[trace.keep][None]
    result: np.ndarray = ((overlap >= SAME_BOX) & same).any(axis=1)
    return result


def total_found(counts: Mapping[str, tuple[int, int]]) -> int:
    """Objects found in all size classes of :func:`count_found` together; one on a border counts on both sides."""
    return sum(found for found, _ in counts.values())


def count_found(
    trace: FPNTrace, boxes: Float[np.ndarray, "M 4"], labels: Int64[np.ndarray, " M"]
) -> dict[str, tuple[int, int]]:
    """For each of COCO's size classes: objects found, and objects there are; arguments as for :func:`find_objects`."""
    found, sizes = find_objects(trace, boxes, labels), box_sizes(boxes)
    low, high = SIZE_BORDERS
    # COCO counts an object on a border on both sides.
    members = dict(zip(SIZE_CLASSES, (sizes <= low, (sizes >= low) & (sizes <= high), sizes >= high), strict=True))
    return {name: (int((found & here).sum()), int(here.sum())) for name, here in members.items()}
