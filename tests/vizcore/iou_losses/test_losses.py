from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import (
    box_iou,
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
)

from tests.scripts import run_script
from vizcore import iou_losses
from vizcore.boxes import BoxError
from vizcore.iou_losses import KINDS, LOSSES, LossSettings, box_loss, box_parts, explain_not_finite, loss_and_gradient

# 4 × 1 lying against 1 × 4 standing, at one corner: squares could not tell DIoU from CIoU. I = 1, U = 7, IoU = 1/7,
# enclosing 4 × 4 (area 16, diagonal² 32), centers (2, ½) and (½, 2): distance² = 1.5² + 1.5² = 4.5.
LYING = torch.tensor([[0.0, 0, 4, 1]], dtype=torch.float64)
STANDING = torch.tensor([[0.0, 0, 1, 4]], dtype=torch.float64)


@pytest.fixture(scope="module")
def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Two thousand pairs: overlapping, disjoint, nested either way, touching, tied edges."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 1600, 2, generator=generator, dtype=torch.float64) * 60
    sizes = torch.rand(2, 1600, 2, generator=generator, dtype=torch.float64) * 40 + 0.5
    boxes, targets = torch.cat([corners, corners + sizes], dim=2)
    grid = torch.randint(0, 6, (400, 8), generator=generator).double()  # small integers: ties and touching edges abound
    grid[:, 2:4] += grid[:, :2] + 1
    grid[:, 6:] += grid[:, 4:6] + 1
    return torch.cat([boxes, grid[:, :4]]), torch.cat([targets, grid[:, 4:]])


def value_and_gradient(function, boxes, targets):
    leaf = boxes.clone().requires_grad_()
    loss = function(leaf, targets)
    return loss.detach(), torch.autograd.grad(loss.sum(), leaf)[0]


ORACLES = {
    "giou": generalized_box_iou_loss,
    "diou": distance_box_iou_loss,
    "ciou": complete_box_iou_loss,
    "l1": lambda boxes, targets: F.l1_loss(boxes, targets, reduction="none").sum(1),
    "smooth_l1": lambda boxes, targets: F.smooth_l1_loss(boxes, targets, reduction="none").sum(1),
    "iou": lambda boxes, targets: (
        1 - torch.cat([box_iou(b[None], t[None])[0] for b, t in zip(boxes, targets, strict=True)])
    ),
}


@pytest.mark.parametrize("kind", ORACLES)
def test_value_and_gradient_equal_torch_and_torchvision(kind, pairs):
    boxes, targets = (side[-600:] for side in pairs)
    loss, gradient = loss_and_gradient(kind, boxes, targets)
    expected_loss, expected_gradient = value_and_gradient(ORACLES[kind], boxes, targets)
    torch.testing.assert_close(loss, expected_loss, rtol=1e-6, atol=1e-7)
    # 1e-7 in torchvision's denominators but not in box_iou's: on unit boxes the two differ in the seventh place.
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-6, atol=1e-6 if kind == "iou" else 1e-9)


@pytest.mark.parametrize("kind", ["giou", "diou", "ciou"])
def test_equality_with_torchvision_holds_in_float32_and_for_all_pairs(kind, pairs):
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 2e-4)):
        boxes, targets = (side.to(dtype) for side in pairs)
        loss, gradient = loss_and_gradient(kind, boxes, targets)
        expected_loss, expected_gradient = value_and_gradient(ORACLES[kind], boxes, targets)
        torch.testing.assert_close(loss, expected_loss, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(gradient, expected_gradient, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("l1", 0 + 0 + 3 + 3),
        ("smooth_l1", 2.5 + 2.5),  # 3 − ½ on two coordinates
        ("iou", 6 / 7),
        ("giou", 6 / 7 + 9 / 16),  # C − U = 16 − 7
        ("diou", 6 / 7 + 4.5 / 32),
        ("eiou", 6 / 7 + 4.5 / 32 + 9 / 16 + 9 / 16),  # widths differ by 3 of 4, heights too
        ("alpha_iou", 1 - (1 / 7) ** 3),
        # α = v/(1 − IoU + v) with v = 4/π² (atan ¼ − atan 4)²
        ("ciou", 6 / 7 + 4.5 / 32 + (v := 4 / math.pi**2 * (math.atan(1 / 4) - math.atan(4)) ** 2) ** 2 / (6 / 7 + v)),
        # centers on the diagonal: Λ = sin 90° = 1, γ = 1; Δ = 2(1 − e^{−(1.5/4)²}); ω = ¾ both ways
        ("siou", 6 / 7 + (2 * (1 - math.exp(-((1.5 / 4) ** 2))) + 2 * (1 - math.exp(-0.75)) ** 4) / 2),
    ],
)
def test_hand_values(kind, expected):
    assert box_loss(kind, LYING, STANDING).item() == pytest.approx(expected, abs=1e-6)


def test_siou_equals_the_papers_formulas_written_with_arcsin(pairs):
    """SIoU has no torchvision oracle: here it is, term by term, in plain math with the paper's case distinction."""
    boxes, targets = (side[:200] for side in pairs)
    ours = box_loss("siou", boxes, targets, settings=LossSettings(eps=0.0))
    for index in range(len(boxes)):
        x1, y1, x2, y2 = boxes[index].tolist()
        tx1, ty1, tx2, ty2 = targets[index].tolist()
        width, height, target_width, target_height = x2 - x1, y2 - y1, tx2 - tx1, ty2 - ty1
        enclosing_width, enclosing_height = max(x2, tx2) - min(x1, tx1), max(y2, ty2) - min(y1, ty1)
        gap_x, gap_y = (x1 + x2 - tx1 - tx2) / 2, (y1 + y2 - ty1 - ty2) / 2
        sine = abs(gap_y) / math.hypot(gap_x, gap_y)
        if sine > math.sin(math.pi / 4):
            sine = abs(gap_x) / math.hypot(gap_x, gap_y)
        angle = 1 - 2 * math.sin(math.asin(sine) - math.pi / 4) ** 2
        gamma = 2 - angle
        distance = sum(
            1 - math.exp(-gamma * (gap / length) ** 2)
            for gap, length in ((gap_x, enclosing_width), (gap_y, enclosing_height))
        )
        shape = sum(
            (1 - math.exp(-abs(a - b) / max(a, b))) ** 4 for a, b in ((width, target_width), (height, target_height))
        )
        iou = box_iou(boxes[index : index + 1], targets[index : index + 1]).item()
        assert ours[index].item() == pytest.approx(1 - iou + (distance + shape) / 2, abs=1e-9)


def test_gradients_equal_finite_differences_where_no_oracle_exists(pairs):
    boxes, targets = (side[:300] for side in pairs)
    for kind in ("eiou", "siou", "alpha_iou"):
        _, gradient = loss_and_gradient(kind, boxes, targets)
        for column in range(4):
            step = torch.zeros(4, dtype=torch.float64)
            step[column] = 1e-5
            slope = (box_loss(kind, boxes + step, targets) - box_loss(kind, boxes - step, targets)) / 2e-5
            torch.testing.assert_close(gradient[:, column], slope, rtol=1e-4, atol=1e-6)


def test_alpha_without_gradient_is_not_the_slope_and_with_gradient_it_is(pairs):
    boxes, targets = (side[:300] for side in pairs)
    step = torch.tensor([0, 0, 1e-5, 0], dtype=torch.float64)
    slope = (box_loss("ciou", boxes + step, targets) - box_loss("ciou", boxes - step, targets)) / 2e-5
    held = loss_and_gradient("ciou", boxes, targets)[1][:, 2]
    through = loss_and_gradient("ciou", boxes, targets, settings=LossSettings(alpha_gradient=True))[1][:, 2]
    torch.testing.assert_close(through, slope, rtol=1e-4, atol=1e-6)
    assert (held - slope).abs().max() > 1e-3


def test_alpha_gate_removes_the_aspect_term_below_half(pairs):
    boxes, targets = pairs
    gated = box_loss("ciou", boxes, targets, settings=LossSettings(alpha_gate=True))
    iou = 1 - box_loss("iou", boxes, targets)
    torch.testing.assert_close(gated[iou < 0.5], box_loss("diou", boxes, targets)[iou < 0.5])
    torch.testing.assert_close(gated[iou > 0.5], box_loss("ciou", boxes, targets)[iou > 0.5])
    assert (iou > 0.5).any()


BOX = st.tuples(*[st.integers(-50, 50)] * 2, *[st.integers(1, 60)] * 2).map(
    lambda numbers: [numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]]
)


@settings(max_examples=150, deadline=None)
@given(BOX, BOX)
def test_order_and_range_of_the_family(box, target):
    boxes, targets = torch.tensor([box], dtype=torch.float64), torch.tensor([target], dtype=torch.float64)
    loss = {kind: box_loss(kind, boxes, targets).item() for kind in KINDS}
    slack = 1e-6
    assert -slack <= loss["iou"] <= 1
    assert loss["iou"] - slack <= loss["giou"] <= 2  # GIoU ≤ IoU, > −1
    assert loss["iou"] - slack <= loss["diou"] <= 2
    assert loss["diou"] - slack <= loss["ciou"] <= 2.5
    assert loss["diou"] - slack <= loss["eiou"]
    assert loss["smooth_l1"] <= loss["l1"] + slack
    assert loss["alpha_iou"] >= loss["iou"] - slack  # x³ ≤ x on [0, 1]
    assert min(loss.values()) >= -slack
    swapped = {kind: box_loss(kind, targets, boxes).item() for kind in KINDS}
    assert swapped == pytest.approx(loss, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_identical_boxes_cost_nothing(kind):
    boxes = torch.tensor([[3.0, 5, 40, 17], [-9, -9, 900, 2]], dtype=torch.float64)
    torch.testing.assert_close(box_loss(kind, boxes, boxes), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_input_keeps_its_shape(kind):
    loss, gradient = loss_and_gradient(kind, torch.zeros(0, 4), torch.zeros(0, 4))
    assert loss.shape == (0,)
    assert gradient.shape == (0, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_taken_with_respect_to_both_sides(kind):
    target = STANDING.clone().requires_grad_()
    box_loss(kind, LYING, target).sum().backward()
    # every loss is symmetric, and the mirror x ↔ y swaps the two boxes
    _, gradient = loss_and_gradient(kind, LYING, STANDING)
    torch.testing.assert_close(target.grad, gradient[:, [1, 0, 3, 2]])


def test_disjoint_boxes_get_no_gradient_from_iou_alone():
    far = torch.tensor([[0.0, 0, 10, 10]], dtype=torch.float64)
    target = torch.tensor([[30.0, 5, 50, 20]], dtype=torch.float64)
    for kind in KINDS:
        _, gradient = loss_and_gradient(kind, far, target)
        assert bool((gradient == 0).all()) == (kind in ("iou", "alpha_iou")), kind


def test_nested_boxes_make_giou_equal_iou_with_its_gradient():
    inner = torch.tensor([[10.0, 12, 20, 30]], dtype=torch.float64)
    outer = torch.tensor([[0.0, 0, 50, 40]], dtype=torch.float64)
    for box, target in ((inner, outer), (outer, inner)):
        loss, gradient = loss_and_gradient("giou", box, target)
        expected_loss, expected_gradient = loss_and_gradient("iou", box, target)
        torch.testing.assert_close(loss, expected_loss)
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-6, atol=1e-9)


def test_same_ratio_makes_ciou_equal_diou():
    box = torch.tensor([[0.0, 0, 30, 20]], dtype=torch.float64)
    target = torch.tensor([[5.0, 5, 65, 45]], dtype=torch.float64)
    torch.testing.assert_close(box_loss("ciou", box, target), box_loss("diou", box, target))


def test_one_pixel_matters_more_to_a_small_box():
    # A diagonal shift of one pixel: 8 × 8 → 49/79 = .620, 128 × 128 → 127²/(2·128² − 127²) = .969
    for size, iou in ((8, 49 / 79), (128, 127**2 / (2 * 128**2 - 127**2))):
        box = torch.tensor([[0.0, 0, size, size]], dtype=torch.float64)
        assert 1 - box_loss("iou", box, box + 1).item() == pytest.approx(iou, abs=1e-6)


DEGENERATE = {
    "zero height": [10.0, 10, 40, 10],
    "zero width": [10.0, 10, 10, 40],
    "point": [10.0, 10, 10, 10],
    "sound": [10.0, 10, 40, 30],
    "huge": [0.0, 0, 1e160, 1e160],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("target_name", DEGENERATE)
@pytest.mark.parametrize("loss_settings", [LossSettings(), LossSettings(power=0.5), LossSettings(eps=0.0)])
def test_every_value_that_is_not_finite_has_a_reason(kind, name, target_name, loss_settings):
    box = torch.tensor(DEGENERATE[name], dtype=torch.float64)
    target = torch.tensor(DEGENERATE[target_name], dtype=torch.float64)
    loss, gradient = loss_and_gradient(kind, box[None], target[None], settings=loss_settings)
    finite = bool(loss.isfinite().all() and gradient.isfinite().all())
    assert (explain_not_finite(kind, box, target, settings=loss_settings) == ()) == finite


def test_ciou_of_a_flat_box_is_finite_but_its_gradient_is_nan():
    box = torch.tensor(DEGENERATE["zero height"], dtype=torch.float64)
    target = torch.tensor(DEGENERATE["sound"], dtype=torch.float64)
    loss, gradient = loss_and_gradient("ciou", box[None], target[None])
    assert loss.isfinite().all()
    assert gradient.isnan().all()
    (reason,) = explain_not_finite("ciou", box, target)
    assert "zero height" in reason


@pytest.mark.parametrize("info", LOSSES, ids=lambda info: info.kind)
def test_formula_with_the_numbers_set_in_evaluates_to_the_loss(info, pairs):
    boxes, targets = (side[:50] for side in pairs)
    terms = iou_losses.loss_terms(info.kind, (*boxes.unbind(1), *targets.unbind(1)))
    python = info.formula.replace("−", "-").replace("×", "*").replace("^", "**")
    for index in range(50):
        numbers = {name: repr(float(term[index])) for name, term in terms.items()}
        assert eval(python.format(**numbers), {}) == pytest.approx(
            numbers_loss := float(terms["loss"][index]), abs=1e-6
        ), (
            info.kind,
            numbers_loss,
        )


@pytest.mark.parametrize(
    "loss_settings",
    [LossSettings(), LossSettings(eps=1e-3, beta=9.0, power=2.0), LossSettings(alpha_gradient=True, alpha_gate=True)],
)
@pytest.mark.parametrize("boxes", [((10, 20, 60, 90), (40, 30, 120, 70)), ((0, 0, 9, 9), (100.5, 50.25, 130, 70))])
def test_reproduction_script_prints_what_the_library_says(boxes, loss_settings):
    box, target = boxes
    source = iou_losses.write_losses_script(KINDS, box, target, settings=loss_settings)
    assert "vizcore" not in source
    printed = [line.split() for line in run_script(source).splitlines()]
    comparison = iou_losses.compare_losses(KINDS, box, target, settings=loss_settings)
    assert tuple(words[0] for words in printed) == KINDS
    numbers = np.array([[float(word) for word in words[1:]] for words in printed])
    np.testing.assert_allclose(numbers[:, 0], comparison.loss, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(numbers[:, 1:], comparison.gradient, rtol=1e-6, atol=1e-9)


def test_comparison_is_box_loss_with_parts_and_reasons():
    comparison = iou_losses.compare_losses(("giou", "ciou"), (10, 10, 40, 10), (0, 0, 20, 20))
    assert comparison.of("giou")[0] == pytest.approx(
        box_loss("giou", torch.tensor([[10.0, 10, 40, 10]]), torch.tensor([[0.0, 0, 20, 20]])).item()
    )
    assert comparison.parts["union"] == 400
    assert comparison.reasons[0] == ()
    assert len(comparison.reasons[1]) == 1
    assert np.isnan(comparison.of("ciou")[1]).all()


def test_parts_by_hand():
    parts = {name: value.item() for name, value in box_parts(*LYING[0], *STANDING[0]).items()}
    assert [parts[f"intersection_{edge}"] for edge in ("x1", "y1", "x2", "y2")] == [0, 0, 1, 1]
    assert [parts[f"enclosing_{edge}"] for edge in ("x1", "y1", "x2", "y2")] == [0, 0, 4, 4]
    assert (parts["intersection"], parts["union"], parts["enclosing_area"]) == (1, 7, 16)
    assert (parts["center_x"], parts["center_y"]) == (2, 0.5)
    assert (parts["target_center_x"], parts["target_center_y"]) == (0.5, 2)
    assert parts["distance"] == pytest.approx(math.sqrt(4.5))
    assert parts["diagonal"] == pytest.approx(math.sqrt(32))
    assert parts["angle"] == pytest.approx(math.degrees(math.atan(4)))
    assert parts["target_angle"] == pytest.approx(math.degrees(math.atan(1 / 4)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16, torch.int32, torch.int64])
def test_half_precision_and_integers_are_computed_as_torchvision_upcasts_them(dtype):
    # 300 × 400 is beyond float16 (65504) and int16. IoU 200/400; the enclosing box is the union: GIoU = IoU;
    # centers 100 apart on a diagonal of √(400² + 400²): 0.5 + 10000/320000.
    boxes, targets = torch.tensor([[0, 0, 300, 400]], dtype=dtype), torch.tensor([[100, 0, 400, 400]], dtype=dtype)
    for kind, expected in (("iou", 0.5), ("giou", 0.5), ("diou", 0.53125), ("ciou", 0.53125)):
        loss = box_loss(kind, boxes, targets)
        assert loss.item() == pytest.approx(expected, abs=1e-6)
        assert loss.dtype == torch.float32
    torch.testing.assert_close(box_loss("giou", boxes, targets), generalized_box_iou_loss(boxes, targets))
    torch.testing.assert_close(box_loss("ciou", boxes, targets), complete_box_iou_loss(boxes, targets))
    loss, gradient = loss_and_gradient("ciou", boxes, targets)
    assert torch.isfinite(gradient).all()
    assert gradient.shape == (1, 4)


def test_half_precision_keeps_its_gradient():
    leaf = torch.tensor([[0, 0, 300, 400]], dtype=torch.float16, requires_grad=True)
    box_loss("giou", leaf, [[100, 0, 400, 400]]).sum().backward()
    assert leaf.grad.dtype == torch.float16
    assert leaf.grad[0, 2].item() < 0  # the right edge is pulled to the right


def test_lists_and_arrays_are_taken_and_words_refused():
    expected = box_loss("diou", LYING, STANDING)
    torch.testing.assert_close(
        box_loss("diou", LYING.tolist(), STANDING.tolist()), expected.double(), check_dtype=False
    )
    torch.testing.assert_close(box_loss("diou", LYING.numpy(), STANDING.numpy()), expected)
    for bad in ([["a", "b", "c", "d"]], [[1, 2, 3]], [[1, 2, 3, 4], [1, 2]], 7, [[1j, 2, 3, 4]]):
        with pytest.raises(BoxError):
            box_loss("iou", bad, STANDING)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="unknown loss 'iuo'"):
        box_loss("iuo", LYING, STANDING)
    with pytest.raises(ValueError, match=r"Boxes must have the shape \[N, 4\]; got \[4\]"):
        box_loss("iou", LYING[0], STANDING[0])
    with pytest.raises(ValueError, match="must both"):
        box_loss("iou", LYING.expand(2, 4), STANDING)
    for bad in ({"eps": -1.0}, {"beta": 0.0}, {"beta": math.nan}, {"power": -1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            LossSettings(**bad)
