"""What the browser gets: decoded as it does, and held against torch."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.javascript import run_modules
from vizcore import fpn
from vizcore.data.scenes import draw_scene
from vizcore.fpn import packing
from vizcore.models.fcos import FCOS, Detector, FCOSConfig
from vizcore.packing import unpack
from vizcore.seeding import seeded

CONFIG = FCOSConfig("fpn", finest=2, channels=16)


@pytest.fixture(scope="module")
def detector() -> Detector:
    with seeded(0):
        return Detector(FCOS(CONFIG))


@pytest.fixture(scope="module")
def trace(detector: Detector) -> fpn.FPNTrace:
    # Neither side divides by 64, so that there is padding to leave out.
    return fpn.trace_fpn(detector, draw_scene("validation", 1).pixels[:200, :330], score_threshold=0.0)


def decoded(content: bytes) -> dict[str, np.ndarray]:
    """As the page's own module reads them."""
    read = run_modules({"fpn/packed.js": "readMaps"}, "return readMaps(inputs[0]).maps;", content)
    _, arrays = unpack(content)
    wanted = [name for name, spec in read.items() if spec["filled"]]
    wanted += [f"{name}.rgb" for name, spec in read.items() if spec["colored"]]
    assert sorted(arrays) == sorted(wanted)
    maps = {}
    for name, spec in read.items():
        if spec["values"] is not None:
            maps[name] = spec["values"].reshape(spec["rows"], spec["cols"])
        if spec["rgb"] is not None:
            maps[f"{name} rgb"] = spec["rgb"].reshape(spec["rows"], spec["cols"], 3)
    return maps


@pytest.mark.parametrize("view", ["mean", "max", "norm"])
def test_every_map_arrives_as_torch_has_it(trace: fpn.FPNTrace, view: str) -> None:
    maps = decoded(packing.pack_maps(trace, view=view))
    reduce = {
        "mean": lambda x: x.mean(0),
        "max": lambda x: x.max(0).values,
        "norm": lambda x: x.pow(2).mean(0).sqrt(),
    }[view]
    for name, stride in trace.strides.items():
        rows, columns = -(-200 // stride), -(-330 // stride)
        wanted = reduce(torch.from_numpy(trace.maps(name)).double())[:rows, :columns].numpy()
        assert maps[name].shape == wanted.shape
        np.testing.assert_allclose(maps[name], wanted, atol=np.ptp(wanted) / 65535 + 1e-6)


def test_lateral_and_upsampled_add_up(trace: fpn.FPNTrace) -> None:
    for packed in (packing.pack_maps(trace), packing.pack_maps(trace, view="channel", channel=5)):
        maps = decoded(packed)
        for level in ("P2", "P3", "P4", "P5"):
            total = maps[f"lateral:{level}"] + maps[f"upsampled:{level}"]
            step = max(np.ptp(maps[f"{part}:{level}"]) for part in ("lateral", "upsampled", "merged")) / 65535
            np.testing.assert_allclose(maps[f"merged:{level}"], total, atol=2 * step)


def test_a_channel_that_a_map_does_not_have_is_left_empty(trace: fpn.FPNTrace) -> None:
    maps = decoded(packing.pack_maps(trace, view="channel", channel=30))
    assert set(maps) == {"C3", "C4", "C5"}
    np.testing.assert_allclose(maps["C4"], trace.stages["C4"][30, :13, :21], atol=1e-3)


def test_colours_are_those_of_the_principal_directions(trace: fpn.FPNTrace) -> None:
    maps = decoded(packing.pack_maps(trace, view="pca"))
    for name in trace.strides:
        np.testing.assert_array_equal(maps[f"{name} rgb"], fpn.pca_rgb(fpn.on_photo(trace, name)))


def test_no_such_view(trace: fpn.FPNTrace) -> None:
    with pytest.raises(ValueError, match="view must be one of"):
        packing.pack_maps(trace, view="median")


def test_thumbnails_are_in_order(trace: fpn.FPNTrace) -> None:
    _, arrays = unpack(packing.pack_thumbnails({"a": trace.stages["C4"], "b": trace.levels["P6"]}))
    assert list(arrays) == ["a", "b"]
    for name, maps in (("a", trace.stages["C4"]), ("b", trace.levels["P6"])):
        view = fpn.channel_views(maps, "mean")
        np.testing.assert_array_equal(arrays[name], fpn.to_bytes(view, *fpn.value_range(view)))


def test_a_cells_field_arrives_whole(detector: Detector) -> None:
    photo = draw_scene("validation", 1).pixels[:200, :330]
    trace = fpn.trace_fpn(detector, photo)
    field = fpn.effective_receptive_field(detector, photo, "P4", (3, 7))
    header, arrays = unpack(packing.pack_field(trace, field, level="P4", anchors=True))
    heat, points = arrays["heat"], arrays["points"]
    height, width = heat.shape
    step = 3  # 330 pixels in at most 128 numbers
    assert (height, width) == (67, 110)
    assert header["reach"] == [67 * 3 / 200, 110 * 3 / 330]
    top = max(
        (field.gradient[row : row + step, column : column + step].sum(), row, column)
        for row in range(0, 198, step)
        for column in range(0, 330, step)
    )
    assert heat[top[1] // step, top[2] // step] == 255
    np.testing.assert_allclose(points[3, 7], [7.5 * 16, 3.5 * 16])
    assert header["anchors"] == [
        pytest.approx([7 * 16 - w / 2, 3 * 16 - h / 2, 7 * 16 + w / 2, 3 * 16 + h / 2], abs=1)
        for h, w in ((90.5, 181), (128, 128), (181, 90.5))
    ]
    for cell in ((3, 7), (0, 0), (9, 15)):
        seen = fpn.receptive_box("P4", cell)
        shift = [(place // 8) * 8 * 16 for place in (cell[1], cell[0])]
        left, right = (edge + shift[0] for edge in header["intervals"][cell[1] % 8])
        top_, bottom = (edge + shift[1] for edge in header["intervals"][cell[0] % 8])
        assert (left, top_, right, bottom) == seen


def test_a_field_without_a_gradient_is_dark(detector: Detector) -> None:
    photo = np.zeros((16, 16, 3), dtype=np.uint8)
    trace = fpn.trace_fpn(detector, photo)
    field = fpn.effective_receptive_field(detector, photo, "C2", (0, 0), cuts=())
    object.__setattr__(field, "gradient", np.zeros_like(field.gradient))
    header, arrays = unpack(packing.pack_field(trace, field, level="C2"))
    assert arrays["heat"].size
    assert not arrays["heat"].any()
    assert header["anchors"] == []


def test_a_sheet_of_channels_leaves_its_empty_places_transparent() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 8, 8)).astype(np.float32)
    layout = fpn.atlas_layout(5, (8, 8), side=8)
    assert (layout.columns, layout.rows) == (3, 2)
    sheet = np.asarray(Image.open(io.BytesIO(packing.pack_atlas(maps, side=8))))
    assert sheet.shape == (16, 24, 4)
    for channel in range(3):
        np.testing.assert_array_equal(sheet[..., channel], fpn.channel_atlas(maps, side=8))
    assert (sheet[8:, 16:, 3] == 0).all()
    assert (sheet[:8, :, 3] == 255).all()
    assert (sheet[8:, :16, 3] == 255).all()
