"""What a run of a learner's program leaves behind: every line, every tensor, every node, every visit of the engine.

A trace is computed once and then only indexed. Its one clock is ``steps``: a step is either the end of an executed line
(``kind == "line"``) or one visit of the backward engine to a node (``kind == "visit"``). The visits of a ``backward()``
come before the step of the line that called it, in the order in which the engine really made them.

Ids are positions: ``trace.nodes[edge.source]``, ``trace.tensors[i]``, ``trace.visits[step.visit]``. Nodes are
numbered in the order of their birth, so that the graph at a step is the prefix ``trace.nodes[:step.num_nodes]`` and the
edges whose two ends lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vizcore.autograd.series import Chart, Fold


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
        kind: ``line`` at the end of an executed line, ``visit`` for one engine visit while the line runs, ``call`` at
            the entry into a function, ``fold`` for iterations of a loop that were run without a record of their lines.
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
        depth: how many functions of the learner's were running.
        call: id of the innermost of them in ``ProgramTrace.calls``, None for the program itself.
        fold: id of the innermost folded loop it lies in, None outside.
        iteration: number of the iteration of that loop, from 1; None outside and for a ``fold`` step.
        iterations: the first and the last number that a ``fold`` step stands for, empty for the others.
    """

    kind: Literal["line", "visit", "call", "fold"]
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
    depth: int = 0
    call: int | None = None
    fold: int | None = None
    iteration: int | None = None
    iterations: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Call:
    """A function of the learner's at work.

    Attributes:
        name: ``f``, ``Net.forward``, ``lambda``.
        line: of its ``def``, from 1.
        call_line: the line that called it.
        parent: id of the call around it, None if the program called it.
        depth: from 1.
        first_step: its steps begin here, with the one of kind ``call``.
        end_step: the step behind its last one.
        returned: the text of a plain result, empty for a tensor or nothing.
    """

    name: str
    line: int
    call_line: int
    parent: int | None
    depth: int
    first_step: int
    end_step: int
    returned: str = ""


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
        folds: its loops of which not every iteration was recorded; an outer one comes before those in it.
        calls: its functions at work, in the order of their beginning.
        charts: what it plotted.
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
    folds: tuple[Fold, ...] = ()
    calls: tuple[Call, ...] = ()
    charts: tuple[Chart, ...] = ()
