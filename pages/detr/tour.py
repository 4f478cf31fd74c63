"""The lesson of DETR: who gets which object, what a pair costs, why greedy is not enough, where the network looks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pages.detr import looked, masked, state
from pages.detr.challenges import AT_FIRST, Outcome
from pages.kit.numbers import written
from pages.kit.tour import BringAbout, Choose, Step
from vizcore import detr

CONTEST = {
    # Query 0 lies exactly on the square but calls it a circle; query 1 is right, and a little beside it.
    "queries": [[176, 192, 304, 320, 80, 10, 5], [208, 192, 336, 320, 5, 90, 3]],
    "objects": [[176, 192, 304, 320, 1]],
}
CHAIN = {
    # Three objects in a row and three queries, the last two of which are after what another one has.
    "queries": [[96, 208, 192, 304, 80, 5, 5], [240, 208, 336, 304, 80, 5, 5], [48, 208, 144, 304, 80, 5, 5]],
    "objects": [[64, 208, 160, 304, 0], [208, 208, 304, 304, 0], [352, 208, 448, 304, 0]],
}
WAYS = {"chain": (1, 2, 0), "jump": (2, 1, 0), "stays": (0, 1, 2)}
"""Ways for the last query to come in: the object of each query."""
WEIGHTS = dict(zip(("cost_class", "cost_bbox", "cost_giou"), AT_FIRST, strict=True))


def preset(name: str) -> dict[str, Any]:
    """The boxes of a preset as link parameters."""
    queries, objects = detr.preset_rows(name, side=state.SIDE)
    return {"queries": queries, "objects": objects}


def _said(value: float) -> str:
    """A number with a minus sign as the picture has it."""
    return written(value, ".2f")


def _costs(outcome: Outcome) -> Mapping[str, object]:
    summary = outcome.summary
    return {
        "queries": len(outcome.view.queries),
        "objects": len(outcome.view.objects),
        "total": _said(summary.trace.total),
        "greedy": _said(summary.greedy.total),
        "more": _said(outcome.dearer),
        "left": int((summary.owner < 0).sum()),
    }


def _contest(outcome: Outcome) -> Mapping[str, object]:
    summary = outcome.summary
    cost, place = summary.trace.cost, summary.bbox_part + summary.giou_part
    return {
        "exact": _said(cost[0, 0]),
        "beside": _said(cost[1, 0]),
        "place": _said(place[1, 0] - place[0, 0]),
        "class": _said(summary.class_part[0, 0] - summary.class_part[1, 0]),
        "weight": f"{outcome.view.weights[0]:g}",
    }


def _second(outcome: Outcome) -> Mapping[str, object]:
    summary = outcome.summary
    return {
        "p": _said(summary.probabilities[1, -1]),
        "loss": _said(summary.surprise[1]),
        "weight": f"{summary.loss_weights[1]:g}",
        "first": _said(summary.trace.cost[0, 0]),
        "second": _said(summary.trace.cost[1, 0]),
    }


def _pair(outcome: Outcome) -> Mapping[str, object]:
    cost = outcome.summary.trace.cost
    return {
        **_costs(outcome),
        "a": _said(cost[0, 0]),
        "b": _said(cost[0, 1]),
        "other_a": _said(cost[1, 0]),
        "other_b": _said(cost[1, 1]),
    }


def _ways(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.summary.trace
    if trace.cost.shape != (3, 3):  # opened with other boxes
        return {}
    return {
        **{name: _said(trace.cost[range(3), targets].sum()) for name, targets in WAYS.items()},
        "far": _said(trace.cost[2, 2]),
        "steps": int((trace.row == trace.row[-1]).sum()),
        "pairings": math.factorial(3),
    }


def _way(outcome: Outcome) -> str:
    """The cheapest of the ways that can be chosen."""
    cost = outcome.summary.trace.cost
    return min(WAYS, key=lambda name: float(cost[range(3), WAYS[name]].sum())) if cost.shape == (3, 3) else "chain"


def _close(outcome: Outcome) -> Mapping[str, object]:
    summary = outcome.summary
    return {
        "kept": len(summary.suppression.keep),
        "objects": len(outcome.view.objects),
        "iou": _said(summary.iou[1, 0]),
        "threshold": _said(outcome.view.iou_threshold),
    }


def _place(outcome: Outcome) -> Mapping[str, object]:
    if outcome.looked is None:
        return {}
    own, area = outcome.looked.own, outcome.looked.area
    return {"percent": f"{100 * own:.0f}", "area": f"{100 * area:.0f}", "times": f"{own / area:.1f}"}


def _query(outcome: Outcome) -> Mapping[str, object]:
    if outcome.looked is None:
        return {}
    shares = outcome.looked.shares
    return {
        "query": outcome.looked.query,
        **{name: f"{100 * share:.0f}" for name, share in shares._asdict().items()},
    }


def _masks(outcome: Outcome) -> Mapping[str, object]:
    if outcome.masked is None:
        return {}
    return {
        f"{name}_{time}": value
        for time, match in (("before", outcome.masked.paper), ("after", outcome.masked.lower))
        for name, value in (("pq", _said(match.pq)), ("pairs", len(match.iou)), ("alone", len(match.invented)))
    }


def _owner_is(query: int, target: int = 0) -> Any:
    return lambda outcome: len(outcome.summary.owner) > target and outcome.summary.owner[target] == query


STEPS = (
    Step(
        name="slots",
        state={
            "part": "matching",
            **preset("flip"),
            **WEIGHTS,
            "shown": "total",
            "beside": [],
            "stepped": False,
            "step": 0,
        },
        shows=("matrix",),
        plays=True,
        numbers=_costs,
        minutes=1,
    ),
    Step(
        name="cost",
        state=CONTEST,
        reveals=("matrix",),
        question=Choose(lambda outcome: "exact" if _owner_is(0)(outcome) else "beside"),
        numbers=_contest,
        minutes=2,
    ),
    Step(
        name="weights",
        controls=("cost_class",),
        shows=("matrix",),
        look_at="cost_class",
        question=BringAbout(lambda outcome: len(outcome.view.queries) == 2 and _owner_is(1)(outcome)),
        measure=lambda outcome: outcome.summary.trace.cost[1, 0] - outcome.summary.trace.cost[0, 0],
        numbers=_contest,
    ),
    Step(
        name="duplicates",
        state={**preset("duplicates"), **WEIGHTS},
        question=Choose(lambda outcome: "nothing" if outcome.summary.wanted[1] == state.NUM_CLASSES else "both"),
        reveals=("matrix", "loss"),
        numbers=_second,
        minutes=2,
    ),
    Step(
        name="greedy",
        state=preset("greedy"),
        shows=("matrix",),
        reveals=("totals",),
        question=Choose(lambda outcome: "b" if _owner_is(0, 1)(outcome) else "a"),
        then={"beside": ["greedy"]},
        look_at="view:matrix",
        numbers=_pair,
        minutes=2,
    ),
    Step(
        name="path",
        state={**CHAIN, "beside": [], "stepped": True, "step": 2},
        shows=("matrix",),
        question=Choose(_way),
        then={"step": 5},
        numbers=_ways,
        minutes=2,
    ),
    Step(
        name="close",
        state={**preset("overlapping"), "iou_threshold": 0.7, "stepped": False, "step": 0},
        question=Choose(lambda outcome: "one" if len(outcome.summary.suppression.keep) == 1 else "both"),
        reveals=("totals",),
        then={"beside": ["nms"]},
        numbers=_close,
        minutes=2,
    ),
    Step(
        name="encoder",
        state={
            "part": "attention",
            "network": "ours",
            "source": "scene",
            "scene": looked.SCENE,
            "look": "encoder",
            "point": [list(looked.PLACE)],
            "layer": 1,
            "head": -1,
            "score_threshold": 0.5,
        },
        reveals=("map",),
        question=Choose(lambda outcome: outcome.looked.verdict if outcome.looked else "fair"),
        numbers=_place,
        minutes=2,
    ),
    Step(
        name="decoder",
        state={"look": "decoder", "query": looked.ANOTHER_QUERY, "layer": 3},
        shows=("map",),
        question=BringAbout(lambda outcome: outcome.looked is not None and outcome.looked.is_asked),
        numbers=_query,
        minutes=2,
    ),
    Step(
        name="masks",
        state={"part": "panoptic", "scene": masked.SCENE, "keep_threshold": detr.KEEP_THRESHOLD},
        reveals=("quality",),
        question=Choose(lambda outcome: outcome.masked.verdict if outcome.masked else "same"),
        then={"keep_threshold": masked.LOWER},
        look_at="panoptic:quality",
        numbers=_masks,
        minutes=2,
    ),
)
