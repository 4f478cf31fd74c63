"""Pictures of a set prediction: what a pair costs, what a layer adds, what a query does, what was switched off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from vizcore.detr import GreedyMatching, MatchingTrace
from vizcore.detr.places import QueryPlaces
from vizcore.figures import theme

Translate = Callable[[str], str]

# As MESSAGES the names are found by the catalogue's check: they reach the translator as values.
PART_NAMES, QUALITY_NAMES, ABLATION_NAMES = MESSAGES = (
    {"class_part": "class", "bbox_part": "L1", "giou_part": "GIoU"},
    {
        "ap": "AP",
        "ap50": "AP50",
        "ap_small": "AP small",
        "ap_medium": "AP medium",
        "ap_large": "AP large",
    },
    {
        "detr_reference": "as it is",
        "detr_no_positions": "no position encodings",
        "detr_no_encoder": "no encoder",
        "detr_no_auxiliary": "no auxiliary losses",
    },
)
PLACES_HEIGHT = 560
"""Of the places of a query: as high as the picture beside them, screen pixels."""
DETECTOR_NAMES = {"detr": "DETR", "fcos_fpn": "FCOS"}


def plot_cost(trace: MatchingTrace, *, greedy: GreedyMatching | None = None, translate: Translate = str) -> go.Figure:
    """Draws a cost matrix with the pairs that were taken.

    Args:
        trace: of the optimal matching.
        greedy: pairs to draw beside it.
        translate: says a label in another language.

    Returns:
        A heatmap, queries from top to bottom, and a mark in each pair's cell.
    """
    figure = go.Figure(
        go.Heatmap(
            z=trace.cost,
            x=list(range(trace.cost.shape[1])),
            y=list(range(trace.cost.shape[0])),
            colorscale=theme.SEQUENTIAL,
            colorbar={"title": translate("cost")},
            hovertemplate=f"{translate('query')} %{{y}} · {translate('target')} %{{x}}: %{{z:.3f}}<extra></extra>",
        )
    )
    pairs = [(translate("optimal"), trace.queries, trace.targets, theme.KEPT, "circle", 18)]
    if greedy is not None:
        pairs.append((translate("greedy"), greedy.queries, greedy.targets, theme.CURRENT, "x", 9))
    for name, queries, targets, color, symbol, size in pairs:
        figure.add_scatter(
            x=targets,
            y=queries,
            mode="markers",
            name=name,
            marker={
                "size": size,
                "symbol": symbol,
                "color": color,
                "line": {"color": theme.HALO[1], "width": 2},
            },
            hoverinfo="skip",
        )
    figure.update_xaxes(title=translate("target"), dtick=1)
    figure.update_yaxes(title=translate("query"), dtick=1, autorange="reversed")
    return theme.themed(figure)


def plot_pair_costs(parts: Mapping[str, np.ndarray], trace: MatchingTrace, *, translate: Translate = str) -> go.Figure:
    """Draws what each matched pair costs, part by part.

    Args:
        parts: ``class_part``, ``bbox_part`` and ``giou_part``, each ``[Q, T]``, weighted.
        trace: of the optimal matching.
        translate: says a label in another language.

    Returns:
        A group of bars for each pair; parts may be negative.
    """
    names = [f"{query} → {target}" for query, target in zip(trace.queries, trace.targets, strict=True)]
    figure = go.Figure()
    for place, (part, label) in enumerate(PART_NAMES.items()):
        figure.add_bar(
            x=names,
            y=parts[part][trace.queries, trace.targets],
            name=translate(label),
            marker={"color": theme.CATEGORICAL[place], "pattern": {"shape": ("", "/", "x")[place]}},
        )
    figure.update_layout(barmode="relative")
    figure.update_xaxes(title=translate("query → target"), type="category")
    figure.update_yaxes(title=translate("cost"))
    return theme.themed(figure)


def plot_layers(layers: Sequence[Mapping[str, float]], *, quality: str = "ap", translate: Translate = str) -> go.Figure:
    """Draws how good the boxes are after each decoder layer, as they are and after a suppression.

    Args:
        layers: of each layer ``ap``, ``ap50``, ``nms_ap`` and ``nms_ap50``, as a card holds them.
        quality: ``"ap"`` or ``"ap50"``.
        translate: says a label in another language.

    Returns:
        Two lines.
    """
    figure = go.Figure()
    for place, (key, name) in enumerate(
        ((quality, translate("as they are")), (f"nms_{quality}", translate("after NMS")))
    ):
        figure.add_scatter(
            x=list(range(1, len(layers) + 1)),
            y=[layer[key] for layer in layers],
            mode="lines+markers",
            name=name,
            line={"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": theme.LINE_WIDTH},
            marker={"symbol": theme.MARKERS[place], "size": 9},
        )
    figure.update_xaxes(title=translate("decoder layer"), dtick=1)
    figure.update_yaxes(title=translate(QUALITY_NAMES[quality]), rangemode="tozero")
    return theme.themed(figure)


def plot_query_places(
    places: QueryPlaces,
    query: int,
    *,
    score_threshold: float = 0.5,
    class_names: Sequence[str],
    translate: Translate = str,
    say_class: Translate = str,
) -> go.Figure:
    """Draws where a query found something over many pictures.

    Args:
        places: of all queries.
        query: which.
        score_threshold: only surer answers are drawn.
        class_names: of the labels.
        translate: says a label in another language.
        say_class: says a class in another language.

    Returns:
        A cloud of centres for each class, as large as the boxes; a square where the query begins.
    """
    figure = go.Figure()
    pictures = places.found(query, score_threshold=score_threshold)
    boxes, labels = places.boxes[pictures, query], places.labels[pictures, query]
    for label in np.unique(labels).tolist():
        members = labels == label
        figure.add_scatter(
            x=boxes[members, 0],
            y=boxes[members, 1],
            mode="markers",
            name=say_class(class_names[label]),
            customdata=pictures[members],
            marker={
                "size": 4 + 80 * np.sqrt(boxes[members, 2] * boxes[members, 3]),
                "color": theme.CATEGORICAL[label % len(theme.CATEGORICAL)],
                "symbol": theme.MARKERS[label % len(theme.MARKERS)],
                "opacity": 0.6,
            },
        )
    if places.start_boxes is not None:
        x, y, width, height = places.start_boxes[query].tolist()
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        figure.add_scatter(
            x=[left, right, right, left, left],
            y=[top, top, bottom, bottom, top],
            mode="lines",
            name=translate("where it begins"),
            line={"color": theme.CURRENT, "dash": "6px,3px", "width": 2 * theme.LINE_WIDTH},
            hoverinfo="skip",
        )
    figure.update_xaxes(range=[0, 1], constrain="domain", title="x")
    figure.update_yaxes(range=[1, 0], scaleanchor="x", constrain="domain", title="y")
    return theme.themed(figure, height=PLACES_HEIGHT)


def plot_qualities(
    qualities: Mapping[str, Mapping[str, float]],
    *,
    names: Mapping[str, str] = ABLATION_NAMES,
    translate: Translate = str,
) -> go.Figure:
    """Draws how good detectors are, by the size of the objects.

    Args:
        qualities: of each detector, the figures of its card.
        names: of the detectors, for people.
        translate: says a label in another language.

    Returns:
        A group of bars for each figure, a bar for each detector.
    """
    figure = go.Figure()
    for place, (name, quality) in enumerate(qualities.items()):
        values = [quality[key] for key in QUALITY_NAMES]
        figure.add_bar(
            x=[translate(label) for label in QUALITY_NAMES.values()],
            y=values,
            name=translate(names.get(name, name)),
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": theme.CATEGORICAL[place % len(theme.CATEGORICAL)],
                "pattern": {"shape": ("", "/", "x", ".", "-", "|")[place % 6]},
            },
        )
    figure.update_layout(barmode="group", bargap=0.25)
    greatest = max((quality[key] for quality in qualities.values() for key in QUALITY_NAMES), default=1.0)
    figure.update_yaxes(range=[0, 1.2 * max(greatest, 0.05)])
    return theme.themed(figure)


def plot_training(rows: Sequence[Mapping[str, Any]], *, translate: Translate = str) -> go.Figure:
    """Draws how a training went.

    Args:
        rows: of its log: ``step``, ``loss``, ``rate`` (of learning), and now and then ``ap`` and ``ap50``.
        translate: says a label in another language.

    Returns:
        The loss, on an axis of their own the figures, and a dotted line wherever the learning rate rose once more.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[int(row["step"]) for row in rows],
        y=[float(row["loss"]) for row in rows],
        mode="lines",
        name=translate("loss"),
        line={"color": theme.SUPPRESSED, "width": 1},
    )
    judged = [row for row in rows if row.get("ap")]
    for place, key in enumerate(("ap", "ap50")):
        figure.add_scatter(
            x=[int(row["step"]) for row in judged],
            y=[float(row[key]) for row in judged],
            mode="lines+markers",
            name=translate(QUALITY_NAMES[key]),
            yaxis="y2",
            line={"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": theme.LINE_WIDTH},
            marker={"symbol": theme.MARKERS[place], "size": 7},
        )
    figure.update_xaxes(title=translate("step"))
    figure.update_yaxes(title=translate("loss"), rangemode="tozero")
    figure.update_layout(
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1],
            "tickmode": "array",
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "title": "AP, AP50",
            "showgrid": False,
        }
    )
    for step in rate_rises(rows):
        figure.add_vline(x=step, line={"color": theme.CURRENT, "width": 1.5, "dash": "dot"})
    return theme.themed(figure)


def rate_rises(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Steps after which the learning rate was three times what it had been, or more."""
    known = [(int(row["step"]), float(row["rate"])) for row in rows if row.get("rate")]
    return [step for (step, rate), (_, then) in pairwise(known) if then >= 3 * rate]
