"""What the losses do when a box moves: landscape, descent, the DIoU paper's simulation, and the search for a metric."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou, generalized_box_iou_loss

from vizcore.iou_losses import (
    KINDS,
    PROPERTIES,
    SIMULATED_KINDS,
    box_loss,
    learning_rates,
    load_simulation,
    loss_landscape,
    save_simulation,
    search_counterexample,
    simulate_regression,
    simulation_cases,
    simulation_path,
    trace_descent,
)
from vizcore.iou_losses.__main__ import main
from vizcore.iou_losses.simulation import ascent_direction

BOX = torch.tensor([10.0, 20, 60, 90], dtype=torch.float64)
TARGET = torch.tensor([150.0, 100, 230, 140], dtype=torch.float64)
SIZE = (240, 320)


# Landscape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", ["position", "size"])
def test_each_point_of_the_landscape_is_the_loss_of_its_box(kind, over):
    landscape = loss_landscape(kind, BOX, TARGET, size=SIZE, over=over, resolution=17)
    assert landscape.loss.shape == (len(landscape.y), len(landscape.x)) == (13, 17)
    for row, column in ((0, 0), (5, 11), (12, 16)):
        box = torch.tensor([landscape.box_at(landscape.x[column], landscape.y[row])], dtype=torch.float64)
        assert landscape.loss[row, column] == pytest.approx(box_loss(kind, box, TARGET[None]).item())


@pytest.mark.parametrize("over", ["position", "size"])
def test_the_landscapes_gradient_is_its_slope(over):
    # A fine grid of a smooth loss: the gradient must equal the difference quotient of the heights.
    landscape = loss_landscape("l1", BOX + 3, TARGET, size=(40, 40), over=over, resolution=41)
    by_x = (landscape.loss[:, 2:] - landscape.loss[:, :-2]) / (landscape.x[2:] - landscape.x[:-2])
    by_y = (landscape.loss[2:] - landscape.loss[:-2]) / (landscape.y[2:] - landscape.y[:-2])[:, None]
    np.testing.assert_allclose(landscape.gradient[:, 1:-1, 0], by_x, atol=1e-12)
    np.testing.assert_allclose(landscape.gradient[1:-1, :, 1], by_y, atol=1e-12)


def test_the_iou_landscape_is_flat_where_the_boxes_are_apart_and_only_there():
    landscape = loss_landscape("iou", BOX, TARGET, size=SIZE, resolution=41)
    flat = (landscape.gradient == 0).all(-1)
    assert flat.mean() > 0.5
    assert (landscape.loss[flat] == 1).mean() > 0.9
    assert not (loss_landscape("diou", BOX, TARGET, size=SIZE, resolution=41).gradient == 0).all(-1).any()


@pytest.mark.parametrize("bad", [{"over": "angle"}, {"resolution": 1}, {"kind": "iuo"}])
def test_landscape_refuses_what_it_does_not_know(bad):
    arguments = {"kind": "iou", "over": "position", "resolution": 9} | bad
    with pytest.raises(ValueError, match=next(iter(bad)) if "kind" not in bad else "unknown loss"):
        loss_landscape(arguments.pop("kind"), BOX, TARGET, size=SIZE, **arguments)


# Descent


def test_descent_equals_a_loop_written_with_torch_optim():
    trace = trace_descent(
        ["giou"], BOX, TARGET, num_steps=30, learning_rate=0.05, step_rule="momentum", schedule="constant"
    )
    unit = math.sqrt(80 * 40)
    goal = torch.tensor([[0.0, 0, 80, 40]], dtype=torch.float64) / unit
    start = torch.tensor([[35 - 190, 55 - 120, 50, 70]], dtype=torch.float64) / unit
    place = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([place], lr=0.05, momentum=0.9)

    def xyxy(b):
        return torch.cat([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], 1)

    for _ in range(30):
        optimizer.zero_grad()
        generalized_box_iou_loss(xyxy(place), xyxy(goal)).sum().backward()
        optimizer.step()
    expected = xyxy(place.detach()) * unit + torch.tensor([190, 120, 190, 120])
    np.testing.assert_allclose(trace.boxes[0, -1], expected[0], rtol=1e-6)


def test_adam_equals_torch_optim():
    trace = trace_descent(["l1"], BOX, TARGET, num_steps=20, learning_rate=0.1, step_rule="adam", schedule="constant")
    unit = trace.unit
    place = torch.tensor([[35 - 190, 55 - 120, 50, 70]], dtype=torch.float64).div(unit).requires_grad_()
    goal = torch.tensor([[0.0, 0, 80, 40]], dtype=torch.float64) / unit
    optimizer = torch.optim.Adam([place], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        low, high = place[:, :2] - place[:, 2:] / 2, place[:, :2] + place[:, 2:] / 2
        ((low + goal[:, 2:] / 2).abs() + (high - goal[:, 2:] / 2).abs()).sum().backward()
        optimizer.step()
    assert trace.error[0, -1] == pytest.approx((place - goal).abs().sum().item(), rel=1e-6)


def test_descent_starts_at_the_box_and_records_what_it_says():
    trace = trace_descent(KINDS, BOX, TARGET, num_steps=5)
    assert trace.boxes.shape == (9, 6, 4)
    np.testing.assert_allclose(trace.boxes[:, 0], BOX.expand(9, 4))
    for index, kind in enumerate(KINDS):
        box = torch.from_numpy(trace.boxes[index, 3])[None]
        assert trace.iou[index, 3] == pytest.approx(box_iou(box, TARGET[None]).item())
        if kind not in ("l1", "smooth_l1"):  # those are in pixels here and in units there
            assert trace.loss[index, 3] == pytest.approx(box_loss(kind, box, TARGET[None]).item(), abs=1e-6)


def test_iou_alone_never_moves_a_disjoint_box_and_the_others_arrive():
    trace = trace_descent(["iou", "giou", "diou", "ciou"], torch.tensor([130.0, 85, 160, 110]), TARGET)
    np.testing.assert_allclose(trace_descent(["iou"], BOX, TARGET).boxes, BOX.expand(1, 201, 4), atol=1e-9)
    assert trace.iou[:, -1].min() > 0.9


def test_equal_centers_and_areas_leave_the_diou_penalty_at_zero():
    # 40 × 10 in 10 × 40, same center: DIoU's and IoU's descents are the same path, CIoU's is not.
    trace = trace_descent(
        ["iou", "diou", "ciou"],
        torch.tensor([100.0, 115, 140, 125]),
        torch.tensor([115.0, 100, 125, 140]),
        num_steps=40,
    )
    np.testing.assert_allclose(trace.boxes[0], trace.boxes[1], atol=1e-6)
    assert np.abs(trace.boxes[0] - trace.boxes[2]).max() > 0.1


def test_a_nan_gradient_ends_in_nan_not_in_an_error():
    trace = trace_descent(["ciou", "diou"], torch.tensor([10.0, 50, 60, 50]), TARGET, num_steps=3)
    assert np.isfinite(trace.boxes[0, 0]).all()
    assert np.isnan(trace.boxes[0, 1:]).all()
    assert np.isfinite(trace.boxes[1]).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_the_same_picture_results_at_every_scale_and_place(scale, shift):
    here = trace_descent(["giou", "siou"], BOX, TARGET, num_steps=8)
    there = trace_descent(["giou", "siou"], BOX * scale + shift, TARGET * scale + shift, num_steps=8)
    np.testing.assert_allclose(there.error, here.error, rtol=1e-3, atol=1e-3)


def test_no_kinds_make_an_empty_trace_and_bad_names_an_error():
    assert trace_descent([], BOX, TARGET, num_steps=4).boxes.shape == (0, 5, 4)
    for bad in ({"step_rule": "newton"}, {"schedule": "sometimes"}, {"num_steps": 0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            trace_descent(["iou"], BOX, TARGET, **bad)


def test_learning_rates():
    paper = learning_rates("paper", 0.1, 200)
    assert [paper[step] for step in (0, 159, 160, 179, 180, 199)] == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert learning_rates("constant", 0.3, 3) == [0.3] * 3
    cosine = learning_rates("cosine", 1.0, 10)
    assert cosine[0] == 1
    assert cosine[5] == pytest.approx(0.5)


# Simulation


@pytest.fixture(scope="module")
def exact():
    return simulate_regression(6)


@pytest.fixture(scope="module")
def official():
    return simulate_regression(6, gradient="official")


def test_cases_are_the_papers():
    anchors, targets, centers = simulation_cases(5000)
    assert anchors.shape == targets.shape == (1_715_000, 4)
    assert (centers - 10).norm(dim=1).max() <= 3
    # uniform in a disc: a quarter of the points lies within half the radius
    assert ((centers - 10).norm(dim=1) < 1.5).double().mean() == pytest.approx(0.25, abs=0.02)
    first = anchors[:343]
    assert (targets[:343, 2] * targets[:343, 3]).numpy() == pytest.approx(np.ones(343))
    areas = sorted({round(a, 6) for a in (first[:, 2] * first[:, 3]).tolist()})
    assert areas == pytest.approx([0.5, 0.67, 0.75, 1, 1.33, 1.5, 2])
    ratios = sorted({round(r, 6) for r in (first[:, 2] / first[:, 3]).tolist()})
    assert ratios == pytest.approx([0.25, 1 / 3, 0.5, 1, 2, 3, 4], abs=1e-6)
    assert len({tuple(row) for row in torch.cat([first, targets[:343]], 1).round(decimals=9).tolist()}) == 343


def test_exact_direction_is_autograds_and_the_official_one_is_not():
    anchors, targets, _ = simulation_cases(2, seed=3)
    leaf = anchors.clone().requires_grad_()
    low, high = leaf[:, :2] - leaf[:, 2:] / 2, leaf[:, :2] + leaf[:, 2:] / 2
    goal = torch.cat([targets[:, :2] - targets[:, 2:] / 2, targets[:, :2] + targets[:, 2:] / 2], 1)
    generalized_box_iou_loss(torch.cat([low, high], 1), goal).sum().backward()
    ascent, iou, overlaps = ascent_direction("giou", anchors, targets, gradient="exact")
    torch.testing.assert_close(ascent, -leaf.grad)
    official, _, _ = ascent_direction("giou", anchors, targets, gradient="official")
    # Overlapping boxes: only the forgotten half of width and height. Disjoint ones: another direction.
    halved = official * torch.tensor([1, 1, 0.5, 0.5])
    torch.testing.assert_close(halved[overlaps], ascent[overlaps], rtol=1e-5, atol=1e-6)
    assert (halved[~overlaps] - ascent[~overlaps]).abs().amax(1).min() > 1e-3
    assert (iou[~overlaps] == 0).all()


def test_official_giou_of_disjoint_boxes_ascends_the_unclamped_union():
    """The found cause: their step is the gradient of U'/C with the unclamped product in U', by hand on one pair."""
    box = torch.tensor([[0.0, 0, 2, 2]], dtype=torch.float64, requires_grad=True)  # edges −1 … 1
    target = torch.tensor([[5.0, 3, 2, 2]], dtype=torch.float64)  # edges 4 … 6 and 2 … 4: apart on both axes
    low, high = box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2
    target_low, target_high = target[:, :2] - 1, target[:, :2] + 1
    shared = torch.minimum(high, target_high) - torch.maximum(low, target_low)
    enclosing = torch.maximum(high, target_high) - torch.minimum(low, target_low)
    union = (high - low).prod() + 4 - shared.prod()
    assert shared.tolist() == [[-3, -1]]
    assert union.item() == 8 - 3  # as if the boxes shared 3 of their 8
    (union / enclosing.prod()).backward()
    official, _, _ = ascent_direction("giou", box.detach(), target, gradient="official")
    torch.testing.assert_close(official * torch.tensor([1, 1, 0.5, 0.5]), box.grad)


def test_figures_of_both_gradients(exact, official):
    """The paper's order rests on the derivative: 822/328/98/88 with it, 822/167/213/190 without, on 124 other cases."""
    assert exact.num_boxes == 343 * 6
    assert exact.disjoint_summed_error[0] == pytest.approx(official.disjoint_summed_error[0], rel=1e-9)  # nothing moves
    iou, giou, diou, ciou = official.disjoint_summed_error
    assert iou > giou > diou > ciou
    iou, giou, diou, ciou = exact.disjoint_summed_error
    assert iou > diou > ciou > giou
    assert exact.share_above_half[1:, -1].min() > 0.95
    assert official.share_above_half[1, -1] < 0.85  # GIoU's official runs do not all arrive
    assert official.share_above_half[2:, -1].min() > 0.99


def test_curves_begin_with_the_cases_and_are_shares(exact):
    anchors, targets, _ = simulation_cases(6)
    assert exact.mean_error[:, 0] == pytest.approx((anchors - targets).abs().sum(1).mean().item())
    assert exact.mean_error.shape == (4, 201)
    assert exact.final_error.mean(1) == pytest.approx(exact.mean_error[:, -1])
    assert (exact.share_above_half >= exact.share_above_nine_tenths).all()
    assert exact.share_above_half.max() <= 1


def test_enclosing_starts_enclose_and_there_diou_wins():
    anchors, targets, _ = simulation_cases(4, starts="enclosing")
    low, high = anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2
    assert (low <= targets[:, :2] - targets[:, 2:] / 2 + 1e-9).all()
    assert (high >= targets[:, :2] + targets[:, 2:] / 2 - 1e-9).all()
    iou, giou, diou, ciou = simulate_regression(4, starts="enclosing").summed_error
    assert max(diou, ciou) < 0.95 * min(iou, giou)


def test_seed_decides_and_chunks_do_not(exact):
    again = simulate_regression(6, kinds=["giou"])
    np.testing.assert_array_equal(again.mean_error[0], exact.mean_error[1])
    assert simulate_regression(6, kinds=["giou"], seed=1).mean_error[0, -1] != exact.mean_error[1, -1]


def test_progress_rises_to_the_end_and_can_cancel():
    seen = []
    simulate_regression(1, kinds=["iou", "giou"], on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1

    class CancelledError(Exception):
        pass

    def cancel(share: float) -> None:
        if share > 0.3:
            raise CancelledError

    with pytest.raises(CancelledError):
        simulate_regression(1, on_progress=cancel)


def test_simulation_refuses_what_it_does_not_know():
    for bad in ({"gradient": "guessed"}, {"starts": "nowhere"}, {"num_centers": 0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            simulate_regression(**{"num_centers": 1, **bad})
    with pytest.raises(ValueError, match="official derivative"):
        simulate_regression(1, kinds=["siou"], gradient="official")


def test_command_line_stores_a_run_that_loads_again(tmp_path, capsys):
    path = main(["--centers", "1", "--gradient", "official", "--seed", "5", "--output", str(tmp_path / "run.npz")])
    loaded = load_simulation(path)
    expected = simulate_regression(1, gradient="official", seed=5)
    assert (loaded.kinds, loaded.gradient, loaded.seed, loaded.num_boxes) == (SIMULATED_KINDS, "official", 5, 343)
    np.testing.assert_allclose(loaded.mean_error, expected.mean_error, rtol=1e-6)
    save_simulation(loaded, tmp_path / "again.npz")
    np.testing.assert_array_equal(load_simulation(tmp_path / "again.npz").final_error, loaded.final_error)


@pytest.mark.parametrize("gradient", ["exact", "official"])
def test_the_stored_full_run_is_the_papers_size_and_agrees_with_a_small_one(gradient, exact, official):
    stored = load_simulation(simulation_path(gradient))
    assert stored.num_boxes == 1_715_000
    assert stored.seed == 0
    small = exact if gradient == "exact" else official
    np.testing.assert_allclose(stored.disjoint_summed_error, small.disjoint_summed_error, rtol=0.5)
    assert np.argsort(stored.disjoint_summed_error).tolist() == np.argsort(small.disjoint_summed_error).tolist()


# Metric


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("l1", {"scale"}),
        ("smooth_l1", {"triangle", "scale"}),
        ("iou", set()),
        ("giou", set()),
        ("diou", {"triangle"}),
        ("ciou", {"triangle"}),
        ("eiou", {"triangle"}),
        ("siou", {"triangle"}),
        ("alpha_iou", set()),
    ],
)
def test_which_losses_break_which_properties(kind, broken):
    found = {name for name in PROPERTIES if not search_counterexample(kind, name, num_tries=1024).holds}
    assert found == broken


def test_a_counterexample_can_be_checked_by_hand():
    check = search_counterexample("diou", "triangle", num_tries=1024)
    a, b, c = (torch.from_numpy(box)[None] for box in check.boxes)
    direct, first, second = (box_loss("diou", *pair).item() for pair in ((a, c), (a, b), (b, c)))
    assert check.values == pytest.approx((direct, first, second))
    assert check.violation == pytest.approx(direct - first - second)
    assert check.violation > 0.05
    assert (check.boxes[:, :2] < check.boxes[:, 2:]).all()


def test_the_worst_case_of_a_property_that_holds_is_returned_too():
    check = search_counterexample("iou", "triangle", num_tries=512)
    assert check.holds
    assert -0.2 < check.violation <= 1e-6  # it comes close: the inequality is tight
    assert check.boxes.shape == (3, 4)
    with pytest.raises(ValueError, match="property"):
        search_counterexample("iou", "beauty")
