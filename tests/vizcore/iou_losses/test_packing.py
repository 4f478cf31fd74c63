"""What the page sends, shows as numbers, and compiles."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.javascript import evaluate_javascript
from vizcore import iou_losses
from vizcore.iou_losses import KINDS, LossSettings, javascript

START, TARGET = (10.0, 20.0, 60.0, 90.0), (40.0, 30.0, 120.0, 70.0)


def test_a_race_is_sent_in_at_most_so_many_moves():
    race = iou_losses.trace_descent(("iou", "giou"), START, TARGET, num_steps=200)
    steps = iou_losses.race_steps(race)
    assert steps == list(range(0, 201, 4))
    header = json.loads(iou_losses.pack_playground("source", race))
    assert header["source"] == "source"
    assert header["race"]["kinds"] == ["iou", "giou"]
    assert header["race"]["steps"] == steps
    np.testing.assert_allclose(header["race"]["boxes"], race.boxes[:, steps], atol=5e-4)
    np.testing.assert_allclose(header["race"]["iou"], race.iou[:, steps], atol=5e-5)


def test_a_short_race_is_sent_whole_and_a_lost_box_as_nothing():
    race = iou_losses.trace_descent(("ciou",), START, TARGET, num_steps=20)
    assert iou_losses.race_steps(race) == list(range(21))
    boxes = race.boxes.copy()
    boxes[0, 3:] = np.nan
    sent = json.loads(iou_losses.pack_playground("", replace(race, boxes=boxes)))["race"]["boxes"]
    assert [box is None for box in sent[0]] == [False] * 3 + [True] * 18


def test_no_race():
    assert iou_losses.race_steps(None) == [0]
    assert json.loads(iou_losses.pack_playground("x", None)) == {"source": "x", "race": None}


def test_flat_share_counts_points_without_a_gradient():
    # IoU says nothing wherever the boxes are apart: a prediction of 10 × 10 overlaps a target of 10 × 10 round (50, 50)
    # while its centre is nearer than 10 to that point along both axes.
    landscape = iou_losses.loss_landscape("iou", (0, 0, 10, 10), (45, 45, 55, 55), size=(100, 100), resolution=101)
    near = (np.abs(landscape.x[None] - 50) < 10) & (np.abs(landscape.y[:, None] - 50) < 10)
    # Right on the target the slopes of both sides cancel.
    assert landscape.flat_share == pytest.approx(1 - near.mean(), abs=1e-3)
    both = np.zeros((2, 2, 2))
    both[0, 0, 1] = both[1, 0, 0] = both[1, 1] = 1
    assert replace(landscape, gradient=both).flat_share == 0.25


def test_the_span_of_a_landscape_leaves_out_what_is_no_number():
    landscape = iou_losses.loss_landscape("l1", (0, 0, 10, 10), (45, 45, 55, 55), size=(100, 100), resolution=11)
    # Right on the target nothing is lost; at a corner of the canvas four edges are 50 away each.
    assert landscape.span == (0.0, 200.0)
    holed = landscape.loss.copy()
    holed[0, 0], holed[5, 5] = np.inf, np.nan
    holed[0, -1] = holed[-1] = 0.5
    assert replace(landscape, loss=holed).span == (0.5, 180.0)  # a cell beside a corner
    point = (5.0, 5.0, 5.0, 5.0)
    assert iou_losses.loss_landscape("giou", point, point, size=(20, 20), settings=LossSettings(eps=0.0)).span is None


def test_numbers_as_rows():
    comparison = iou_losses.compare_losses(("giou", "l1"), START, TARGET)
    rows = comparison.rows()
    assert [row["loss"] for row in rows] == ["giou", "l1"]
    assert rows[1] == {"loss": "l1", "value": 120.0, "d_x1": -1.0, "d_y1": -1.0, "d_x2": -1.0, "d_y2": 1.0}
    assert rows[0]["value"] == comparison.of("giou")[0]


def test_a_loss_is_compiled_with_what_it_listens_to():
    settings = LossSettings(eps=1e-3, beta=9.0, power=2.0, alpha_gradient=True, alpha_gate=True)
    assert javascript.listened("l1", settings) == {"eps": 1e-3}
    assert javascript.listened("ciou", settings) == {"eps": 1e-3, "alpha_gradient": True, "alpha_gate": True}
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(50, 2, 2, 2, generator=generator, dtype=torch.float64) * 100
    boxes = torch.cat([corners.amin(2), corners.amax(2)], dim=2)  # [50, 2, 4]
    for kind in KINDS:
        # Other settings than these would change nothing: the rest are left at their defaults.
        source = javascript.compile_loss(kind, **javascript.listened(kind, settings))
        found = evaluate_javascript(source, kind, boxes.flatten(1).numpy())[:, 0]
        expected = iou_losses.box_loss(kind, boxes[:, 0], boxes[:, 1], settings=settings)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-9, err_msg=kind)


def test_the_geometry_is_compiled():
    source = javascript.compile_geometry(eps=0.0, power=0.5)
    row = np.array([[*START, *TARGET]])
    parts = iou_losses.box_parts(*torch.tensor(row).unbind(1))
    found = evaluate_javascript(source, "box_parts", row)[0]
    np.testing.assert_allclose(found[-len(parts) :], [value.item() for value in parts.values()], rtol=1e-12)
    apart = np.array([[0.0, 0, 1, 1, 5, 5, 6, 6]])
    special = iou_losses.degeneracies(*torch.tensor(apart).unbind(1), settings=LossSettings(eps=0.0, power=0.5))
    found = evaluate_javascript(source, "degeneracies", apart)[0]
    assert found[-len(special) :].tolist() == [value.item() for value in special.values()]
    assert special["no_overlap_root"] == 1
