"""Reads what a page mounted in ``AppTest``: the data of our own components, and the link."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest


def components(app: AppTest, *keys: str) -> list[dict]:
    """The data of every mounted piece that has these keys."""
    found = []
    for element in app.get("bidi_component"):
        try:
            data = json.loads(element.proto.json or element.proto.bytes)
        except ValueError:
            continue
        if isinstance(data, dict) and set(keys) <= set(data):
            found.append(data)
    return found


def component(app: AppTest, *keys: str) -> dict:
    """The data of the first of them."""
    found = components(app, *keys)
    assert found, f"no component with {keys}"
    return found[0]


def link(app: AppTest) -> dict[str, str]:
    """The parameters of the link that the page offers."""
    query = component(app, "query")["query"]
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
