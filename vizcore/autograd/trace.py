"""What a run of a learner's program leaves behind: every line, every tensor, every node, every visit of the engine.

A trace is computed once and then only indexed. Its one clock is ``steps``: a step is either the end of an executed line
(``kind == "line"``) or one visit of the backward engine to a node (``kind == "visit"``). The visits of a ``backward()``
come before the step of the line that called it, in the order in which the engine really made them.

Ids are positions: ``trace.nodes[edge.source]``, ``trace.tensors[i]``, ``trace.visits[step.visit]``. Nodes are
numbered in the order of their birth, so that the graph at a step is the prefix ``trace.nodes[:step.num_nodes]`` and the
edges whose two ends lie in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vizcore.autograd.layout import place_nodes

MAX_SHOWN = 256
"""Elements of one array that :func:`to_json` sends; the rest is summed up by its least and greatest value."""


@dataclass(frozen=True, eq=False)
class Message:
    """A sentence that can be translated: the English template and what fills it.

    Attributes:
        template: English sentence with ``{names}``; it is the msgid of the catalogue.
        values: what stands for the names.
    """

    template: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


@dataclass(frozen=True, eq=False)
class ProgramError:
    """Why a program stopped, and where.

    Attributes:
        kind: ``syntax`` (Python cannot read it), ``unsupported`` (outside the subset), ``name`` (no such word),
            ``limit`` (too large, too long), ``torch`` (torch's own error), ``value`` (Python's own error).
        message: our sentence, or for ``torch`` and ``value`` the library's own text under the template ``{text}``.
        line: line in the source, from 1.
        column: column in that line, from 1.
        end_column: column behind the last character of the faulty expression, from 1.
        suggestion: the nearest supported word, or the empty string.
        explanation: what lies behind torch's text, in our words, or None.
    """

    kind: Literal["syntax", "unsupported", "name", "limit", "torch", "value"]
    message: Message
    line: int
    column: int
    end_column: int
    suggestion: str = ""
    explanation: Message | None = None

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, eq=False)
class TensorState:
    """A tensor as one line left it; a later change makes a new state.

    Attributes:
        name: the variable that holds it (``net.0.weight`` for a parameter in a module).
        identity: the same number for the same tensor object; two names of one tensor share it.
        storage: the same number for tensors that share memory (views, ``detach()``).
        value: its elements at that moment.
        shape: its shape.
        dtype: as torch writes it, without ``torch.``.
        requires_grad: whether operations on it are recorded.
        is_leaf: whether the learner made it, not a recorded operation.
        version: torch's count of in-place changes, shared by views.
        node: id of its ``grad_fn``, or of its ``AccumulateGrad`` if it is a leaf that requires a gradient; else None.
        grad: its ``.grad`` at that moment, None if there is none.
    """

    name: str
    identity: int
    storage: int
    value: np.ndarray
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    is_leaf: bool
    version: int
    node: int | None
    grad: np.ndarray | None


@dataclass(frozen=True, eq=False)
class SavedTensor:
    """What a node keeps from the forward pass because its rule needs it.

    Attributes:
        name: torch's own word (``self``, ``other``, ``result``, ``weight``, …).
        variable: name of the variable that is this tensor, or the empty string.
        value: its elements when it was saved.
        shape: its shape.
        dtype: as torch writes it, without ``torch.``.
        num_bytes: elements times bytes of one; memory shared with a variable is counted here too.
        version: torch's version count at the moment of saving; a later in-place change makes it stale.
    """

    name: str
    variable: str
    value: np.ndarray
    shape: tuple[int, ...]
    dtype: str
    num_bytes: int
    version: int


@dataclass(frozen=True, eq=False)
class Rule:
    """The local rule of a node: how it turns the gradient that comes in into those that go out.

    Attributes:
        formula: a line of mathematics; ``g`` is the upstream gradient, ``a`` and ``b`` the inputs, ``y`` the output.
        explanation: one sentence, or the empty string; English, the msgid of the catalogue.
    """

    formula: str
    explanation: str = ""


@dataclass(frozen=True, eq=False)
class Node:
    """A node of torch's graph.

    Attributes:
        name: torch's own name (``MulBackward0``; ``AccumulateGrad`` for a leaf).
        line: the line that made it, from 1.
        step: index of the step at whose end it exists.
        variable: the name of its leaf or of the variable it computed, or the empty string.
        shape: shape of its output, None where torch does not say.
        dtype: of its output, or the empty string.
        value: its output when it was made, None where it stays inside torch.
        saved: what it keeps for the way back.
        rule: its local rule.
        created_by_backward: whether ``create_graph=True`` made it on the way back.
    """

    name: str
    line: int
    step: int
    variable: str
    shape: tuple[int, ...] | None
    dtype: str
    value: np.ndarray | None
    saved: tuple[SavedTensor, ...]
    rule: Rule
    created_by_backward: bool = False


@dataclass(frozen=True, eq=False)
class Edge:
    """An arrow: values flow from source to target, gradients from target to source.

    Attributes:
        source: id of the node whose output is used (nearer to the leaves).
        target: id of the node that uses it.
        input_index: which input of the target it feeds: the place in ``Visit.downstream``.
        output_index: which output of the source it is: the place in ``Visit.upstream``.
    """

    source: int
    target: int
    input_index: int
    output_index: int


@dataclass(frozen=True, eq=False)
class Accumulation:
    """What a visit added to the ``.grad`` of a leaf: after = before + added, and before None counts as nothing.

    Attributes:
        variable: the leaf's name.
        before: ``.grad`` before, None if there was none.
        added: the gradient that arrived.
        after: ``.grad`` afterwards.
    """

    variable: str
    before: np.ndarray | None
    added: np.ndarray
    after: np.ndarray


@dataclass(frozen=True, eq=False)
class Contribution:
    """One summand of an upstream gradient.

    Attributes:
        edge: index into ``ProgramTrace.edges``; -1 for the gradient that ``backward()`` itself hands in.
        visit: the earlier visit that sent it; -1 for ``backward()`` itself.
        output_index: which entry of ``Visit.upstream`` it goes into.
        value: what was sent.
    """

    edge: int
    visit: int
    output_index: int
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Visit:
    """The engine at one node.

    Attributes:
        run: which call of ``backward()`` or ``torch.autograd.grad()``, from 0.
        node: id of the node.
        line: the line that called it, from 1.
        upstream: gradient of the root with respect to each output of the node; None where none arrived.
        downstream: gradient with respect to each input, aligned with ``Edge.input_index``; None where none goes out.
        contributions: the summands of ``upstream``, one for each path on which it arrived.
        accumulation: what a leaf received, None for the other nodes.
    """

    run: int
    node: int
    line: int
    upstream: tuple[np.ndarray | None, ...]
    downstream: tuple[np.ndarray | None, ...]
    contributions: tuple[Contribution, ...]
    accumulation: Accumulation | None


@dataclass(frozen=True, eq=False)
class Step:
    """One moment at which the learner can stop.

    Attributes:
        kind: ``line`` at the end of an executed line, ``visit`` for one engine visit while the line runs.
        line: the line, from 1.
        end_line: its last line, where a statement goes over several.
        occurrence: how many times this line ran so far, from 1 (a loop unrolls).
        num_nodes: nodes that exist now: ids ``0 … num_nodes - 1``.
        changed: ids into ``ProgramTrace.tensors`` of what this line made or changed.
        removed: names of variables that now hold something else than a tensor.
        freed: ids of the nodes whose saved tensors were given back by this line.
        visit: id of the visit, None for a line.
        printed: what the line printed, with its line breaks.
        note: what the line decided (``True`` at an ``if``) or the shown value of a plain number or list.
        warnings: torch's own warnings at this line.
    """

    kind: Literal["line", "visit"]
    line: int
    end_line: int
    occurrence: int
    num_nodes: int
    changed: tuple[int, ...] = ()
    removed: tuple[str, ...] = ()
    freed: tuple[int, ...] = ()
    visit: int | None = None
    printed: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProgramTrace:
    """A run of a program, complete up to its end or its error.

    Attributes:
        source: the program.
        seed: the seed of its random numbers.
        steps: the moments, in order.
        tensors: every state of every named tensor, in order.
        nodes: torch's graph, in order of birth.
        edges: its arrows.
        visits: everything the engine did, in its own order.
        variables: final value of each variable: an array for a tensor, else a number, bool, string or list of them.
        grads: final ``.grad`` of each tensor variable that has one (and of the parameters of modules).
        printed: everything that was printed.
        error: why it stopped early, or None.
    """

    source: str
    seed: int
    steps: tuple[Step, ...]
    tensors: tuple[TensorState, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    visits: tuple[Visit, ...]
    variables: dict[str, Any]
    grads: dict[str, np.ndarray]
    printed: str
    error: ProgramError | None


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
