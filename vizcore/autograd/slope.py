"""The loss as a function of one number of one leaf: the program is run again with that number varied.

Works where the leaf is written down in the program, ``w = torch.tensor(-1.5, requires_grad=True)``, where one
``backward()`` runs, and where the leaf still has its first value at the end.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from vizcore.autograd.program import run_program
from vizcore.autograd.trace import ProgramTrace

TASK: Final = __name__
NUM_POINTS: Final = 17
LEARNING_RATE: Final = 0.1
"""Of the step that is drawn: the leaf minus this times its gradient."""


@dataclass(frozen=True)
class Place:
    """Where a leaf's number is written, columns from 0, in bytes as :mod:`ast` counts them."""

    line: int
    column: int
    end_column: int
    value: float


def find_number(source: str, name: str, index: int) -> Place | None:
    """Finds the ``index``-th number of the leaf ``name`` in a program, if it is written down exactly once.

    Args:
        source: the program.
        name: of the leaf.
        index: of its element, row by row.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.Assign) and _names(node) == [name]]
    if len(found) != 1 or not isinstance(found[0].value, ast.Call) or not found[0].value.args:
        return None
    call = found[0].value
    if ast.unparse(call.func) not in ("torch.tensor", "tensor"):
        return None
    numbers = _numbers(call.args[0])
    if index >= len(numbers):
        return None
    node = numbers[index]
    if node.lineno != node.end_lineno or node.end_col_offset is None:
        return None
    return Place(node.lineno, node.col_offset, node.end_col_offset, float(ast.literal_eval(node)))


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _numbers(node: ast.expr) -> list[ast.expr]:
    """The numbers of nested lists, in order; with their signs."""
    if isinstance(node, ast.List | ast.Tuple):
        return [number for element in node.elts for number in _numbers(element)]
    inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    is_number = isinstance(inner, ast.Constant) and type(inner.value) in (int, float)
    return [node] if is_number else []


def _root(trace: ProgramTrace) -> float:
    """The value of the node that ``backward()`` began at, NaN unless one call began at one number."""
    if trace.error is not None or {visit.run for visit in trace.visits} != {0}:
        return math.nan
    value = trace.nodes[trace.visits[0].node].value
    return float(np.asarray(value).reshape(-1)[0]) if value is not None and np.size(value) == 1 else math.nan


def measure_slope(source: str, seed: int, name: str, index: int) -> dict[str, object] | None:
    """Runs the program with one number varied.

    Args:
        source: the program.
        seed: of its random numbers.
        name: of the leaf.
        index: of its element, row by row.

    Returns:
        ``x`` the number as written, ``y`` the loss there, ``gradient`` torch's own, ``next`` where a step leads,
        and ``xs``, ``ys`` of the curve (None where the program fails); or None if no such curve can be had.
    """
    place = find_number(source, name, index)
    trace = run_program(source, seed=seed) if place is not None else None
    if place is None or trace is None or name not in trace.grads or not math.isfinite(loss := _root(trace)):
        return None
    gradient = float(np.ravel(trace.grads[name])[index])
    final = float(np.ravel(trace.variables[name])[index])
    if not math.isfinite(gradient) or not math.isclose(final, place.value, rel_tol=1e-5, abs_tol=1e-6):
        return None
    step = LEARNING_RATE * gradient
    half = min(max(1.0, 1.3 * abs(step), 0.5 * abs(place.value)), 1e6)
    xs = [place.value + half * (2 * k / (NUM_POINTS - 1) - 1) for k in range(NUM_POINTS)]
    ys = [_root(run_program(_with(source, place, x), seed=seed)) for x in xs]
    return {
        "name": name,
        "index": index,
        "x": place.value,
        "y": loss,
        "gradient": gradient,
        "rate": LEARNING_RATE,
        "next": place.value - step,
        "xs": xs,
        "ys": [y if math.isfinite(y) else None for y in ys],
    }


def _with(source: str, place: Place, number: float) -> str:
    """The program with another number at a place."""
    lines = source.split("\n")
    line = lines[place.line - 1].encode()
    written = f"({number!r})".encode()
    lines[place.line - 1] = (line[: place.column] + written + line[place.end_column :]).decode()
    return "\n".join(lines)


# ---- in the worker ---------------------------------------------------------------------------------------------------


def prepare() -> None:
    """Nothing of its own: programs have been prepared for."""


def answer(request: bytes, note: Callable[[bytes], None]) -> bytes:
    """Measures the slope that a request asks for."""
    asked = json.loads(request)
    found = measure_slope(asked["source"], asked["seed"], asked["name"], asked["index"])
    return json.dumps(found, allow_nan=False).encode()
