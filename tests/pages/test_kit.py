"""The page furniture: links that round-trip, links that lie, challenges, exports."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.kit import exports, link

finite = st.floats(-1e4, 1e4, allow_nan=False)


@given(st.floats(0, 1))
def test_numbers_round_trip(value: float) -> None:
    parameter = link.number("a", 0.0, 1.0, 0.5)
    assert parameter.read(parameter.write(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.integers(-5, 90))
def test_whole_numbers_stay_whole(value: int) -> None:
    parameter = link.number("a", -5, 90, 3)
    assert parameter.read(parameter.write(value)) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1.5", "-0.1", "1e400", "0x1", "a", "1,2", "0.5;rm"])
def test_a_number_outside_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.number("a", 0.0, 1.0, 0.5).read(text)


@given(st.text(max_size=3000).filter(lambda text: "\x00" not in text))
def test_text_round_trips(value: str) -> None:
    parameter = link.text("program", "", max_length=4000)
    assert parameter.read(parameter.write(value)) == value


def test_a_program_of_a_screenful_fits_into_a_link() -> None:
    program = "\n".join(f"x{i} = torch.tensor([{i}.0], requires_grad=True)" for i in range(40))
    assert len(link.text("program", "", max_length=10_000).write(program)) < 800


def test_a_small_link_does_not_unfold_into_a_large_text() -> None:
    import base64
    import zlib

    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(b"a" * 50_000_000, 9)).decode()
    with pytest.raises(link.LinkError):
        link.text("program", "", max_length=10_000).read(bomb)


@pytest.mark.parametrize("text", ["~", "~!!!", "~AAAA", "a\x00b", "~" + "A" * 30_000])
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.text("program", "", max_length=100).read(text if text != "~" else "~A")


@given(st.lists(st.tuples(finite, finite, finite, finite), max_size=8))
def test_boxes_round_trip(rows: list[tuple[float, ...]]) -> None:
    parameter = link.numbers("boxes", (None, 4), [], limit=1e4, most=8)
    back = parameter.read(parameter.write(rows))
    assert len(back) == len(rows)
    for there, here in zip(rows, back, strict=True):
        assert here == pytest.approx(there, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,nan", "1,2,3,4_", "1,2,3,1e9", "_".join(["1,2,3,4"] * 9), "a,b,c,d"])
def test_boxes_that_no_page_wrote_are_refused(text: str) -> None:
    with pytest.raises(link.LinkError):
        link.numbers("boxes", (None, 4), [], limit=1e4, most=8).read(text)


def test_choices_keep_the_order_of_their_options() -> None:
    parameter = link.choices("losses", ["iou", "giou", "diou"], ["iou"])
    assert parameter.read("diou.iou") == ["iou", "diou"]
    assert parameter.read("") == []
    for hostile in ("iou.iou", "ciou", "iou,giou"):
        with pytest.raises(link.LinkError):
            parameter.read(hostile)


def test_csv_cells_never_become_formulas() -> None:
    assert exports.to_csv([{"name": "=1+1", "value": math.pi}]).splitlines()[1] == "'=1+1,3.141592653589793"
    assert exports.to_csv([]) == ""
