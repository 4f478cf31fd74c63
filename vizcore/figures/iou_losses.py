"""Pictures of losses: landscape, race, the DIoU paper's simulation, the table of metric properties."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.figures import theme
from vizcore.iou_losses import (
    LOSSES,
    PROPERTIES,
    DescentTrace,
    LossLandscape,
    MetricCheck,
    RegressionSimulation,
)

Translate = Callable[..., str]

TITLES = {info.kind: info.title for info in LOSSES}
QUANTITIES = {"error": "Error (in target sizes)", "iou": "IoU", "loss": "Loss"}
_ARROWS_ACROSS = 15


# In the order of the categorical colors. The target's green falls to α-IoU, which is seldom shown beside others.
_STYLES = ("l1", "smooth_l1", "iou", "giou", "diou", "alpha_iou", "ciou", "siou", "eiou")


def style_of(kind: str) -> tuple[str, str, str]:
    """Color, dash and marker of a loss, the same in every picture."""
    index = _STYLES.index(kind)
    return theme.CATEGORICAL[index], theme.DASHES[index], theme.MARKERS[index]


def plot_landscape(landscape: LossLandscape, *, translate: Translate = str) -> go.Figure:
    """The loss as a heat map, with arrows along which a descent would move, the target and the present place.

    Arrows are as long as the gradient, compared with the longest of them; where there is none, the gradient is zero.
    """
    position = landscape.over == "position"
    name_x = translate("Center x (px)") if position else translate("Width (px)")
    name_y = translate("Center y (px)") if position else translate("Height (px)")
    loss = translate("Loss")
    figure = go.Figure(
        go.Heatmap(
            x=landscape.x,
            y=landscape.y,
            z=landscape.loss,
            colorscale=theme.SEQUENTIAL,
            colorbar={"title": {"text": TITLES[landscape.kind]}, "thickness": 14},
            hovertemplate=f"{name_x} %{{x:.0f}}<br>{name_y} %{{y:.0f}}<br>{loss} %{{z:.4f}}<extra></extra>",
        )
    )
    tails, heads = _arrows(landscape)
    for color, width in zip(theme.HALO, (4, 1.6), strict=True):
        figure.add_trace(_segments(tails, heads, color, width))
    figure.add_trace(
        go.Scatter(
            x=heads[:, 0],
            y=heads[:, 1],
            mode="markers",
            marker={"color": theme.HALO[1], "size": 5, "line": {"color": theme.HALO[0], "width": 1}},
            name=translate("descent direction"),
            hoverinfo="skip",
        )
    )
    x1, y1, x2, y2 = landscape.target
    place, goal = _point(landscape.box, landscape.over), _point(landscape.target, landscape.over)
    if position:
        figure.add_trace(
            go.Scatter(
                x=[x1, x2, x2, x1, x1],
                y=[y1, y1, y2, y2, y1],
                mode="lines",
                line={"color": theme.HALO[1], "width": theme.LINE_WIDTH, "dash": "dash"},
                name=translate("target"),
                hoverinfo="skip",
            )
        )
    for point, symbol, name in ((goal, "x", translate("target")), (place, "circle", translate("prediction"))):
        figure.add_trace(
            go.Scatter(
                x=[point[0]],
                y=[point[1]],
                mode="markers",
                marker={
                    "symbol": symbol,
                    "size": 12,
                    "color": theme.HALO[1],
                    "line": {"color": theme.HALO[0], "width": 2},
                },
                name=name,
                hoverinfo="name",
            )
        )
    theme.themed(figure, height=420)
    figure.update_layout(showlegend=False)  # its white marks would vanish beside the map
    figure.update_xaxes(title_text=name_x, range=[landscape.x[0], landscape.x[-1]], constrain="domain")
    # Downwards as on the stage; sizes upwards, as a reader expects of a plain diagram.
    ends = [landscape.y[-1], landscape.y[0]] if position else [landscape.y[0], landscape.y[-1]]
    figure.update_yaxes(title_text=name_y, range=ends, scaleanchor="x" if position else None, constrain="domain")
    return figure


def _point(box: np.ndarray, over: str) -> tuple[float, float]:
    x1, y1, x2, y2 = (float(number) for number in box)
    return ((x1 + x2) / 2, (y1 + y2) / 2) if over == "position" else (x2 - x1, y2 - y1)


def _arrows(landscape: LossLandscape) -> tuple[np.ndarray, np.ndarray]:
    """Tails and heads ``[A, 2]`` on a coarse subset of the grid; none where the gradient is zero or not finite."""
    stride = max(1, round(max(len(landscape.x), len(landscape.y)) / _ARROWS_ACROSS))
    offset = stride // 2
    descent = -landscape.gradient[offset::stride, offset::stride].reshape(-1, 2)
    grid_x, grid_y = np.meshgrid(landscape.x[offset::stride], landscape.y[offset::stride])
    tails = np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)
    length = np.linalg.norm(descent, axis=1)
    with np.errstate(invalid="ignore"):
        drawn = np.isfinite(length) & (length > 0)
    tails, descent, length = tails[drawn], descent[drawn], length[drawn]
    if not len(length):
        return tails, tails
    cell = stride * min(landscape.x[1] - landscape.x[0], landscape.y[1] - landscape.y[0])
    # Roots: a flat plateau's gradient is a hundredth of the slope's and should still be seen.
    scale = 0.85 * cell * np.sqrt(length / length.max()) / length
    return tails, tails + descent * scale[:, None]


def _segments(tails: np.ndarray, heads: np.ndarray, color: str, width: float) -> go.Scatter:
    gap = np.full_like(tails, np.nan)
    points = np.stack([tails, heads, gap], axis=1).reshape(-1, 2)
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines",
        line={"color": color, "width": width},
        hoverinfo="skip",
        showlegend=False,
    )


def plot_race(
    trace: DescentTrace, *, quantity: str = "error", step: int | None = None, translate: Translate = str
) -> go.Figure:
    """One curve per loss over the steps.

    Args:
        trace: the race.
        quantity: one of ``QUANTITIES``.
        step: where the boxes on the stage stand, marked by a line.
        translate: says the English words in another language.
    """
    values = {"error": trace.error, "iou": trace.iou, "loss": trace.loss}[quantity]
    figure = go.Figure()
    for kind, curve in zip(trace.kinds, values, strict=True):
        figure.add_trace(_curve(kind, np.arange(values.shape[1]), curve))
    if step is not None:
        figure.add_vline(x=step, line={"color": theme.CURRENT, "width": 1.5, "dash": "dot"})
    theme.themed(figure)
    figure.update_xaxes(title_text=translate("Step"))
    figure.update_yaxes(title_text=translate(QUANTITIES[quantity]), rangemode="tozero")
    return figure


def _curve(kind: str, x: np.ndarray, y: np.ndarray, *, show: bool = True) -> go.Scatter:
    color, dash, _ = style_of(kind)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": color, "dash": dash, "width": theme.LINE_WIDTH},
        name=TITLES[kind],
        legendgroup=kind,
        showlegend=show,
        hovertemplate="%{x}: %{y:.4g}",
    )


def plot_simulation(simulation: RegressionSimulation, *, translate: Translate = str) -> go.Figure:
    """Mean error, and the shares of anchors above IoU 0.5 and 0.9, over the steps."""
    panels = (
        (simulation.mean_error, translate("Mean error")),
        (simulation.share_above_half, translate("Share with IoU > 0.5")),
        (simulation.share_above_nine_tenths, translate("Share with IoU > 0.9")),
    )
    figure = make_subplots(rows=1, cols=3, subplot_titles=[title for _, title in panels], horizontal_spacing=0.06)
    for column, (values, _) in enumerate(panels, start=1):
        for kind, curve in zip(simulation.kinds, values, strict=True):
            figure.add_trace(_curve(kind, np.arange(values.shape[1]), curve, show=column == 1), row=1, col=column)
    theme.themed(figure)
    figure.update_layout(margin_t=80, legend_y=1.14)
    figure.update_xaxes(title_text=translate("Step"))
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 1.02], col=2)
    figure.update_yaxes(range=[0, 1.02], col=3)
    return figure


def plot_final_error(simulation: RegressionSimulation, *, most: int = 2000, translate: Translate = str) -> go.Figure:
    """Where the anchors stood that did not arrive: final error by the center they started from, one panel per loss.

    Args:
        simulation: the result.
        most: so many centers at most are drawn.
        translate: says the English words in another language.
    """
    stride = max(1, -(-len(simulation.centers) // most))
    centers, errors = simulation.centers[::stride], simulation.final_error[:, ::stride]
    top = float(np.nanmax(simulation.final_error)) or 1.0
    figure = make_subplots(
        rows=1,
        cols=len(simulation.kinds),
        subplot_titles=[TITLES[kind] for kind in simulation.kinds],
        shared_yaxes=True,
    )
    for column, error in enumerate(errors, start=1):
        figure.add_trace(
            go.Scatter(
                x=centers[:, 0],
                y=centers[:, 1],
                mode="markers",
                marker={
                    "size": 5,
                    "color": error,
                    "cmin": 0,
                    "cmax": top,
                    "colorscale": theme.SEQUENTIAL,
                    "showscale": column == len(simulation.kinds),
                    "colorbar": {"title": {"text": translate("Error")}, "thickness": 14},
                },
                hovertemplate="(%{x:.2f}, %{y:.2f}): %{marker.color:.3f}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=column,
        )
    theme.themed(figure, height=320)
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_xaxes(constrain="domain")
    return figure


def plot_disjoint_errors(simulations: Sequence[RegressionSimulation], *, translate: Translate = str) -> go.Figure:
    """Summed error of the anchors that began disjoint, per loss, one group of bars per gradient."""
    names = {
        "official": translate("published scripts’ derivative"),
        "exact": translate("exact gradient (autograd)"),
    }
    looks = {"official": (theme.SUPPRESSED, "/"), "exact": (theme.PREDICTION, "")}
    figure = go.Figure()
    for simulation in simulations:
        color, shape = looks[simulation.gradient]
        figure.add_trace(
            go.Bar(
                x=[TITLES[kind] for kind in simulation.kinds],
                y=simulation.disjoint_summed_error,
                name=names[simulation.gradient],
                marker={"color": color, "pattern": {"shape": shape}},
                texttemplate="%{y:.0f}",
                textposition="outside",
                cliponaxis=False,
            )
        )
    theme.themed(figure, height=300)
    figure.update_layout(barmode="group")
    figure.update_yaxes(title_text=translate("Summed error"))
    return figure


def short_name(property: str, *, translate: Translate = str) -> str:
    """The name of a property without its formula."""
    return translate(PROPERTIES[property]).replace("：", ":").split(":")[0]


def centered(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes moved together to the middle of a canvas of (height, width), by whole pixels."""
    middle = (boxes[:, :2].min(0) + boxes[:, 2:].max(0)) / 2
    shift = np.round(np.array([size[1], size[0]]) / 2 - middle)
    return boxes + np.tile(shift, 2)


def plot_metric_checks(checks: Sequence[MetricCheck], *, translate: Translate = str) -> go.Figure:
    """A grid of losses and properties: a tick, or by how much the worst counterexample breaks the property."""
    kinds = list(dict.fromkeys(check.kind for check in checks))
    properties = list(dict.fromkeys(check.property for check in checks))
    found = {(check.kind, check.property): check for check in checks}
    holds = [[float(found[kind, name].holds) for name in properties] for kind in kinds]
    words = [
        ["✓" if found[kind, name].holds else f"✗ {found[kind, name].violation:.3g}" for name in properties]
        for kind in kinds
    ]
    figure = go.Figure(
        go.Heatmap(
            z=holds,
            x=[short_name(name, translate=translate) for name in properties],
            y=[TITLES[kind] for kind in kinds],
            text=words,
            texttemplate="%{text}",
            textfont={"color": theme.HALO[1]},
            colorscale=[[0, theme.ERROR], [1, theme.TARGET]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y}: %{x}<br>%{text}<extra></extra>",
        )
    )
    theme.themed(figure, height=80 + 34 * len(kinds))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(side="top")
    figure.update_layout(margin={"l": 90, "t": 60, "b": 16})
    return figure
