"""The lesson of the IoU losses: overlap, its blind spot, and what each later loss adds and still cannot see."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pages.iou_losses import challenges, race, state
from pages.iou_losses.challenges import Outcome
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from vizcore import iou_losses

APART = [[30, 40, 100, 100], [190, 130, 280, 200]]
LARGE = [[80, 48, 208, 176], [112, 80, 240, 208]]
SMALL = [[140, 102, 172, 134], [148, 110, 180, 142]]
"""The same two boxes in a picture of a quarter of the side, about the same place."""


def _numbers(outcome: Outcome) -> Mapping[str, object]:
    comparison = outcome.comparison
    names = ("iou", "giou", "diou", "ciou", "l1")
    return {
        "overlap": f"{1 - outcome.loss('iou'):.3f}",
        **{name: f"{outcome.loss(name):.3f}" for name in names},
        "intersection": f"{comparison.parts['intersection']:.0f}",
        "union": f"{comparison.parts['union']:.0f}",
        "distance": f"{comparison.parts['distance']:.1f}",
    }


def _pull(outcome: Outcome, kind: str) -> str:
    """How a step down the gradient changes the prediction along x: it shifts, widens, or nothing happens."""
    left, _top, right, _bottom = (-float(slope) for slope in outcome.comparison.of(kind)[1])
    if not left and not right:
        return "none"
    return "shift" if left > 0 and right > 0 else "widen"


def _adds(outcome: Outcome, kind: str) -> str:
    """Whether a loss adds something to 1 − IoU here."""
    return "more" if outcome.loss(kind) - outcome.loss("iou") > 1e-6 else "nothing"


def _giou_agrees(outcome: Outcome) -> bool:
    return challenges.giou_agrees(outcome, lambda message, **_values: message) is None


def _shrunk(outcome: Outcome) -> str:
    """Which of IoU loss and L1 loss a picture of a quarter of the side changes."""
    (iou, iou_small), (l1, l1_small) = (
        [_loss(kind, boxes, outcome) for boxes in (LARGE, SMALL)] for kind in ("iou", "l1")
    )
    changed = [
        kind for kind, before, after in (("iou", iou, iou_small), ("l1", l1, l1_small)) if abs(before - after) > 1e-6
    ]
    return changed[0] if len(changed) == 1 else "both" if changed else "none"


def _loss(kind: str, boxes: Sequence[Sequence[float]], outcome: Outcome) -> float:
    found = iou_losses.compare_losses((kind,), *boxes, settings=outcome.view.settings)
    return float(found.of(kind)[0])


def _scales(outcome: Outcome) -> Mapping[str, object]:
    return {
        name: f"{_loss(kind, boxes, outcome):.3g}"
        for name, kind, boxes in (
            ("iou", "iou", LARGE),
            ("iou_small", "iou", SMALL),
            ("l1", "l1", LARGE),
            ("l1_small", "l1", SMALL),
        )
    }


def _ends(outcome: Outcome) -> dict[str, float]:
    """IoU at the end of the race of the losses that are shown."""
    traced = race.descend(outcome.view)
    return {kind: float(iou[-1]) for kind, iou in zip(traced.kinds, traced.iou, strict=True)}


def _race(outcome: Outcome) -> Mapping[str, object]:
    ends = _ends(outcome)
    return {
        **_numbers(outcome),
        **{f"end_{kind}": f"{iou:.2f}" if math.isfinite(iou) else "–" for kind, iou in ends.items()},
    }


STEPS = (
    Step(
        name="race",
        state={
            "boxes": state.BOXES_AT_FIRST,
            "via": [],
            "kinds": ["iou", "giou", "diou", "ciou"],
            "show": [],
            "view": "race",
            "background": "grid",
            "snap": True,
            "num_steps": 200,
        },
        plays=True,
        numbers=_race,
        minutes=1,
    ),
    Step(
        name="overlap",
        shows=("panel",),
        state={
            "view": "landscape",
            "kinds": ["iou"],
            "show": ["intersection", "union"],
            "boxes": [[60, 60, 140, 140], [100, 60, 180, 140]],
        },
        question=Estimate(lambda outcome: 1 - outcome.loss("iou"), 0.05, 0, 1, 0.05),
        numbers=_numbers,
    ),
    Step(
        name="apart",
        shows=("panel",),
        state={"boxes": APART, "show": ["union", "edges"]},
        question=Choose(lambda outcome: _pull(outcome, "iou")),
        numbers=_numbers,
    ),
    Step(
        name="giou",
        shows=("panel",),
        state={"kinds": ["giou"], "show": ["union", "enclosing", "edges"]},
        question=Choose(lambda outcome: _pull(outcome, "giou")),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="nested",
        shows=("panel",),
        state={"kinds": ["iou", "giou"], "boxes": state.BOXES_AT_FIRST},
        question=BringAbout(_giou_agrees),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="alignment",
        shows=("panel",),
        state={
            "show": ["intersection", "union", "enclosing", "edges"],
            "boxes": [[60, 60, 140, 140], [76, 90, 156, 170]],  # 64 × 50 of 2 × 6400 − 3200: a third again
        },
        question=Choose(lambda outcome: _adds(outcome, "giou")),
        numbers=_numbers,
    ),
    Step(
        name="center",
        shows=("panel",),
        state={
            "kinds": ["iou", "diou"],
            "show": ["intersection", "enclosing", "distance", "edges"],
            "boxes": [[100, 100, 220, 140], [130, 70, 190, 170]],
        },
        question=Choose(lambda outcome: _adds(outcome, "diou")),
        numbers=_numbers,
    ),
    Step(
        name="ratio",
        shows=("panel",),
        state={
            "kinds": ["iou", "ciou"],
            "show": ["intersection", "aspect", "edges"],
            "boxes": [[120, 90, 200, 150], [80, 60, 240, 180]],
        },
        question=Choose(lambda outcome: _adds(outcome, "ciou")),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="scale",
        state={"kinds": ["iou", "l1"], "show": ["intersection"], "boxes": LARGE},
        shows=("panel",),
        question=Choose(_shrunk),
        then={"boxes": SMALL},
        numbers=_scales,
        minutes=2,
    ),
)
