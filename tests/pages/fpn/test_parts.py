"""The feature pyramid page: every part in both languages, both ends of every control, links that lie."""

from __future__ import annotations

import re

import pytest

from tests.pages.fpn.opened import PARTS, open_fpn
from tests.pages.pieces import link

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_in_both_languages(part: str, language: str) -> None:
    app = open_fpn(part=part, lang=language)
    assert not app.warning
    assert link(app)["part"] == part
    assert bool(CHINESE.search(app.title[0].value)) == (language == "zh")


@pytest.mark.parametrize(
    "query",
    [
        {"view": "max", "score_threshold": "0.05", "opacity": "0", "boxes": "0", "level": "C2"},
        {"view": "norm", "score_threshold": "0.95", "opacity": "1", "level": "P6"},
        {"view": "pca", "scene": "499", "level": "C5"},
        {"view": "channel", "channel": "0", "level": "C2"},
        {"view": "channel", "channel": "319", "level": "C5"},
        {"view": "channel", "channel": "319", "level": "P3"},
        {"source": "photo", "photo": "coins", "present": "1"},
        {"part": "designs", "opened": "C5", "kind": "digits", "scene": "499"},
        {"part": "owner", "canonical_level": "2", "canonical_size": "8", "box": "0,0,512,512"},
        {"part": "owner", "canonical_level": "6", "canonical_size": "512", "box": "10,10,10,10"},
        {"part": "cell", "cell_level": "C2", "point": "0,0", "points": "1", "anchors": "1"},
        {"part": "cell", "cell_level": "P6", "point": "511,511", "points": "1", "anchors": "1"},
        {"part": "data", "split": "train", "num_scenes": "500"},
        {"part": "data", "source": "photo"},
    ],
)
def test_both_ends_of_every_control(query: dict[str, str]) -> None:
    assert not open_fpn(**query).warning


@pytest.mark.parametrize(
    "query",
    [
        {"cuts": "lateral:C9"},
        {"cuts": "top_down:P4.top_down:P4"},
        {"level": "P9"},
        {"box": "1,2,3", "part": "owner"},
        {"point": "nan,0", "part": "cell"},
        {"scene": "500"},
        {"channel": "-1"},
        {"part": "nowhere"},
        {"part": "designs", "kind": "letters"},
    ],
)
def test_what_a_link_cannot_carry_is_said_in_a_sentence(query: dict[str, str]) -> None:
    assert len(open_fpn(**query).warning) == 1


def test_the_link_carries_the_whole_view() -> None:
    app = open_fpn(cuts="top_down:P2.lateral:C3", level="P2", view="channel", channel="7", opacity="0.25", scene="2")
    wanted = link(app)
    assert {wanted[name] for name in ("cuts", "level", "view", "channel", "opacity", "scene")} == {
        "top_down:P2.lateral:C3",
        "P2",
        "channel",
        "7",
        "0.25",
        "2",
    }
    assert link(open_fpn(**{name: value for name, value in wanted.items() if name != "v"})) == wanted
