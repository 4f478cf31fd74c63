from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from tests.scripts import run_script
from vizcore import detr

SIDE = 512


@pytest.mark.parametrize("name", detr.PRESETS)
def test_rows_say_what_the_preset_says(name: str) -> None:
    preset = detr.load_preset(name)
    queries, objects = detr.preset_rows(name, side=SIDE)
    summary = detr.summarise_rows(queries, objects, side=SIDE)
    cost = detr.match_cost(preset.logits, preset.boxes_cxcywh, preset.labels, preset.targets_cxcywh)
    np.testing.assert_allclose(summary.trace.cost, cost.total.numpy(), atol=1e-7)
    np.testing.assert_allclose(
        summary.class_part + summary.bbox_part + summary.giou_part, summary.trace.cost, atol=1e-12
    )
    rows, columns = (torch.tensor(each, dtype=torch.float64) for each in (queries, objects))
    np.testing.assert_allclose(summary.iou, box_iou(rows[:, :4], columns[:, :4]).numpy(), atol=1e-9)
    pairs, targets = detr.match(cost.total)
    assert summary.trace.queries.tolist() == pairs.tolist()
    assert [summary.owner[target] for target in targets] == pairs.tolist()
    losses = detr.set_loss(
        preset.logits[None, None], preset.boxes_cxcywh[None, None], [preset.labels], [preset.targets_cxcywh]
    )
    assert summary.losses == pytest.approx({key: value.item() for key, value in losses.items()}, abs=1e-5)


def test_what_is_asked_of_each_query_by_hand() -> None:
    summary = detr.summarise_rows(*detr.preset_rows("duplicates", side=SIDE), side=SIDE)
    assert summary.wanted.tolist() == [0, 3, 1]  # the second query on the circle has to be silent
    # It says "no object" with 0.05; the others name their class with 0.9 and 0.8.
    assert summary.surprise == pytest.approx([-math.log(0.9), -math.log(0.05), -math.log(0.8)], abs=1e-6)
    assert summary.loss_weights.tolist() == [1, 0.1, 1]
    weighted = -(math.log(0.9) + 0.1 * math.log(0.05) + math.log(0.8)) / 2.1
    assert summary.losses["class"] == pytest.approx(weighted, abs=1e-5)


def test_the_weights_count() -> None:
    rows = detr.preset_rows("scene", side=SIDE)
    plain, heavy = (detr.summarise_rows(*rows, side=SIDE, weights=weights) for weights in ((1, 5, 2), (3, 10, 1)))
    np.testing.assert_allclose(heavy.class_part, 3 * plain.class_part)
    np.testing.assert_allclose(heavy.bbox_part, 2 * plain.bbox_part)
    np.testing.assert_allclose(heavy.giou_part, 0.5 * plain.giou_part)


@pytest.mark.parametrize(("queries", "objects"), [(0, 0), (0, 2), (2, 0)])
def test_nothing_to_match(queries: int, objects: int) -> None:
    rows = detr.preset_rows("greedy", side=SIDE)
    summary = detr.summarise_rows(rows[0][:queries], rows[1][:objects], side=SIDE)
    assert summary.trace.total == summary.greedy.total == 0
    assert summary.owner.tolist() == [-1] * objects
    assert summary.wanted.tolist() == [3] * queries
    assert all(math.isfinite(value) for value in summary.losses.values())


def test_a_box_without_area_overlaps_nothing() -> None:
    summary = detr.summarise_rows([[8, 8, 8, 8, 90, 5, 5]], [[8, 8, 8, 8, 0]], side=SIDE)
    assert summary.iou.tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("queries", "objects", "words"),
    [
        ([[9, 0, 1, 4, 90, 5, 5]], [], "negative width"),
        ([[0, 0, 4, 4, 90, 5, 5]], [[0, 0, 4, 4, 3]], "no class 3"),
        ([[0, 0, 4, 4]], [], "shape"),
        ([[0, 0, math.nan, 4, 90, 5, 5]], [], "finite"),
    ],
)
def test_bad_rows_are_refused_in_a_sentence(queries: list, objects: list, words: str) -> None:
    with pytest.raises(detr.DETRError, match=words):
        detr.summarise_rows(queries, objects, side=SIDE)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1000), min_size=3, max_size=3))
def test_settled_percents_leave_something_for_every_class(percents: list[float]) -> None:
    settled = detr.settle_percents(percents)
    assert min(settled) >= 0.01
    assert sum(settled) <= 100 - 0.009 + 0.02  # what is raised to the least may add a little
    if min(percents) >= 0.01 and sum(percents) <= 99.99:
        assert settled == tuple(percents)


def test_the_program_prints_the_numbers_of_the_page() -> None:
    rows = detr.preset_rows("greedy", side=SIDE)
    summary = detr.summarise_rows(*rows, side=SIDE, weights=(1.5, 5, 2))
    printed = run_script(detr.write_rows_script(*rows, side=SIDE, weights=(1.5, 5, 2)))
    assert f"optimal total: {summary.trace.total:.6f}".rstrip("0") in printed
    assert f"greedy total: {summary.greedy.total:.6f}".rstrip("0") in printed
