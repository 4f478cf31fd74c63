"""Pictures of CenterNet: both radii over the size of an object, the worst box, the loss, what decoding costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from vizcore.centernet import FORMULAS, DecodeTrace, LossMaps, WorstBox
from vizcore.figures import theme

Translate = Callable[[str], str]

FORMULA_NAMES, ABLATION_NAMES = MESSAGES = (
    {"exact": "exact radius", "released": "released formula"},
    {
        "default": "as trained",
        "nms": "NMS after the peaks",
        "no_offset": "offset head off",
        "kernel_1": "peaks of 1 × 1",
        "kernel_5": "peaks of 5 × 5",
        "k_10": "k = 10",
        "k_30": "k = 30",
        "flip": "flip test",
    },
)


def plot_radii(
    sides: Float[np.ndarray, " S"],
    radii: Mapping[str, Float[np.ndarray, " S"]],
    ious: Mapping[str, Float[np.ndarray, " S"]],
    *,
    min_overlap: float,
    translate: Translate = str,
) -> go.Figure:
    """Draws the worst IoU within each formula's radius over the side of a box.

    Args:
        sides: of the boxes, cells.
        radii: formula → radius, cells.
        ious: formula → IoU of the worst box within it.
        min_overlap: that both formulas promise.
        translate: says a label in another language.

    Returns:
        A line for each formula; its radius is in the hover text.
    """
    figure = go.Figure()
    for place, name in enumerate(FORMULAS):
        figure.add_scatter(
            x=sides,
            y=ious[name],
            mode="lines",
            name=translate(FORMULA_NAMES[name]),
            customdata=radii[name],
            line={
                "color": theme.TARGET if place == 0 else theme.ERROR,
                "dash": theme.DASHES[place],
                "width": theme.LINE_WIDTH,
            },
            hovertemplate="r = %{customdata:.2f} · IoU %{y:.2f}<extra></extra>",
        )
    figure.add_hline(y=min_overlap, line={"color": theme.SUPPRESSED, "width": 1, "dash": "dot"})
    figure.update_xaxes(title=translate("side of the box (cells)"))
    figure.update_yaxes(title=translate("IoU of the worst box"), range=[0, 1])
    return theme.themed(figure)


def plot_worst_box(
    size: tuple[float, float], worst: Mapping[str, WorstBox], *, translate: Translate = str
) -> go.Figure:
    """Draws a box and the worst one within each radius.

    Args:
        size: (height, width) of the true box, cells.
        worst: formula → its worst box.
        translate: says a label in another language.

    Returns:
        The true box first, then one outline for each formula.
    """
    height, width = size
    figure = go.Figure()
    boxes = [((0.0, 0.0, width, height), translate("true box"), theme.PREDICTION, "solid")]
    for place, (name, found) in enumerate(worst.items()):
        color = theme.TARGET if name == "exact" else theme.ERROR
        boxes.append(
            (found.box, f"{translate(FORMULA_NAMES[name])} · IoU {found.iou:.2f}", color, theme.DASHES[place + 1])
        )
    for (x1, y1, x2, y2), label, color, dash in boxes:
        figure.add_scatter(
            x=[x1, x2, x2, x1, x1],
            y=[y1, y1, y2, y2, y1],
            mode="lines",
            name=label,
            line={"color": color, "dash": dash, "width": theme.LINE_WIDTH},
            hoverinfo="name",
        )
    figure.update_xaxes(title="x", constrain="domain")
    figure.update_yaxes(title="y", autorange="reversed", scaleanchor="x")
    return theme.themed(figure)


def plot_heatmap(heatmap: Float[np.ndarray, "H W"], *, height: int = theme.HEIGHT) -> go.Figure:
    """Draws one class's map, every cell a square, from 0 to 1.

    Args:
        heatmap: probabilities or targets.
        height: of the figure, screen pixels.
    """
    figure = go.Figure(
        go.Heatmap(
            z=heatmap,
            zmin=0,
            zmax=1,
            colorscale=theme.SEQUENTIAL,
            hovertemplate="(%{x}, %{y}) %{z:.3f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    return theme.themed(figure, height=height)


def plot_loss(maps: LossMaps, label: int, *, gradient: bool = False, translate: Translate = str) -> go.Figure:
    """Draws what every pixel of a class's map adds to the loss, or its gradient; peaks are marked.

    Args:
        maps: from ``loss_maps``.
        label: class.
        gradient: draw the gradient by the probability.
        translate: says a label in another language.
    """
    values = (maps.gradient if gradient else maps.terms)[label]
    reach = float(np.abs(values).max()) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-reach if gradient else 0,
            zmax=reach,
            colorscale="RdBu" if gradient else theme.SEQUENTIAL,
            reversescale=gradient,
            customdata=maps.weights[label],
            hovertemplate="(%{x}, %{y}) %{z:.3g} · (1 − Y)⁴ %{customdata:.3g}<extra></extra>",
        )
    )
    rows, columns = np.nonzero(maps.positives[label])
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="markers",
        name=translate("peaks"),
        marker={"symbol": "circle-open", "size": 14, "color": theme.CURRENT, "line": {"width": 2}},
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    return theme.themed(figure)


def plot_scores(trace: DecodeTrace, *, position: int | None = None, translate: Translate = str) -> go.Figure:
    """Draws the score of every peak by rank.

    Args:
        trace: of a decoding.
        position: of the step to mark; None for none.
        translate: says a label in another language.
    """
    colors = [theme.KEPT if chosen else theme.SUPPRESSED for chosen in trace.chosen]
    if position is not None:
        colors[position] = theme.CURRENT
    figure = go.Figure(
        go.Bar(
            x=np.arange(1, len(trace.scores) + 1),
            y=trace.scores,
            marker={"color": colors},
            hovertemplate="%{x} · %{y:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("rank"))
    figure.update_yaxes(title=translate("score"), range=[0, 1])
    return theme.themed(figure)


def plot_ablation(quality: Mapping[str, Mapping[str, float]], *, translate: Translate = str) -> go.Figure:
    """Draws AP and AP75 of each way to decode the same maps.

    Args:
        quality: name (of ``ABLATION_NAMES``) → figures in [0, 1], ``ap`` and ``ap75`` among them.
        translate: says a label in another language.
    """
    figure = go.Figure()
    names = [translate(ABLATION_NAMES[name]) for name in quality]
    for place, (figure_of, label) in enumerate((("ap", "AP"), ("ap75", "AP75"))):
        figure.add_bar(
            x=[each[figure_of] for each in quality.values()],
            y=names,
            orientation="h",
            name=label,
            marker={"color": theme.CATEGORICAL[place]},
            hovertemplate="%{y} · %{x:.3f}<extra>" + label + "</extra>",
        )
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    return theme.themed(figure, height=80 + 44 * len(names)).update_layout(barmode="group", margin={"l": 160})
