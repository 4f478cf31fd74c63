"""A trace as plain lists, numbers and strings for the browser."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from vizcore.autograd.layout import place_nodes
from vizcore.autograd.trace import Message, ProgramTrace

MAX_SHOWN = 256
"""Elements of one array that :func:`to_json` sends; the rest is summed up by its least and greatest value."""

_WHOLE = {"b": "bool", "i": "int", "u": "int"}
_FOLD_FIELDS = ("line", "end_line", "kind", "parent", "depth", "first_step", "end_step", "num_iterations")
_CALL_FIELDS = ("name", "line", "call_line", "parent", "depth", "first_step", "end_step", "returned")


def to_json(trace: ProgramTrace) -> dict[str, Any]:
    """Turns a trace into plain lists, numbers and strings for the browser.

    The names are those of the dataclasses, with these differences:

    * ``arrays`` is a table of all values, each once; elsewhere an array is its index there (or None). An entry has
      ``shape``, ``dtype`` (``float``, ``int`` or ``bool``), ``data`` (flat, row by row, at most ``MAX_SHOWN`` of them),
      ``truncated``, ``min`` and ``max`` (over the finite elements of the whole, None if there are none). Elements that
      are not finite are the strings ``"nan"``, ``"inf"`` and ``"-inf"``.
    * ``lines`` is the source, line by line.
    * A node has ``x`` and ``y`` (layer units: inputs above, the loss below, one unit per row or column), laid out once
      for the whole run.
    * A message (in ``error``) is ``{"template", "values"}``: the page translates and fills it before it goes to the
      browser.

    Args:
        trace: the run.

    Returns:
        A dictionary that ``json.dumps(…, allow_nan=False)`` accepts.
    """
    arrays: list[np.ndarray] = []
    index_of: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def array(value: np.ndarray | None) -> int | None:
        if value is None:
            return None
        value = np.asarray(value)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in index_of:
            index_of[key] = len(arrays)
            arrays.append(value)
        return index_of[key]

    def message(value: Message | None) -> dict[str, Any] | None:
        return None if value is None else {"template": value.template, "values": dict(value.values)}

    nodes = [
        {
            "name": node.name,
            "line": node.line,
            "step": node.step,
            "variable": node.variable,
            "shape": None if node.shape is None else list(node.shape),
            "dtype": node.dtype,
            "value": array(node.value),
            "saved": [
                {
                    "name": saved.name,
                    "variable": saved.variable,
                    "value": array(saved.value),
                    "shape": list(saved.shape),
                    "dtype": saved.dtype,
                    "num_bytes": saved.num_bytes,
                    "version": saved.version,
                }
                for saved in node.saved
            ],
            "rule": {"formula": node.rule.formula, "explanation": node.rule.explanation},
            "created_by_backward": node.created_by_backward,
        }
        for node in trace.nodes
    ]
    positions = place_nodes(len(nodes), [(edge.source, edge.target) for edge in trace.edges])
    for node_dict, (x, y) in zip(nodes, positions.tolist(), strict=True):
        node_dict["x"], node_dict["y"] = x, y
    error = trace.error
    return {
        "source": trace.source,
        "lines": trace.source.splitlines(),
        "seed": trace.seed,
        "steps": [
            {
                "kind": step.kind,
                "line": step.line,
                "end_line": step.end_line,
                "occurrence": step.occurrence,
                "num_nodes": step.num_nodes,
                "changed": list(step.changed),
                "removed": list(step.removed),
                "freed": list(step.freed),
                "visit": step.visit,
                "printed": step.printed,
                "note": step.note,
                "warnings": list(step.warnings),
                "depth": step.depth,
                "call": step.call,
                "fold": step.fold,
                "iteration": step.iteration,
                "iterations": list(step.iterations) or None,
            }
            for step in trace.steps
        ],
        "tensors": [
            {
                "name": state.name,
                "identity": state.identity,
                "storage": state.storage,
                "value": array(state.value),
                "shape": list(state.shape),
                "dtype": state.dtype,
                "requires_grad": state.requires_grad,
                "is_leaf": state.is_leaf,
                "version": state.version,
                "node": state.node,
                "grad": array(state.grad),
            }
            for state in trace.tensors
        ],
        "nodes": nodes,
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "input_index": edge.input_index,
                "output_index": edge.output_index,
            }
            for edge in trace.edges
        ],
        "visits": [
            {
                "run": visit.run,
                "node": visit.node,
                "line": visit.line,
                "upstream": [array(value) for value in visit.upstream],
                "downstream": [array(value) for value in visit.downstream],
                "contributions": [
                    {
                        "edge": part.edge,
                        "visit": part.visit,
                        "output_index": part.output_index,
                        "value": array(part.value),
                    }
                    for part in visit.contributions
                ],
                "accumulation": None
                if visit.accumulation is None
                else {
                    "variable": visit.accumulation.variable,
                    "before": array(visit.accumulation.before),
                    "added": array(visit.accumulation.added),
                    "after": array(visit.accumulation.after),
                },
            }
            for visit in trace.visits
        ],
        "printed": trace.printed,
        "error": None
        if error is None
        else {
            "kind": error.kind,
            "message": message(error.message),
            "line": error.line,
            "column": error.column,
            "end_column": error.end_column,
            "suggestion": error.suggestion,
            "explanation": message(error.explanation),
        },
        "folds": [
            {
                **{name: getattr(fold, name) for name in _FOLD_FIELDS},
                "iterations": [
                    {"number": part.number, "first_step": part.first_step, "end_step": part.end_step}
                    for part in fold.iterations
                ],
                "series": [
                    {
                        "name": series.name,
                        "line": series.line,
                        "iterations": array(series.iterations),
                        "values": array(series.values),
                    }
                    for series in fold.series
                ],
            }
            for fold in trace.folds
        ],
        "calls": [{name: getattr(call, name) for name in _CALL_FIELDS} for call in trace.calls],
        "charts": [
            {
                "title": chart.title,
                "xlabel": chart.xlabel,
                "ylabel": chart.ylabel,
                "xlog": chart.xlog,
                "ylog": chart.ylog,
                "line": chart.line,
                "step": chart.step,
                "series": [
                    {"kind": curve.kind, "label": curve.label, "x": array(curve.x), "y": array(curve.y)}
                    for curve in chart.series
                ],
            }
            for chart in trace.charts
        ],
        "arrays": _arrays_to_json(arrays),
    }


def _arrays_to_json(values: list[np.ndarray]) -> list[dict[str, Any]]:
    """The table of values."""
    shown = [value.reshape(-1)[:MAX_SHOWN] for value in values]
    shortest = _shortest([part for part in shown if part.dtype.kind not in _WHOLE])
    entries = []
    for value, part in zip(values, shown, strict=True):
        kind = _WHOLE.get(value.dtype.kind, "float")
        numbers: list[Any] = next(shortest) if kind == "float" else part.tolist()
        if value.size > MAX_SHOWN:
            least, greatest = _bounds(value, kind)
        else:
            finite = [number for number in numbers if math.isfinite(number)] if kind == "float" else numbers
            least, greatest = (min(finite), max(finite)) if finite else (None, None)
        entries.append(
            {
                "shape": list(value.shape),
                "dtype": kind,
                "data": numbers if kind != "float" else list(map(_written, numbers)),
                "truncated": value.size > MAX_SHOWN,
                "min": least,
                "max": greatest,
            }
        )
    return entries


def _bounds(value: np.ndarray, kind: str) -> tuple[Any, Any]:
    """The least and the greatest finite element."""
    flat = value.reshape(-1)
    finite = flat[np.isfinite(flat)] if kind == "float" else flat
    if not finite.size:
        return None, None
    ends = np.array([finite.min(), finite.max()], dtype=value.dtype)
    least, greatest = next(_shortest([ends])) if kind == "float" else ends.tolist()
    return least, greatest


def _shortest(parts: list[np.ndarray]) -> Iterator[list[float]]:
    """Of each element the shortest decimal that reads back as the same, so that 0.1 in float32 is sent as 0.1.

    Elements of all parts are written in one call for each of their types: numpy's way to a single one is long.
    """
    lists: dict[str, Iterator[float]] = {}
    for dtype in {part.dtype for part in parts}:
        together = np.concatenate([part for part in parts if part.dtype == dtype])
        is_exact = dtype == np.float64
        numbers = together.tolist() if is_exact else map(float, together.astype("U32").tolist())
        lists[dtype.str] = iter(numbers)
    for part in parts:
        yield list(itertools.islice(lists[part.dtype.str], part.size))


def _written(number: float) -> float | str:
    """A number as JSON may hold it."""
    if math.isfinite(number):
        return number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"
