"""The plain loops are what every trace is held against, so torchvision holds them."""

import ast
import inspect

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.nms.candidates import THRESHOLDS, candidates
from vizcore.nms import plain


@given(candidates())
def test_overlaps_equal_torchvisions(case):
    boxes = case[0].double()
    boxes[:, 2:] += 1  # torchvision has no answer for two boxes without area
    for box in boxes:
        assert plain.iou(box, boxes).tolist() == pytest.approx(torchvision.ops.box_iou(box[None], boxes)[0].tolist())
        loss = torchvision.ops.distance_box_iou_loss(box.expand_as(boxes), boxes)
        assert plain.diou(box, boxes).tolist() == pytest.approx((1 - loss).tolist(), abs=1e-6)


@given(candidates(), st.sampled_from(THRESHOLDS))
def test_greedy_keeps_what_torchvision_keeps(case, threshold):
    boxes, scores, labels = case
    blind = torch.zeros_like(labels)
    assert plain.greedy_nms(boxes, scores, blind, iou_threshold=threshold) == (
        torchvision.ops.nms(boxes, scores, threshold).tolist()
    )


def test_the_module_needs_torch_alone():
    """Its functions are handed out by their source: whatever else they used would be missing there."""
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(inspect.getsource(plain)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {"torch", "collections.abc"}
