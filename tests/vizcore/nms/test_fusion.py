import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import candidates
from vizcore import nms
from vizcore.nms import plain


@given(candidates(10), st.sampled_from((0.25, 0.5)))
def test_fusion_equals_a_plain_loop(case, threshold):
    boxes, scores, _ = case
    scores = (scores - torch.arange(len(scores)) / 1024).clamp(min=1 / 1024)
    trace = nms.trace_nms(boxes.double(), scores, method="fusion", iou_threshold=threshold)
    clusters = plain.box_fusion(boxes.double(), scores, torch.zeros(len(boxes)), iou_threshold=threshold)
    members = {
        int(founder): [int(founder), *trace.change_box[trace.change_by == founder].tolist()] for founder in trace.keep
    }
    assert sorted(members.values()) == sorted(clusters)
    for founder, fused, score in zip(trace.keep, trace.kept_boxes, trace.scores_after[trace.keep], strict=True):
        weights = scores[members[int(founder)]].double()
        mean = (boxes[members[int(founder)]].double() * weights[:, None]).sum(0) / weights.sum()
        assert fused == pytest.approx(mean.numpy(), abs=1e-6)
        assert score == pytest.approx(float(weights.mean()), abs=1e-6)


def test_fusion_by_hand():
    """Weights 3/4 and 1/4 of x1 = 0 and x1 = 2 give 1/2; the score is the plain mean."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    trace = nms.trace_nms(boxes, torch.tensor([0.75, 0.25, 0.625]), method="fusion")
    assert trace.keep.tolist() == [2, 0]  # 0.625 now leads, for the mean of 3/4 and 1/4 is 1/2
    assert trace.kept_boxes.tolist() == [[50, 50, 60, 60], [0.5, 0, 10.5, 10]]
    assert trace.scores_after.tolist() == [0.5, 0, 0.625]
    assert trace.suppressed_by.tolist() == [-1, 0, -1]
