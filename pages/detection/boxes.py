"""The boxes on the photo, from below: suppressed ones, hand-drawn ones, where the selected one came from, the final."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.detection import words
from pages.detection.controls import MOST_DRAWN
from pages.kit.language import Translate
from pages.kit.stage import StageBox
from vizcore import detection
from vizcore.data.annotations import Annotation
from vizcore.figures import theme
from vizcore.figures.detection import label_colors
from vizcore.image_pyramid import LANDMARKS

LANDMARK_SIDE = 0.008
"""Side of a landmark's mark over the longer side of the photo."""
LANDMARK_SHARE = 0.04
"""Half of that side over the width of the box, at most: on a small face large marks would hide it."""


def suppressed(output: detection.DetectorOutput, _: Translate, say_class: Translate) -> list[StageBox]:
    """The best of the boxes that NMS removed, the best on top."""
    found = output.candidates
    return [
        StageBox(
            f"s{index}",
            _sides(found.boxes[index]),
            label=say_class(output.label_names[found.labels[index]]),
            color=theme.SUPPRESSED,
            dash="3 4",
            fill=False,
            score=float(found.scores[index]),
            detail=_(
                "suppressed by the box with score {score}", score=f"{found.scores[output.suppressed_by[index]]:.2f}"
            ),
        )
        for index in output.best_suppressed(MOST_DRAWN)
    ][::-1]


def drawn_by_hand(truths: Sequence[Annotation], _: Translate) -> list[StageBox]:
    """The objects that a person boxed."""
    return [
        StageBox(f"t{index}", truth.box, label=_(truth.title), color=theme.TARGET, dash="10 5", fill=False)
        for index, truth in enumerate(truths)
    ]


def prior(output: detection.DetectorOutput, selected: int, _: Translate) -> list[StageBox]:
    """The window or anchor that the selected box was made from."""
    if selected < 0 or output.candidates.priors is None:
        return []
    # Without a label, which would lie on the box's own; a screen reader and the tip then say the id.
    sides = _sides(output.candidates.priors[selected])
    return [StageBox(_("where it came from"), sides, color=theme.CURRENT, dash="2 4", fill=False)]


def landmarks(output: detection.DetectorOutput, _: Translate) -> list[StageBox]:
    """What a detector marked on its final boxes: eyes, nose and mouth as small squares."""
    if output.candidates.points is None:
        return []
    most = LANDMARK_SIDE * max(output.image_size) / 2
    halves = np.minimum(most, LANDMARK_SHARE * (output.boxes[:, 2] - output.boxes[:, 0])).tolist()
    # Without labels, which would hide the face; a screen reader and the tip then say the id.
    return [
        StageBox(f"{_(name)} {number}", (x - half, y - half, x + half, y + half), color=theme.CURRENT)
        for number, (origin, half) in enumerate(zip(output.origins.tolist(), halves, strict=True), 1)
        for name, (x, y) in zip(LANDMARKS, output.candidates.points[origin].tolist(), strict=True)
    ]


def final(output: detection.DetectorOutput, _: Translate, say_class: Translate) -> list[StageBox]:
    """The final boxes, the best on top; ``c`` and the candidate's index is their id."""
    colors, boxes = label_colors(output), []
    for index in reversed(range(len(output))):
        candidate = int(output.origins[index])
        boxes.append(
            StageBox(
                f"c{candidate}",
                _sides(output.boxes[index]),
                label=say_class(output.label_names[output.labels[index]]),
                color=colors[int(output.labels[index])],
                fill=False,
                score=float(output.scores[index]),
                detail=_(
                    "{origin}; suppressed {count}",
                    origin=words.origin(output, candidate, _),
                    count=len(output.suppressed(index)),
                ),
            )
        )
    return boxes


def _sides(box: np.ndarray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2
