"""Pictures of ThunderNet: what each block costs, what two kernels see, which channel feeds which bin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.figures import theme
from vizcore.figures.quality import PATTERNS, Bars, plot_bars
from vizcore.thundernet import BINS, BLOCKS, PAPER, SIZE, Budget, Design, EffectiveField, PooledRegion

Translate = Callable[[str], str]

# As MESSAGES the names are found by the catalogue's check: they reach the translator as values.
BLOCK_NAMES, KIND_NAMES, TRAINED_NAMES, QUALITY_NAMES = MESSAGES = (
    {
        "backbone": "backbone",
        "cem": "context (CEM)",
        "rpn": "region proposals (RPN)",
        "sam": "attention (SAM)",
        "pooling": "pooling",
        "head": "head",
    },
    {
        "parameters": "parameters (millions)",
        "multiply_adds": "multiply-adds (millions)",
        "seconds": "milliseconds, measured here",
    },
    {
        "thundernet_base": "neither",
        "thundernet_cem": "with CEM",
        "thundernet_sam": "with SAM",
        "thundernet": "with both: ThunderNet",
    },
    {"ap": "AP", "ap_small": "AP small", "ap_medium": "AP medium", "ap_large": "AP large"},
)
BLOCK_COLORS: Final[Mapping[str, str]] = dict(zip(BLOCKS, theme.CATEGORICAL, strict=False))
_PATTERNS: Final = dict(zip(BLOCKS, ("", "/", "x", ".", "-", "\\"), strict=True))
_UNITS: Final = {"parameters": 1e-6, "multiply_adds": 1e-6, "seconds": 1e3}
_MOST: Final = 160
"""Numbers along each side of a gradient that is drawn."""


def amount(budget: Budget, block: str, kind: str) -> float:
    """What a block takes, in the unit that is drawn: millions, or milliseconds; 0 if it was not measured.

    Args:
        budget: of a design.
        block: one of ``BLOCKS``.
        kind: ``"parameters"``, ``"multiply_adds"`` or ``"seconds"``.
    """
    return float(getattr(budget.blocks[block], kind) or 0.0) * _UNITS[kind]


def plot_budgets(
    budgets: Mapping[str, Budget], *, kinds: Sequence[str] = tuple(_UNITS), translate: Translate = str
) -> go.Figure:
    """Draws where parameters, multiply-adds and milliseconds go: one row of stacked bars for each.

    Args:
        budgets: by the name that stands beside their bar, the first one on top.
        kinds: which rows.
        translate: says a label in another language.

    Returns:
        Bars in as many rows as kinds; ``legendgroup`` is the block. On the row of multiply-adds a diamond for what the
        paper reports, where a design is one of the paper's.
    """
    figure = make_subplots(rows=len(kinds), cols=1, vertical_spacing=0.16, subplot_titles=None)
    names = list(budgets)
    for row, kind in enumerate(kinds, start=1):
        for block in BLOCKS:
            values = [amount(budget, block, kind) if block in budget.blocks else 0.0 for budget in budgets.values()]
            figure.add_bar(
                x=values,
                y=names,
                orientation="h",
                name=translate(BLOCK_NAMES[block]),
                legendgroup=block,
                showlegend=row == 1,
                marker={
                    "color": BLOCK_COLORS[block],
                    "pattern": {"shape": _PATTERNS[block], "fillmode": "overlay", "solidity": 0.2},
                },
                hovertemplate="%{x:.3~g}<extra>" + translate(BLOCK_NAMES[block]) + "</extra>",
                row=row,
                col=1,
            )
        if kind == "multiply_adds":
            _add_paper(figure, budgets, row, translate)
        figure.update_xaxes(title=translate(KIND_NAMES[kind]), rangemode="tozero", row=row, col=1)
        figure.update_yaxes(autorange="reversed", automargin=True, row=row, col=1)
    figure.update_layout(barmode="stack")
    return theme.themed(figure, height=70 + len(kinds) * (70 + 30 * len(names))).update_layout(
        margin={"t": 40, "l": 90, "b": 48}, bargap=0.25
    )


def _add_paper(figure: go.Figure, budgets: Mapping[str, Budget], row: int, translate: Translate) -> None:
    """What the paper reports of the designs that are its own."""
    own = {name: budget.design for name, budget in budgets.items() if budget.design == Design(budget.design.backbone)}
    if own:
        figure.add_scatter(
            x=[PAPER[design.backbone].multiply_adds / 1e6 for design in own.values()],
            y=list(own),
            mode="markers",
            name=translate("the paper’s count"),
            marker={
                "symbol": "diamond",
                "size": 13,
                "color": theme.TARGET,
                "line": {"color": theme.HALO[1], "width": 1.5},
            },
            hovertemplate="%{x:.0f}<extra>" + translate("the paper’s count") + "</extra>",
            row=row,
            col=1,
        )


def plot_fields(fields: Sequence[EffectiveField], *, translate: Translate = str) -> go.Figure:
    """Draws the gradient of the middle cell for each kernel, with what the recursion allows and what holds 95 %.

    Args:
        fields: of the same map, on inputs of the same size.
        translate: says a label in another language.

    Returns:
        Heat maps side by side, ``zmax`` 1; the frames are shapes: what can reach the cell (dotted, cut off at the
        border), 95 % of the gradient (solid), and the detector's picture of 320 pixels (dashed).
    """
    figure = make_subplots(
        rows=1,
        cols=len(fields),
        horizontal_spacing=0.04,
        subplot_titles=[f"{field.kernel}×{field.kernel}" for field in fields],
    )
    for place, field in enumerate(fields, start=1):
        size = field.gradient.shape[0]
        step = max(1, size // _MOST)
        blocks = field.gradient[: size // step * step, : size // step * step]
        small = blocks.reshape(size // step, step, size // step, step).mean(axis=(1, 3))
        at = (np.arange(len(small)) + 0.5) * step - size / 2
        figure.add_heatmap(
            z=np.sqrt(small / max(float(small.max()), 1e-12)),
            x=at,
            y=at,
            colorscale=[[index / (len(theme.HEAT) - 1), color] for index, color in enumerate(theme.HEAT)],
            zmin=0,
            zmax=1,
            showscale=False,
            hovertemplate="%{x:.0f}, %{y:.0f} px<extra></extra>",
            row=1,
            col=place,
        )
        for side, dash, color in (
            (min(field.theoretical, size), "dot", theme.PREDICTION),
            (field.side, "solid", theme.CURRENT),
            (min(SIZE, size), "dash", theme.HALO[1]),
        ):
            figure.add_shape(
                type="rect",
                x0=-side / 2,
                x1=side / 2,
                y0=-side / 2,
                y1=side / 2,
                line={"color": color, "width": 2.5, "dash": dash},
                row=1,
                col=place,
            )
        half = size / 2
        figure.update_xaxes(
            range=[-half, half], title=translate("pixels from the cell"), constrain="domain", row=1, col=place
        )
        figure.update_yaxes(
            range=[half, -half],
            scaleanchor=f"x{place if place > 1 else ''}",
            showticklabels=place == 1,
            row=1,
            col=place,
        )
    return theme.themed(figure, height=400).update_layout(margin={"t": 36})


def plot_region(region: PooledRegion, output: int, *, translate: Translate = str) -> go.Figure:
    """Draws one output of a pooled region: 7 × 7 bins, each with the channel that it read.

    Args:
        region: pooled.
        output: 0 to 4.
        translate: says a label in another language.

    Returns:
        A heat map whose text are the channels' numbers.
    """
    values, channels = region.values[output], region.channels[output]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            text=channels,
            texttemplate="%{text}",
            textfont={"size": theme.FONT_SIZE - 1},
            colorscale=_scale(),
            colorbar={"title": {"text": translate("value")}, "thickness": 12},
            hovertemplate=translate("bin (%{y}, %{x}) reads channel %{text}: %{z:.2f}") + "<extra></extra>",
            xgap=2,
            ygap=2,
        )
    )
    figure.update_xaxes(title=translate("bin’s column"), dtick=1, constrain="domain")
    figure.update_yaxes(title=translate("bin’s row"), dtick=1, range=[BINS - 0.5, -0.5], scaleanchor="x")
    return theme.themed(figure, height=380).update_layout(margin={"t": 12})


def _scale() -> list[list[Any]]:
    return [[place / (len(theme.SCALE) - 1), color] for place, color in enumerate(theme.SCALE)]


def plot_trained(qualities: Mapping[str, Mapping[str, float]], *, translate: Translate = str) -> go.Figure:
    """Draws what the trained detection parts reach by the size of objects.

    Args:
        qualities: by a name of ``TRAINED_NAMES``, then by one of ``QUALITY_NAMES``, in [0, 1]; negative where there was
            no such object.
        translate: says a label in another language.

    Returns:
        Bars in groups, one group for each figure.
    """
    bars = [
        Bars(translate(words), qualities[name], place, PATTERNS[place])
        for place, (name, words) in enumerate(TRAINED_NAMES.items())
    ]
    names = {name: translate(label) for name, label in QUALITY_NAMES.items()}
    return plot_bars(bars, names, decimals=3, title=translate("average precision"))
