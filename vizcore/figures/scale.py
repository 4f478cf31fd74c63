"""Pictures of scale: how sizes are spread, one object at three resolutions, what resolution does to a classifier."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vizcore.figures import theme
from vizcore.figures.quality import Bars, plot_bars
from vizcore.scale import PAPER_QUANTILES, RESOLUTIONS, ObjectLevel, PhotoResolution, ResolutionRun, SizeSample

Translate = Callable[[str], str]

RESOLUTION_NAMES, NETWORK_NAMES, TRAINING_NAMES, TEST_NAMES, QUALITY_NAMES = MESSAGES = (
    {"low": "low (480 px)", "middle": "middle (800 px)", "high": "high (1400 px)"},
    {"base": "CNN-B", "small": "CNN-S", "fine_tuned": "CNN-B-FT"},
    {
        "scale_one": "one size",
        "scale_multi": "three sizes, every object",
        "scale_snip": "three sizes, valid objects (SNIP)",
    },
    {"one": "tested at one size", "three": "tested at three"},
    {"ap": "AP", "ap_small": "AP small", "ap_medium": "AP medium", "ap_large": "AP large"},
)
COLORS: Mapping[str, str] = {"low": theme.CATEGORICAL[2], "middle": theme.CATEGORICAL[0], "high": theme.CATEGORICAL[4]}
_TICKS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
_BINS = 36


def plot_sizes(sample: SizeSample, ranges: Sequence[tuple[float, float]], *, translate: Translate = str) -> go.Figure:
    """Draws how many objects there are of each size, with the valid range of each resolution as a band.

    Args:
        sample: of a data set, at least one object.
        ranges: one for each of ``RESOLUTIONS``, pixels of the original picture; inverted ones are left out.
        translate: says a label in another language.

    Returns:
        One bar chart on a logarithmic axis; the bands are shapes above it, one row each.
    """
    low, high = np.log2(max(sample.sides.min(), 1.0)), np.log2(sample.sides.max() + 1e-9)
    edges = np.linspace(low, max(high, low + 0.1), _BINS + 1)
    counts, _edges = np.histogram(np.log2(np.maximum(sample.sides, 1.0)), edges)
    middles = (edges[1:] + edges[:-1]) / 2
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=counts,
            width=np.diff(edges),
            marker={"color": theme.PREDICTION, "opacity": 0.75},
            customdata=np.exp2(middles),
            hovertemplate="%{customdata:.0f} px: %{y}<extra></extra>",
            showlegend=False,
        )
    )
    top = max(int(counts.max()), 1)
    for place, (resolution, (start, end)) in enumerate(zip(RESOLUTIONS, ranges, strict=True)):
        if start > end:
            continue
        x0, x1 = max(np.log2(max(start, 1.0)), edges[0]), min(np.log2(max(end, 1.0)), edges[-1])
        y = top * (1.08 + 0.13 * place)
        figure.add_scatter(
            x=[x0, x1],
            y=[y, y],
            mode="lines",
            line={"color": COLORS[resolution.name], "width": 12},
            name=translate(RESOLUTION_NAMES[resolution.name]),
            hoverinfo="skip",
            visible=bool(x1 > x0),
        )
    figure.update_xaxes(
        title=translate("√(width · height), original pixels"),
        tickvals=np.log2(_TICKS),
        ticktext=list(_TICKS),
        range=[edges[0] - 0.1, edges[-1] + 0.1],
    )
    figure.update_yaxes(title=translate("objects"), range=[0, top * 1.5])
    return theme.themed(figure, height=340)


def plot_quantiles(samples: Mapping[str, SizeSample], *, translate: Translate = str) -> go.Figure:
    """Draws relative sizes: the object at 10, 50 and 90 % of each data set, and the paper's.

    Args:
        samples: by their name, each with objects.
        translate: says a label in another language.

    Returns:
        A row for each data set; the paper's have open markers.
    """
    figure = go.Figure()
    rows = {name: {share: sample.quantile(share) for share in (0.1, 0.5, 0.9)} for name, sample in samples.items()}
    paper = {f"{name} ◆": dict(found) for name, found in PAPER_QUANTILES.items()}
    for name, found in (rows | paper).items():
        own = name in rows
        figure.add_scatter(
            x=list(found.values()),
            y=[name] * len(found),
            mode="lines+markers+text",
            text=[f"{value:.3g}" for value in found.values()],
            textposition="top center",
            cliponaxis=False,
            marker={"size": 12, "symbol": "circle" if own else "diamond-open"},
            line={"color": theme.PREDICTION if own else theme.TARGET, "width": 3, "dash": "solid" if own else "dot"},
            hovertemplate="%{x:.3f}<extra>" + name + "</extra>",
            showlegend=False,
        )
    figure.update_xaxes(title=translate("size relative to the picture"), type="log", range=[-2, 0.02], tickvals=_SHARES)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return theme.themed(figure, height=90 + 50 * len(rows | paper)).update_layout(margin={"t": 24, "l": 90})


def plot_object(levels: Sequence[ObjectLevel], *, known: bool = True, translate: Translate = str) -> go.Figure:
    """Draws the picture and the object at each resolution, to scale.

    Args:
        levels: of one object, coarse to fine.
        known: whether it is shown where the object teaches; else all are drawn alike.
        translate: says a label in another language.

    Returns:
        Frames beside one another; the object is filled where it is valid, dashed where it is not.
    """
    figure, left = go.Figure(), 0.0
    gap = 0.06 * sum(level.size[1] for level in levels)
    for level in levels:
        height, width = level.size
        color = COLORS[level.resolution.name] if known else theme.SUPPRESSED
        x1, y1, x2, y2 = level.box
        figure.add_shape(
            type="rect", x0=left, x1=left + width, y0=0, y1=height, line={"color": theme.SUPPRESSED, "width": 1.5}
        )
        taken = level.valid and known
        figure.add_shape(
            type="rect",
            x0=left + x1,
            x1=left + x2,
            y0=y1,
            y1=y2,
            line={"color": color, "width": 2.5, "dash": "solid" if taken or not known else "dot"},
            fillcolor=color if taken else theme.CLEAR,
            opacity=0.85,
        )
        words = translate("teaches") if level.valid else translate("ignored")
        figure.add_annotation(
            x=left + width / 2,
            y=height,
            yshift=-26,
            text=f"<b>{level.side:.0f} px</b>" + (f"<br>{words}" if known else ""),
            showarrow=False,
        )
        name = re.sub(r" ?([(（])", r"<br>\1", translate(RESOLUTION_NAMES[level.resolution.name]))
        figure.add_annotation(x=left + width / 2, y=0, yshift=20, text=name, showarrow=False, font={"size": 12})
        left += width + gap
    tallest = max(level.size[0] for level in levels)
    figure.add_scatter(x=[0, left - gap], y=[0, tallest], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    figure.update_xaxes(visible=False, range=[-gap / 2, left - gap / 2])
    figure.update_yaxes(visible=False, range=[tallest * 1.25, -tallest * 0.25], scaleanchor="x")
    return theme.themed(figure, height=300).update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4}, showlegend=False)


def plot_run(run: ResolutionRun, *, translate: Translate = str) -> go.Figure:
    """Draws the accuracy of the three networks over the resolution of the test pictures.

    Args:
        run: trained.
        translate: says a label in another language.
    """
    figure = go.Figure()
    for place, (name, words) in enumerate(NETWORK_NAMES.items()):
        found = getattr(run, name)
        figure.add_scatter(
            x=[f"1/{factor}" if factor > 1 else "1" for factor in found],
            y=list(found.values()),
            mode="lines+markers",
            name=translate(words),
            line={"color": theme.CATEGORICAL[place], "dash": theme.DASHES[place], "width": theme.LINE_WIDTH},
            marker={"symbol": theme.MARKERS[place], "size": 10},
        )
    factors = [f"1/{factor}" if factor > 1 else "1" for factor in run.factors]
    figure.update_xaxes(
        title=translate("size of the test pictures"), type="category", categoryorder="array", categoryarray=factors
    )
    figure.update_yaxes(title=translate("accuracy"), range=[0, 1], tickformat=".0%")
    return theme.themed(figure, height=340)


def plot_photo(run: PhotoResolution, *, translate: Translate = str) -> go.Figure:
    """Draws how probable the class named at full resolution stays.

    Args:
        run: of one photo.
        translate: says a label in another language.
    """
    figure = go.Figure(
        go.Bar(
            x=[f"1/{factor}" if factor > 1 else "1" for factor in run.factors],
            y=list(run.probability.values()),
            marker={"color": theme.PREDICTION},
            text=[f"{100 * value:.0f} %" for value in run.probability.values()],
            hovertemplate="%{y:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("size before it is enlarged again"), type="category")
    figure.update_yaxes(title=translate("probability"), range=[0, 1], tickformat=".0%")
    return theme.themed(figure, height=280)


def plot_trainings(
    qualities: Mapping[str, Mapping[str, Mapping[str, float]]], *, translate: Translate = str
) -> go.Figure:
    """Draws what one detector reaches after each way of training, tested in two ways.

    Args:
        qualities: by training, then by test, then by name of ``QUALITY_NAMES``, in [0, 1]; negative where there was no
            such object. Trainings may be missing.
        translate: says a label in another language.

    Returns:
        Bars in groups, a group for each figure; a training has one color, the test at three sizes is hatched.
    """
    bars = [
        Bars(f"{translate(words)}, {translate(tested)}", qualities[training][test], place, "" if test == "one" else "/")
        for place, (training, words) in enumerate(TRAINING_NAMES.items())
        if training in qualities
        for test, tested in TEST_NAMES.items()
    ]
    names = {name: translate(label) for name, label in QUALITY_NAMES.items()}
    return plot_bars(bars, names, fitted=True, height=400, title=translate("average precision"))
