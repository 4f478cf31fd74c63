from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from vizcore.boxes import (
    COORDINATE_LIMIT,
    BoxError,
    as_boxes,
    boxes_to_distances_ltrb,
    check_box,
    check_boxes,
    distances_ltrb_to_boxes,
    enclose_boxes,
    intersect_boxes,
    paired_box_iou,
)

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def test_a_sound_box_passes_unchanged():
    checked = check_box([1, 2.5, 30, 40], size=(100, 100))
    assert checked.box == (1.0, 2.5, 30.0, 40.0)
    assert checked.corrections == ()


def test_text_is_read_as_numbers():
    assert check_box(["1", " 2 ", "3e1", "4.5"]).box == (1.0, 2.0, 30.0, 4.5)


@pytest.mark.parametrize(
    ("box", "mended", "word"),
    [
        ([30, 40, 10, 20], (10, 20, 30, 40), "inverted"),
        ([30, 20, 10, 40], (10, 20, 30, 40), "inverted"),
        ([0, 0, 1e30, 10], (0, 0, COORDINATE_LIMIT, 10), "pulled back"),
        ([5, 5, 5, 9], (5, 5, 5, 9), "no area"),
        ([-30, 10, -10, 20], (0, 10, 20, 20), "outside the canvas"),
        ([150, 90, 170, 95], (80, 90, 100, 95), "outside the canvas"),
    ],
)
def test_what_can_be_mended_is_mended_and_said(box, mended, word):
    checked = check_box(box, size=None if 1e30 in box else (100, 100))
    assert checked.box == mended
    assert any(word in str(correction) for correction in checked.corrections)


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 3, 4, 5], "1234", []])
def test_a_wrong_count_is_refused(box):
    with pytest.raises(BoxError, match="four coordinates"):
        check_box(box)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "nan", "1e999", "four", None, [], 10**400])
def test_what_is_no_finite_number_is_refused_by_name(bad):
    with pytest.raises(BoxError, match="y1") as caught:
        check_box([0, bad, 10, 10])
    assert str(caught.value) == caught.value.template.format(**caught.value.values)


@given(st.lists(ANY_FLOAT, min_size=4, max_size=4))
def test_every_list_of_floats_is_mended_or_refused(numbers):
    try:
        box = check_box(numbers, size=(240, 320)).box
    except BoxError:
        assert not all(math.isfinite(number) for number in numbers)
        return
    x1, y1, x2, y2 = box
    assert x1 <= x2
    assert y1 <= y2
    assert max(abs(number) for number in box) <= COORDINATE_LIMIT * 2
    assert x2 >= 0
    assert x1 <= 320
    assert y2 >= 0
    assert y1 <= 240
    assert check_box(box, size=(240, 320)).box == box  # mending twice changes nothing


def test_check_boxes_names_the_offender():
    good = torch.tensor([[0.0, 0, 4, 1]])
    check_boxes(good)
    check_boxes(torch.zeros(0, 4))
    with pytest.raises(BoxError, match="Box 1 is inverted"):
        check_boxes(torch.cat([good, good[:, [2, 1, 0, 3]]]))
    with pytest.raises(BoxError, match=r"Box 1 .* not finite"):
        check_boxes(torch.cat([good, good * torch.nan]))
    with pytest.raises(BoxError, match="shape"):
        check_boxes(torch.zeros(4))


def test_intersection_and_enclosing_box_by_hand():
    # 4 × 1 lying and 1 × 4 standing at one corner: they share the unit square, and a 4 × 4 square holds both.
    lying, standing = torch.tensor([[0.0, 0, 4, 1]]), torch.tensor([[0.0, 0, 1, 4]])
    assert intersect_boxes(lying, standing).tolist() == [[0, 0, 1, 1]]
    assert enclose_boxes(lying, standing).tolist() == [[0, 0, 4, 4]]
    assert paired_box_iou(lying, standing).item() == pytest.approx(1 / 7)  # 1 / (4 + 4 − 1)


def test_paired_iou_equals_the_diagonal_of_torchvisions(random_pairs):
    boxes, targets = random_pairs
    torch.testing.assert_close(paired_box_iou(boxes, targets), box_iou(boxes, targets).diagonal())


def test_paired_iou_of_two_points_is_zero_with_a_finite_gradient():
    points = torch.zeros(1, 4, requires_grad=True)
    iou = paired_box_iou(points, torch.zeros(1, 4))
    iou.sum().backward()
    assert iou.item() == 0
    assert torch.isfinite(points.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16, torch.int32, torch.int64, torch.uint8])
@pytest.mark.parametrize("side", [15, 200])
def test_paired_iou_in_the_callers_type_is_that_of_float32(dtype, side):
    boxes = torch.tensor([[0, 0, side, side], [0, 0, side, side]], dtype=dtype)
    others = torch.tensor([[0, 0, side, side], [5, 0, side + 5, side]], dtype=dtype)
    assert paired_box_iou(boxes, others).tolist() == pytest.approx([1, (side - 5) / (side + 5)])


def test_large_whole_boxes_do_not_wrap_round():
    boxes = torch.tensor([[0, 0, 60_000, 50_000]], dtype=torch.int32)  # 3·10⁹ is beyond int32
    assert paired_box_iou(boxes, boxes).item() == 1
    halved = torch.tensor([[0, 0, 300, 300]], dtype=torch.float16)  # 90000 is beyond float16
    assert paired_box_iou(halved, halved).item() == 1


def test_lists_and_arrays_are_boxes_and_words_are_not():
    lists = [[0, 0, 4, 1]]
    assert paired_box_iou(lists, np.array([[0, 0, 1, 4]], dtype=">i2")).item() == pytest.approx(1 / 7)
    assert as_boxes([]).shape == (0, 4)
    assert as_boxes(torch.zeros(1, 4, dtype=torch.float64)).dtype == torch.float64
    for bad, sentence in (
        ([["cat"] * 4], "must be numbers in four columns"),
        ([[1, 2, 3, 4], [1]], "must be numbers in four columns"),
        ([1, 2, 3, 4], r"must have the shape \[N, 4\]; got \[4\]"),
        (torch.zeros(1, 4, dtype=torch.complex64), "must have the shape"),
    ):
        with pytest.raises(BoxError, match=sentence):
            as_boxes(bad)
    with pytest.raises(BoxError, match="Each box needs one other: got 1 and 2"):
        paired_box_iou(lists, lists * 2)


def test_distances_of_bytes_do_not_wrap_round():
    boxes, points = torch.tensor([[10, 10, 20, 20]], dtype=torch.uint8), torch.tensor([[5, 15]], dtype=torch.uint8)
    distances = boxes_to_distances_ltrb(boxes, points)
    assert distances.tolist() == [[-5, 5, 15, 5]]
    assert distances_ltrb_to_boxes(distances, points).tolist() == [[10, 10, 20, 20]]


def test_distances_ltrb_go_there_and_back(random_pairs):
    boxes, _ = random_pairs
    points = torch.rand(len(boxes), 2, generator=torch.Generator().manual_seed(1), dtype=boxes.dtype) * 100
    torch.testing.assert_close(distances_ltrb_to_boxes(boxes_to_distances_ltrb(boxes, points), points), boxes)
    # From (1, 0.25) to the edges of a 4 × 1 box: left 1, top ¼, right 3, bottom ¾. The order is the format.
    ltrb = boxes_to_distances_ltrb(torch.tensor([[0.0, 0, 4, 1]]), torch.tensor([[1.0, 0.25]]))
    assert ltrb.tolist() == [[1, 0.25, 3, 0.75]]
    # Every box from every point.
    pairs = boxes_to_distances_ltrb(boxes[None, :3], points[:5, None])
    assert pairs.shape == (5, 3, 4)
    torch.testing.assert_close(pairs[4, 2], boxes_to_distances_ltrb(boxes[2:3], points[4:5])[0], rtol=0, atol=0)
    torch.testing.assert_close(distances_ltrb_to_boxes(pairs, points[:5, None]), boxes[None, :3].expand(5, 3, 4))


@pytest.fixture
def random_pairs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 300, 2, generator=generator, dtype=torch.float64) * 60
    sizes = torch.rand(2, 300, 2, generator=generator, dtype=torch.float64) * 40 + 0.5
    return tuple(torch.cat([corners, corners + sizes], dim=2))
