"""Pictures of one network built both ways: repeated passes, an optimizer step, running statistics, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from vizcore.figures.theme import CATEGORICAL, DASHES, LINE_WIDTH, MARKERS, themed
from vizcore.modules import NetworkComparison, NetworkReport, NetworkTiming

_TITLES = {"module": "nn.Module", "functional": "nn.functional"}
_COLOURS = {"module": CATEGORICAL[0], "functional": CATEGORICAL[2]}
_MARKERS = {"module": MARKERS[0], "functional": MARKERS[2]}


def plot_repeated_passes(
    comparison: NetworkComparison,
    *,
    mode: Literal["eval", "train"] = "eval",
    translate: Callable[[str], str] = str,
) -> go.Figure:
    """Twenty passes of the same input as dots: one column of dots means that the network decides alike each time.

    Args:
        comparison: Both networks.
        mode: Passes in ``eval()`` or in ``train()``.
        translate: Turns an English label into the reader's language.

    Returns:
        One trace of dots for each network.
    """
    figure = go.Figure()
    for report in (comparison.module, comparison.functional):
        passes = report.passes_eval if mode == "eval" else report.passes_train
        figure.add_scatter(
            x=passes,
            y=_spread(passes, 0.0 if report.name == "functional" else 1.0),
            mode="markers",
            name=_TITLES[report.name],
            marker={"color": _COLOURS[report.name], "symbol": _MARKERS[report.name], "size": 10, "opacity": 0.75},
            customdata=np.arange(1, len(passes) + 1),
            hovertemplate=f"{translate('pass')} %{{customdata}}: %{{x:.4f}}<extra></extra>",
        )
    figure.update_xaxes(title=translate("first output for the first input"))
    figure.update_yaxes(
        tickvals=[0, 1], ticktext=[_TITLES["functional"], _TITLES["module"]], range=[-0.6, 1.6], zeroline=False
    )
    figure.update_layout(showlegend=False)
    return themed(figure, height=240)


def plot_step(comparison: NetworkComparison, *, translate: Callable[[str], str] = str) -> go.Figure:
    """How far each weight moved in one optimizer step, weight by weight, both networks side by side.

    Args:
        comparison: Both networks.
        translate: Turns an English label into the reader's language.

    Returns:
        One bar trace for each network; both name the weights as the module does.
    """
    figure = go.Figure()
    names = [name for name, _ in comparison.module.step_changes]
    for report in (comparison.module, comparison.functional):
        figure.add_bar(
            x=names,
            y=[change for _, change in report.step_changes],
            name=_TITLES[report.name],
            marker={"color": _COLOURS[report.name], "pattern": {"shape": "" if report.name == "module" else "/"}},
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )
    figure.update_yaxes(title=translate("length of the change"), rangemode="tozero")
    return themed(figure, height=280)


def plot_running_mean(comparison: NetworkComparison, *, translate: Callable[[str], str] = str) -> go.Figure:
    """The running mean of the batch normalization over ten training batches.

    Args:
        comparison: Both networks, built with batch normalization.
        translate: Turns an English label into the reader's language.

    Returns:
        A line for each hidden feature and network; empty without batch normalization.
    """
    figure = go.Figure()
    for report in (comparison.module, comparison.functional):
        if not len(report.running_mean):
            continue
        for feature, line in enumerate(report.running_mean.T):
            figure.add_scatter(
                x=np.arange(len(line)),
                y=line,
                mode="lines+markers",
                name=_TITLES[report.name],
                legendgroup=report.name,
                showlegend=feature == 0,
                line={"color": _COLOURS[report.name], "width": LINE_WIDTH, "dash": _dash(report)},
                marker={"symbol": _MARKERS[report.name], "size": 6},
                opacity=0.8,
                hovertemplate=f"{translate('feature')} {feature}: %{{y:.4f}}<extra></extra>",
            )
    figure.update_xaxes(title=translate("training batches seen"))
    figure.update_yaxes(title="running_mean")
    return themed(figure, height=280)


def plot_timing(timing: NetworkTiming, *, translate: Callable[[str], str] = str) -> go.Figure:
    """Every timed pass as a box plot: median, quartiles, whiskers; the slowest twentieth may lie beyond the axis.

    Args:
        timing: Times of both networks.
        translate: Turns an English label into the reader's language.

    Returns:
        One box for each network.
    """
    figure = go.Figure()
    for name, times in (("functional", timing.functional), ("module", timing.module)):
        figure.add_box(
            x=times,
            name=_TITLES[name],
            orientation="h",
            boxpoints=False,
            marker={"color": _COLOURS[name]},
            line={"width": LINE_WIDTH},
        )
    # A single slow pass must not squeeze the boxes: the axis ends beyond all but the slowest twentieth.
    end = 1.15 * max(float(np.percentile(times, 95)) for times in (timing.module, timing.functional))
    figure.update_xaxes(title=translate("microseconds for one pass"), range=[0, end])
    figure.update_layout(showlegend=False)
    return themed(figure, height=220)


def _dash(report: NetworkReport) -> str:
    return DASHES[0] if report.name == "module" else DASHES[1]


def _spread(values: np.ndarray, centre: float) -> np.ndarray:
    """Heights around ``centre``, so that equal values stack instead of hiding each other."""
    order: dict[float, int] = {}
    heights = np.empty(len(values))
    for index, value in enumerate(values):
        level = order.get(float(value), 0)
        order[float(value)] = level + 1
        heights[index] = centre + ((level + 1) // 2) * (0.04 if level % 2 else -0.04)
    return heights
