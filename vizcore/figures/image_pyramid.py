"""Pictures of an image pyramid: which level knows the object, what the levels cost, what sampling invents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.figures import theme
from vizcore.image_pyramid import ALIASING_METHODS, PARTS, AliasingTrace, HaarFeature, PyramidCost, SlidingWindowTrace

Translate = Callable[[str], str]

MESSAGES = (
    "backbone",
    "classifier",
    "feature pyramid",
    "detection heads",
    "image pyramid (levels: {count})",
    "feature pyramid, one pass",
    "billion multiply-adds",
    "level",
    "multiply-adds, largest level = 1",
    "counted",
    "f⁻²ᵏ with f = {step}",
    "side of the window in pixels of the photo",
    "best probability on the level",
    "score threshold {value}",
    "level {number}",
    "periods per pixel before halving",
    "amplitude left of 1",
    "every other pixel",
    "torch, antialiased",
    "Gaussian, then sampled",
    "no room above",
    "a Haar feature: lower rectangle less upper one",
    "integral image",
    "histograms of oriented gradients",
)
METHOD_WORDS = dict(
    zip(ALIASING_METHODS, ("every other pixel", "torch, antialiased", "Gaussian, then sampled"), strict=True)
)
GIGA = 1e9
_PATTERNS = ("", "/", "x", ".")


def sequential_colors(number: int = 65) -> list[str]:
    """Samples the sequential scale, for a map that the browser paints itself.

    Args:
        number: how many colours.

    Returns:
        ``"rgb(r, g, b)"`` from lowest to highest.
    """
    return theme.sequential_colors(number)


def plot_level_scores(
    trace: SlidingWindowTrace, others: Mapping[str, Sequence[float]] = {}, *, name: str = "", translate: Translate = str
) -> go.Figure:
    """Draws how sure the surest window of each level is, over the size that the window has in the photo.

    Args:
        trace: one class looked for.
        others: name → best probability on each level, of classes to compare with.
        name: of the class looked for.
        translate: says a label in another language.

    Returns:
        One line a class; ``customdata`` of the first carries the windows' indices.
    """
    best = [trace.best_on(level) for level in range(len(trace.level_sizes))]
    sides = [float(np.sqrt(np.prod(trace.boxes[window, 2:] - trace.boxes[window, :2]))) for window in best]
    words = [translate("level {number}").format(number=level + 1) for level in range(len(best))]
    lines = {name: trace.scores[best], **others}
    traces = [
        {
            "type": "scatter",
            "x": sides,
            "y": [float(value) for value in values],
            "customdata": best if index == 0 else None,
            "text": words,
            "name": label,
            "mode": "lines+markers",
            "line": {
                "color": theme.CURRENT if index == 0 else theme.CATEGORICAL[(index - 1) % 9],
                "width": 3.5 if index == 0 else 1.75,
                "dash": theme.DASHES[index % 9],
            },
            "marker": {"symbol": theme.MARKERS[index % 9], "size": 11 if index == 0 else 8},
            "hovertemplate": "%{text}: %{y:.3f}<extra>%{fullData.name}</extra>",
        }
        for index, (label, values) in enumerate(lines.items())
    ]
    threshold = {
        "type": "line",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "y0": trace.score_threshold,
        "y1": trace.score_threshold,
        "line": {"color": theme.SUPPRESSED, "width": 1.5, "dash": "dash"},
        "name": translate("score threshold {value}").format(value=f"{trace.score_threshold:g}"),
    }
    return theme.drawn(
        traces,
        theme.layout()
        | {
            "shapes": [threshold],
            "showlegend": True,
            "xaxis": {"title": {"text": translate("side of the window in pixels of the photo")}},
            "yaxis": {"title": {"text": translate("best probability on the level")}, "range": [0, 1.05]},
        },
    )


def plot_level_costs(cost: PyramidCost, *, scale_step: float, translate: Translate = str) -> go.Figure:
    """Draws each level's multiply-adds over those of the largest, beside the geometric series.

    Args:
        cost: of a pyramid.
        scale_step: f of the series f⁻²ᵏ.
        translate: says a label in another language.
    """
    counted = [level.multiply_adds / cost.levels[0].multiply_adds for level in cost.levels]
    places = list(range(1, len(counted) + 1))
    figure = go.Figure(
        [
            go.Bar(
                x=places,
                y=counted,
                name=translate("counted"),
                marker={"color": theme.PREDICTION},
                text=[f"{level.multiply_adds / GIGA:.2f} G" for level in cost.levels],
                textposition="auto",
                customdata=[level.multiply_adds for level in cost.levels],
                hovertemplate="%{y:.3f} (%{text})<extra></extra>",
            ),
            go.Scatter(
                x=places,
                y=[scale_step ** (-2 * index) for index in range(len(counted))],
                name=translate("f⁻²ᵏ with f = {step}").format(step=f"{scale_step:g}"),
                mode="lines+markers",
                line={"color": theme.CURRENT, "dash": "dash", "width": theme.LINE_WIDTH},
                marker={"symbol": "diamond", "size": 9},
                hovertemplate="%{y:.3f}<extra></extra>",
            ),
        ]
    )
    figure.update_xaxes(title=translate("level"), dtick=1)
    figure.update_yaxes(title=translate("multiply-adds, largest level = 1"), range=[0, 1.08])
    return theme.themed(figure, height=320)


def plot_alternatives(cost: PyramidCost, *, translate: Translate = str) -> go.Figure:
    """Draws where an image pyramid and one pass with a feature pyramid spend their multiply-adds.

    Args:
        cost: of a pyramid.
        translate: says a label in another language.

    Returns:
        Stacked bars, one trace a part of the network; a pattern comes with each colour.
    """
    rows = [
        translate("image pyramid (levels: {count})").format(count=len(cost.levels)),
        translate("feature pyramid, one pass"),
    ]
    figure = go.Figure()
    for index, part in enumerate(PARTS):
        values = [
            parts[part].multiply_adds if part in parts else 0 for parts in (cost.image_pyramid, cost.feature_pyramid)
        ]
        figure.add_trace(
            go.Bar(
                y=rows,
                x=[value / GIGA for value in values],
                customdata=values,
                name=translate(part),
                orientation="h",
                marker={"color": theme.CATEGORICAL[index], "pattern": {"shape": _PATTERNS[index], "size": 6}},
                hovertemplate="%{x:.2f}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(title=translate("billion multiply-adds"))
    figure.update_yaxes(autorange="reversed", automargin=True)
    return theme.themed(figure, height=260)


def plot_amplitudes(trace: AliasingTrace, *, translate: Translate = str) -> go.Figure:
    """Draws what each way of halving leaves of gratings; right of the line there is no room for them.

    Args:
        trace: from ``trace_aliasing``.
        translate: says a label in another language.
    """
    figure = go.Figure()
    colors = dict(zip(ALIASING_METHODS, (theme.ERROR, theme.PREDICTION, theme.KEPT), strict=True))
    for index, method in enumerate(ALIASING_METHODS):
        figure.add_trace(
            go.Scatter(
                x=trace.frequencies,
                y=trace.amplitudes[method],
                name=translate(METHOD_WORDS[method]),
                mode="lines",
                line={"color": colors[method], "dash": theme.DASHES[index], "width": theme.LINE_WIDTH},
                hovertemplate="%{x:.3f}: %{y:.3f}<extra>%{fullData.name}</extra>",
            )
        )
    figure.add_vline(
        x=trace.limit,
        line={"color": theme.SUPPRESSED, "dash": "dot"},
        annotation_text=translate("no room above"),
        annotation_position="bottom right",
    )
    figure.update_xaxes(title=translate("periods per pixel before halving"), range=[0, 0.5])
    figure.update_yaxes(title=translate("amplitude left of 1"), range=[0, 1.1])
    return theme.themed(figure, height=320)


def plot_zone_plates(trace: AliasingTrace, *, translate: Translate = str) -> go.Figure:
    """Draws a zone plate halved in each way: rings that are not around the centre were not in it.

    Args:
        trace: from ``trace_aliasing``.
        translate: says a label in another language.
    """
    figure = make_subplots(
        1,
        len(ALIASING_METHODS),
        subplot_titles=[translate(METHOD_WORDS[method]) for method in ALIASING_METHODS],
        horizontal_spacing=0.02,
    )
    for column, method in enumerate(ALIASING_METHODS, start=1):
        _add_picture(figure, trace.pictures[method], column, "Greys_r", low=-1, high=1)
    return _bare(figure, height=260)


def plot_shared(haar: HaarFeature, table: np.ndarray, hog: np.ndarray, *, translate: Translate = str) -> go.Figure:
    """Draws what the classical detectors compute once: a Haar feature, the integral image under it, and HOG cells.

    Args:
        haar: a feature on a patch.
        table: ``[H, W]`` integral image.
        hog: ``[h, w]`` drawn histograms.
        translate: says a label in another language.
    """
    figure = make_subplots(
        1,
        3,
        subplot_titles=[
            translate(words)
            for words in (
                "a Haar feature: lower rectangle less upper one",
                "integral image",
                "histograms of oriented gradients",
            )
        ],
        horizontal_spacing=0.04,
    )
    _add_picture(figure, haar.patch, 1, "Greys_r")
    _add_picture(figure, table, 2, theme.SEQUENTIAL)
    _add_picture(figure, hog, 3, "Greys_r")
    for sign, row, column, rows, columns in haar.rectangles:
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + columns - 0.5,
            y0=row - 0.5,
            y1=row + rows - 0.5,
            line={"color": theme.CURRENT, "width": 3, "dash": "solid" if sign > 0 else "dot"},
            fillcolor="rgba(255,255,255,0.28)" if sign > 0 else "rgba(0,0,0,0.4)",
            row=1,
            col=1,
        )
    return _bare(figure, height=300)


def _add_picture(
    figure: go.Figure, picture: np.ndarray, column: int, scale: str, low: float | None = None, high: float | None = None
) -> None:
    figure.add_trace(
        go.Heatmap(
            z=picture.astype(np.float32),
            colorscale=scale,
            zmin=low,
            zmax=high,
            showscale=False,
            hovertemplate="%{y}, %{x}: %{z:.3g}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def _bare(figure: go.Figure, *, height: int) -> go.Figure:
    """Pictures without axes, pixels square, first row on top."""
    theme.themed(figure, height=height)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 32, "b": 8})
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", constrain="domain")
    for index in range(len(figure.data)):
        anchor = "x" if index == 0 else f"x{index + 1}"
        figure.layout["yaxis" if index == 0 else f"yaxis{index + 1}"].scaleanchor = anchor
    return figure
