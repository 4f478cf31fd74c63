"""The lesson of the image pyramid: one window, many sizes, what that costs, and what a window can say at all."""

from __future__ import annotations

from collections.abc import Mapping

from pages.image_pyramid import state
from pages.image_pyramid.challenges import Outcome
from pages.kit.tour import BringAbout, Choose, Step


def _windows(outcome: Outcome) -> Mapping[str, object]:
    trace = outcome.trace
    return {
        "windows": trace.num_windows,
        "levels": len(trace.level_sizes),
        "first": int(trace.grids[0].prod()),
        "candidates": len(trace.candidates),
        "boxes": len(trace.keep),
        "best": f"{max(trace.peaks):.2f}",
        "largest": f"{trace.peaks[0]:.2f}",
        "level": trace.best_level + 1,
    }


def _costs(outcome: Outcome) -> Mapping[str, object]:
    return {
        **_windows(outcome),
        "ratio": f"{outcome.cost_ratio:.2f}",
        "factor": f"{outcome.view.scale_step:g}",
    }


def _boxes_left(outcome: Outcome) -> str:
    kept, candidates = len(outcome.trace.keep), len(outcome.trace.candidates)
    return "one" if kept == 1 else "all" if kept == candidates else "levels"


def _dearer(outcome: Outcome) -> str:
    return "less" if outcome.cost_ratio < 2 else "levels" if outcome.cost_ratio < 6 else "ten"


def _says(outcome: Outcome) -> str:
    """What the surest window names: a person, the shuttle in the background, or something else."""
    name = state.CLASSES[outcome.trace.label]
    return {"space shuttle": "shuttle"}.get(name, "person" if "person" in name else "other")


def _named(outcome: Outcome) -> Mapping[str, object]:
    return {**_windows(outcome), "name": state.CLASSES[outcome.trace.label]}


def _only_on_the_smallest(outcome: Outcome) -> bool:
    counts = outcome.trace.count_candidates()
    return outcome.view.shows_sample("coffee") and counts[-1] > 0 and not any(counts[:-1])


STEPS = (
    Step(
        name="window",
        state={
            "photo": "coffee",
            "scale_step": 1.41,
            "num_levels": 4,
            "window_stride": 1,
            "label": state.BEST,
            "score_threshold": 0.3,
            "iou_threshold": 0.3,
            "pace": "row",
            "fusion": True,
            "show_map": True,
            "step": 0,
        },
        plays=True,
        numbers=_windows,
    ),
    Step(
        name="level",
        state={"step": 0},
        question=Choose(lambda outcome: f"level_{outcome.trace.best_level + 1}"),
        reveals=("best",),
        then={"step": 22},
        numbers=_windows,
        minutes=2,
    ),
    Step(
        name="boxes",
        shows=("best",),
        state={"step": 22},
        question=Choose(_boxes_left),
        then={"step": state.LAST},
        numbers=_windows,
        minutes=2,
    ),
    Step(
        name="threshold",
        shows=("best",),
        state={"step": state.LAST},
        controls=("score_threshold",),
        look_at="score_threshold",
        question=BringAbout(_only_on_the_smallest),
        numbers=_windows,
    ),
    Step(
        name="cost",
        shows=("best",),
        state={"score_threshold": 0.3, "step": 0},
        question=Choose(_dearer),
        numbers=_costs,
        minutes=2,
    ),
    Step(
        name="finer",
        shows=("best", "cost_line"),
        state={"num_levels": 8, "step": state.LAST},
        controls=("scale_step",),
        look_at="scale_step",
        question=BringAbout(lambda outcome: outcome.cost_ratio > 3),
        numbers=_costs,
        minutes=2,
    ),
    Step(
        name="person",
        reveals=("best",),
        state={"photo": "astronaut", "scale_step": 1.41, "num_levels": 4, "step": 0},
        question=Choose(_says),
        then={"step": state.LAST},
        numbers=_named,
        minutes=2,
    ),
    Step(name="today", state={"step": state.LAST}, shows=("best", "faces"), numbers=_named, minutes=2),
)
