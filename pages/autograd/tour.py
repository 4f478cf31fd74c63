"""The lesson of autograd: one loss, its gradients on their way back, sums over paths, and a graph that is used once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pages.autograd.challenges import Outcome
from pages.kit.numbers import written
from pages.kit.tour import BringAbout, Choose, Estimate, Step
from vizcore.autograd.presets import PRESETS


def _grad(outcome: Outcome, name: str) -> float:
    """The final gradient of a scalar; NaN where there is none."""
    grad = np.asarray(outcome.trace.grads.get(name, np.nan), dtype=float).reshape(-1)
    return float(grad[0]) if grad.size == 1 else float("nan")


def _value(outcome: Outcome, name: str) -> float:
    value = outcome.trace.variables.get(name)
    is_number = isinstance(value, np.ndarray | int | float) and np.size(value) == 1
    return float(np.asarray(value, dtype=float).reshape(-1)[0]) if is_number else float("nan")


def _said(number: float) -> str:
    return "–" if np.isnan(number) else written(number, "g")


def _upstream(outcome: Outcome, stem: str) -> float:
    """The gradient that arrived at the first node of a kind that the engine visited."""
    for visit in outcome.trace.visits:
        if outcome.trace.nodes[visit.node].name.startswith(stem) and visit.upstream[0] is not None:
            return float(np.asarray(visit.upstream[0]).reshape(-1)[0])
    return float("nan")


def _numbers(outcome: Outcome) -> Mapping[str, object]:
    names = {
        "loss": _value(outcome, "loss"),
        "y": _value(outcome, "y"),
        "w": _value(outcome, "w"),
        "x": _value(outcome, "x"),
        "w_grad": _grad(outcome, "w"),
        "x_grad": _grad(outcome, "x"),
        "y_grad": _upstream(outcome, "MulBackward"),
    }
    return {name: _said(value) for name, value in names.items()} | {
        "nodes": len(outcome.trace.nodes),
        "visits": len(outcome.trace.visits),
    }


def _begin(name: str, step: int) -> dict[str, object]:
    return {"preset": name, "program": PRESETS[name].source, "seed": 0, "step": step}


def _first_run() -> dict[str, object]:
    """The program of the first steps with other numbers: what they ask is not on the screen yet."""
    program = PRESETS["scalar"].source.replace("torch.tensor(2.", "torch.tensor(3.").replace("-1.5", "0.5")
    return {**_begin("scalar", 0), "program": program}


def _is_flat(outcome: Outcome) -> bool:
    """Whether w lies where its gradient is zero, in a program that has not lost its x."""
    return outcome.trace.error is None and abs(_grad(outcome, "w")) < 1e-4 and _value(outcome, "x") != 0


def _twice(outcome: Outcome) -> str:
    return {6.0: "six", 12.0: "twelve", 3.0: "three"}.get(_grad(outcome, "w"), "")


def _sum(outcome: Outcome) -> str:
    return {6.0: "six", 12.0: "twelve"}.get(_grad(outcome, "x"), "error")


def _second(outcome: Outcome) -> str:
    return "double" if outcome.trace.error is None else "error"


STEPS = (
    Step(name="flow", state=_first_run(), plays=True, numbers=_numbers, minutes=1),
    Step(
        name="upstream",
        state=_begin("scalar", 3),
        question=Estimate(lambda outcome: _upstream(outcome, "MulBackward"), 0.05, -100, 100, 1),
        then={"step": 5},
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="local",
        state={"step": 5},
        question=Estimate(lambda outcome: _grad(outcome, "w"), 0.05, -100, 100, 1),
        then={"step": 9},
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="drag",
        state={**_begin("scalar", 9)},
        controls=("program",),
        question=BringAbout(_is_flat),
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="paths",
        state=_begin("shared_weight", 3),
        question=Choose(_twice),
        then={"step": 8},
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="sum",
        state=_begin("accumulate", 4),
        question=Choose(_sum),
        then={"step": 9},
        numbers=_numbers,
        minutes=2,
    ),
    Step(
        name="once",
        state=_begin("retain_graph", 1),
        question=Choose(_second),
        then={"step": 6},
        numbers=_numbers,
        minutes=2,
    ),
)
