"""Decoding against a plain search, its recording against itself, its failures as they are told."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.javascript import evaluate_javascript, run_modules
from tests.scripts import printed_numbers, run_script
from vizcore.centernet import (
    CenterNetError,
    compile_loss,
    compile_splat,
    decode,
    draw_heatmap,
    find_peaks,
    focal_terms,
    gaussian_radius,
    locate_peaks,
    pack_decode,
    trace_decode,
    worst_box,
    write_loss_script,
    write_splat_script,
)


def maps(seed: int, shape: tuple[int, int, int] = (3, 9, 11)):
    generator = torch.Generator().manual_seed(seed)
    heatmap = torch.rand(shape, generator=generator)
    offsets = torch.rand(2, *shape[1:], generator=generator)
    return heatmap, offsets, torch.rand(2, *shape[1:], generator=generator) * 9


def plain_decode(heatmap, offsets, sizes, k, kernel):
    """Every cell asked in turn."""
    found = []
    reach = kernel // 2
    for label in range(heatmap.shape[0]):
        for y in range(heatmap.shape[1]):
            for x in range(heatmap.shape[2]):
                around = heatmap[label, max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
                if heatmap[label, y, x] >= around.max():
                    dx, dy = offsets[:, y, x].tolist()
                    w, h = sizes[:, y, x].tolist()
                    box = (x + dx - w / 2, y + dy - h / 2, x + dx + w / 2, y + dy + h / 2)
                    found.append((float(heatmap[label, y, x]), label, box))
    return sorted(found, reverse=True)[:k]


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_decoding_is_a_plain_search(seed, kernel):
    heatmap, offsets, sizes = maps(seed)
    wanted = plain_decode(heatmap, offsets, sizes, 8, kernel)
    boxes, scores, labels = decode(heatmap, offsets, sizes, k=8, kernel=kernel)
    assert scores.tolist() == [score for score, _, _ in wanted]
    assert labels.tolist() == [label for _, label, _ in wanted]
    np.testing.assert_allclose(boxes.numpy(), [box for _, _, box in wanted], atol=1e-5)


@given(st.integers(0, 1000), st.integers(1, 297), st.sampled_from([1, 3, 5]))
def test_the_recording_is_the_answer_and_its_reasons_hold(seed, k, kernel):
    heatmap, offsets, sizes = maps(seed)
    boxes, scores, labels = decode(heatmap, offsets, sizes, k=k, kernel=kernel)
    trace = trace_decode(heatmap, offsets, sizes, k, kernel=kernel)
    np.testing.assert_array_equal(trace.boxes, boxes.numpy())
    np.testing.assert_array_equal(trace.scores, scores.numpy())
    np.testing.assert_array_equal(trace.labels, labels.numpy())
    assert (np.diff(trace.scores) <= 0).all()
    assert trace.chosen.sum() == min(trace.num_peaks, k)
    x, y = trace.cells.T
    said = heatmap.numpy()[trace.labels, y, x]
    assert (said[trace.chosen] >= trace.rivals[trace.chosen]).all()
    assert (said[~trace.chosen] < trace.rivals[~trace.chosen]).all()
    centres = (trace.boxes[:, :2] + trace.boxes[:, 2:]) / 2
    np.testing.assert_allclose(centres, trace.cells + trace.offsets, atol=1e-4)
    np.testing.assert_allclose(trace.boxes[:, 2:] - trace.boxes[:, :2], trace.sizes, atol=1e-4)


def test_what_was_drawn_is_decoded_again_to_the_last_box():
    boxes = torch.tensor([[3.0, 4, 11, 9.5], [14, 2, 25, 20], [2.25, 15, 6, 22]])
    labels = torch.tensor([0, 1, 0])
    peaks = locate_peaks(boxes, (28, 30))
    offsets, sizes = torch.zeros(2, 28, 30), torch.zeros(2, 28, 30)
    x, y = peaks.cells.T
    offsets[:, y, x], sizes[:, y, x] = peaks.offsets.T, peaks.sizes.T
    found = decode(draw_heatmap(boxes, labels, (28, 30), 2), offsets, sizes, k=3)
    assert found.scores.tolist() == [1, 1, 1]
    order = found.boxes[:, 0].argsort()
    torch.testing.assert_close(found.boxes[order], boxes[boxes[:, 0].argsort()])
    assert found.labels[order].tolist() == [0, 0, 1]


def test_a_plateau_keeps_both_neighbours_and_says_so():
    heatmap = torch.zeros(1, 5, 5)
    heatmap[0, 2, 1:3] = 0.5
    trace = trace_decode(heatmap, None, torch.ones(2, 5, 5), 2)
    assert sorted(trace.cells.tolist()) == [[1, 2], [2, 2]]  # equal scores have no order
    assert trace.ties.tolist() == [True, True]


def test_on_a_constant_map_every_cell_is_a_peak():
    assert find_peaks(torch.full((2, 4, 5), 0.25)).all()


def test_peaks_two_cells_apart_are_kept_however_much_their_boxes_overlap():
    heatmap = torch.zeros(1, 7, 7)
    heatmap[0, 3, 2], heatmap[0, 3, 4] = 0.75, 0.5
    found = decode(heatmap, None, torch.full((2, 7, 7), 20.0), k=2)
    assert found.scores.tolist() == [0.75, 0.5]
    assert decode(heatmap, None, torch.full((2, 7, 7), 20.0), k=2, kernel=5).scores.tolist() == [0.75, 0]


def test_without_offsets_a_centre_is_its_cells_corner_and_a_negative_size_nothing():
    heatmap = torch.zeros(1, 4, 4)
    heatmap[0, 1, 2] = 0.5
    sizes = torch.full((2, 4, 4), 2.0)
    sizes[1] = -3
    found = decode(heatmap, None, sizes, k=1)
    assert found.boxes.tolist() == [[1, 1, 3, 1]]  # x 2 ± 1, y 1 ± 0


GOOD = torch.full((1, 2, 2), 0.5)


@pytest.mark.parametrize(
    ("heatmap", "offsets", "sizes", "k", "kernel", "words"),
    [
        (torch.zeros(0, 2, 2), None, torch.zeros(2, 2, 2), 1, 3, "empty"),
        (torch.full((1, 2, 2), math.nan), None, torch.zeros(2, 2, 2), 1, 3, "numbers from 0 to 1"),
        (GOOD, None, torch.zeros(2, 2, 2), 5, 3, "k must be from 1 to 4"),
        (GOOD, None, torch.zeros(2, 2, 2), 0, 3, "k must be"),
        (GOOD, None, torch.zeros(2, 2, 2), 1, 2, "odd number"),
        (GOOD, torch.zeros(2, 2, 3), torch.zeros(2, 2, 2), 1, 3, "offsets must have the shape"),
        (GOOD, None, torch.zeros(2, 3, 2), 1, 3, "sizes must have the shape"),
    ],
)
def test_what_cannot_be_decoded_is_refused_in_a_sentence(heatmap, offsets, sizes, k, kernel, words):
    for function in (decode, trace_decode):
        with pytest.raises(CenterNetError, match=words):
            function(heatmap, offsets, sizes, k=k, kernel=kernel)


def test_the_browser_reads_the_recording_as_it_was():
    trace = trace_decode(*maps(1), 7)
    shown = run_modules(
        {"shared/bytes.js": "unpack"},
        "const x = unpack(inputs[0]); return { ...x.arrays, kernel: x.header.kernel, peaks: x.header.num_peaks };",
        pack_decode(trace),
    )
    np.testing.assert_array_equal(shown["boxes"], trace.boxes.ravel())
    np.testing.assert_array_equal(shown["cells"], trace.cells.ravel())
    assert (shown["kernel"], shown["peaks"]) == (3, trace.num_peaks)


def test_the_browser_computes_radius_worst_box_and_gaussian_as_torch_does():
    generator = np.random.default_rng(0)
    rows = np.column_stack([generator.uniform(1, 120, (300, 2)), generator.uniform(0.1, 0.95, 300)])
    source = compile_splat()
    for formula in ("exact", "released"):
        found = evaluate_javascript(source, f"radius_{formula}", rows)[:, 0]
        wanted = [gaussian_radius(h, w, min_overlap=o, formula=formula) for h, w, o in rows]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    rows[:, 2] *= 60
    wanted = [worst_box(*row).iou for row in rows]
    np.testing.assert_allclose(evaluate_javascript(source, "worst_iou", rows)[:, 0], wanted, rtol=1e-9, atol=1e-12)
    offsets = np.array([[0, 0, 3], [1, -2, 3], [3, 3, 3.0]])
    wanted = [math.exp(-(x * x + y * y) / (2 * ((2 * r + 1) / 6) ** 2)) for x, y, r in offsets]
    np.testing.assert_allclose(evaluate_javascript(source, "splat", offsets)[:, 0], wanted, rtol=1e-12)


def test_the_browser_computes_the_loss_of_a_pixel_and_its_gradient_as_torch_does():
    generator = np.random.default_rng(1)
    rows = generator.uniform(0, 1, (400, 2))
    rows[:100, 1] = 1
    p, y = (torch.tensor(column) for column in rows.T)
    p.requires_grad_()
    terms = focal_terms(p, y)
    (gradient,) = torch.autograd.grad(terms.sum(), p)
    found = evaluate_javascript(compile_loss(), "pixel_loss", rows)
    np.testing.assert_allclose(found[:, 0], terms.detach(), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found[:, 1], gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("formula", ["exact", "released"])
def test_the_script_draws_the_same_heatmap(formula):
    boxes, labels = [[2.0, 3, 20, 12.5], [10.0, 4, 18, 19], [1.0, 1, 4, 5]], [0, 1, 1]
    heatmap = draw_heatmap(torch.tensor(boxes), torch.tensor(labels), (24, 28), 2, formula=formula)
    printed = printed_numbers(run_script(write_splat_script(boxes, labels, (24, 28), 2, formula=formula)))
    radii = [gaussian_radius(y2 - y1, x2 - x1, formula=formula) for x1, y1, x2, y2 in boxes]
    assert printed[:3] == pytest.approx(radii, abs=1e-5)
    wanted = [number for place, part in enumerate(heatmap) for number in (place, float(part.sum()), 0)]
    assert printed[3::3] == [0, 1]
    assert printed[4::3] == pytest.approx(wanted[1::3], abs=1e-3)
    assert printed[5::3] == [int((part == 1).sum()) for part in heatmap]


@pytest.mark.parametrize(("p", "y"), [(0.3, 1.0), (0.3, 0.5), (0.0, 0.0)])
def test_the_script_prints_the_loss_of_the_pixel(p, y):
    said = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    loss = focal_terms(said, torch.tensor(y, dtype=torch.float64))
    loss.backward()
    assert said.grad is not None
    assert printed_numbers(run_script(write_loss_script(p, y))) == pytest.approx([loss.item(), said.grad.item()])
