"""Pictures of VarifocalNet: losses over the score, who is a positive, nine points, and what ranking is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8
from PIL import Image

from vizcore.figures import theme
from vizcore.varifocalnet import (
    LOSSES,
    AssignmentTrace,
    LossCurves,
    LossSurface,
    Ranked,
    RefinementTrace,
    StarTrace,
)

Translate = Callable[[str], str]

LOSS_NAMES, RANKING_NAMES, RULE_NAMES, RUN_NAMES = MESSAGES = (
    {"focal": "focal loss", "quality_focal": "quality focal loss", "varifocal": "varifocal loss"},
    {
        "cls": "class score",
        "cls_ctr": "with centerness",
        "iacs": "IACS",
        "gt_ctr": "true centerness",
        "gt_ctr_iou": "true IoU as centerness",
        "gt_bbox": "true boxes",
        "gt_cls": "true class",
        "gt_cls_ctr": "true class, with centerness",
        "gt_cls_iou": "true IoU as the true class's score",
    },
    {"fcos": "center rule (FCOS)", "atss": "ATSS"},
    {
        "compare_fpn": "FCOS, center rule, focal loss",
        "vfnet_focal": "FCOS, ATSS, focal loss",
        "vfnet_varifocal": "FCOS, ATSS, varifocal loss",
        "vfnet": "VarifocalNet: varifocal loss and star",
    },
)


def plot_losses(
    curves: LossCurves, *, gradient: bool = False, p: float | None = None, translate: Translate = str
) -> go.Figure:
    """Draws the three losses, or their gradients, over the score.

    Args:
        curves: from ``loss_curves``.
        gradient: draw the gradients by the score.
        p: score to mark; None for none.
        translate: says a label in another language.
    """
    figure = go.Figure()
    values = curves.gradient if gradient else curves.loss
    for place, kind in enumerate(LOSSES):
        figure.add_scatter(
            x=curves.p,
            y=values[kind],
            mode="lines",
            name=translate(LOSS_NAMES[kind]),
            line={"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": theme.LINE_WIDTH},
            hovertemplate="p %{x:.2f} · %{y:.3f}<extra></extra>",
        )
    if curves.q > 0:
        figure.add_vline(x=curves.q, line={"color": theme.TARGET, "width": 2, "dash": "dot"})
    if p is not None:
        figure.add_vline(x=p, line={"color": theme.CURRENT, "width": 2})
    figure.update_xaxes(title=translate("score p"), range=[0, 1])
    limit = 5.0 if gradient else 2.0
    figure.update_yaxes(
        title=translate("gradient by p") if gradient else translate("loss"), range=[-limit if gradient else 0, limit]
    )
    return theme.themed(figure)


def plot_loss_surface(surface: LossSurface, *, most: float = 2.0, translate: Translate = str) -> go.Figure:
    """Draws a loss over score and target as a map; p = q is a dotted line.

    Args:
        surface: from ``loss_surface``.
        most: greatest loss that has a colour of its own.
        translate: says a label in another language.
    """
    figure = go.Figure(
        go.Heatmap(
            x=surface.p,
            y=surface.q,
            z=surface.loss,
            zmin=0,
            zmax=most,
            colorscale=theme.SEQUENTIAL,
            hovertemplate="p %{x:.2f} · q %{y:.2f} · %{z:.3f}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": theme.CURRENT, "dash": "dot", "width": 2},
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(title=translate("score p"))
    figure.update_yaxes(title=translate("target q"))
    return theme.themed(figure)


def plot_star(star: StarTrace, *, translate: Translate = str) -> go.Figure:
    """Draws a box, where a plain 3×3 convolution looks, and where the star looks.

    Args:
        star: from ``trace_star``.
        translate: says a label in another language.
    """
    x1, y1, x2, y2 = star.box
    figure = go.Figure()
    figure.add_scatter(
        x=[x1, x2, x2, x1, x1],
        y=[y1, y1, y2, y2, y1],
        mode="lines",
        name=translate("box"),
        line={"color": theme.PREDICTION, "width": theme.LINE_WIDTH},
        hoverinfo="skip",
    )
    for points, name, color, symbol in (
        (star.grid, translate("plain 3 × 3"), theme.SUPPRESSED, "square-open"),
        (star.points, translate("star"), theme.CURRENT, "star"),
    ):
        figure.add_scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="markers",
            name=name,
            marker={"color": color, "symbol": symbol, "size": 11},
            hovertemplate="(%{x:.1f}, %{y:.1f})<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    return theme.themed(figure)


def plot_assignment(trace: AssignmentTrace, *, translate: Translate = str) -> go.Figure:
    """Draws the IoU of each candidate, level by level, and the threshold that ATSS makes of them.

    Args:
        trace: from ``trace_assignment``.
        translate: says a label in another language.
    """
    figure = go.Figure()
    positive = np.isin(trace.candidates, trace.atss)
    for chosen, name, color, symbol in (
        (positive, translate("positives"), theme.KEPT, "circle"),
        (~positive, translate("negatives"), theme.SUPPRESSED, "x"),
    ):
        (places,) = np.nonzero(chosen)
        figure.add_scatter(
            x=places,
            y=trace.ious[places],
            mode="markers",
            name=name,
            customdata=trace.strides[trace.candidates[places]],
            marker={"color": color, "symbol": symbol, "size": 10},
            hovertemplate="stride %{customdata:.0f} · IoU %{y:.3f}<extra></extra>",
        )
    figure.add_hline(y=trace.mean, line={"color": theme.SUPPRESSED, "width": 1, "dash": "dot"})
    figure.add_hline(y=trace.threshold, line={"color": theme.CURRENT, "width": 2})
    figure.update_xaxes(title=translate("candidates, level by level"))
    figure.update_yaxes(title=translate("IoU of the cell's square with the box"), range=[0, 1])
    return theme.themed(figure)


def plot_ranking(ranked: Ranked, *, translate: Translate = str) -> go.Figure:
    """Draws every candidate as its score against its true IoU.

    Args:
        ranked: from ``rank``, of one picture or several joined.
        translate: says a label in another language.
    """
    figure = go.Figure(
        go.Scattergl(
            x=ranked.scores,
            y=ranked.ious,
            mode="markers",
            marker={"color": theme.PREDICTION, "size": 5, "opacity": 0.5},
            hovertemplate="%{x:.2f} · IoU %{y:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("score"), range=[0, 1])
    figure.update_yaxes(title=translate("IoU with its object"), range=[0, 1])
    return theme.themed(figure)


def plot_oracles(quality: Mapping[str, float], *, translate: Translate = str) -> go.Figure:
    """Draws the AP of each ranking of the same candidates.

    Args:
        quality: ranking → AP in [0, 1].
        translate: says a label in another language.
    """
    figure = go.Figure(
        go.Bar(
            x=list(quality.values()),
            y=[translate(RANKING_NAMES[name]) for name in quality],
            orientation="h",
            marker={"color": [theme.TARGET if name.startswith("gt") else theme.PREDICTION for name in quality]},
            hovertemplate="%{y} · AP %{x:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="AP", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    return theme.themed(figure, height=80 + 34 * len(quality)).update_layout(margin={"l": 210})


def plot_runs(
    quality: Mapping[str, Mapping[str, float]], names: Mapping[str, str], *, figures: tuple[str, ...] = ("ap", "ap75")
) -> go.Figure:
    """Draws how good the runs are, a bar a figure.

    Args:
        quality: run → figure → its value in [0, 1].
        names: run → what it is called, translated.
        figures: those that are drawn.
    """
    drawn = go.Figure()
    for place, name in enumerate(figures):
        drawn.add_bar(
            x=[each[name] for each in quality.values()],
            y=[names[run] for run in quality],
            orientation="h",
            name=name.upper(),
            marker={"color": theme.CATEGORICAL[place], "pattern": {"shape": ("", "/")[place % 2]}},
            text=[f"{each[name]:.3f}" for each in quality.values()],
            textposition="outside",
            hovertemplate=f"%{{y}} · {name.upper()} %{{x:.3f}}<extra></extra>",
        )
    drawn.update_xaxes(range=[0, 1])
    drawn.update_yaxes(autorange="reversed", automargin=True)
    drawn.update_layout(barmode="group")
    return theme.themed(drawn, height=100 + 52 * len(quality))


def plot_refinement(
    trace: RefinementTrace, pixels: UInt8[np.ndarray, "H W 3"], *, refined: bool = True, translate: Translate = str
) -> go.Figure:
    """Draws true, first and refined boxes over their scene.

    Args:
        trace: from ``trace_refinement``.
        pixels: of the scene.
        refined: draw the refined boxes too.
        translate: says a label in another language.
    """
    height, width = pixels.shape[:2]
    figure = go.Figure()
    figure.add_layout_image(
        source=Image.fromarray(pixels), x=0, y=0, sizex=width, sizey=height, xref="x", yref="y", layer="below"
    )
    rows = [
        (trace.truth, translate("true box"), theme.TARGET, "dot", None),
        (trace.first, translate("first box"), theme.PREDICTION, "dash", trace.first_ious),
    ]
    if refined:
        rows.append((trace.final, translate("refined box"), theme.CURRENT, "solid", trace.final_ious))
    for boxes, name, color, dash, ious in rows:
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 5, 2)
        broken = np.concatenate([corners, np.full((len(boxes), 1, 2), np.nan, np.float32)], 1).reshape(-1, 2)
        figure.add_scatter(
            x=broken[:, 0],
            y=broken[:, 1],
            mode="lines",
            name=name,
            line={"color": color, "width": theme.LINE_WIDTH, "dash": dash},
            text=None if ious is None else np.repeat([f"{name} · IoU {iou:.2f}" for iou in ious], 6),
            hoverinfo="skip" if ious is None else "text",
        )
    figure.update_xaxes(range=[0, width], visible=False, constrain="domain")
    figure.update_yaxes(range=[height, 0], visible=False, scaleanchor="x", constrain="domain")
    return theme.themed(figure, height=460).update_layout(margin={"l": 0, "r": 0, "b": 0})
