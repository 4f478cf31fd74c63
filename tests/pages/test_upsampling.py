from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.pages.opening import go_to
from tests.scripts import run_script
from vizcore import upsampling
from vizcore.data.photos import Photo

APP = Path(__file__).resolve().parents[2] / "app.py"
PARTS = ("grids", "shapes", "checkerboard", "corners", "photo", "learn", "decoder")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def open_page(*, expect_error: bool = False, state: dict | None = None, **query: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=90)
    go_to(at, "upsampling")
    for name, value in {"lang": "en", **query}.items():
        at.query_params[name] = value
    for name, value in (state or {}).items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    assert bool(at.error) == expect_error
    return at


def pieces(at: AppTest) -> list[dict]:
    return [json.loads(piece.proto.json) for piece in at.get("bidi_component") if piece.proto.json]


def piece(at: AppTest, field: str) -> dict:
    (data,) = [data for data in pieces(at) if field in data]
    return data


def link(at: AppTest) -> dict[str, str]:
    query = piece(at, "query")["query"]
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def cards(at: AppTest) -> dict[str, dict]:
    return {card["name"]: card for card in piece(at, "cards")["cards"]}


def script_of(at: AppTest) -> str:
    return next(code.value for code in at.code if code.value.startswith("import torch"))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_in_both_languages(part: str, lang: str) -> None:
    at = open_page(part=part, lang=lang)
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
    at = open_page(part=part, **query)
    assert not at.warning
    found = link(at)
    assert {name: found[name] for name in query} == query


def test_all_operators_show_or_say_why_not() -> None:
    at = open_page(methods=".".join(upsampling.METHODS), size="3")
    shown = cards(at)
    assert set(shown) == set(upsampling.METHODS)
    # Three columns are no r × r tiles of two; everything else can be done.
    assert {name for name, card in shown.items() if "error" in card} == {"pixel_shuffle", "pixel_unshuffle"}
    assert "3×3 does not divide" in shown["pixel_shuffle"]["error"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("scale", "size"), [("0.3", "1"), ("1000", "4")])
def test_an_impossible_scale_is_a_sentence(scale: str, size: str, lang: str) -> None:
    card = cards(open_page(scale_factor=scale, size=size, lang=lang))["bilinear"]
    assert card["error"].endswith((".", "。"))
    assert bool(CHINESE.search(card["error"])) == (lang == "zh")


def test_a_nan_in_the_link_falls_back_with_a_notice() -> None:
    at = AppTest.from_file(str(APP), default_timeout=90)
    go_to(at, "upsampling")
    at.query_params["grid"] = "1,nan,3,4_5,6,7,8_9,10,11,12_13,14,15,16"
    at.run()
    assert not at.exception
    assert any("“grid”" in warning.value for warning in at.warning)


def test_an_edited_cell_reaches_link_and_script() -> None:
    grid = [[0.0, 0.0, 1.0, 1.0]] * 4
    at = open_page(methods="bicubic")
    version = piece(at, "cards")["version"]
    at.session_state["upsampling_grids"] = {"value": {"grid": grid, "version": version, "seq": 1}}
    at.run()
    assert link(at)["grid"] == "_".join(["0,0,1,1"] * 4)
    assert "overshoots" in link(at)["solved"]
    printed = run_script(script_of(at))
    expected = upsampling.trace_upsampling("bicubic", torch.tensor(grid), scale_factor=2.0).output
    np.testing.assert_allclose(json.loads(printed.removeprefix("bicubic ")), expected, atol=1e-12)


@pytest.mark.parametrize(
    "said", [{"grid": [[math] * 4] * 4} for math in ("x", None, float("nan"), 1e300)] + [{"grid": [[1.0]]}, {"grid": 3}]
)
def test_what_the_browser_says_is_not_trusted(said: dict) -> None:
    at = open_page()
    version, before = piece(at, "cards")["version"], link(at)["grid"]
    at.session_state["upsampling_grids"] = {"value": {**said, "version": version, "seq": 1}}
    at.run()
    assert not at.exception
    assert link(at)["grid"] == before


def test_a_preset_replaces_what_was_typed() -> None:
    at = open_page()
    at.session_state["upsampling_grids"] = {
        "value": {"grid": [[9.0] * 4] * 4, "version": piece(at, "cards")["version"], "seq": 1}
    }
    at.run()
    (impulse,) = [button for button in at.button if button.label == "Impulse"]
    impulse.click().run()
    assert link(at)["grid"] == "0,0,0,0_0,1,0,0_0,0,0,0_0,0,0,0"


@pytest.mark.parametrize("weight", ["constant", "bilinear", "random"])
def test_the_script_prints_the_numbers_of_every_operator(weight: str) -> None:
    at = open_page(methods=".".join(upsampling.METHODS), weight=weight, seed="3", icnr="0", kernel_size="4")
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
    ratio = run_script(script_of(open_page(part="checkerboard", kernel_size="5", num_layers="2")))
    assert float(ratio.split()[1]) == pytest.approx(upsampling.overlap_counts(5, 2, num_layers=2, dims=2).ratio)
    lines = run_script(script_of(open_page(part="corners", ruler_in="5", ruler_out="7"))).splitlines()
    for line, convention in zip(lines, upsampling.CONVENTIONS, strict=True):
        expected = upsampling.sample_positions(convention, 5, 7).positions
        np.testing.assert_allclose(json.loads(line.partition(" ")[2]), expected)
    at = open_page(part="photo", photo_factor="2")
    table = at.dataframe[0].value
    printed = dict(line.split() for line in run_script(script_of(at)).splitlines())
    for name, label in (("nearest", "Nearest"), ("bilinear", "Bilinear"), ("bicubic", "Bicubic")):
        (shown,) = table.loc[table["Operator"] == label, "PSNR"]
        assert float(printed[name]) == pytest.approx(shown, abs=2e-3)


def test_challenges_are_marked_from_the_state() -> None:
    assert link(open_page(part="checkerboard"))["solved"] == ""
    assert link(open_page(part="checkerboard", kernel_size="4"))["solved"] == "even"
    assert link(open_page(part="checkerboard", kernel_size="4", stride="4"))["solved"] == ""
    solved = open_page(part="shapes", kernel_size="5", padding="2", output_padding="1")
    assert link(solved)["solved"] == "doubles"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ["photo", "learn"])
def test_a_photo_of_one_pixel_is_a_sentence(part: str, lang: str) -> None:
    tiny = Photo(pixels=np.zeros((1, 1, 3), np.uint8), original_size=(1, 1), name="dot", file_format="PNG")
    at = open_page(part=part, photo="own", lang=lang, state={"own_photo": tiny}, expect_error=True)
    assert "1×1" in at.error[0].value


def test_refused_shapes_still_offer_the_solver() -> None:
    at = open_page(part="shapes", kernel_size="1", padding="6", expect_error=True)
    assert "less padding" in at.error[0].value
    assert len(at.dataframe) == 1


def wait_for_job(at: AppTest, name: str) -> None:
    job = at.session_state["jobs"][f"upsampling_{name}"]
    assert job.done.wait(120)
    assert job.error is None
    at.run()
    assert not at.exception


def test_training_shows_what_it_measured_and_lends_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    train = upsampling.train_upscalers
    monkeypatch.setattr(upsampling, "train_upscalers", lambda *args, **given: train(*args, **{**given, "num_steps": 3}))
    at = open_page(part="learn", num_steps="50")
    (button,) = [button for button in at.button if button.label == "Train"]
    button.click().run()
    wait_for_job(at, "training")
    run = at.session_state["jobs"]["upsampling_training"].result
    assert len(piece(at, "tiles")["tiles"]) == 2 + len(run.heads)
    assert any("bicubic’s 31.42 dB" in text.value for text in at.markdown)
    assert list(at.dataframe[0].value["PSNR"]) == [round(run.snapshots[-1].psnr[head], 3) for head in run.heads]
    at.session_state["upsampling_part"] = "grids"
    at.session_state["upsampling_weight"] = "learned"
    at.run()
    assert not at.exception
    assert f"w = torch.tensor({upsampling.learned_kernel(run).tolist()}" in script_of(at)


def test_cancelling_keeps_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    train, cancelled = upsampling.train_upscalers, threading.Event()

    def slow(*args: object, **given: object) -> object:
        stop = given.pop("should_stop")
        steps = iter(range(1000))
        # The third step waits for the reader's cancel, so the test depends on no clock.
        return train(*args, **given, should_stop=lambda: next(steps) >= 3 and cancelled.wait(60) and stop())

    monkeypatch.setattr(upsampling, "train_upscalers", slow)
    at = open_page(part="learn", num_steps="50")
    (button,) = [button for button in at.button if button.label == "Train"]
    button.click().run()
    # The button lives in a fragment, which AppTest does not press: tests/browser does; here is what it sets.
    assert "Cancel" in [button.label for button in at.button]
    at.session_state["jobs"]["upsampling_training"].cancel.set()
    cancelled.set()
    wait_for_job(at, "training")
    assert at.session_state["jobs"]["upsampling_training"].result.stopped
    assert any("Cancelled after 3 steps" in warning.value for warning in at.warning)


def test_both_decoders_are_compared_on_what_they_have_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    run = upsampling.run_decoder
    monkeypatch.setattr(upsampling, "run_decoder", lambda *args, **given: run(*args, **{**given, "num_steps": 2}))
    at = open_page(part="decoder")
    (button,) = [button for button in at.button if button.label.startswith("Train")]
    button.click().run()
    wait_for_job(at, "decoder")
    outputs = at.session_state["jobs"]["upsampling_decoder"].result
    sentence = f"IoU **{outputs[True].iou:.3f}** with skip connections, **{outputs[False].iou:.3f}** without"
    assert any(sentence in text.value for text in at.markdown)
    assert len(piece(at, "tiles")["tiles"]) == 4


def test_the_script_of_the_stamps_prints_their_sum() -> None:
    at = open_page(part="shapes", in_size="3", kernel_size="4", padding="1", weight="bilinear")
    expected = upsampling.trace_scatter(
        upsampling.preset_grid("ramp", 3), weight="bilinear", kernel_size=4, stride=2, padding=1
    ).output
    np.testing.assert_allclose(json.loads(run_script(script_of(at)).partition(" ")[2]), expected)
