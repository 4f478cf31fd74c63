"""Reads what a page mounted in ``AppTest``: the data of our own components, and the link."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest


def component(app: AppTest, *keys: str) -> dict:
    """The data of the first mounted piece that has these keys."""
    for element in app.get("bidi_component"):
        try:
            data = json.loads(element.proto.json or element.proto.bytes)
        except ValueError:
            continue
        if isinstance(data, dict) and set(keys) <= set(data):
            return data
    raise AssertionError(f"no component with {keys}")


def link(app: AppTest) -> dict[str, str]:
    """The parameters of the link that the page offers."""
    query = component(app, "query")["query"]
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
