"""Plotly figures drawn in place.

``st.plotly_chart`` mounts a new chart whenever its figure changes: it flickers and forgets its zoom. Our piece keeps
one chart and hands changes to ``Plotly.react``, with the plotly.js that the plotly wheel carries, so it works without a
network. It also takes text and grid colours from the page's theme, says the result as alternative text, and saves PNG,
SVG, HTML and CSV in the browser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.kit.components import mount
from pages.kit.page import Page


def chart(
    page: Page, name: str, figure: go.Figure, *, alt: str, clickable: bool = False, exports: bool = True
) -> dict[str, Any] | None:
    """Shows a figure.

    Args:
        page: the open page.
        name: identity of this chart on the page, and the file name of its exports.
        figure: from ``vizcore.figures``.
        alt: one translated sentence that says the present result.
        clickable: report a click on the chart.
        exports: offer the files.

    Returns:
        When clickable, the newest click ``{"x": …, "y": …, "curve": …, "index": …, "count": …}``, else None. ``count``
        rises with each click, so that a page can tell a new one from an old one.
    """
    key = page.key(f"{name}_chart")
    say = page.translate
    payload = {
        "alt": alt,
        "name": f"grad2box-{page.concept}-{name}",
        "clickable": clickable,
        "exports": exports,
        "presenter": page.presenting,
        "text": {"csv": "CSV", "png": "PNG", "svg": "SVG", "html": "HTML", "save": say("Save figure as")},
    }
    # Joined as text: reading the figure's JSON only to write it again would double the time of every redrawing.
    data = f'{{"figure": {figure.to_json()}, {json.dumps(payload)[1:]}'
    result = mount("shared/chart", key=key, data=data.encode(), on_click_change=_nothing)
    if not clickable:
        return None
    click = getattr(result, "click", None)
    return dict(click) if click is not None and hasattr(click, "keys") else None


def _nothing() -> None:
    """A state exists only with a callback."""


def without_gaps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows as a table shows them: a column of numbers with gaps holds words, or its gaps would read “None”."""
    gaps = {name for row in rows for name, value in row.items() if value is None}
    return [
        {name: ("–" if value is None else str(value)) if name in gaps else value for name, value in row.items()}
        for row in rows
    ]


def table(rows: list[dict[str, Any]], **options: Any) -> None:
    """A small table of results."""
    st.dataframe(rows, hide_index=True, **options)
