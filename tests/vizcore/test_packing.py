"""The wire format: what Python packs, Python and the browser's own module read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.javascript import run_modules
from vizcore.packing import DTYPES, pack, unpack


def in_browser(content: bytes, *, shift: int = 0) -> dict:
    """Read by shared/bytes.js, from a view that begins ``shift`` bytes into its buffer."""
    body = f"return unpack(inputs[0].subarray({shift}));"
    return run_modules({"shared/bytes.js": "unpack"}, body, b"\0" * shift + content)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        ),
        max_size=5,
    )
)
@settings(deadline=None)
def test_round_trip(arrays):
    header, found = unpack(pack(arrays, fact=[1, "é", None]))
    assert header == {"fact": [1, "é", None]}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_odd_number_of_bytes_does_not_misalign_what_follows(dtype):
    arrays = {"odd": np.arange(3, dtype=np.uint8), "next": np.arange(5).astype(dtype)}
    content = pack(arrays, long="x" * 5)
    start = 4 + int.from_bytes(content[:4], "little")
    assert start % 8 == 0
    wide = np.dtype(dtype).itemsize
    # 3 bytes, then up to the next multiple of the item's size: by hand 3, 4, 4 and 8 for 1, 2, 4 and 8 bytes.
    offset = {1: 3, 2: 4, 4: 4, 8: 8}[wide]
    assert content[start + offset :] == arrays["next"].tobytes()
    np.testing.assert_array_equal(unpack(content)[1]["next"], arrays["next"])


@pytest.mark.parametrize("shift", [0, 1, 4])
def test_the_browser_reads_what_python_wrote(shift):
    arrays = {
        "bytes": np.array([0, 255, 7], np.uint8),
        "single": np.array([[1.5, np.nan], [-np.inf, 2**-140]], np.float32),
        "empty": np.zeros((0, 4), np.float64),
        "words": np.array([65535], np.uint16),
        "double": np.array([np.pi]),
        "scalar": np.array(-5, np.int32),
        "small": np.array([-128], np.int8),
        "half": np.array([-32768], np.int16),
        "index": np.array([2**32 - 1], np.uint32),
    }
    assert {array.dtype.name for array in arrays.values()} == set(DTYPES)
    read = in_browser(pack(arrays, text="ρ²/c²", list=[1, None]), shift=shift)
    assert read["header"] == {"text": "ρ²/c²", "list": [1, None]}
    assert list(read["arrays"]) == list(arrays)
    for name, array in arrays.items():
        assert read["shapes"][name] == list(array.shape)
        assert read["arrays"][name].dtype == array.dtype
        np.testing.assert_array_equal(read["arrays"][name], array.ravel())


def test_nothing_is_a_content_too():
    assert unpack(pack({})) == ({}, {})
    assert in_browser(pack({})) == {"header": {}, "arrays": {}, "shapes": {}}


def test_byte_order_and_layout_are_the_formats():
    table = np.arange(6, dtype=">f4").reshape(2, 3).T
    content = pack({"table": table})
    assert content.endswith(np.array([[0, 3], [1, 4], [2, 5]], "<f4").tobytes())
    np.testing.assert_array_equal(unpack(content)[1]["table"], table)


@pytest.mark.parametrize("dtype", [np.int64, bool, np.float16, object, "U3"])
def test_what_a_browser_cannot_read_is_not_written(dtype):
    with pytest.raises(ValueError, match="a browser reads uint8"):
        pack({"x": np.zeros(2, dtype)})


def test_a_header_without_words_for_it():
    with pytest.raises(ValueError, match="JSON compliant"):
        pack({}, low=float("nan"))


def test_the_browser_refuses_a_type_it_does_not_know():
    content = pack({"x": np.zeros(2, np.float32)}).replace(b"float32", b"float16")
    with pytest.raises(AssertionError, match="no typed array holds float16"):
        in_browser(content)
