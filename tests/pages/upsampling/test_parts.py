"""Every part of the upsampling page, in both languages and at both ends of every control."""

from __future__ import annotations

import pytest

from pages.upsampling import state
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import CHINESE


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", state.PARTS)
def test_every_part_runs_in_both_languages(part: str, lang: str) -> None:
    at = open_page("upsampling", part=part, lang=lang)
    assert not at.warning
    assert link(at)["part"] == part
    assert bool(CHINESE.search(at.title[0].value)) == (lang == "zh")


ENDS = {
    "grids": [
        {"size": "1", "scale_factor": "0.1"},
        {"size": "8", "scale_factor": "4", "upscale_factor": "4", "align_corners": "1", "antialias": "1"},
        {"kernel_size": "8", "stride": "4", "padding": "6", "output_padding": "3", "dilation": "3"},
        {"kernel_size": "1", "stride": "1", "pool": "1", "rate": "4", "weight": "random"},
        {"target": "size", "out_size": "0"},
        {"methods": ""},
    ],
    "shapes": [
        {"in_size": "1", "kernel_size": "1", "stride": "4", "output_padding": "3"},
        {"in_size": "8", "kernel_size": "8", "stride": "4", "dilation": "3", "reading": "convolution", "factor": "4"},
    ],
    "checkerboard": [
        {"kernel_size": "1", "stride": "4", "num_layers": "3", "dims": "2"},
        {"kernel_size": "8", "stride": "1", "num_layers": "1", "dims": "1", "dilations": "1.1.1.1"},
    ],
    "corners": [
        {"ruler_in": "1", "ruler_out": "1", "between": "0.25", "num_rounds": "1"},
        {"ruler_in": "12", "ruler_out": "16", "between": "3", "num_rounds": "24"},
    ],
    "photo": [
        {"photo_factor": "8", "downsampling": "max_pool", "differences": "1", "photo": "coins"},
        {"photo_factor": "3", "downsampling": "strided", "photo": "china"},
    ],
    "learn": [{"num_steps": "50", "residual": "1"}, {"num_steps": "1000", "photo": "coins"}],
    "decoder": [{"skip": "0"}],
}


@pytest.mark.parametrize(("part", "query"), [(part, query) for part, queries in ENDS.items() for query in queries])
def test_both_ends_of_every_control(part: str, query: dict[str, str]) -> None:
    at = open_page("upsampling", part=part, **query)
    assert not at.warning
    found = link(at)
    assert {name: found[name] for name in query} == query


def test_a_link_carries_every_part_whichever_is_shown() -> None:
    """What one part was set to is there when the link is opened at another."""
    set_elsewhere = {"ruler_in": "7", "dims": "1", "num_steps": "600", "photo": "coffee", "reading": "convolution"}
    found = link(open_page("upsampling", part="grids", **set_elsewhere))
    assert {name: found[name] for name in set_elsewhere} == set_elsewhere
    again = open_page("upsampling", **{**found, "part": "corners"})
    assert not again.warning
    assert again.slider(key="upsampling_ruler_in").value == 7
