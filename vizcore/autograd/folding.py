"""Which iterations of a loop are recorded whole, and what is kept of the others.

A loop of a hundred iterations would bury the three that a learner looks at. The first two and the last are recorded
line by line, and those that the learner opened; all others run without a record, and one step stands for each gap
between two whole ones. Every number that such a loop assigns, appends or prints becomes a series over its iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from vizcore.autograd.series import Fold, Iteration, Series
from vizcore.autograd.trace import Step

if TYPE_CHECKING:
    from vizcore.autograd.recorder import Recorder

MAX_WHOLE = 12
"""Iterations of a loop that is recorded whole."""
MAX_OPENED = 8
MAX_SERIES = 16
MAX_POINTS = 256
_FIRST = 2

Named = Callable[[], list[tuple[str, Tensor]]]


@dataclass(eq=False)
class Loop:
    """A loop that runs.

    Attributes:
        line: of its header.
        end_line: of its body.
        kind: ``for`` or ``while``.
        total: how many iterations are to come, None where nobody knows.
        depth: functions that were running when it began.
        first_step: the step it began with.
        end_step: the step behind it.
        number: of the iteration that runs, from 1.
        is_hidden: whether it lies in an iteration that is not recorded.
        gap: the first iteration of the gap that is open, 0 if none is.
        whole: number and steps of the iterations that were recorded.
        gaps: step of each gap.
        points: iterations and values of each series.
    """

    line: int
    end_line: int
    kind: str
    total: int | None
    depth: int
    first_step: int
    is_hidden: bool
    end_step: int = 0
    number: int = 0
    gap: int = 0
    whole: list[tuple[int, int, int]] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    points: dict[tuple[int, str], tuple[list[int], list[float]]] = field(default_factory=dict)


class Folds:
    """The loops of a run."""

    def __init__(self, recorder: Recorder, opened: Iterable[int] = ()) -> None:
        """Starts outside every loop.

        Args:
            recorder: what records the steps; it is paused in iterations that are not recorded.
            opened: numbers of iterations that are recorded whole besides, from 1.
        """
        self._recorder = recorder
        self._opened = frozenset(list(opened)[:MAX_OPENED])
        self._active: list[Loop] = []
        self._loops: list[Loop] = []

    @property
    def is_running(self) -> bool:
        """Whether a loop runs whose numbers are collected."""
        return bool(self._active)

    def begin(self, line: int, end_line: int, kind: str, total: int | None, depth: int) -> Loop:
        """A loop begins."""
        recorder = self._recorder
        loop = Loop(line, end_line, kind, total, depth, len(recorder.steps), recorder.is_paused)
        if not loop.is_hidden:
            self._loops.append(loop)
            self._active.append(loop)
        return loop

    def begin_iteration(self, loop: Loop, named: Named) -> None:
        """The next iteration begins."""
        if loop.is_hidden:
            return
        if loop.number and not loop.gap:
            self._close_iteration(loop)
        loop.number += 1
        if self._is_whole(loop):
            self._close_gap(loop, loop.number - 1, named)
            loop.whole.append((loop.number, len(self._recorder.steps), -1))
        elif not loop.gap:
            loop.gap = loop.number
            self._recorder.is_paused = True

    def end(self, loop: Loop, named: Named) -> None:
        """The loop is left, in whatever way."""
        if loop.is_hidden:
            return
        if loop.gap:
            self._close_gap(loop, loop.number, named)
        elif loop.number:
            self._close_iteration(loop)
        loop.end_step = len(self._recorder.steps)
        if loop in self._active:
            del self._active[self._active.index(loop) :]

    def note(self, name: str, line: int, value: Any) -> None:
        """Notes a number that the running loops assigned, appended or printed."""
        number = _number(value)
        if number is None:
            return
        for loop in self._active:
            if (line, name) not in loop.points:
                if len(loop.points) >= MAX_SERIES:
                    continue
                loop.points[line, name] = ([], [])
            iterations, values = loop.points[line, name]
            if iterations and iterations[-1] == loop.number:
                values[-1] = number
            else:
                iterations.append(loop.number)
                values.append(number)

    def _is_whole(self, loop: Loop) -> bool:
        number, total = loop.number, loop.total
        if self._recorder.is_full:
            return False
        if number in self._opened:
            return True
        if self._recorder.is_crowded:
            return number == 1 or number == total
        if (total is None or total <= MAX_WHOLE) and number <= MAX_WHOLE:
            return True
        return number <= _FIRST or number == total

    def _close_iteration(self, loop: Loop) -> None:
        number, first, _ = loop.whole[-1]
        loop.whole[-1] = (number, first, len(self._recorder.steps))

    def _close_gap(self, loop: Loop, last: int, named: Named) -> None:
        if not loop.gap:
            return
        recorder = self._recorder
        recorder.is_paused = False
        loop.gaps.append((len(recorder.steps), loop.gap, last))
        of = f" of {loop.total}" if loop.total is not None else ""
        some = f"iterations {loop.gap}–{last}" if last > loop.gap else f"iteration {last}"
        recorder.end_gap(loop.line, named(), note=some + of, iterations=(loop.gap, last))
        loop.gap = 0

    def finish(self, steps: list[Step]) -> tuple[tuple[Fold, ...], tuple[Step, ...]]:
        """The folds of the run, and its steps with the fold and the iteration that each lies in."""
        folded = [loop for loop in self._loops if loop.gaps]
        places = {id(loop): index for index, loop in enumerate(folded)}
        inside: list[tuple[int | None, int | None]] = [(None, None)] * len(steps)
        folds = []
        for loop in folded:
            end = loop.end_step or len(steps)
            parent = inside[loop.first_step][0] if loop.first_step < len(steps) else None
            index = places[id(loop)]
            for step in range(loop.first_step, end):
                inside[step] = (index, None)
            whole = [(number, first, last if last >= 0 else end) for number, first, last in loop.whole]
            for number, first, last in whole:
                inside[first:last] = [(index, number)] * (last - first)
            folds.append(
                Fold(
                    line=loop.line,
                    end_line=loop.end_line,
                    kind="for" if loop.kind == "for" else "while",
                    parent=parent,
                    depth=loop.depth,
                    first_step=loop.first_step,
                    end_step=end,
                    num_iterations=loop.number,
                    iterations=tuple(Iteration(*part) for part in whole),
                    series=tuple(
                        _series(name, line, *points, {number for number, _, _ in whole})
                        for (line, name), points in loop.points.items()
                    ),
                )
            )
        placed = [
            step if place == (None, None) else replace(step, fold=place[0], iteration=place[1])
            for step, place in zip(steps, inside, strict=True)
        ]
        return tuple(folds), tuple(placed)


def thin(values: list[Any] | np.ndarray, always: Iterable[int] = ()) -> list[int]:
    """Indices of at most ``MAX_POINTS`` of some values, evenly spread, the first and the last among them.

    Args:
        values: what is thinned.
        always: indices that are kept in any case; fewer than ``MAX_POINTS``.
    """
    if len(values) <= MAX_POINTS:
        return list(range(len(values)))
    kept = set(always)
    even = np.linspace(0, len(values) - 1, MAX_POINTS - len(kept - {0, len(values) - 1}))
    return sorted(kept | {round(place) for place in even.tolist()})


def _series(name: str, line: int, iterations: list[int], values: list[float], whole: set[int]) -> Series:
    """The points of a series that are kept: those of iterations that were recorded whole, and some of the others."""
    kept = thin(values, [index for index, number in enumerate(iterations) if number in whole])
    return Series(
        name=name[:80],
        line=line,
        iterations=np.array([iterations[index] for index in kept], dtype=np.int64),
        values=np.array([values[index] for index in kept], dtype=np.float64),
    )


def _number(value: Any) -> float | None:
    """The number in a value, None if it holds none or many."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        number = float(value)
        return number if abs(number) < 1e300 or not math.isfinite(number) else None
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        return float(value.detach().item())
    return None
