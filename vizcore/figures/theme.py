"""The only colours and sizes of every figure, canvas and stage.

Each colour reads on white and on near-black (contrast at least 3:1 on both) and stays apart from its neighbours under
protanopia, deuteranopia and tritanopia; ``tests/figures/test_theme.py`` holds both. Every colour comes with a dash and
a marker, so that colour is never the only cue. Background, text and grid are left open: the page's theme sets them.
"""

from __future__ import annotations

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
DIVERGING = "RdBu_r"
HALO = ("#14181F", "#FFFFFF")  # dark under light: seen on any filled ground

FONT_SIZE = 14
LINE_WIDTH = 2.5
HEIGHT = 360


def themed(figure: go.Figure, *, height: int = HEIGHT) -> go.Figure:
    """Gives a figure the common margins, fonts and transparent ground; colours of text and grid come from the page."""
    figure.update_layout(
        height=height,
        margin={"l": 56, "r": 16, "t": 40, "b": 48},
        font={"size": FONT_SIZE},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        hoverlabel={"font": {"size": FONT_SIZE}},
    )
    return figure
