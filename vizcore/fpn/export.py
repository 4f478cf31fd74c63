"""The final boxes as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from vizcore.fpn.trace import FPNTrace


def detection_rows(trace: FPNTrace, class_names: Sequence[str]) -> list[dict[str, str | float | int]]:
    """One row for each final box, by decreasing score: class, score, sides in pixels of the photo, level and cell.

    Args:
        trace: of the photo.
        class_names: by label.
    """
    return [
        {
            "label": class_names[trace.labels[candidate]],
            "score": round(float(trace.scores[candidate]), 6),
            **dict(zip(("x1", "y1", "x2", "y2"), trace.boxes[candidate].round(3).tolist(), strict=True)),
            "level": trace.config.levels[trace.level_of[candidate]],
            "row": int(trace.cells[candidate][0]),
            "column": int(trace.cells[candidate][1]),
        }
        for candidate in trace.keep
    ]
