"""Carrying the numbers away as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.kit.page import Page


def download_numbers(page: Page, name: str, rows: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Two buttons: the numbers as CSV and as JSON, built only when pressed.

    Args:
        page: the open page.
        name: file name without its ending.
        rows: makes the rows; every row has the same columns.
    """
    files = (
        (page.translate("Numbers as CSV"), "csv", "text/csv", lambda: to_csv(rows())),
        (page.translate("Numbers as JSON"), "json", "application/json", lambda: json.dumps(list(rows()), indent=1)),
    )
    for column, (words, ending, kind, build) in zip(st.columns(2), files, strict=True):
        column.download_button(
            words,
            build,
            f"{name}.{ending}",
            kind,
            key=page.key(f"{name}_{ending}"),
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
        )


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading; text cells that a spreadsheet would run as a formula are defused."""
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _plain(value) for name, value in row.items()})
    return out.getvalue()


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
