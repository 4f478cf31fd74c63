"""Reads what the detection page shows."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages import opening
from tests.pages.pieces import components


def open_detection(*, broken: bool = False, **query: object) -> AppTest:
    """The page after its first run."""
    return opening.open_page("detection", timeout=120, broken=broken, **query)


def sound(app: AppTest) -> None:
    """Nothing on the page went wrong."""
    assert not app.exception, [problem.value for problem in app.exception]
    assert not app.error, [problem.value for problem in app.error]


def stages(app: AppTest) -> list[dict[str, Any]]:
    """What was sent to each stage."""
    return [data["stage"] for data in components(app, "stage")]


def finals(stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The final boxes on a stage, the best last."""
    return [box for box in stage["boxes"] if box["id"].startswith("c")]


def words(app: AppTest) -> str:
    """Everything that the page says in Markdown and captions."""
    return "\n".join(element.value for element in [*app.markdown, *app.caption])
