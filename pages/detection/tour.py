"""The lesson of detection: boxes and scores, what thresholds do, where time goes, and what a network knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.detection import state
from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.tour import BringAbout, Choose, Step
from vizcore import detection

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


CAT = {
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
        name="shift",
        state={"detector": "fcos_lite0_fpn", "show_suppressed": False, "score_threshold": 0.3},
        question=Choose(_knows),
        reveals=("finals", "funnel"),
        numbers=_numbers,
        minutes=2,
    ),
)
