"""How large the objects of the drawn scenes are: what a detector for them has to span."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Real

from vizcore.data.scenes import Scene, draw_scene

SIZE_CLASSES: Final = ("small", "medium", "large")
SIZE_BORDERS: Final = (32.0, 96.0)
"""Square roots of the areas, in pixels, at which COCO's evaluation passes from small to medium and on to large."""


@dataclass(frozen=True, eq=False)
class SceneSizes:
    """Of all objects of some scenes, in the order in which they were drawn.

    Attributes:
        sizes: ``[M]`` float64, square root of the box's area, pixels.
        labels: ``[M]`` int64, class.
        visible: ``[M]`` float32 in (0, 1], share that can be seen.
        counts: ``[N]`` int64, objects in each scene.
    """

    sizes: np.ndarray
    labels: np.ndarray
    visible: np.ndarray
    counts: np.ndarray

    @property
    def size_classes(self) -> dict[str, int]:
        """How many are small, medium and large, as COCO counts them: an object on a border belongs to both sides."""
        low, high = SIZE_BORDERS
        return {
            "small": int((self.sizes <= low).sum()),
            "medium": int(((self.sizes >= low) & (self.sizes <= high)).sum()),
            "large": int((self.sizes >= high).sum()),
        }


def box_sizes(boxes: Real[np.ndarray, "M 4"]) -> Float64[np.ndarray, " M"]:
    """Square roots of the areas of xyxy boxes."""
    sides = np.asarray(boxes, dtype=np.float64)[:, 2:] - np.asarray(boxes, dtype=np.float64)[:, :2]
    sizes: np.ndarray = np.sqrt(sides.prod(axis=1))
    return sizes


def measure_sizes(scenes: Iterable[Scene]) -> SceneSizes:
    """The sizes of all objects of some scenes."""
    sizes, labels, visible, counts = [np.zeros(0)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], []
    for scene in scenes:
        sizes.append(box_sizes(scene.boxes))
        labels.append(scene.labels)
        visible.append(scene.visible)
        counts.append(len(scene.boxes))
    return SceneSizes(
        np.concatenate(sizes), np.concatenate(labels), np.concatenate(visible), np.array(counts, dtype=np.int64)
    )


def scene_sizes(split: str, count: int, *, report: Callable[[float], None] | None = None) -> SceneSizes:
    """The sizes of all objects of the first ``count`` scenes of a split; each scene has to be drawn.

    Args:
        split: ``"train"`` or ``"validation"``.
        count: of scenes.
        report: called with the share that is done.

    Raises:
        ValueError: If there is no such split.
    """

    def scenes() -> Iterable[Scene]:
        for index in range(count):
            yield draw_scene(split, index)
            if report is not None:
                report((index + 1) / count)

    return measure_sizes(scenes())
