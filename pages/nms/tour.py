"""The lesson of NMS: one person and many boxes, whom suppression keeps, whom it loses, and what saves her."""

from __future__ import annotations

from collections.abc import Mapping

from pages.kit.tour import BringAbout, Choose, Estimate, Step
from pages.nms.challenges import Outcome
from vizcore import nms

SECOND_PERSON = 8
"""The best box on the person behind, in the crowd of seed 0."""
NAMED = {
    "pair": (SECOND_PERSON,),
    "threshold": (SECOND_PERSON,),
    "soft": (SECOND_PERSON,),
    "classes": (0, 7),  # the surest rider, the surest horse
}
"""Boxes that the words of a step speak of, by the step's name; three boxes are numbered anyway."""

SHOWS_THE_END = "threshold"
"""The step in which every threshold shows at once what it leaves."""


def _counts(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.trace
    return {
        "candidates": len(trace.scores),
        "kept": len(trace.keep),
        "removed": int((trace.suppressed_by >= 0).sum()),
        "objects": len(outcome.found.targets),
    }


def _pair(outcome: Outcome) -> Mapping[str, object]:
    """The two people in one another's way: their IoU, and what became of the second one's best box."""
    overlaps = nms.measure_matrix(outcome.trace)
    ids = overlaps.ids.tolist()
    iou = overlaps.overlaps[ids.index(0), ids.index(SECOND_PERSON)]
    return {
        **_counts(outcome),
        "iou": f"{iou:.2f}",
        "threshold": f"{outcome.view.iou_threshold:.2f}",
        "score": f"{outcome.trace.scores_after[SECOND_PERSON]:.2f}",
        "before": f"{outcome.trace.scores[SECOND_PERSON]:.2f}",
    }


def _fate(outcome: Outcome) -> str:
    return "kept" if SECOND_PERSON in outcome.trace.keep.tolist() else "removed"


def _rest(outcome: Outcome) -> str:
    """What is left of the score of the second person's best box."""
    left = float(outcome.trace.scores_after[SECOND_PERSON] / outcome.trace.scores[SECOND_PERSON])
    if _fate(outcome) == "removed":
        return "nothing"
    return "third" if left < 0.5 else "two_thirds" if left < 1 else "all"


def _fewer(outcome: Outcome) -> bool:
    """One of three boxes is kept, and it removed both others."""
    trace = outcome.trace
    lost = [index for index, by in enumerate(trace.suppressed_by.tolist()) if by >= 0]
    return len(trace.keep) == 1 and len(lost) == 2


CROWD = {"source": "crowd", "method": "hard", "iou_threshold": 0.5, "score_threshold": 0.05, "seed": 0, "pace": "pick"}

STEPS = (
    Step(name="crowd", state={**CROWD, "step": 0, "show_targets": False}, plays=True, numbers=_counts, minutes=1),
    Step(
        name="queue",
        state={"step": 0, "pace": "comparison", "show_targets": True},
        look_at="view:queue",
        question=Estimate(lambda outcome: len(outcome.found.targets), 0.5, 0, 40, 1),
        numbers=_counts,
    ),
    Step(
        name="pair",
        state={"step": 1},
        question=Choose(_fate),
        then={"step": 48},
        numbers=_pair,
        look_at="view:decision",
        minutes=2,
    ),
    Step(
        name="threshold",
        state={"step": 48},
        controls=("iou_threshold",),
        look_at="iou_threshold",
        question=BringAbout(lambda outcome: outcome.view.source == "crowd" and _fate(outcome) == "kept"),
        measure=lambda outcome: abs(len(outcome.trace.keep) - len(outcome.found.targets)),
        numbers=_pair,
        minutes=2,
    ),
    Step(
        name="soft",
        state={"iou_threshold": 0.5, "method": "soft_linear", "step": 0},
        question=Choose(_rest),
        then={"step": 96},
        numbers=_pair,
        minutes=2,
    ),
    Step(
        name="classes",
        state={"source": "two_classes", "method": "hard", "class_aware": True, "step": 0},
        question=Choose(lambda outcome: "both" if len(outcome.trace.keep) == 2 else "one"),
        then={"step": 14},
        numbers=_counts,
    ),
    Step(
        name="chain",
        state={"source": "chain", "step": 0, "pace": "comparison", "show_targets": False},  # they are A and C
        question=Choose(lambda outcome: "".join("abc"[index] for index in sorted(outcome.trace.keep.tolist()))),
        then={"step": 4},
        numbers=_counts,
    ),
    Step(
        name="own",
        state={"source": "own", "boxes": [[90, 90, 250, 280], [140, 100, 300, 290], [360, 110, 500, 270]], "step": 0},
        controls=("iou_threshold", "score_0", "score_1", "score_2"),
        question=BringAbout(lambda outcome: outcome.view.source == "own" and _fewer(outcome)),
        measure=lambda outcome: len(outcome.trace.keep),
        numbers=_counts,
        minutes=3,
    ),
)
