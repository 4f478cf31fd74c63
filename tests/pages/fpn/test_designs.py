"""The four designs: the atlas of an opened plane."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pages.fpn.opened import open_fpn
from tests.pages.pieces import component
from vizcore import fpn
from vizcore.data.photos import encode_png


def test_places_of_the_atlas_without_a_channel_are_transparent(monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = []

    def listen(pixels: np.ndarray) -> bytes:
        sheets.append(pixels)
        return encode_png(pixels)

    monkeypatch.setattr("vizcore.fpn.packing.encode_png", listen)
    atlas = component(open_fpn(part="designs", opened="C3"), "atlas", "designs")["atlas"]
    (sheet,) = (pixels for pixels in sheets if pixels.shape[:2] == (atlas["height"], atlas["width"]))
    columns, rows, (high, wide) = fpn.atlas_layout(40, (64, 64), side=64)
    seen = sheet[..., 3].reshape(rows, high, columns, wide)
    assert rows * columns > 40  # there are places left over
    for place in range(rows * columns):
        assert (seen[place // columns, :, place % columns] == (255 if place < 40 else 0)).all()
