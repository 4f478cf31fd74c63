"""What a program plots: the curves are kept as numbers, and everything that only styles them does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from vizcore.autograd.folding import thin
from vizcore.autograd.limits import LimitError, count_leaves
from vizcore.autograd.series import Chart, Curve

MAX_CHARTS = 12
MAX_CURVES = 24

CURVES = {"plot": "line", "scatter": "scatter", "bar": "bar", "step": "line"}
CURVES |= dict.fromkeys(("semilogx", "semilogy", "loglog"), "line")
"""Methods that draw a curve, and how it is drawn."""
_LOG_AXES = {"semilogx": "x", "semilogy": "y", "loglog": "xy"}
_SCALES = {"xscale": "x", "set_xscale": "x", "yscale": "y", "set_yscale": "y"}
_QUIET_WORDS = """
figure subplot subplots legend grid xlim ylim xticks yticks axis tight_layout savefig show close clf cla colorbar pause
ion ioff draw gca gcf title suptitle xlabel ylabel text annotate axhline axvline hlines vlines fill_between quiver
contour contourf imshow hist errorbar set_title set_xlabel set_ylabel set_xlim set_ylim set_aspect set_xticks
set_yticks add_subplot plot_surface plot_wireframe invert_yaxis twinx margins matshow pcolormesh xscale yscale
set_xscale set_yscale view_init subplots_adjust use set_style clabel plot3D scatter3D tick_params fill
"""
WORDS = frozenset(_QUIET_WORDS.split()) | frozenset(CURVES)
_TITLES = {"title": "title", "set_title": "title", "suptitle": "title", "xlabel": "xlabel", "set_xlabel": "xlabel"}
_TITLES |= {"ylabel": "ylabel", "set_ylabel": "ylabel"}


@dataclass(eq=False)
class _Open:
    """A chart that is being drawn."""

    line: int = 0
    step: int = 0
    logs: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    curves: list[Curve] = field(default_factory=list)


class Charts:
    """The charts of one run."""

    def __init__(self) -> None:
        """Starts with none."""
        self._done: list[_Open] = []
        self._open = _Open()

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], line: int, step: int) -> None:
        """Does what a plotting function of this name would do to the chart in hand.

        Args:
            name: of the function.
            args: as it was called.
            kwargs: as it was called.
            line: of the call.
            step: that the call is part of.

        Raises:
            LimitError: for too many curves or charts.
            ValueError: for curves whose points do not fit.
        """
        self._open.step = step
        if name in _TITLES:
            if args and isinstance(args[0], str):
                self._open.texts[_TITLES[name]] = args[0][:120]
        elif name in CURVES:
            self._open.line = line
            self._open.logs.update(_LOG_AXES.get(name, ""))
            self._draw(CURVES[name], args, kwargs)
        elif name in _SCALES:
            if args and args[0] == "log":
                self._open.logs.add(_SCALES[name])
            else:
                self._open.logs.discard(_SCALES[name])
        elif name in ("show", "figure", "savefig", "close", "subplots", "subplot", "add_subplot"):
            self._finish()

    def _draw(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        values: list[np.ndarray] = []
        rest = list(args)
        drawn = False
        while rest:
            while rest and not isinstance(rest[0], str):
                values.append(points_of(rest.pop(0)))
                if len(values) == 2:
                    break
            if rest and isinstance(rest[0], str):
                rest.pop(0)
            if values:
                self._add(kind, values, str(kwargs.get("label", "")))
                drawn, values = True, []
        if not drawn and "x" in kwargs and "y" in kwargs:
            self._add(kind, [points_of(kwargs["x"]), points_of(kwargs["y"])], str(kwargs.get("label", "")))

    def _add(self, kind: str, values: list[np.ndarray], label: str) -> None:
        y = values[-1]
        x = values[0] if len(values) == 2 else np.arange(len(y), dtype=np.float64)
        if len(x) != len(y):
            raise ValueError(f"x and y must have same first dimension, but have shapes ({len(x)},) and ({len(y)},)")
        if len(self._open.curves) >= MAX_CURVES:
            raise LimitError("A chart may have at most {limit} curves.", limit=MAX_CURVES)
        kept = thin(y)
        self._open.curves.append(Curve(kind, label[:80], x[kept], y[kept]))  # type: ignore[arg-type]

    def _finish(self) -> None:
        if self._open.curves:
            if len(self._done) >= MAX_CHARTS:
                raise LimitError("A program may draw at most {limit} charts.", limit=MAX_CHARTS)
            self._done.append(self._open)
        self._open = _Open()

    def finished(self) -> tuple[Chart, ...]:
        """All charts, also the one that was never shown."""
        charts = [*self._done, *([self._open] if self._open.curves else [])]
        return tuple(
            Chart(
                title=chart.texts.get("title", ""),
                xlabel=chart.texts.get("xlabel", ""),
                ylabel=chart.texts.get("ylabel", ""),
                xlog="x" in chart.logs,
                ylog="y" in chart.logs,
                line=chart.line,
                step=chart.step,
                series=tuple(chart.curves),
            )
            for chart in charts
        )


def points_of(values: Any) -> np.ndarray:
    """The numbers of a list, an array or a tensor, flat.

    Raises:
        ValueError: if they are none.
    """
    if isinstance(values, Tensor):
        if values.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.asarray(values.tolist(), dtype=np.float64).reshape(-1)
    if isinstance(values, (list, tuple, range)):
        count_leaves(values)
        plain = [
            value.detach().item() if isinstance(value, Tensor) and value.numel() == 1 else value for value in values
        ]
        return np.asarray(plain, dtype=np.float64).reshape(-1)
    return np.asarray(values, dtype=np.float64).reshape(-1)
