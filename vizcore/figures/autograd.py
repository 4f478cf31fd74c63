"""Pictures of what autograd does."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from vizcore.autograd.differences import DifferenceErrors
from vizcore.figures.theme import CATEGORICAL, GRADIENT, LINE_WIDTH, themed


def plot_differences(errors: DifferenceErrors, *, translate: Callable[[str], str] = str) -> go.Figure:
    """The error of central differences by their step, with autograd's as a line across.

    Args:
        errors: from ``compare_differences``.
        translate: turns an English label into the reader's language.

    Returns:
        Two traces on logarithmic axes: the differences, and autograd.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=errors.steps,
        y=errors.errors,
        mode="lines+markers",
        name=translate("central difference"),
        line={"color": CATEGORICAL[0], "width": LINE_WIDTH},
        marker={"size": 7},
        hovertemplate="h = %{x:.1e}: %{y:.1e}<extra></extra>",
    )
    figure.add_scatter(
        x=[errors.steps[0], errors.steps[-1]],
        y=[errors.autograd_error] * 2,
        mode="lines",
        name="autograd",
        line={"color": GRADIENT, "width": LINE_WIDTH, "dash": "dash"},
        hovertemplate="autograd: %{y:.1e}<extra></extra>",
    )
    figure.update_xaxes(type="log", title=translate("step h"), exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", title=translate("relative error"), exponentformat="power", dtick=2)
    return themed(figure, height=280)
