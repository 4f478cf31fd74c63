"""What is packed is what was recorded, to a 255th of a row's greatest weight, and within its budget."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.vizcore.detr.detectors import paper_detector, small_detector
from tests.vizcore.detr.predictions import random_set
from vizcore import detr
from vizcore.data.scenes import draw_scene
from vizcore.detr.packing import BUDGET
from vizcore.models.detr import DETR, PAPER, SMALL, Detector
from vizcore.packing import unpack
from vizcore.seeding import seeded


@pytest.fixture(scope="module")
def trace() -> detr.DETRTrace:
    return detr.trace_detr(small_detector(), draw_scene("validation", 0).pixels)


def weights_of(arrays: dict, name: str) -> np.ndarray:
    return arrays[name] / 255 * arrays[f"{name}_top"][..., None]


def join_by_hand(weights: np.ndarray, grid: tuple[int, int], looking: int, seen: int) -> np.ndarray:
    """Means over blocks of rows, sums over blocks of columns, block by block."""

    def blocks(side: int) -> list[list[int]]:
        height, width = grid
        corners = itertools.product(range(0, height, side), range(0, width, side))
        return [
            [
                row * width + column
                for row in range(y, min(y + side, height))
                for column in range(x, min(x + side, width))
            ]
            for y, x in corners
        ]

    rows = np.stack([weights[..., block, :].mean(-2) for block in blocks(looking)], -2)
    return np.stack([rows[..., block].sum(-1) for block in blocks(seen)], -1)


def test_what_is_packed_is_what_was_recorded(trace):
    packed = detr.pack_trace(trace)
    header, arrays = unpack(packed.content)
    assert header == {
        "grid": [32, 32],
        "cell": 16.0,
        "size": [512, 512],
        "looking": packed.looking,
        "seen": packed.seen,
    }
    expected = {
        "encoder": join_by_hand(trace.encoder, trace.grid, packed.looking, packed.seen),
        "decoder_self": trace.decoder_self,
        "decoder_cross": trace.decoder_cross,
    }
    for name, weights in expected.items():
        found = weights_of(arrays, name)
        assert found.shape == weights.shape
        assert np.all(np.abs(found - weights) <= 0.51 / 255 * weights.max(-1, keepdims=True) + 1e-6)
    np.testing.assert_array_equal(arrays["boxes"], trace.boxes)
    np.testing.assert_array_equal(arrays["labels"], trace.labels)
    np.testing.assert_array_equal(arrays["nothing"], trace.probabilities[..., -1])


@pytest.mark.parametrize("budget", [10**9, 2_500_000, 500_000, 120_000])
def test_a_smaller_budget_joins_more_tokens(trace, budget):
    packed = detr.pack_trace(trace, budget=budget)
    assert len(packed.content) <= budget
    if budget == 10**9:
        assert (packed.looking, packed.seen) == (1, 1)
    _, arrays = unpack(packed.content)
    found = weights_of(arrays, "encoder")
    # A row still sums to one; what rounding loses is at most half a step for each of its columns.
    limit = 0.5 / 255 * arrays["encoder_top"] * found.shape[-1]
    assert np.all(np.abs(found.sum(-1) - 1) <= limit + 1e-4)
    expected = join_by_hand(trace.encoder[:1, :1], trace.grid, packed.looking, packed.seen)
    np.testing.assert_allclose(found[:1, :1], expected, atol=0.51 / 255 * expected.max())


def test_the_small_ones_attention_fits_into_three_megabytes():
    """With the layers it is shipped with."""
    with seeded(0):
        detector = Detector(DETR(SMALL), small_detector().backbone)
    packed = detr.pack_trace(detr.trace_detr(detector, draw_scene("validation", 1).pixels))
    assert len(packed.content) <= BUDGET == 3_000_000
    assert (packed.looking, packed.seen) == (2, 1)


def test_the_papers_attention_fits_too():
    """Of a network with as many layers and heads, on a photo as large as it takes."""
    with seeded(0):
        network = DETR(replace(PAPER, channels=16, feedforward=16)).eval()
    photo = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    packed = detr.pack_trace(detr.trace_detr(network, photo))
    assert len(packed.content) <= BUDGET
    assert packed.seen > 1


def test_a_grid_that_does_not_divide(trace):
    photo = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    recorded = detr.trace_detr(paper_detector(), photo)
    assert recorded.grid == (25, 42)
    packed = detr.pack_trace(recorded, budget=260_000)
    assert packed.seen > 1
    _, arrays = unpack(packed.content)
    expected = join_by_hand(recorded.encoder, recorded.grid, packed.looking, packed.seen)
    np.testing.assert_allclose(weights_of(arrays, "encoder"), expected, atol=0.51 / 255 * expected.max())


def test_without_attention_there_is_nothing_to_pack():
    plain = detr.trace_detr(small_detector(), draw_scene("validation", 0).pixels, attention=False)
    with pytest.raises(ValueError, match="needs a trace with attention"):
        detr.pack_trace(plain)


@pytest.mark.parametrize("shape", [(5, 3), (2, 4), (3, 0)])
def test_a_matching_as_bytes(shape):
    trace = detr.trace_matching(detr.match_cost(*random_set(*shape)).total)
    header, arrays = unpack(detr.pack_matching(trace))
    assert header == {"rows_are_targets": trace.rows_are_targets, "total": trace.total}
    for name in ("queries", "targets", "row", "column", "tree", "augments", "column_of", "previous", "from_row"):
        np.testing.assert_array_equal(arrays[name], getattr(trace, name))
    np.testing.assert_allclose(arrays["cost"], trace.cost, rtol=1e-6)
    reached = np.isfinite(trace.distances)
    np.testing.assert_allclose(arrays["distances"][reached], trace.distances[reached], rtol=1e-5, atol=1e-6)
    assert np.all(arrays["distances"][~reached] == -1)
