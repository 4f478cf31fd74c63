"""Pictures of a suppression: overlaps, decay, what each method keeps, and what a ranking is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.data.crowds import RankedCrowd
from vizcore.figures import theme
from vizcore.nms import (
    BetterLost,
    DecayCurve,
    Evaluation,
    NMSTrace,
    RankingResult,
)

Translate = Callable[[str], str]

METHOD_NAMES = {
    "hard": "Greedy (hard)",
    "soft_linear": "Soft, linear",
    "soft_gaussian": "Soft, Gaussian",
    "diou": "DIoU",
    "matrix": "Matrix",
    "fusion": "Box fusion",
}
RANKING_NAMES = {
    "score": "classification score",
    "score_centerness": "score × centerness",
    "score_predicted_iou": "score × predicted IoU",
    "true_iou": "true IoU (oracle)",
}
MESSAGES = (*METHOD_NAMES.values(), *RANKING_NAMES.values())
MOST_DRAWN = 300  # boxes in one panel; more would be a gray surface


def plot_decay(curves: Mapping[str, DecayCurve], *, translate: Translate = str) -> go.Figure:
    """Draws what an overlap multiplies a score by.

    Args:
        curves: by method.
        translate: says a label in another language.

    Returns:
        One line for each method.
    """
    figure = go.Figure()
    for place, (method, curve) in enumerate(curves.items()):
        figure.add_scatter(
            x=curve.overlaps,
            y=curve.factors,
            mode="lines",
            name=translate(METHOD_NAMES[method]),
            line=_line(place),
        )
    figure.update_xaxes(title=translate("IoU with the box in hand"), range=[0, 1])
    figure.update_yaxes(title=translate("the score is multiplied by"), range=[-0.03, 1.05])
    return theme.themed(figure)


def plot_precision_recall(
    evaluations: Mapping[str, Evaluation], *, iou: int = 50, translate: Translate = str
) -> go.Figure:
    """Draws interpolated precision over recall.

    Args:
        evaluations: by method or by ranking.
        iou: 50 or 75, the IoU in percent from which a detection counts.
        translate: says a label in another language.

    Returns:
        One line for each evaluation that has ground truth; the area under it is the AP at that IoU.
    """
    figure = go.Figure()
    for place, (name, evaluation) in enumerate(evaluations.items()):
        precision = evaluation.precision50 if iou == 50 else evaluation.precision75
        if np.isnan(precision).all():
            continue
        figure.add_scatter(
            x=evaluation.recall_levels,
            y=precision,
            mode="lines",
            name=translate(_name(name)),
            line={**_line(place), "shape": "hv"},
        )
    figure.update_xaxes(title=translate("recall"), range=[0, 1.01])
    figure.update_yaxes(title=translate("precision"), range=[0, 1.05])
    return theme.themed(figure)


def plot_evaluations(evaluations: Mapping[str, Evaluation], *, translate: Translate = str) -> go.Figure:
    """Draws average precision, precision and recall as bars.

    Args:
        evaluations: by method or by ranking.
        translate: says a label in another language.

    Returns:
        A group of bars for each evaluation; a missing value (no ground truth) leaves a gap.
    """
    names = [translate(_name(name)) for name in evaluations]
    figure = go.Figure()
    for place, (field, label) in enumerate(
        (("ap", "AP"), ("ap75", "AP75"), ("precision", translate("precision")), ("recall", translate("recall")))
    ):
        values = [getattr(evaluation, field) for evaluation in evaluations.values()]
        figure.add_bar(
            x=names,
            y=values,
            name=label,
            text=["" if np.isnan(value) else f"{value:.2f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={"color": theme.CATEGORICAL[place], "pattern": {"shape": ("", "/", "x", ".")[place]}},
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(range=[0, 1.1])
    return theme.themed(figure)


def plot_kept_sets(
    traces: Mapping[str, NMSTrace],
    evaluations: Mapping[str, Evaluation],
    targets: np.ndarray,
    size: tuple[int, int],
    *,
    shown_score: float = 0.0,
    translate: Translate = str,
) -> go.Figure:
    """Draws, side by side, what each method keeps of the same candidates.

    Args:
        traces: by method.
        evaluations: by method.
        targets: ``[M, 4]`` true objects, xyxy, pixels; may be empty.
        size: (height, width) of the picture, pixels.
        shown_score: boxes whose final score is lower are not drawn.
        translate: says a label in another language.

    Returns:
        A panel for each method: kept boxes drawn through, the fainter the lower their score; objects found dotted,
        objects lost in dashes of their own color.
    """
    columns = 3
    rows = max(1, -(-len(traces) // columns))
    titles = [translate(METHOD_NAMES[method]) for method in traces]
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, horizontal_spacing=0.03, vertical_spacing=0.1
    )
    seen_lost = False
    for place, (method, trace) in enumerate(traces.items()):
        at = {"row": place // columns + 1, "col": place % columns + 1}
        first = place == 0
        evaluation = evaluations[method]
        lost = set(evaluation.lost.tolist())
        found = [target for index, target in enumerate(targets) if index not in lost]
        final = trace.scores_after[trace.keep]
        drawn = np.flatnonzero(final >= shown_score)[:MOST_DRAWN]
        for low, high, opacity in ((0.5, 1.01, 1.0), (0.2, 0.5, 0.6), (0.0, 0.2, 0.3)):
            some = drawn[(final[drawn] >= low) & (final[drawn] < high)]
            _add_boxes(
                figure,
                trace.kept_boxes[some],
                translate("kept"),
                theme.KEPT,
                "solid",
                opacity,
                first and low == 0.5,
                at,
            )
        _add_boxes(figure, found, translate("object found"), theme.TARGET, "dot", 0.5, first, at, wide=True)
        _add_boxes(figure, targets[sorted(lost)], translate("object lost"), theme.ERROR, "dash", 1.0, not seen_lost, at)
        seen_lost |= bool(lost)
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, size[1]], **hidden)
    figure.update_yaxes(range=[size[0], 0], **hidden)
    for place in range(len(traces)):
        axis = "" if place == 0 else str(place + 1)
        figure.update_layout({f"yaxis{axis}": {"scaleanchor": f"x{axis}", "scaleratio": 1}})
    theme.themed(figure, height=80 + 200 * rows)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 70, "b": 8}, legend={"y": 1.08})
    return figure


def plot_score_against_iou(ranked: RankedCrowd, result: RankingResult, *, translate: Translate = str) -> go.Figure:
    """Draws each candidate's ranking signal over its true IoU, and which of them were kept.

    Args:
        ranked: the candidates.
        result: of one ranking of them.
        translate: says a label in another language.

    Returns:
        Two clouds: suppressed and kept. A good ranking keeps the right end.
    """
    kept = np.zeros(len(result.ranks_by), dtype=bool)
    kept[result.kept] = True
    figure = go.Figure()
    for chosen, name, color, symbol, size in (
        (~kept, translate("suppressed"), theme.SUPPRESSED, "x-thin-open", 5),
        (kept, translate("kept"), theme.KEPT, "circle", 7),
    ):
        figure.add_scatter(
            x=ranked.true_iou[chosen],
            y=result.ranks_by[chosen],
            mode="markers",
            name=name,
            marker={"color": color, "symbol": symbol, "size": size, "opacity": 0.75},
        )
    figure.update_xaxes(title=translate("true IoU with its object"), range=[-0.02, 1.02])
    figure.update_yaxes(title=translate(RANKING_NAMES[result.ranking]), range=[-0.02, 1.05])
    return theme.themed(figure)


def plot_better_lost(ranked: RankedCrowd, pair: BetterLost, *, translate: Translate = str) -> go.Figure:
    """Draws the well-placed candidate that was suppressed, the worse-placed one that was kept, and the object.

    Args:
        ranked: the candidates.
        pair: from ``find_better_lost``.
        translate: says a label in another language.

    Returns:
        Three boxes to scale.
    """
    figure = go.Figure()
    boxes = ranked.crowd.boxes
    for box, name, color, dash in (
        (pair.target, translate("object"), theme.TARGET, "dot"),
        (boxes[pair.winner], f"{translate('kept')} · IoU {pair.winner_iou:.2f}", theme.CURRENT, "solid"),
        (boxes[pair.loser], f"{translate('suppressed')} · IoU {pair.loser_iou:.2f}", theme.PREDICTION, "dash"),
    ):
        _add_boxes(figure, [box], name, color, dash, 1.0, True, {})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")
    return theme.themed(figure, height=320)


def _add_boxes(
    figure: go.Figure,
    boxes: np.ndarray | list,
    name: str,
    color: str,
    dash: str,
    opacity: float,
    legend: bool,
    at: dict,
    *,
    wide: bool = False,
) -> None:
    """Draws many boxes as one line with gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    for x1, y1, x2, y2 in np.asarray(boxes, dtype=float).reshape(-1, 4).tolist():
        x += [x1, x2, x2, x1, x1, None]
        y += [y1, y1, y2, y2, y1, None]
    if not x:
        return
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        opacity=opacity,
        legendgroup=name,
        showlegend=legend,
        hoverinfo="skip",
        line={"color": color, "dash": dash, "width": theme.LINE_WIDTH * (2 if wide else 1)},
        **at,
    )


def _line(place: int) -> dict:
    return {"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": theme.LINE_WIDTH}


def _name(name: str) -> str:
    return METHOD_NAMES.get(name) or RANKING_NAMES.get(name) or name
