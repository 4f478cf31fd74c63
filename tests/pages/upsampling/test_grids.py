"""The operators on one grid: edited, refused, linked, and reproduced by the program."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import CHINESE, cards, piece, press, script_of
from tests.scripts import run_script
from vizcore import upsampling


def test_all_operators_show_or_say_why_not() -> None:
    at = open_page("upsampling", methods=".".join(upsampling.METHODS), size="3")
    shown = cards(at)
    assert set(shown) == set(upsampling.METHODS)
    # Three columns are no r × r tiles of two; everything else can be done.
    assert {name for name, card in shown.items() if "error" in card} == {"pixel_shuffle", "pixel_unshuffle"}
    assert "3×3 does not divide" in shown["pixel_shuffle"]["error"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("scale", "size"), [("0.3", "1"), ("1000", "4")])
def test_an_impossible_scale_is_a_sentence(scale: str, size: str, lang: str) -> None:
    card = cards(open_page("upsampling", scale_factor=scale, size=size, lang=lang))["bilinear"]
    assert card["error"].endswith((".", "。"))
    assert bool(CHINESE.search(card["error"])) == (lang == "zh")


def test_a_nan_in_the_link_falls_back_with_a_notice() -> None:
    at = open_page("upsampling", grid="1,nan,3,4_5,6,7,8_9,10,11,12_13,14,15,16")
    assert any("“grid”" in warning.value for warning in at.warning)


def test_an_edited_cell_reaches_link_and_script() -> None:
    grid = [[0.0] * 4, [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0] * 4]
    at = open_page("upsampling", methods="bicubic")
    version = piece(at, "cards")["version"]
    at.session_state["upsampling_grids"] = {"value": {"grid": grid, "version": version, "seq": 1}}
    at.run()
    assert link(at)["grid"] == "0,0,0,0_0,1,1,0_0,1,0,0_0,0,0,0"
    assert "overshoots" in link(at)["solved"]
    printed = run_script(script_of(at))
    expected = upsampling.trace_upsampling("bicubic", torch.tensor(grid), scale_factor=2.0).output
    np.testing.assert_allclose(json.loads(printed.removeprefix("bicubic ")), expected, atol=1e-12)


@pytest.mark.parametrize(
    "said", [{"grid": [[math] * 4] * 4} for math in ("x", None, float("nan"), 1e300)] + [{"grid": [[1.0]]}, {"grid": 3}]
)
def test_what_the_browser_says_is_not_trusted(said: dict) -> None:
    at = open_page("upsampling")
    version, before = piece(at, "cards")["version"], link(at)["grid"]
    at.session_state["upsampling_grids"] = {"value": {**said, "version": version, "seq": 1}}
    at.run()
    assert not at.exception
    assert link(at)["grid"] == before


def test_a_preset_replaces_what_was_typed() -> None:
    at = open_page("upsampling")
    at.session_state["upsampling_grids"] = {
        "value": {"grid": [[9.0] * 4] * 4, "version": piece(at, "cards")["version"], "seq": 1}
    }
    at.run()
    press(at, "Impulse")
    assert link(at)["grid"] == "0,0,0,0_0,1,0,0_0,0,0,0_0,0,0,0"


@pytest.mark.parametrize("weight", ["constant", "bilinear", "random"])
def test_the_script_prints_the_numbers_of_every_operator(weight: str) -> None:
    at = open_page(
        "upsampling", methods=".".join(upsampling.METHODS), weight=weight, seed="3", icnr="0", kernel_size="4"
    )
    grid = torch.arange(1.0, 17.0).reshape(4, 4)
    options = {
        "pixel_shuffle": {"upscale_factor": 2},
        "pixel_unshuffle": {"downscale_factor": 2},
        "conv_transpose": {"weight": weight, "kernel_size": 4, "stride": 2, "seed": 3},
        "max_unpool": {"kernel_size": 2},
        "subpixel_conv": {"weight": "random", "seed": 3},
        "dilated_conv": {"dilation": 2},
    }
    lines = run_script(script_of(at)).splitlines()
    assert len(lines) == len(upsampling.METHODS)
    for line in lines:
        method, _, numbers = line.partition(" ")
        expected = upsampling.trace_upsampling(method, grid, **options.get(method, {"scale_factor": 2.0})).output
        np.testing.assert_allclose(json.loads(numbers), expected, atol=1e-9, err_msg=method)


def test_scripts_of_other_parts() -> None:
    ratio = run_script(script_of(open_page("upsampling", part="checkerboard", kernel_size="5", num_layers="2")))
    assert float(ratio.split()[1]) == pytest.approx(upsampling.overlap_counts(5, 2, num_layers=2, dims=2).ratio)
    lines = run_script(script_of(open_page("upsampling", part="corners", ruler_in="5", ruler_out="7"))).splitlines()
    for line, convention in zip(lines, upsampling.CONVENTIONS, strict=True):
        expected = upsampling.sample_positions(convention, 5, 7).positions
        np.testing.assert_allclose(json.loads(line.partition(" ")[2]), expected)
    at = open_page("upsampling", part="photo", photo_factor="2")
    table = at.dataframe[0].value
    printed = dict(line.split() for line in run_script(script_of(at)).splitlines())
    for name, label in (("nearest", "Nearest"), ("bilinear", "Bilinear"), ("bicubic", "Bicubic")):
        (shown,) = table.loc[table["Operator"] == label, "PSNR"]
        assert float(printed[name]) == pytest.approx(float(shown), abs=2e-3)


def test_another_size_begins_with_its_own_ramp() -> None:
    at = open_page("upsampling", grid="_".join(["9,9,9,9"] * 4))
    before = piece(at, "cards")["version"]
    at.selectbox(key="upsampling_size").set_value("2").run()
    assert link(at)["grid"] == "1,2_3,4"
    assert piece(at, "cards")["version"] != before  # so that the browser takes the other grid over
