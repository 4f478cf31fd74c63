"""What the browser gets, read as a browser does."""

import itertools

import numpy as np

from tests.vizcore.upsampling.inputs import options_for, picture, rand
from vizcore.data.photos import decode_photo
from vizcore.packing import unpack
from vizcore.upsampling import (
    METHODS,
    pack_pictures,
    pack_scatter,
    pack_traces,
    trace_scatter,
    trace_upsampling,
)


def test_packed_traces_carry_the_whole_map():
    grid = rand(4, 4)
    traces = {name: trace_upsampling(name, grid, **options_for(name, 2)) for name in METHODS}
    header, arrays = unpack(pack_traces(grid, traces))
    assert header["input"] == grid.tolist()
    for name in METHODS:
        parts = ("output", "offset", "values", "starts", "cells")
        output, offset, values, starts, cells = (arrays[f"{name}.{part}"] for part in parts)
        np.testing.assert_array_equal(output, traces[name].output.ravel())
        sums = [values[a:b] @ grid.numpy().ravel()[cells[a:b]] for a, b in itertools.pairwise(starts)]
        np.testing.assert_allclose(offset + sums, output, atol=1e-12)
    assert [operator["linear"] for operator in header["operators"]].count(False) == 1


def test_packed_scatter_has_every_stamp():
    trace = trace_scatter(rand(2, 3), weight="random", kernel_size=3, stride=2)
    _, arrays = unpack(pack_scatter(trace))
    assert arrays["stamps"].shape == (6, *trace.output.shape)
    np.testing.assert_array_equal(arrays["stamps"], trace.stamps)


def test_packed_pictures_are_png_files():
    data = pack_pictures([picture(8, 8), np.linspace(0, 1, 64).reshape(8, 8)])
    _, files = unpack(data)
    np.testing.assert_array_equal(decode_photo(files["0"].tobytes()).pixels, picture(8, 8))
    assert data.endswith(files["1"].tobytes())
    grey = decode_photo(files["1"].tobytes()).pixels
    assert (grey[0, 0] == 0).all()
    assert (grey[-1, -1] == 255).all()


def test_a_mask_is_packed_white_on_black():
    mask = np.arange(64).reshape(8, 8) % 3 == 0
    data = pack_pictures([mask])
    length = int.from_bytes(data[:4], "little")
    np.testing.assert_array_equal(decode_photo(data[4 + length :]).pixels, np.repeat(mask[..., None] * 255, 3, axis=-1))
