"""The only colours and sizes of every figure, canvas and stage.

Each colour reads on white and on near-black (contrast at least 3:1 on both) and stays apart from its neighbours under
protanopia, deuteranopia and tritanopia; ``tests/figures/test_theme.py`` holds both. Every colour comes with a dash and
a marker, so that colour is never the only cue. Background, text and grid are left open: the page's theme sets them.
"""

from __future__ import annotations

from typing import Any

import plotly.colors
import plotly.graph_objects as go

# Roles: one meaning, one colour, on every page.
TARGET = "#007848"
PREDICTION = "#2B7FD4"
ENCLOSING = "#63934A"
INTERSECTION = "#9E60A4"
KEPT = "#007848"
SUPPRESSED = "#888888"
CURRENT = "#D9600A"
GRADIENT = "#D9600A"
ERROR = "#D6403A"

CATEGORICAL = ("#2B7FD4", "#D9600A", "#15A47F", "#BC3B00", "#9E60A4", "#007848", "#D271A2", "#63934A", "#A44779")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash", "dot")
MARKERS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon", "pentagon")

SEQUENTIAL = "Viridis"
SEQUENTIAL_STOPS = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#FDE725")  # for what the browser paints
GLOW_STOPS = ("#2B1055", "#7A1F6B", "#C73E4A", "#F0803C", "#FBC65B", "#FFF6D5")  # a gradient over a darkened photo
DIVERGING = "RdBu_r"
HALO = ("#14181F", "#FFFFFF")  # dark under light: seen on any filled ground

FONT_SIZE = 14
LINE_WIDTH = 2.5
HEIGHT = 360


def sequential_colors(number: int) -> list[str]:
    """Samples the sequential scale, for a map that the browser paints itself.

    Args:
        number: how many colours, at least two.

    Returns:
        ``"rgb(r, g, b)"`` from lowest to highest.
    """
    return list(plotly.colors.sample_colorscale(SEQUENTIAL, [place / (number - 1) for place in range(number)]))


def layout(*, height: int = HEIGHT) -> dict[str, Any]:
    """The common margins, fonts and transparent ground, by the name of the layout's part.

    The template is empty: the page brings its own colours of text, axes and grid, and Plotly's would be 6 kB on every
    trip of every figure.
    """
    return {
        "template": {},
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
        "font": {"size": FONT_SIZE},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "hoverlabel": {"font": {"size": FONT_SIZE}},
    }


def themed(figure: go.Figure, *, height: int = HEIGHT) -> go.Figure:
    """Gives a figure the common margins, fonts and transparent ground; colours of text and grid come from the page."""
    # Part by part: update_layout takes ten times as long, which every chart of every interaction would pay.
    for name, value in layout(height=height).items():
        # An empty value replaces, any other goes over what is there.
        over = isinstance(value, dict) and bool(value)
        figure.layout[name] = _merged(figure.layout[name].to_plotly_json(), value) if over else value
    return figure


def drawn(traces: list[dict[str, Any]], layout: dict[str, Any]) -> go.Figure:
    """A figure made in one piece, for pictures that a moving control draws again and again.

    Changing a figure after it was made takes about ten times as long, and so do Plotly's checks of what it is made of:
    whoever uses this has a test that ``go.Figure(figure.to_dict())`` accepts it.

    Args:
        traces: each with its ``type``.
        layout: the common one (:func:`layout`) and what this figure adds.
    """
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``new`` over ``old``, at every depth."""
    return old | {
        name: _merged(old.get(name, {}), value) if isinstance(value, dict) else value for name, value in new.items()
    }
