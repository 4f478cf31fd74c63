"""Reads what the upsampling page mounted, and makes views of it without a page."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from pages.kit import link as links
from pages.kit.pictures import Picture
from pages.upsampling import state
from vizcore.data.photos import Photo

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def piece(at: AppTest, field: str) -> dict:
    """The data of the one mounted piece that has this field."""
    pieces = [json.loads(piece.proto.json) for piece in at.get("bidi_component") if piece.proto.json]
    (data,) = [data for data in pieces if field in data]
    return data


def cards(at: AppTest) -> dict[str, dict]:
    """The operators' cards, by operator."""
    return {card["name"]: card for card in piece(at, "cards")["cards"]}


def script_of(at: AppTest) -> str:
    """The program that the page hands out."""
    return next(code.value for code in at.code if code.value.startswith("import torch"))


def press(at: AppTest, label: str) -> None:
    """Presses the one button whose words begin so."""
    (button,) = [button for button in at.button if button.label.startswith(label)]
    button.click().run()


def wait_for_job(at: AppTest, name: str) -> Any:
    """Lets a job of the page end without a failure, and the page show it; returns its result."""
    job = at.session_state["jobs"][f"upsampling_{name}"]
    assert job.done.wait(120)
    assert job.error is None
    at.run()
    assert not at.exception
    return job.result


def own_photo(height: int = 64, width: int = 80) -> Photo:
    """What the session holds once a reader has read a photo of their own: noise, as no sample is."""
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Photo(pixels=pixels, original_size=(height, width), name="holiday.png", file_format="PNG")


def make_view(**changed: Any) -> state.View:
    """The view of a page that nobody touched, but for what is changed."""
    defaults = {
        parameter.name: parameter.default
        for parameter in vars(state).values()
        if isinstance(parameter, links.Parameter)
    }
    defaults |= {"size": 4, "dims": 2, "dilations": (2, 2, 2), "photo_factor": 4, "learned": None}
    defaults["grid"] = tuple(map(tuple, state.GRIDS[4].default))
    defaults["picture"] = Picture("sample", "chelsea", np.zeros((32, 32, 3), np.uint8), "Chelsea the cat", (32, 32))
    return state.View(**{field.name: defaults[field.name] for field in fields(state.View)} | changed)
