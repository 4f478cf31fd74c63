"""The lesson of detection: boxes and scores, thresholds, where time goes, two cascades, and what a network knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.detection import state
from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.tour import BringAbout, Choose, Step
from pages.live.frames import LONGEST_SIDE
from vizcore import detection
from vizcore.data.portraits import PER_ROW
from vizcore.detection.faces import smallest_face
from vizcore.detection.live import SMALLEST_FACE
from vizcore.detection.truth import judge
from vizcore.image_pyramid import mtcnn_scales
from vizcore.models.mtcnn import WINDOW

LOWER = 0.3
"""The score threshold that the second step goes to."""
FAMILIES = {
    "image pyramid": "before",
    "resize": "before",
    "score threshold": "after",
    "NMS": "after",
    "window fusion": "after",
}
"""Stages of a detector that do not run the network."""
FRACTIONS = {"thirtieth": 1 / 30, "tenth": 1 / 10, "third": 1 / 3}
"""Answers to how much of a camera's frame a face must cover."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a question is judged by.

    Attributes:
        view: the controls.
        found: what the detectors shown found.
    """

    view: View
    found: Found

    @property
    def output(self) -> detection.DetectorOutput:
        """What the first detector found at the thresholds of now."""
        return self.found.outputs[0]


def _numbers(outcome: Outcome) -> Mapping[str, object]:
    output = outcome.output
    return {
        "boxes": len(output),
        "candidates": f"{len(output.candidates):,}",
        "passed": f"{output.num_passed:,}",
        "score": f"{output.score_threshold:.2f}",
        "iou": f"{output.iou_threshold:.2f}",
        "best": f"{output.scores[0]:.2f}" if len(output) else "–",
        "seconds": f"{output.network_seconds:.1f}",
        "share": f"{100 * output.network_seconds / output.seconds:.0f}",
    }


def _at(outcome: Outcome, score_threshold: float) -> int:
    """Boxes at another score threshold."""
    output = detection.refilter(
        outcome.found.recorded[0], score_threshold=score_threshold, iou_threshold=outcome.output.iou_threshold
    )
    return len(output)


def _lower(outcome: Outcome) -> str:
    now, then = _at(outcome, state.SCORE_THRESHOLD.default), _at(outcome, LOWER)
    return "more" if then > now else "same" if then == now else "fewer"


def _slowest(outcome: Outcome) -> str:
    """Before the network, in it, or after."""
    output = outcome.output
    spent = {"before": 0.0, "network": 0.0, "after": 0.0}
    for stage in output.stages:
        spent[FAMILIES.get(stage.name, "network")] += stage.seconds
    return max(spent, key=lambda part: spent[part])


def _knows(outcome: Outcome) -> str:
    return "shapes" if len(outcome.output) else "nothing"


def _counts(outcome: Outcome) -> dict[str, int]:
    """What each stage left, by its name."""
    return {stage.name: stage.count for stage in outcome.output.stages}


def _rejected(outcome: Outcome, stage: int) -> float:
    """Share of all windows of the classic that its first stages rejected."""
    counts = _counts(outcome)
    return 1 - counts[f"left after stage {stage}"] / counts["windows of all levels"]


def _classic(outcome: Outcome) -> Mapping[str, object]:
    counts = _counts(outcome)
    left = {f"after_{stage}": f"{counts[f'left after stage {stage}']:,}" for stage in (1, 3, 5, 10)}
    shares = {f"rejected_{stage}": f"{100 * _rejected(outcome, stage):.0f}" for stage in (1, 3)}
    return {"windows": f"{counts['windows of all levels']:,}", **left, **shares}


def _first_stage(outcome: Outcome) -> str:
    rejected = _rejected(outcome, 1)
    return "few" if rejected < 0.1 else "nearly" if rejected > 0.9 else "most"


def _found_by_row(outcome: Outcome) -> list[int]:
    """How many portraits of each row of the crowd are found."""
    found = judge(outcome.output, [truth.box for truth in outcome.found.truths]).found_by >= 0
    return found.reshape(-1, PER_ROW).sum(1).tolist()  # type: ignore[no-any-return]


def _cascade(outcome: Outcome) -> Mapping[str, object]:
    rows, counts = _found_by_row(outcome), _counts(outcome)
    return {
        "found": sum(rows),
        "all": PER_ROW * len(rows),
        "row": PER_ROW,
        "top": rows[0],
        "bottom": rows[-1],
        "smallest": f"{smallest_face(outcome.output.image_size):.0f}",
        "windows": f"{counts['P-Net']:,}",
        "refined": counts["R-Net"],
    }


def _missed(outcome: Outcome) -> str:
    rows = _found_by_row(outcome)
    few, half = PER_ROW * len(rows) - sum(rows), len(rows) // 2
    return "none" if not few else "far" if sum(rows[:half]) < sum(rows[half:]) else "near"


def _live(_outcome: Outcome) -> Mapping[str, object]:
    height, width = LONGEST_SIDE * 3 // 4, LONGEST_SIDE
    return {
        "side": LONGEST_SIDE,
        "smallest": SMALLEST_FACE,
        "copies": len(mtcnn_scales(height, width, min_size=SMALLEST_FACE)),
        "all_copies": len(mtcnn_scales(height, width, min_size=WINDOW)),
    }


def _least_face(_outcome: Outcome) -> str:
    return min(FRACTIONS, key=lambda name: abs(FRACTIONS[name] - SMALLEST_FACE / LONGEST_SIDE))


CAT = {
    "part": "photo",
    "photo": "chelsea",
    "detector": state.OFFLINE,
    "beside": state.NONE,
    "score_threshold": 0.6,
    "iou_threshold": 0.3,
}

STEPS = (
    Step(
        name="boxes",
        state={**CAT, "show_suppressed": False, "show_truth": False},
        shows=("finals",),
        plays=True,
        numbers=_numbers,
    ),
    Step(
        name="score",
        shows=("finals",),
        question=Choose(_lower),
        then={"score_threshold": LOWER},
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="one",
        state={"score_threshold": LOWER},
        controls=("score_threshold", "iou_threshold"),
        shows=("finals",),
        look_at="score_threshold",
        question=BringAbout(lambda outcome: outcome.view.sample == "chelsea" and len(outcome.output) == 1),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="origin",
        state={"score_threshold": 0.6, "iou_threshold": 0.3},
        shows=("finals", "box"),
        numbers=_numbers,
        minutes=1,
    ),
    Step(
        name="funnel",
        shows=("finals",),
        question=Choose(_slowest),
        reveals=("funnel",),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="suppressed",
        state={"show_suppressed": True},
        controls=("show_suppressed", "show_truth"),
        shows=("finals",),
        numbers=_numbers,
        minutes=1,
    ),
    Step(
        name="classic",
        state={
            "photo": "astronaut",
            "detector": "haar_face",
            "show_suppressed": False,
            "show_truth": False,
            "score_threshold": 0.98,
        },
        shows=("finals",),
        question=Choose(_first_stage),
        reveals=("funnel",),
        numbers=_classic,
        minutes=2,
    ),
    Step(
        name="cascade",
        state={"photo": "portraits", "detector": "mtcnn", "score_threshold": 0.8},
        question=Choose(_missed),
        reveals=("finals", "funnel"),
        numbers=_cascade,
        minutes=2,
    ),
    Step(
        name="live",
        state={"photo": "astronaut", "live": True, "live_detector": "mtcnn"},
        shows=("camera",),
        question=Choose(_least_face),
        numbers=_live,
        minutes=2,
    ),
    Step(
        name="shift",
        state={"photo": "chelsea", "detector": "fcos_lite0_fpn", "live": False, "score_threshold": 0.3},
        question=Choose(_knows),
        reveals=("finals", "funnel"),
        numbers=_numbers,
        minutes=2,
    ),
)
