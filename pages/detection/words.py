"""What is said of a detection: the result in a sentence, where a box came from."""

from __future__ import annotations

from pages.kit.language import Translate
from vizcore import detection

WINDOWS = ("sliding_windows", "mtcnn", "haar_face", "hog_people")
"""Beginnings of the names of detectors whose candidates are windows of a scaled photo."""


def summary(output: detection.DetectorOutput, _: Translate, say_class: Translate) -> str:
    """The result in a sentence, for captions and for those who cannot see the picture."""
    if not len(output):
        return _("No box is above the score threshold; the best candidate has {best}.", best=f"{output.best_score:.2f}")
    names = [
        f"{say_class(output.label_names[label])} {score:.2f}"
        for label, score in list(zip(output.labels, output.scores, strict=True))[:5]
    ]
    more = _(" and {count} more", count=len(output) - 5) if len(output) > 5 else ""
    return _("Found {count}: {names}{more}.", count=len(output), names=_(", ").join(names), more=more)


def origin(output: detection.DetectorOutput, candidate: int, _: Translate) -> str:
    """Which level, cell and window or anchor made a candidate."""
    found = output.candidates
    level = found.level_names[found.levels[candidate]]
    row, column = (int(place) for place in found.cells[candidate])
    anchor = int(found.anchors[candidate])
    if output.name.startswith(WINDOWS):
        return _(
            "window of {size} pixels at row {row}, column {column} of the photo scaled to {level}",
            size=found.anchor_names[anchor],
            row=row,
            column=column,
            level=level,
        )
    if row < 0:
        return _("level {level}", level=level)
    if found.anchor_names == ("•",):  # without anchors: each cell makes one box
        return _("level {level}, cell row {row}, column {column}", level=level, row=row, column=column)
    shape = found.anchor_names[anchor] if 0 <= anchor < len(found.anchor_names) else str(anchor)
    return _(
        "level {level}, cell row {row}, column {column}, anchor {anchor}",
        level=level,
        row=row,
        column=column,
        anchor=shape,
    )
