"""Views of maps: numpy and singular vectors as oracles."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vizcore import fpn


def random_maps(channels, height, width, seed=0):
    return np.random.default_rng(seed).normal(size=(channels, height, width)).astype(np.float32)


def test_views_are_what_numpy_says():
    maps = random_maps(7, 5, 4)
    assert fpn.channel_views(maps, "mean") == pytest.approx(maps.mean(0), abs=1e-6)
    assert np.array_equal(fpn.channel_views(maps, "max"), maps.max(0))
    assert fpn.channel_views(maps, "norm") == pytest.approx(np.linalg.norm(maps, axis=0) / math.sqrt(7), abs=1e-6)
    assert np.array_equal(fpn.channel_views(maps, "channel", channel=3), maps[3])
    for kind, channel in (("median", None), ("channel", None), ("channel", 7), ("channel", -1)):
        with pytest.raises(ValueError, match="must be one of"):
            fpn.channel_views(maps, kind, channel=channel)


def test_principal_components_are_the_singular_vectors():
    maps = random_maps(9, 12, 10) * np.arange(1, 10, dtype=np.float32)[:, None, None]
    cells = maps.reshape(9, -1).T.astype(np.float64)
    centred = cells - cells.mean(0)
    _, _, vectors = np.linalg.svd(centred, full_matrices=False)
    expected = []
    for direction in vectors[:3]:
        direction = direction * np.sign(direction[np.abs(direction).argmax()])
        values = centred @ direction
        low, high = np.quantile(values, (0.01, 0.99))
        expected.append(np.clip((values - low) / (high - low), 0, 1) * 255)
    found = fpn.pca_rgb(maps).reshape(-1, 3)
    assert np.abs(found - np.stack(expected, 1)).max() <= 1


def test_the_colours_of_maps_that_say_nothing():
    for maps in (np.full((8, 4, 4), 3.7, dtype=np.float32), random_maps(8, 1, 1), np.zeros((2, 3, 3), np.float32)):
        assert np.unique(fpn.pca_rgb(maps)).tolist() == [128]
    maps = random_maps(8, 6, 6)
    assert np.array_equal(fpn.pca_rgb(maps), fpn.pca_rgb(maps.copy()))


@pytest.mark.parametrize("per", ["channel", "level"])
@pytest.mark.parametrize(("shape", "side"), [((10, 8, 8), 8), ((5, 4, 2), 8), ((1, 1, 1), 3), ((24, 64, 48), 16)])
def test_a_sheet_holds_every_channel(shape, side, per):
    maps = random_maps(*shape)
    columns, rows, (height, width) = fpn.atlas_layout(shape[0], shape[1:], side=side)
    sheet = fpn.channel_atlas(maps, side=side, per=per)
    assert sheet.shape == (rows * height, columns * width)
    assert max(height, width) == side
    assert rows * columns >= shape[0] > (rows - 1) * columns
    tiles = F.interpolate(torch.from_numpy(maps)[None], size=(height, width), mode="area")[0].numpy()
    for channel, tile in enumerate(tiles):  # area and nearest agree where a map is repeated a whole number of times
        top, left = channel // columns * height, channel % columns * width
        low, high = (tile.min(), tile.max()) if per == "channel" else (tiles.min(), tiles.max())
        expected = 127.5 if high == low else (tile - low) / (high - low) * 255
        assert np.abs(sheet[top : top + height, left : left + width] - expected).max() <= 0.51


def test_a_sheet_needs_a_channel_a_side_and_a_scale():
    with pytest.raises(ValueError, match="channel or level"):
        fpn.channel_atlas(random_maps(2, 2, 2), per="row")
    with pytest.raises(ValueError, match="atlas"):
        fpn.atlas_layout(4, (2, 2), side=0)


def test_values_under_a_point(detector, trace):
    # Pixel (100, 37) of a scene that is not scaled: column 25, row 9 of stride 4, column 3, row 1 of stride 32.
    values = fpn.values_at(trace, 100.0, 37.0, kind="max")
    assert values["C2"].cell == values["P2"].cell == (9, 25)
    assert values["P5"].cell == (1, 3)
    for name, (value, (row, column)) in values.items():
        assert value == trace.maps(name)[:, row, column].max()
    channel = fpn.values_at(trace, 100.0, 37.0, kind="channel", channel=20)
    assert set(channel) == {"C2", "C3", "C4", "C5"}  # the levels have 16 channels
    assert channel["C3"].value == trace.stages["C3"][20, 4, 12]
    corner = fpn.values_at(trace, 1e9, -5.0)
    assert corner["P4"].cell == (0, 11)


def test_a_colour_scale_survives_a_flat_map_and_an_outlier():
    assert fpn.value_range(np.full((3, 3), 2.0, np.float32)) == (1.5, 2.5)
    view = np.zeros((20, 20), np.float32)
    view[:, 10:], view[0, 0] = 1, 1000
    low, high = fpn.value_range(view)
    assert (low, high) == (0, 1)
    assert fpn.to_bytes(view, low, high)[0, 0] == 255
    assert np.unique(fpn.to_bytes(view, low, high)).tolist() == [0, 255]


def test_cells_on_the_padding_are_left_out(detector):
    # 70 × 100 pixels are padded to 128 × 128: of the 8 × 8 cells of 16 pixels, 5 × 7 touch the photo.
    trace = fpn.trace_fpn(detector, np.zeros((70, 100, 3), np.uint8))
    assert trace.maps("P4").shape[1:] == (8, 8)
    assert np.array_equal(fpn.on_photo(trace, "P4"), trace.maps("P4")[:, :5, :7])
    assert fpn.on_photo(trace, "C4").shape[1:] == (5, 7)
    assert fpn.cell_on_photo(trace, "P4", 99.5, 69.5) == fpn.cell_at(trace, "P4", 99.5, 69.5) == (4, 6)
    assert fpn.cell_at(trace, "P4", 200, 200) == (7, 7)
    assert fpn.cell_on_photo(trace, "P4", 200, 200) == (4, 6)


def test_a_sheet_knows_its_size():
    layout = fpn.atlas_layout(10, (8, 4), side=8)
    sheet = fpn.channel_atlas(np.zeros((10, 8, 4), np.float32), side=8)
    assert layout.size == sheet.shape == (layout.rows * 8, layout.columns * 4)
