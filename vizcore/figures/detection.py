"""Pictures of a detection: the funnel from windows to boxes, what the thresholds cut, the annotated photo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageDraw, ImageFont

from vizcore.detection.output import FATES, DetectorOutput, Stage
from vizcore.detection.truth import Verdict
from vizcore.figures import theme

Translate = Callable[[str], str]

FATE_WORDS = {
    "kept": "final box",
    "suppressed": "suppressed by NMS",
    "below_threshold": "below the score threshold",
    "over_limit": "over the detector’s limit",
}
MESSAGES = (
    "image pyramid",
    "forward pass",
    "window scores",
    "window fusion",
    "score threshold",
    "NMS",
    "resize",
    "backbone",
    "feature pyramid",
    "region proposals",
    "head",
    "candidates",
    "levels",
    "cells",
    "windows",
    "boxes",
    "pictures",
    "box",
    "candidate",
    "level",
    "picture",
    "window",
    "proposals",
    "scores",
    "final box",
    "suppressed by NMS",
    "below the score threshold",
    "over the detector’s limit",
    "candidate, best score first",
    "recall",
    "precision",
    "its own score threshold",
    "the face",
    "the person",
    "a face",
    "score",
    "score threshold {value}",
    "Sliding windows, fused",
    "Sliding windows as they are",
    "sliding windows",
    "cascade",
    "left eye",
    "right eye",
    "nose",
    "left corner of the mouth",
    "right corner of the mouth",
    "circle",
    "square",
    "triangle",
    "star",
    "ring",
    "digit",
    "MTCNN · faces and landmarks",
    "P-Net",
    "R-Net",
    "O-Net",
    "face or not",
    "NMS among windows",
    "Viola–Jones · Haar cascade for faces",
    "HOG + SVM · people",
    "windows of all levels",
    "left after stage 1",
    "left after stage 3",
    "left after stage 5",
    "left after stage 10",
    "margin above −1",
    "one stage",
    "two stages",
    "set prediction",
    "encoder",
    "decoder",
    "tokens",
    "queries",
    "the cat",
    "the espresso, cup without saucer",
    "the motorcycle",
)
FATE_LOOKS = {
    "kept": (theme.KEPT, "star", 12),
    "suppressed": (theme.SUPPRESSED, "x", 7),
    "below_threshold": (theme.PREDICTION, "circle-open", 5),
    "over_limit": (theme.ERROR, "triangle-up", 8),
}
_SINGULAR = {"boxes": "box", "candidates": "candidate", "levels": "level", "pictures": "picture", "windows": "window"}
_MOST_POINTS = 400
_LONG_WORDS = 13
_FONT_SHARE = 28


def label_colors(output: DetectorOutput) -> dict[int, str]:
    """A color for each class among the final boxes, by its best score."""
    classes = list(dict.fromkeys(output.labels.tolist()))
    return {label: theme.CATEGORICAL[index % len(theme.CATEGORICAL)] for index, label in enumerate(classes)}


def milliseconds(seconds: float) -> str:
    """A duration for reading: two significant digits below 10 ms, whole milliseconds above, seconds from one on."""
    value = seconds * 1000
    if value >= 999.5:
        return f"{seconds:.1f} s"
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"


def plot_funnel(output: DetectorOutput, *, translate: Translate = str) -> go.Figure:
    """Draws what is left after each stage, and how long the stage took.

    Args:
        output: the detection.
        translate: says a label in another language.

    Returns:
        Horizontal bars, logarithmic, first stage on top; ``customdata`` carries seconds.
    """
    counts = [stage.count for stage in output.stages]
    # From 0.7, so that a count of 1 is a bar; a third more on the right for the words of the longest one.
    low, high = math.log10(0.7), math.log10(max(*counts, 10) if counts else 10)
    bars = {
        "type": "bar",
        "y": [f"{translate(stage.name)}<br><i>{milliseconds(stage.seconds)}</i>" for stage in output.stages],
        "x": counts,
        "orientation": "h",
        "marker": {"color": [_stage_color(stage) for stage in output.stages]},
        "text": [_count_words(stage, translate) for stage in output.stages],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [stage.seconds for stage in output.stages],
        "hovertemplate": "%{text}<extra></extra>",
    }
    layout = theme.layout(height=24 + 46 * len(counts)) | {
        "xaxis": {
            "type": "log",
            "range": [low, high + 0.45 * (high - low)],
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
        },
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "margin": {"l": 140, "r": 8, "t": 8, "b": 8},
        "showlegend": False,
        "bargap": 0.3,
    }
    return theme.drawn([bars], layout)


def plot_scores(output: DetectorOutput, *, translate: Translate = str) -> go.Figure:
    """Draws every candidate by rank and score, marked by what happened to it, and the score threshold.

    Args:
        output: the detection.
        translate: says a label in another language.

    Returns:
        One trace for each fate; ``customdata`` carries the candidates' indices.
    """
    scores, ranks = output.candidates.scores, output.candidates.ranks
    traces = []
    for fate in ("below_threshold", "suppressed", "over_limit", "kept"):
        (members,) = np.nonzero(output.fates == FATES.index(fate))
        if not len(members):
            continue
        shown = _thinned(members)
        color, symbol, size = FATE_LOOKS[fate]
        traces.append(
            {
                "type": "scatter",
                "x": ranks[shown],
                "y": scores[shown],
                "customdata": shown,
                "text": [output.label_names[label] for label in output.candidates.labels[shown]],
                "mode": "markers",
                "name": f"{translate(FATE_WORDS[fate])}: {len(members):,}",
                "marker": {"color": color, "symbol": symbol, "size": size, "line": {"width": 1, "color": color}},
                "hovertemplate": "%{text} %{y:.3f}<extra>%{fullData.name}</extra>",
            }
        )
    threshold = output.score_threshold
    line = {
        "type": "line",
        "name": translate("score threshold {value}").format(value=f"{threshold:g}"),
        "line": {"color": theme.CURRENT, "width": theme.LINE_WIDTH, "dash": "dash"},
        **{"xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": threshold, "y1": threshold},
    }
    layout = theme.layout(height=320) | {
        "xaxis": {"title": {"text": translate("candidate, best score first")}},
        "yaxis": {"title": {"text": translate("score")}, "range": [0, 1.05]},
        "shapes": [line],
    }
    return theme.drawn(traces, layout)


def plot_truth_curves(verdicts: Mapping[str, Verdict], *, translate: Translate = str) -> go.Figure:
    """Draws interpolated precision over recall, and where each detector's own score threshold stands.

    Args:
        verdicts: by the detector's title as it is to be read, against the same true boxes.
        translate: says a label in another language.

    Returns:
        For each detector a line and, where it found a box, a star of the same color and group: precision and recall of
        its final boxes. Nothing without true boxes.
    """
    traces: list[dict[str, Any]] = []
    for place, (title, verdict) in enumerate(verdicts.items()):
        if np.isnan(verdict.curve).all():
            continue
        color = theme.CATEGORICAL[place % len(theme.CATEGORICAL)]
        line = {"color": color, "width": theme.LINE_WIDTH, "dash": theme.DASHES[place % len(theme.DASHES)]}
        traces.append(
            {
                "type": "scatter",
                "x": verdict.recall_levels,
                "y": verdict.curve,
                "mode": "lines",
                "name": title,
                "legendgroup": title,
                "line": line | {"shape": "hv"},
                "hovertemplate": "(%{x:.2f}, %{y:.2f})<extra>%{fullData.name}</extra>",
            }
        )
        if len(verdict.matched):
            name = translate("its own score threshold")
            traces.append(
                {
                    "type": "scatter",
                    "x": [verdict.recall],
                    "y": [verdict.precision],
                    "mode": "markers",
                    "name": name,
                    "legendgroup": title,
                    "showlegend": False,
                    "marker": {"color": color, "symbol": "star", "size": 14},
                    "hovertemplate": f"{title}<br>(%{{x:.2f}}, %{{y:.2f}})<extra>{name}</extra>",
                }
            )
    layout = theme.layout(height=300) | {
        "xaxis": {"title": {"text": translate("recall")}, "range": [0, 1.03]},
        "yaxis": {"title": {"text": translate("precision")}, "range": [0, 1.07]},
    }
    return theme.drawn(traces, layout)


def draw_detections(photo: np.ndarray, output: DetectorOutput) -> np.ndarray:
    """The photo with the final boxes and their names, to keep as a file.

    Args:
        photo: uint8 ``[H, W, 3]``, the photo the output belongs to.
        output: what was found on it.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    image = Image.fromarray(photo).convert("RGB")
    draw = ImageDraw.Draw(image)
    size = max(11, round(max(image.size) / _FONT_SHARE))
    font = ImageFont.load_default(size)
    width = max(1, round(max(image.size) / 220))
    colors = label_colors(output)
    for box, score, label in reversed(list(zip(output.boxes, output.scores, output.labels, strict=True))):
        color = colors[int(label)]
        left, top, right, bottom = box.tolist()
        draw.rectangle((left, top, max(right, left), max(bottom, top)), outline=color, width=width)
        words = f"{output.label_names[label]} {score:.2f}"
        x1, y1, x2, y2 = font.getbbox(words)
        # Above the box if there is room, else inside it; never over the right edge.
        x = max(0.0, min(left, image.width - (x2 - x1) - 2 * width))
        y = top - (y2 - y1) - 3 * width
        y = y if y >= 0 else top + width
        draw.rectangle((x, y, x + x2 - x1 + 2 * width, y + y2 - y1 + 3 * width), fill=color)
        draw.text((x + width - x1, y + width - y1), words, fill=theme.PLATE[1], font=font)
    return np.asarray(image).copy()


def _count_words(stage: Stage, translate: Translate) -> str:
    """How many are left; on two lines where one would reach over the edge of a narrow chart."""
    count, unit = f"{stage.count:,}", translate(_unit(stage))
    return f"{count} {unit}" if len(count) + len(unit) < _LONG_WORDS else f"{count}<br>{unit}"


def _unit(stage: Stage) -> str:
    return _SINGULAR.get(stage.unit, stage.unit) if stage.count == 1 else stage.unit


def _stage_color(stage: Stage) -> str:
    return theme.KEPT if stage.unit == "boxes" else theme.PREDICTION


def _thinned(members: Sequence[int] | np.ndarray) -> np.ndarray:
    """Evenly spaced members, so that a chart has no more points than a screen can tell apart."""
    members = np.asarray(members)
    if len(members) <= _MOST_POINTS:
        return members
    return members[np.linspace(0, len(members) - 1, _MOST_POINTS).round().astype(np.int64)]
