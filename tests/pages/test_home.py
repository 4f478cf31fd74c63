"""The learning path: stops that lead to pages there are, each with its miniature once torch is there."""

from __future__ import annotations

import ast
import json
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.home import stops
from pages.kit.loaders import warm_up
from tests.pages.opening import open_page
from tests.pages.pieces import link

ROOT = Path(__file__).resolve().parents[2]
STOPS = stops.stops_of(lambda message, **_values: message)


def miniatures(at: AppTest) -> dict[str, str]:
    """The pictures by their title."""
    data = [json.loads(piece.proto.json) for piece in at.get("bidi_component") if piece.proto.json]
    return {piece["title"]: piece["svg"] for piece in data if "svg" in piece}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_stop_shows_its_picture_and_the_way_on(lang: str) -> None:
    warm_up().join()
    at = open_page("home", lang=lang)
    assert not at.warning
    assert link(at)["lang"] == lang
    shown = miniatures(at)
    assert len(shown) == len(STOPS)
    assert all(svg.startswith("<svg") for svg in shown.values())
    assert (list(shown) == [stop.heading for stop in STOPS]) == (lang == "en")
    ways = [way.proto.page for way in at.get("page_link")]
    assert ways == [stop.target for stop in STOPS]


def test_while_torch_is_on_its_way_the_links_are_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    come = threading.Event()
    loading = threading.Thread(target=come.wait, daemon=True)
    loading.start()
    monkeypatch.setattr(stops, "warm_up", lambda: loading)
    try:
        at = open_page("home")
        assert set(miniatures(at).values()) == {""}
        assert len(at.get("page_link")) == len(STOPS)
    finally:
        come.set()


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_stop_leads_to_a_page(stop: stops.Stop) -> None:
    assert (ROOT / "pages" / stop.target / "page.py").exists()


def test_path_menu_and_stops_are_in_one_order() -> None:
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    sections = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SECTIONS"
    )
    menu = [concept for pages in sections.values() for concept, _title, _icon in pages]
    menu = [concept for concept in menu if concept not in ("home", "class_room")]
    assert menu == list(stops.PATH) == [stop.target for stop in STOPS]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"nms": {"at": 3, "of": 8, "done": False}}, ["step 3 of 8"]),
        ({"nms": {"at": 8, "of": 8, "done": True}}, ["done"]),
        ({"nms": {"at": 9, "of": 8}, "fpn": "x", "detection": {"at": True, "of": 2}, "<b>": {"at": 1, "of": 1}}, []),
        ("nonsense", []),
    ],
)
def test_what_the_browser_says_of_progress_is_shown_or_ignored(told: object, words: list[str]) -> None:
    at = open_page("home", state={"home_progress": {"progress": told}})
    said = [
        caption.value.removeprefix(":blue[").removesuffix("]") for caption in at.caption if ":blue[" in caption.value
    ]
    assert said == words
