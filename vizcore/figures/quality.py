"""Average precisions as bars in groups: what trained detectors reach, one group for each of COCO's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from vizcore.figures import theme

PATTERNS = ("", "/", "x", ".")
_LEAST_TEXT = 9  # px
_DOT = {"size": 7, "color": theme.HALO[1], "line": {"color": theme.HALO[0], "width": 1.5}}
_ABOVE_DOTS = "<br>\N{NO-BREAK SPACE}"
"""An empty line below a number: the dots upon the bar do not lie on it. (Plotly fits a bar's text into its width.)"""


@dataclass(frozen=True)
class Bars:
    """One detector, a bar in every group.

    Attributes:
        name: in the reader's language.
        values: by name of a figure, in [0, 1]; negative where there was no such object.
        place: of its color among ``theme.CATEGORICAL``.
        pattern: one of ``PATTERNS``, a second cue beside color.
        runs: of single seeds, each like ``values``; drawn as dots upon the bars.
    """

    name: str
    values: Mapping[str, float]
    place: int
    pattern: str = ""
    runs: Sequence[Mapping[str, float]] = ()


def plot_bars(
    bars: Sequence[Bars],
    names: Mapping[str, str],
    *,
    title: str,
    decimals: int = 2,
    short: bool = True,
    fitted: bool = False,
    run: str = "seed",
    height: int = theme.HEIGHT,
) -> go.Figure:
    """Draws average precisions in groups.

    Args:
        bars: in the order drawn. Where one of them has single seeds, all must.
        names: of the groups, in the reader's language, by the figures' names in ``values``.
        title: of the axis.
        decimals: of the number above a bar.
        short: whether that number goes without its zero.
        fitted: whether the axis ends a little above the greatest value; else above 1.
        run: what a dot is, in the reader's language.
        height: pixels.

    Returns:
        A trace of bars for each of ``bars``; after them, where seeds are shown, a trace of dots for each.
    """
    figure = go.Figure()
    groups = list(names.values())
    dotted = any(each.runs for each in bars)
    for each in bars:
        values = [each.values[name] for name in names]
        said = [_say(value, decimals, short=short) for value in values]
        figure.add_bar(
            x=groups,
            y=[max(value, 0.0) for value in values],
            name=each.name,
            legendgroup=each.name,  # a press on it hides bars and dots
            offsetgroup=each.name,
            marker={
                "color": theme.CATEGORICAL[each.place],
                "pattern": {"shape": each.pattern, "fillmode": "overlay", "solidity": 0.25},
            },
            text=[
                f"{words}{_ABOVE_DOTS}" if dotted and value >= 0 else words
                for value, words in zip(values, said, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    if dotted:
        _add_dots(figure, bars, names, run)
    top = max(values[name] for each in bars for values in (each.values, *each.runs) for name in names)
    figure.update_yaxes(range=[0, min(1.05, 1.2 * top) if fitted else 1.05], title=title)
    theme.themed(figure, height=height)
    return figure.update_layout(
        barmode="group",
        bargap=0.2,
        bargroupgap=0.05,
        uniformtext={"minsize": _LEAST_TEXT, "mode": "hide"},  # where bars are too narrow, hovering still says it
    )


def _add_dots(figure: go.Figure, bars: Sequence[Bars], names: Mapping[str, str], run: str) -> None:
    """A dot for each seed, upon the bar."""
    for each in bars:
        reached = [(label, one[name]) for name, label in names.items() for one in each.runs if one[name] >= 0]
        figure.add_scatter(
            x=[label for label, _value in reached],
            y=[value for _label, value in reached],
            mode="markers",
            name=f"{each.name}, {run}",
            legendgroup=each.name,
            showlegend=False,
            offsetgroup=each.name,
            marker=_DOT,
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(scattermode="group", scattergap=0.2)


def _say(value: float, decimals: int, *, short: bool) -> str:
    if value < 0:
        return "–"
    words = f"{value:.{decimals}f}"
    return words.removeprefix("0") if short else words
