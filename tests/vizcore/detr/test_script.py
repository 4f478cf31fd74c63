"""The script of the matching prints what the page computed, with nothing of this project; its parts are ours."""

import ast

import pytest
import torch

from tests.scripts import run_script
from tests.vizcore.detr.predictions import random_boxes, random_set
from vizcore import detr
from vizcore.detr import plain
from vizcore.detr.cost import generalized_iou


@pytest.mark.parametrize("shape", [(6, 3), (2, 5), (3, 0)])
def test_the_script_prints_the_same(shape):
    weights = {"cost_class": 2, "cost_bbox": 3.5, "cost_giou": 0.5}
    case = random_set(*shape)
    source = detr.write_match_script(*case, **weights)
    assert "vizcore" not in source
    printed = dict(line.split(": ") for line in run_script(source).splitlines())
    cost = detr.match_cost(*case, **weights).total
    assert torch.allclose(torch.tensor(ast.literal_eval(printed["cost"])), cost.float(), atol=2e-6)
    trace, greedy = detr.trace_matching(cost), detr.match_greedily(cost)
    assert ast.literal_eval(printed["optimal"]) == list(zip(trace.queries, trace.targets, strict=True))
    assert ast.literal_eval(printed["greedy"]) == sorted(zip(greedy.queries, greedy.targets, strict=True))
    assert float(printed["optimal total"]) == pytest.approx(trace.total, abs=1e-5)
    assert float(printed["greedy total"]) == pytest.approx(greedy.total, abs=1e-5)


def test_the_plain_functions_are_ours():
    logits, boxes, labels, targets = random_set(9, 5)
    torch.testing.assert_close(plain.giou(boxes, targets), generalized_iou(boxes[:, None], targets))
    cost = plain.match_cost(logits, boxes, labels, targets, 1.0, 5.0, 2.0)
    torch.testing.assert_close(cost, detr.match_cost(logits, boxes, labels, targets).total)
    point = torch.zeros(1, 4)
    assert plain.giou(point, point).tolist() == [[0.0]]
    assert plain.giou(random_boxes(3, seed=0), random_boxes(0, seed=0)).shape == (3, 0)
