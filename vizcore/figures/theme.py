"""The only colours and sizes of every figure, canvas and stage.

Each colour reads on white and on near-black (contrast at least 3:1 on both) and stays apart from its neighbours under
protanopia, deuteranopia and tritanopia; ``tests/figures/test_theme.py`` holds both. Every colour comes with a dash and a
marker, so that colour is never the only cue. Background, text and grid are left open: the page's theme sets them.
"""

from __future__ import annotations

import plotly.graph_objects as go

# Roles: one meaning, one colour, on every page.
TARGET = "#0E8A63"
PREDICTION = "#2B7FD4"
ENCLOSING = "#8A7A1F"
INTERSECTION = "#B45FC4"
KEPT = "#0E8A63"
SUPPRESSED = "#8C8C8C"
CURRENT = "#D9600A"
GRADIENT = "#D9600A"
ERROR = "#D6403A"

CATEGORICAL = ("#2B7FD4", "#D9600A", "#0E8A63", "#B45FC4", "#8A7A1F", "#D6403A", "#4C6272", "#C2508A", "#3A9AA8")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash", "dot")
MARKERS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon", "pentagon")

SEQUENTIAL = "Viridis"
DIVERGING = "RdBu_r"

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
