import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import candidates
from vizcore import nms
from vizcore.nms import plain


@given(candidates(), st.sampled_from((None, 0.5, 1.0, 2.0)), st.booleans())
def test_all_pairs_equal_the_plain_functions(case, power, inclusive):
    boxes = case[0].double()
    table = nms.pairwise_overlaps(boxes, boxes, distance_power=power, pixel_inclusive=inclusive)
    for box, row in zip(boxes, table, strict=True):
        expected = plain.iou(box, boxes, pixel_inclusive=inclusive)
        if power is not None:
            expected = plain.diou(box, boxes, distance_power=power, pixel_inclusive=inclusive)
        assert row.tolist() == pytest.approx(expected.tolist(), abs=1e-12)


def test_pixel_inclusive_boxes_touch_where_continuous_ones_do_not():
    """Boxes 0..9 and 10..19 share no area; 0..9 and 9..18 share the pixel column 9: 10 of 190 inclusive pixels."""
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [9.0, 0.0, 18.0, 9.0]])
    assert nms.pairwise_overlaps(boxes[:1], boxes[1:]).item() == 0
    assert nms.pairwise_overlaps(boxes[:1], boxes[1:], pixel_inclusive=True).item() == pytest.approx(10 / 190)
    scores = torch.tensor([0.9, 0.8])
    assert len(nms.trace_nms(boxes, scores, iou_threshold=0.03125).keep) == 2
    assert len(nms.trace_nms(boxes, scores, iou_threshold=0.03125, pixel_inclusive=True).keep) == 1
