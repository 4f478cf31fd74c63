"""What a trace keeps of loops and plots: folded iterations, series over them, and the program's own charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, eq=False)
class Iteration:
    """An iteration of a folded loop that was recorded whole.

    Attributes:
        number: from 1.
        first_step: its steps begin here, with the one of the header.
        end_step: the step behind its last one.
    """

    number: int
    first_step: int
    end_step: int


@dataclass(frozen=True, eq=False)
class Series:
    """A number that a loop assigned, appended or printed, over its iterations.

    Attributes:
        name: the variable, or the expression that was printed.
        line: where, from 1.
        iterations: ``[K]`` numbers of the iterations, increasing; evenly thinned, the first and the last kept.
        values: ``[K]`` the number in each; the last one where an iteration made several.
    """

    name: str
    line: int
    iterations: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Fold:
    """A loop of which not every iteration was recorded.

    Attributes:
        line: of its header, from 1.
        end_line: of its body.
        kind: ``for`` or ``while``.
        parent: id of the fold around it, None outside.
        depth: how many functions were running.
        first_step: its steps begin here.
        end_step: the step behind its last one.
        num_iterations: how many ran.
        iterations: those that were recorded whole; between two of them lies one step of kind ``fold``.
        series: its numbers.
    """

    line: int
    end_line: int
    kind: Literal["for", "while"]
    parent: int | None
    depth: int
    first_step: int
    end_step: int
    num_iterations: int
    iterations: tuple[Iteration, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve of a chart.

    Attributes:
        kind: how it is drawn.
        label: its name in the legend, or the empty string.
        x: ``[K]``.
        y: ``[K]``, not necessarily finite.
    """

    kind: Literal["line", "scatter", "bar"]
    label: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Chart:
    """What a program plotted, up to a ``plt.show()``.

    Attributes:
        title: or the empty string.
        xlabel: or the empty string.
        ylabel: or the empty string.
        xlog: whether its x axis is logarithmic.
        ylog: whether its y axis is.
        line: of the last curve, from 1.
        step: index of the step with which it was done.
        series: its curves.
    """

    title: str
    xlabel: str
    ylabel: str
    xlog: bool
    ylog: bool
    line: int
    step: int
    series: tuple[Curve, ...]
