"""The names that notebooks import: each is there, takes what it is documented to take, and gives what is documented."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizcore import (
    autograd,
    autoregressive,
    browser,
    centernet,
    costs,
    detection,
    detr,
    fpn,
    image_pyramid,
    iou_losses,
    nms,
    scale,
    upsampling,
    varifocalnet,
)
from vizcore.data.photos import load_sample
from vizcore.models import fvsbn, nade, snet

BOXES = torch.tensor([[0.0, 0, 4, 1], [0, 0, 1, 4]])
TARGETS = torch.tensor([[0.0, 0, 4, 4], [2, 2, 4, 4]])
UPSAMPLED = {
    "nearest": {"scale_factor": 2},
    "nearest_exact": {"scale_factor": 2},
    "bilinear": {"scale_factor": 2, "align_corners": True},
    "bicubic": {"size": (8, 8)},
    "area": {"scale_factor": 2},
    "pixel_shuffle": {"upscale_factor": 2},
    "pixel_unshuffle": {"downscale_factor": 2},
    "conv_transpose": {"kernel_size": 2, "stride": 2},
    "max_unpool": {"kernel_size": 2},
}


@pytest.mark.parametrize("kind", ["l1", "smooth_l1", "iou", "giou", "diou", "ciou", "eiou", "siou", "alpha_iou"])
def test_box_losses_take_and_give_torch(kind: str) -> None:
    boxes = BOXES.clone().requires_grad_()
    losses = iou_losses.box_loss(kind, boxes, TARGETS)
    assert losses.shape == (2,)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert boxes.grad is not None
    assert boxes.grad.isfinite().all()


@pytest.mark.parametrize("method", ["hard", "soft_linear", "soft_gaussian", "diou", "matrix", "fusion"])
def test_nms_keeps_by_decreasing_final_score(method: str) -> None:
    scores = torch.tensor([0.5, 0.875, 0.75])
    trace = nms.trace_nms(torch.tensor([[0.0, 0, 8, 8], [0, 1, 8, 9], [20, 20, 30, 30]]), scores, method=method)
    assert trace.scores_after.shape == (3,)
    assert (np.diff(trace.scores_after[trace.keep]) <= 0).all()


def test_a_program_gives_variables_and_gradients() -> None:
    trace = autograd.run_program("x = torch.tensor(2.0, requires_grad=True)\n(x * x).backward()\nn = 3\nb = True")
    assert trace.error is None
    assert trace.variables["n"] == 3
    assert trace.variables["b"] is True
    assert trace.grads["x"] == 4


@pytest.mark.parametrize("method", UPSAMPLED)
def test_upsampling_gives_a_batch(method: str) -> None:
    assert upsampling.upsample(method, torch.rand(1, 4, 4, 4), **UPSAMPLED[method]).ndim == 4


def test_a_trace_of_upsampling_has_weights() -> None:
    grid = torch.rand(3, 2)
    trace = upsampling.trace_upsampling("bilinear", grid, scale_factor=2)
    assert trace.weights.shape == (6, 4, 3, 2)
    assert trace.output == pytest.approx(np.einsum("abhw,hw->ab", trace.weights, grid.numpy()), abs=1e-6)


def test_a_region_has_a_level() -> None:
    assert fpn.roi_level(torch.tensor([[0.0, 0, 224, 224], [0, 0, 112, 112], [0, 0, 2000, 2000]])).tolist() == [4, 3, 5]


def test_costs_are_matched() -> None:
    torch.manual_seed(0)
    cost = detr.match_cost(torch.randn(3, 7), torch.rand(3, 4), torch.tensor([0, 1]), torch.rand(2, 4))
    assert cost.total.shape == cost.class_part.shape == cost.bbox_part.shape == cost.giou_part.shape == (3, 2)
    assert torch.allclose(cost.total, cost.class_part + cost.bbox_part + cost.giou_part)
    queries, targets = detr.match(cost.total)
    assert queries.tolist() == sorted(queries.tolist())
    assert sorted(targets.tolist()) == [0, 1]


def test_centernet_has_its_parts() -> None:
    assert centernet.gaussian_radius(10, 20) < centernet.gaussian_radius(10, 20, formula="released")
    heatmap = torch.zeros(2, 4, 5)
    heatmap[1, 2, 3] = 1
    assert centernet.focal_loss(torch.full_like(heatmap, 0.5), heatmap).shape == ()
    boxes, scores, labels = centernet.decode(heatmap, None, torch.full((2, 4, 5), 2.0), k=1)
    assert boxes.tolist() == [[2, 1, 4, 3]]
    assert (scores.item(), labels.item()) == (1, 1)


def test_varifocalnet_has_its_parts() -> None:
    assert varifocalnet.varifocal_loss(torch.zeros(2, 3), torch.rand(2, 3)).shape == (2, 3)
    points = varifocalnet.star_points(torch.tensor([[5.0, 5]]), torch.tensor([[1.0, 2, 3, 4]]))
    assert points.shape == (1, 9, 2)
    assert points[0, [0, 4, 8]].tolist() == [[4, 3], [5, 5], [8, 9]]


def test_backbones_are_counted() -> None:
    cost = costs.count(snet.snet("snet49"), torch.zeros(1, 3, 224, 224))
    assert cost.multiply_adds == pytest.approx(50.7e6, rel=0.002)
    assert cost.parameters == pytest.approx(0.363e6, rel=0.002)
    with pytest.raises(ValueError, match="snet49"):
        snet.snet("snet50")


def test_ranges_are_closed_or_half_open() -> None:
    boxes = torch.tensor([[0.0, 0, 32, 32]])
    ranges = [(0, 32), (32, 96)]
    assert scale.valid(boxes, ranges=ranges).tolist() == [[True, True]]
    assert scale.valid(boxes, ranges=ranges, bounds="half_open").tolist() == [[False, True]]


def test_models_of_pixels_have_a_likelihood() -> None:
    pixels = torch.tensor([[0.0, 1, 1, 0]])
    independent = fvsbn.FVSBN(torch.zeros(4, 4), torch.zeros(4))
    assert autoregressive.log_likelihood(independent, pixels).item() == pytest.approx(4 * np.log(0.5), abs=1e-5)
    model = nade.NADE(torch.rand(3, 4), torch.rand(3), torch.zeros(4, 3), torch.zeros(4), activation="relu")
    assert autoregressive.log_likelihood(model, pixels).item() == pytest.approx(4 * np.log(0.5), abs=1e-5)
    assert autoregressive.receptive_field(2, 3, gated=True, pixel=(3, 3), size=(7, 7)).shape == (7, 7)


def test_a_pyramid_has_scales() -> None:
    assert image_pyramid.mtcnn_scales(300, 400)[0] == pytest.approx(12 / 20)


def test_a_formula_becomes_javascript() -> None:
    inputs = torch.tensor(1.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    assert "function product" in browser.to_javascript(lambda x, y: x * y, inputs, name="product")


def test_a_detector_runs_by_name() -> None:
    infos = {info.name: info for info in detection.list_detectors()}
    assert infos["mtcnn"].available
    assert infos["mtcnn"].title
    assert infos["mtcnn"].download_bytes >= 0
    output = detection.run_detector("mtcnn", load_sample("astronaut").pixels, score_threshold=0.9, iou_threshold=0.5)
    assert output.boxes.shape == (len(output.scores), 4)
    assert len(output.labels) == len(output.boxes) > 0
    assert output.label_names[output.labels[0]] == "face"
    assert output.stages
    assert len(output.candidates) >= len(output)
