"""The lesson of the feature pyramid: coarse maps, the way down, what a cut loses, and who owns a box."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pages.fpn import network, state, trainings
from pages.fpn.challenges import Outcome
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from vizcore import fpn

TOP_DOWN = tuple(arrow.cut for arrow in fpn.pyramid_arrows(state.CONFIG) if arrow.kind == "top_down")
SIZES = ("small", "medium", "large")


def _counts(outcome: Outcome) -> Mapping[str, object]:
    """Objects of the scene found before and after the cut, by size."""
    run = outcome.run
    before, after = run.count(run.whole), run.count(run.after)
    return {
        "boxes": len(run.whole.keep),
        "left": len(run.after.keep),
        **{f"{size}_before": before[size][0] for size in SIZES if size in before},
        **{f"{size}_after": after[size][0] for size in SIZES if size in after},
        **{f"{size}_all": before[size][1] for size in SIZES if size in before},
    }


def _strides(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.run.whole
    shapes = {level: trace.maps(level).shape[1:] for level in ("P2", "P5")}
    return {
        "stride": trace.strides["P5"],
        "rows": shapes["P5"][0],
        "columns": shapes["P5"][1],
        "fine_rows": shapes["P2"][0],
        "cells": shapes["P2"][0] * shapes["P2"][1],
        "coarse_cells": shapes["P5"][0] * shapes["P5"][1],
    }


def _levels(outcome: Outcome) -> dict[str, float]:
    """Mean side of the final boxes of each level, pixels."""
    trace = outcome.run.whole
    sides: dict[str, list[float]] = {}
    for index in trace.keep.tolist():
        x1, y1, x2, y2 = trace.boxes[index].tolist()
        sides.setdefault(trace.config.levels[trace.level_of[index]], []).append(((x2 - x1) * (y2 - y1)) ** 0.5)
    return {level: sum(found) / len(found) for level, found in sides.items()}


def _finest(outcome: Outcome) -> str:
    means = _levels(outcome)
    return min(means, key=lambda level: means[level]).lower()


def _sides(outcome: Outcome) -> Mapping[str, object]:
    return {level.lower(): f"{side:.0f}" for level, side in _levels(outcome).items()}


def _most_lost(outcome: Outcome) -> str:
    """The size of which the largest share is lost without the top-down path."""
    run = outcome.run
    cut = network.thresholded(network.trace_of(outcome.view.picture, TOP_DOWN), outcome.view)
    before, after = run.count(run.whole), run.count(cut)
    return max(SIZES, key=lambda size: 1 - after[size][0] / max(1, before[size][0]))


def _owner(outcome: Outcome) -> Mapping[str, object]:
    owner = fpn.find_owner(outcome.run.whole, np.asarray(outcome.view.box))
    return {
        "level": f"P{owner.level}",
        "side": f"{owner.side:.0f}",
        "fcos": ", ".join(owner.fcos_levels) or "–",
    }


def _goes_apart(outcome: Outcome) -> bool:
    owner = fpn.find_owner(outcome.run.whole, np.asarray(outcome.view.box))
    return bool(owner.fcos_levels) and len(set(owner.fcos_levels)) > 1


def _field(outcome: Outcome) -> Mapping[str, object]:
    field = outcome.field
    if field is None:
        return {"share": "–", "side": "–", "theory": "–"}
    return {
        "share": f"{100 * field.area_share:.0f}",
        "side": f"{field.side:.0f}",
        "theory": fpn.theoretical_receptive_field(outcome.view.cell_level).size,
    }


def _share_of_field(outcome: Outcome) -> float:
    return 100 * outcome.field.area_share if outcome.field is not None else 0.0


def _reached(_outcome: Outcome) -> Mapping[str, object]:
    """AP of the designs on drawn shapes."""
    runs = trainings.by_design(trainings.found(trainings.SHAPES))
    return {design: f"{trainings.mean(each)['ap']:.2f}" for design, each in runs.items()}


STEPS = (
    Step(
        name="maps",
        state={"part": "maps", "source": "scene", "scene": 1, "cuts": [], "level": "P3", "view": "max", "opacity": 0.2},
        plays=True,
        numbers=_counts,
    ),
    Step(
        name="stride",
        state={"level": "P5", "opacity": 0.4},
        look_at="maps:P5",
        question=Choose(lambda outcome: f"cells_{outcome.run.whole.strides['P5']}"),
        numbers=_strides,
    ),
    Step(
        name="levels",
        state={"level": "P4", "opacity": 0.2, "boxes": False},  # not the level that is asked for
        question=Choose(_finest),
        then={"boxes": True, "level": "P2"},
        numbers=_sides,
    ),
    Step(
        name="top_down",
        state={"boxes": True, "level": "P3"},
        look_at="maps:cut_all",
        question=Choose(_most_lost),
        then={"cuts": list(TOP_DOWN)},
        numbers=_counts,
        minutes=2,
    ),
    Step(
        name="lateral",
        state={"cuts": []},
        question=BringAbout(
            lambda outcome: (
                len(outcome.view.cuts) == 1
                and outcome.run.drawn is not None
                and outcome.run.count(outcome.run.after)["large"][0] < outcome.run.count(outcome.run.whole)["large"][0]
            )
        ),
        numbers=_counts,
        minutes=2,
    ),
    Step(
        name="owner",
        state={"part": "owner", "cuts": [], "box": [[225.0, 205.0, 273.0, 253.0]]},
        question=BringAbout(_goes_apart),
        measure=lambda outcome: -len(set(fpn.find_owner(outcome.run.whole, np.asarray(outcome.view.box)).fcos_levels)),
        numbers=_owner,
        minutes=2,
    ),
    Step(
        name="field",
        state={"part": "cell", "cell_level": "P5", "point": [[250.0, 230.0]]},
        question=Estimate(_share_of_field, 10, 0, 100, 5),
        numbers=_field,
        minutes=2,
    ),
    Step(
        name="designs",
        state={"part": "designs", "kind": "shapes"},
        controls=("kind",),
        shows=("quality",),
        numbers=_reached,
        minutes=2,
    ),
)
