"""A trace as plain lists, numbers and strings for the browser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from vizcore.autograd.layout import place_nodes
from vizcore.autograd.trace import Message, ProgramTrace

MAX_SHOWN = 256
"""Elements of one array that :func:`to_json` sends; the rest is summed up by its least and greatest value."""

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
    arrays: list[dict[str, Any]] = []
    index_of: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def array(value: np.ndarray | None) -> int | None:
        if value is None:
            return None
        value = np.asarray(value)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in index_of:
            index_of[key] = len(arrays)
            arrays.append(_array_to_json(value))
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
        "arrays": arrays,
    }


def _array_to_json(value: np.ndarray) -> dict[str, Any]:
    """One entry of the table of values."""
    kind = {"b": "bool", "i": "int", "u": "int"}.get(value.dtype.kind, "float")
    flat = value.reshape(-1)
    finite = flat[np.isfinite(flat)] if kind == "float" else flat
    number: Callable[[Any], Any] = _shortest if kind == "float" else bool if kind == "bool" else int
    return {
        "shape": list(value.shape),
        "dtype": kind,
        "data": [number(element) for element in flat[:MAX_SHOWN]],
        "truncated": bool(flat.size > MAX_SHOWN),
        "min": number(finite.min()) if finite.size else None,
        "max": number(finite.max()) if finite.size else None,
    }


def _shortest(element: np.floating[Any]) -> float | str:
    """The shortest decimal that reads back as the same element, so that 0.1 in float32 is sent as 0.1."""
    number = float(str(element)) if isinstance(element, np.floating) else float(element)
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return number
