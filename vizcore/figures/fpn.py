"""Pictures of a feature pyramid: who owns which size, what a cell sees, what the four designs cost and reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vizcore.data.scenes import CLASSES
from vizcore.figures import theme
from vizcore.figures.quality import PATTERNS, Bars, plot_bars
from vizcore.fpn import (
    SIZE_BORDERS,
    EffectiveField,
    FPNTrace,
    OwnershipCurve,
    SceneSizes,
    box_sizes,
)

Translate = Callable[[str], str]

# As MESSAGES the names are found by the catalog's check: they reach the translator as values.
DESIGN_NAMES, QUALITY_NAMES, RULE_NAMES, SIZE_NAMES = MESSAGES = (
    {
        "image_pyramid": "(a) image pyramid",
        "top": "(b) top level alone",
        "separate": "(c) separate levels",
        "fpn": "(d) feature pyramid",
    },
    {
        "ap": "AP",
        "ap50": "AP50",
        "ap_small": "AP small",
        "ap_medium": "AP medium",
        "ap_large": "AP large",
    },
    {"paper": "by area (FPN)", "fcos": "by the farthest side (FCOS)"},
    {"small": "small", "medium": "medium", "large": "large"},
)
_SIZE_TICKS = (4, 8, 16, 32, 64, 96, 128, 224, 256, 448, 512)


def plot_level_sizes(trace: FPNTrace, *, translate: Translate = str, say_class: Translate = str) -> go.Figure:
    """Draws which level found what: every final box by its size, on the row of its level.

    Args:
        trace: of a photo.
        translate: says a label in another language.
        say_class: says a class in another language.

    Returns:
        One cloud for each level that found something; ``customdata`` holds the box's place in ``trace.keep``.
    """
    levels = trace.config.levels
    sizes = box_sizes(trace.input_boxes[trace.keep])
    owners, labels = trace.level_of[trace.keep], trace.labels[trace.keep]
    figure = go.Figure()
    for place, level in enumerate(levels):
        (members,) = np.nonzero(owners == place)
        figure.add_scatter(
            x=sizes[members],
            y=[level] * len(members),
            mode="markers",
            name=level,
            showlegend=False,
            customdata=members,
            text=[
                f"{say_class(CLASSES[label])} {trace.scores[trace.keep[index]]:.2f}"
                for index, label in zip(members, labels[members], strict=True)
            ],
            hovertemplate="%{text} · %{x:.0f} px<extra>" + level + "</extra>",
            marker={
                "size": 12,
                "color": theme.CATEGORICAL[place % len(theme.CATEGORICAL)],
                "symbol": theme.MARKERS[place % len(theme.MARKERS)],
                "opacity": 0.85,
            },
        )
    low, high = _span(sizes, 8.0, 256.0)
    figure.update_xaxes(title=translate("√area of the box in the input (px)"), type="log", **_ticks(low, high))
    # Named one by one, so that a level that found nothing keeps its row.
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=list(levels)[::-1], range=[-0.6, len(levels) - 0.4]
    )
    return theme.themed(figure, height=90 + 44 * len(levels)).update_layout(margin={"t": 12})


def plot_ownership(curve: OwnershipCurve, *, size: float | None = None, translate: Translate = str) -> go.Figure:
    """Draws the level of a square over its side, by both rules.

    Args:
        curve: from ``ownership_curve``.
        size: side of the square to mark, pixels; None for none.
        translate: says a label in another language.

    Returns:
        Two stairs.
    """
    figure = go.Figure()
    for place, (rule, levels) in enumerate((("paper", curve.paper), ("fcos", curve.fcos))):
        figure.add_scatter(
            x=curve.sides,
            y=levels,
            mode="lines",
            name=translate(RULE_NAMES[rule]),
            line={
                "color": theme.CATEGORICAL[place],
                "dash": theme.DASHES[place],
                "width": theme.LINE_WIDTH,
                "shape": "hv",
            },
            hovertemplate="%{x:.0f} px → P%{y}<extra></extra>",
        )
    if size is not None:
        figure.add_vline(x=size, line={"color": theme.CURRENT, "width": 2, "dash": "dot"})
    numbers = sorted({*curve.paper.tolist(), *curve.fcos.tolist()})
    figure.update_xaxes(
        title=translate("side of a square box (px)"),
        type="log",
        **_ticks(float(curve.sides[0]), float(curve.sides[-1])),
    )
    figure.update_yaxes(title=translate("level"), tickvals=numbers, ticktext=[f"P{number}" for number in numbers])
    return theme.themed(figure, height=300)


def plot_quality(
    qualities: Mapping[str, Mapping[str, float]],
    *,
    runs: Mapping[str, Sequence[Mapping[str, float]]] | None = None,
    translate: Translate = str,
) -> go.Figure:
    """Draws the average precision of the trained designs by the size of objects.

    Args:
        qualities: by design, then by name of ``QUALITY_NAMES``, in [0, 1]; negative where there was no such object.
        runs: of each of these designs the single seeds, of which ``qualities`` holds the mean; None where each has one.
        translate: says a label in another language.

    Returns:
        Bars in groups, one group for each figure; then a trace of dots for each design, if there are ``runs``.
    """
    bars = [
        Bars(translate(words), qualities[design], place, PATTERNS[place], () if runs is None else runs[design])
        for place, (design, words) in enumerate(DESIGN_NAMES.items())
        if design in qualities
    ]
    names = {name: translate(label) for name, label in QUALITY_NAMES.items()}
    return plot_bars(bars, names, short=False, height=340, run=translate("seed"), title=translate("average precision"))


def plot_scene_sizes(sizes: SceneSizes, *, translate: Translate = str, say_class: Translate = str) -> go.Figure:
    """Draws how large the objects are: a histogram over the logarithm of their sizes, in COCO's three classes.

    Args:
        sizes: of some scenes.
        translate: says a label in another language.
        say_class: says a class in another language.

    Returns:
        Stacked bars by class of object, two to the doubling of size, with COCO's borders.
    """
    edges = 2.0 ** np.arange(2, 8.51, 0.5)
    centers = np.sqrt(edges[:-1] * edges[1:])
    figure = go.Figure()
    for place, name in enumerate(CLASSES):
        counts, _ = np.histogram(sizes.sizes[sizes.labels == place], bins=edges)
        figure.add_bar(
            x=centers,
            y=counts,
            width=np.diff(edges) * 0.94,
            name=say_class(name),
            marker={"color": theme.CATEGORICAL[place % len(theme.CATEGORICAL)]},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.0f}–%{customdata[1]:.0f} px: %{y}<extra>%{fullData.name}</extra>",
        )
    counts_of = sizes.size_classes
    ends = (float(edges[0]), *SIZE_BORDERS, float(edges[-1]))
    for place, (name, words) in enumerate(SIZE_NAMES.items()):
        middle = np.sqrt(ends[place] * ends[place + 1])
        figure.add_annotation(
            x=np.log10(middle),
            y=1.0,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            text=f"{translate(words)}: {counts_of[name]:,}",
        )
    for border in SIZE_BORDERS:
        figure.add_vline(x=border, line={"color": theme.SUPPRESSED, "width": 2, "dash": "dash"})
    figure.update_xaxes(title=translate("√area of the box (px)"), type="log", **_ticks(edges[0], edges[-1]))
    figure.update_yaxes(title=translate("objects"))
    theme.themed(figure, height=370)
    return figure.update_layout(
        barmode="stack",
        # At the very top, above the sizes' names; below the plot it would run into the axis's title on a phone.
        margin={"t": 92},
        legend={"yref": "container", "yanchor": "top", "y": 1, "x": 0, "traceorder": "normal"},
    )


def plot_gradient_share(fields: Sequence[EffectiveField], *, translate: Translate = str) -> go.Figure:
    """Draws the share of the gradient within a square over the square's side, one line for each field.

    Args:
        fields: from ``effective_receptive_field``, by name.
        translate: says a label in another language.

    Returns:
        Lines from 0 to 1.
    """
    figure = go.Figure()
    for place, field in enumerate(fields):
        sides = np.unique(np.linspace(0, 2 * max(field.gradient.shape), 65).round())
        figure.add_scatter(
            x=sides,
            y=[field.share_within(float(side)) for side in sides],
            mode="lines",
            name=field.name,
            line={
                "color": theme.CATEGORICAL[place % len(theme.CATEGORICAL)],
                "dash": theme.DASHES[place % len(theme.DASHES)],
                "width": theme.LINE_WIDTH,
            },
            hovertemplate="%{x:.0f} px: %{y:.1%}<extra>" + field.name + "</extra>",
        )
    figure.update_xaxes(title=translate("side of the square around the cell (px)"))
    figure.update_yaxes(title=translate("share of the gradient"), range=[0, 1.03], tickformat=".0%")
    return theme.themed(figure)


def _span(sizes: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """An axis that holds all sizes and at least ``low`` to ``high``."""
    return float(min(low, *sizes, high)) * 0.9, float(max(high, *sizes, low)) * 1.1


def _ticks(low: float, high: float) -> dict[str, object]:
    """Doublings, and the sizes that have a meaning, for a logarithmic axis."""
    inside = [tick for tick in _SIZE_TICKS if low <= tick <= high and tick not in (96, 256, 512)]
    return {"tickvals": inside, "ticktext": [str(tick) for tick in inside], "range": list(np.log10([low, high]))}
