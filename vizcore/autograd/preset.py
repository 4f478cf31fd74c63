"""A program to begin with, what it asks, and the tests that its answers and challenges are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vizcore.autograd.trace import ProgramTrace


@dataclass(frozen=True, eq=False)
class Preset:
    """A program with a question about it.

    Attributes:
        name: its id in links and catalogues.
        title: a few English words, the msgid of the catalogue.
        source: the program.
        question: what the learner predicts before running it; English.
        choices: possible answers; English.
        answer: index of the right one; a test holds it against the run.
        evidence: from a run, the index of the choice that it shows to be right.
        challenge: what to change, and to what end; English.
        is_solved: whether a run of the changed program meets the challenge.
        solution: a program that does.
        compares_runs: whether running it again with another seed is the point.
    """

    name: str
    title: str
    source: str
    question: str
    choices: tuple[str, ...]
    answer: int
    evidence: Callable[[ProgramTrace], int]
    challenge: str
    is_solved: Callable[[ProgramTrace], bool]
    solution: str
    compares_runs: bool = field(default=False)


def close(value: object, expected: object) -> bool:
    """Whether a value is the expected one in shape and, to five digits, in number; NaN equals NaN."""
    if value is None:
        return False
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):  # a text, a list of lists of unequal length
        return False
    target = np.asarray(expected, dtype=float)
    return array.shape == target.shape and bool(np.allclose(array, target, rtol=1e-5, atol=1e-6, equal_nan=True))


def chooses(*tests: Callable[[ProgramTrace], bool]) -> Callable[[ProgramTrace], int]:
    """The index of the only test that holds, -1 if there is not exactly one."""

    def choose(trace: ProgramTrace) -> int:
        found = [index for index, test in enumerate(tests) if test(trace)]
        return found[0] if len(found) == 1 else -1

    return choose


def grad_is(name: str, *values: object) -> Callable[[ProgramTrace], int]:
    """The index of the value that a leaf's gradient has, for :class:`Preset.evidence`."""
    return chooses(*(lambda trace, value=value: close(trace.grads.get(name), value) for value in values))


def fails_with(trace: ProgramTrace, keyword: str) -> bool:
    """Whether torch raised an error with this word in it."""
    return trace.error is not None and trace.error.kind == "torch" and keyword in str(trace.error.message)


def ran(trace: ProgramTrace) -> bool:
    """Whether the program came to its end."""
    return trace.error is None


def num_runs(trace: ProgramTrace) -> int:
    """How often ``backward`` or ``grad`` ran."""
    return len({visit.run for visit in trace.visits})


def has_node(trace: ProgramTrace, stem: str) -> bool:
    """Whether the graph has a node whose name begins so."""
    return any(node.name.startswith(stem) for node in trace.nodes)


def variable(trace: ProgramTrace, name: str) -> object:
    """The final value of a variable, None if there is none."""
    return trace.variables.get(name)


def printed_column(trace: ProgramTrace, column: int) -> list[float]:
    """A column of what was printed, as numbers; [0] where that is not one."""
    words = [line.split()[column] for line in trace.printed.splitlines() if len(line.split()) > column]
    try:
        return [float(word) for word in words] or [0.0]
    except ValueError:  # the learner printed words
        return [0.0]


def number(trace: ProgramTrace, name: str) -> float:
    """The only element of a variable, NaN where that is not a number."""
    try:
        array = np.asarray(trace.variables.get(name), dtype=float).reshape(-1)
    except (TypeError, ValueError):  # a text, a list of lists of unequal length
        return float("nan")
    return float(array[0]) if array.size == 1 else float("nan")


def last_state(trace: ProgramTrace, name: str, test: Callable[..., bool]) -> bool:
    """Whether the last state of a tensor passes a test."""
    states = [state for state in trace.tensors if state.name == name]
    return bool(states) and test(states[-1])


def num_paths(trace: ProgramTrace, name: str) -> int:
    """The number of paths from a leaf to the last root."""
    targets: dict[int, list[int]] = {}
    for edge in trace.edges:
        targets.setdefault(edge.source, []).append(edge.target)
    counts: dict[int, int] = {}
    for node in reversed(range(len(trace.nodes))):
        counts[node] = sum(counts.get(target, 0) for target in targets.get(node, ())) or 1
    leaves = [
        index for index, node in enumerate(trace.nodes) if node.name == "AccumulateGrad" and node.variable == name
    ]
    return max((counts[leaf] for leaf in leaves), default=0)
