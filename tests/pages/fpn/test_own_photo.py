"""The reader’s own photo: any size and kind, and what is kept of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.kit import pictures
from tests.pages.fpn.opened import PARTS, open_with
from tests.pages.pieces import component
from vizcore import fpn
from vizcore.data.photos import Photo, decode_photo


def own_photo(pixels: np.ndarray, mode: str = "RGB") -> Photo:
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return decode_photo(buffer.getvalue(), name="mine.png")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (16, 16)), ("RGB", (1200, 60)), ("L", (60, 1200)), ("RGBA", (70, 50)), ("RGB", (1, 1))]
)
def test_any_photo_is_looked_at(mode: str, size: tuple[int, int], part: str) -> None:
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], *channels)).astype(np.uint8)
    open_with(own_photo(pixels, mode), part=part)


def kept(app: AppTest) -> dict[tuple[str, str], int]:
    """Bytes of each result on own photos, by what it is and whose."""
    sizes: dict[tuple[str, str], int] = {}
    for key, (_result, size) in app.session_state["own_results"].items():
        what = (key[0].rpartition(".")[2], key[1])
        sizes[what] = sizes.get(what, 0) + size
    return sizes


def test_own_photos_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8) for seed in range(3)]
    app = open_with(own_photo(noise[0]))
    (first, one_trace) = next((whose, size) for (what, whose), size in kept(app).items() if what == "_trace")
    bound = 2 * one_trace + 20_000  # a trace with and without cuts, and their maps for the browser
    monkeypatch.setattr(pictures, "MOST_OWN", bound)
    for pixels in noise[1:]:
        app.session_state["own_photo"] = own_photo(pixels)
        app.run()
        assert not app.exception
        assert sum(kept(app).values()) <= bound
    assert [what for what, whose in kept(app) if whose == first] == []
    for cut in ("lateral:C3", "lateral:C4"):
        say = {"version": component(app, "detections", "arrows")["version"], "cuts": [cut]}
        app.session_state["fpn_maps"] = {"value": {"seq": 1, "maps": say}}
        app.run()
        assert not app.exception
        assert sum(kept(app).values()) <= bound
        traces = [key for key in app.session_state["own_results"] if key[0].endswith(("._trace", "._cut"))]
        assert [key[2] for key in traces] == [(), ((cut,),)]  # whole, and with the latest cut


def test_all_that_a_photo_needs_at_once_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo of the largest size, cut, in every part and back: each network runs over it once."""
    runs: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **options: (runs.append(name), function(*args, **options))[1]

    for name in ("trace_fpn", "retrace", "effective_receptive_field"):
        monkeypatch.setattr(fpn, name, noted(name, getattr(fpn, name)))
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    app = open_with(own_photo(pixels), cuts="top_down:P3")
    for part in (*PARTS, *PARTS):
        app.radio(key="fpn_part").set_value(part).run()
        assert not app.exception
    assert sum(kept(app).values()) <= pictures.MOST_OWN
    assert sorted(runs) == ["effective_receptive_field", *["retrace"] * 4, "trace_fpn"]
