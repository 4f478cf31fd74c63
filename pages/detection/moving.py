"""What the browser needs to filter a detector's candidates by itself while a threshold moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.detection import state
from pages.detection.boxes import LANDMARK_SHARE, LANDMARK_SIDE
from pages.detection.controls import MOST_DRAWN
from pages.detection.state import View
from pages.kit.language import Translate
from pages.kit.live import media_url
from pages.kit.page import Page
from vizcore import detection
from vizcore.detection.packing import pack_candidates
from vizcore.figures import theme

PIECE = "detection/result"


def candidates_url(output: detection.DetectorOutput, key: str) -> str:
    """The URL of a detector's candidates, for the piece ``key``."""
    return media_url(
        pack_candidates(output, least_score=state.LEAST_SCORE),
        "application/octet-stream",
        f"{key}-candidates",
    )


def moving(
    page: Page,
    view: View,
    output: detection.DetectorOutput,
    *,
    url: str,
    apart: str,
    selected: int,
    say_class: Translate,
) -> Mapping[str, Any]:
    """What travels beside the boxes of now.

    Args:
        page: the open page.
        view: the controls.
        output: at the thresholds of now.
        url: from :func:`candidates_url`.
        apart: class of what stands beside the picture and shows another state while a slider moves.
        selected: number of the candidate in hand, -1 for the best.
        say_class: translates a class.
    """
    found = output.candidates
    return {
        "url": url,
        "controls": [
            f"st-key-{page.key(threshold.name)}" for threshold in (state.SCORE_THRESHOLD, state.IOU_THRESHOLD)
        ],
        "at": [output.score_threshold, output.iou_threshold],
        "apart": f".st-key-{apart}",
        "looks": {
            "labels": {str(label): say_class(output.label_names[label]) for label in set(found.labels.tolist())},
            "colors": list(theme.CATEGORICAL),
            "current": theme.CURRENT,
            "suppressed": theme.SUPPRESSED if view.show_suppressed else None,
            "most": MOST_DRAWN,
            "half": LANDMARK_SIDE * max(output.image_size) / 2,
            "share": LANDMARK_SHARE,
            "selected": selected if page.shows("box") else -2,
        },
        "words": page.translate(
            "While you move: score above {score} leaves {passed} candidates; NMS at IoU {iou} suppresses {suppressed} "
            "and keeps {kept}."
        ),
    }
