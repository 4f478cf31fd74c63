"""What the browser gets, read as a browser does."""

import itertools
import json

import numpy as np

from tests.vizcore.upsampling.inputs import options_for, picture, rand
from vizcore.data.photos import decode_photo
from vizcore.upsampling import (
    METHODS,
    pack_pictures,
    pack_scatter,
    pack_traces,
    trace_scatter,
    trace_upsampling,
)


def unpack(data):
    """Reads ``pack_traces`` as grids.js does."""
    length = int.from_bytes(data[:4], "little")
    header, place, found = json.loads(data[4 : 4 + length]), 4 + length, {}
    for operator in header["operators"]:
        size, entries = operator["rows"] * operator["cols"], operator["entries"]
        floats = np.frombuffer(data, "<f8", 2 * size + entries, place)
        place += floats.nbytes
        whole = np.frombuffer(data, "<u4", size + 1 + entries, place)
        place += -(-whole.nbytes // 8) * 8
        found[operator["name"]] = (
            floats[:size],
            floats[size : 2 * size],
            floats[2 * size :],
            whole[: size + 1],
            whole[size + 1 :],
        )
    assert place == len(data)
    return header, found


def test_packed_traces_carry_the_whole_map():
    grid = rand(4, 4)
    traces = {name: trace_upsampling(name, grid, **options_for(name, 2)) for name in METHODS}
    header, found = unpack(pack_traces(grid, traces))
    assert header["input"] == grid.tolist()
    for name, (output, offset, values, starts, cells) in found.items():
        np.testing.assert_array_equal(output, traces[name].output.ravel())
        sums = [values[a:b] @ grid.numpy().ravel()[cells[a:b]] for a, b in itertools.pairwise(starts)]
        np.testing.assert_allclose(offset + sums, output, atol=1e-12)
    assert [operator["linear"] for operator in header["operators"]].count(False) == 1


def test_packed_scatter_has_every_stamp():
    trace = trace_scatter(rand(2, 3), weight="random", kernel_size=3, stride=2)
    data = pack_scatter(trace)
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    assert header["stamps"] == [6, *trace.output.shape]
    stamps = np.frombuffer(data, "<f8")[-trace.stamps.size :].reshape(trace.stamps.shape)
    np.testing.assert_array_equal(stamps, trace.stamps)


def test_packed_pictures_are_png_files():
    data = pack_pictures([picture(8, 8), np.linspace(0, 1, 64).reshape(8, 8)])
    length = int.from_bytes(data[:4], "little")
    sizes = json.loads(data[4 : 4 + length])
    assert sum(sizes) == len(data) - 4 - length
    np.testing.assert_array_equal(decode_photo(data[4 + length :][: sizes[0]]).pixels, picture(8, 8))
    grey = decode_photo(data[-sizes[1] :]).pixels
    assert (grey[0, 0] == 0).all()
    assert (grey[-1, -1] == 255).all()


def test_a_mask_is_packed_white_on_black():
    mask = np.arange(64).reshape(8, 8) % 3 == 0
    data = pack_pictures([mask])
    length = int.from_bytes(data[:4], "little")
    np.testing.assert_array_equal(decode_photo(data[4 + length :]).pixels, np.repeat(mask[..., None] * 255, 3, axis=-1))
