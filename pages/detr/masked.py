"""What a challenge and the lesson ask of the masks: how good the merged picture is at some keep thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pages.detr import network, state
from pages.kit.page import Page
from vizcore import detr

SCENE: Final = 7
"""With few objects, that the lesson asks about."""
LOWER: Final = 0.3
"""A keep threshold that lets many more queries in."""


@dataclass(frozen=True, eq=False)
class Masked:
    """The merged picture of a drawn scene.

    Attributes:
        keep_threshold: that the page has.
        now: segments and partners there.
        paper: at the paper's threshold.
        lower: at a lower one.
    """

    keep_threshold: float
    now: detr.SegmentMatch
    paper: detr.SegmentMatch
    lower: detr.SegmentMatch

    @property
    def verdict(self) -> str:
        """What happens to PQ where the threshold falls."""
        gain = round(self.lower.pq, 2) - round(self.paper.pq, 2)  # as they are read
        return "same" if not gain else "rises" if gain > 0 else "falls"


def look(page: Page) -> Masked | None:
    """The picture of the part with the masks; None in all others, and on a photo, where nobody knows."""
    if not network.has_masks() or page.value(state.PART) != "panoptic":
        return None
    view = state.read_model(page)
    keep = network.kept(view.picture)
    return None if keep is None else measure(keep, view.keep_threshold)


def measure(keep: detr.KeepTrace, keep_threshold: float) -> Masked:
    """The picture at the thresholds that are asked about."""
    return Masked(keep_threshold, keep.at(keep_threshold), keep.at(detr.KEEP_THRESHOLD), keep.at(LOWER))
