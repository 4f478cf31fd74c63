"""The losses themselves, each written once, on unbound coordinates.

The functions take eight coordinates (predicted box, target box) of one shape and return their terms by name.
``box_loss`` feeds them whole columns; ``vizcore.browser`` traces them to the straight line of operations that runs
under a learner's hand. So there is no second place where a formula is written.

Conventions are torchvision's: ``eps = 1e-7`` beside every denominator that can vanish, areas without "+1", CIoU's α
held constant when differentiating. The other conventions in use are switches of ``LossSettings``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Real
from torch import Tensor

from vizcore.boxes import as_boxes
from vizcore.iou_losses.catalog import KINDS
from vizcore.iou_losses.geometry import Coordinates, Overlap, Terms, overlap_of
from vizcore.iou_losses.settings import DEFAULTS, LossSettings


def _l1(coordinates: Coordinates, settings: LossSettings) -> Terms:
    names = ("d_x1", "d_y1", "d_x2", "d_y2")
    terms = {name: (coordinates[i] - coordinates[i + 4]).abs() for i, name in enumerate(names)}
    return {"loss": terms["d_x1"] + terms["d_y1"] + terms["d_x2"] + terms["d_y2"], **terms}


def _smooth_l1(coordinates: Coordinates, settings: LossSettings) -> Terms:
    terms: Terms = {}
    for i, name in enumerate(("s_x1", "s_y1", "s_x2", "s_y2")):
        distance = (coordinates[i] - coordinates[i + 4]).abs()
        # d²/2β up to β and d − β/2 beyond it, as one expression without a branch.
        quadratic = distance.clamp(max=settings.beta)
        terms[name] = quadratic * quadratic * (0.5 / settings.beta) + (distance - quadratic)
    return {"loss": terms["s_x1"] + terms["s_y1"] + terms["s_x2"] + terms["s_y2"], **terms}


def _iou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    overlap = overlap_of(*coordinates)
    iou = overlap.intersection / (overlap.union + settings.eps)
    return {"loss": 1 - iou, "iou": iou, "intersection": overlap.intersection, "union": overlap.union}


def _giou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    overlap = overlap_of(*coordinates)
    iou = overlap.intersection / (overlap.union + settings.eps)
    enclosing_area = overlap.enclosing_width * overlap.enclosing_height
    loss = 1 - iou + (enclosing_area - overlap.union) / (enclosing_area + settings.eps)
    return {"loss": loss, "iou": iou, "union": overlap.union, "enclosing_area": enclosing_area}


def _diou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    return _center_distance(coordinates, overlap_of(*coordinates), settings)


def _center_distance(coordinates: Coordinates, overlap: Overlap, settings: LossSettings) -> Terms:
    x1, y1, x2, y2, tx1, ty1, tx2, ty2 = coordinates
    iou = overlap.intersection / (overlap.union + settings.eps)
    delta_x = (x1 + x2 - tx1 - tx2) / 2
    delta_y = (y1 + y2 - ty1 - ty2) / 2
    distance_squared = delta_x * delta_x + delta_y * delta_y
    diagonal_squared = (
        overlap.enclosing_width * overlap.enclosing_width + overlap.enclosing_height * overlap.enclosing_height
    )
    loss = 1 - iou + distance_squared / (diagonal_squared + settings.eps)
    return {"loss": loss, "iou": iou, "distance_squared": distance_squared, "diagonal_squared": diagonal_squared}


def _ciou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    overlap = overlap_of(*coordinates)
    terms = _center_distance(coordinates, overlap, settings)
    angle = torch.atan(overlap.target_width / overlap.target_height) - torch.atan(overlap.width / overlap.height)
    v = angle * angle * (4 / math.pi**2)
    if settings.alpha_gradient:
        alpha = v / (1 - terms["iou"] + v + settings.eps)
    else:
        constant = v.detach()
        alpha = constant / (1 - terms["iou"].detach() + constant + settings.eps)
    if settings.alpha_gate:
        alpha = torch.where(terms["iou"] < 0.5, torch.zeros_like(alpha), alpha)
    return {**terms, "loss": terms["loss"] + alpha * v, "alpha": alpha, "v": v}


def _eiou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    overlap = overlap_of(*coordinates)
    terms = _center_distance(coordinates, overlap, settings)
    width_gap = overlap.width - overlap.target_width
    height_gap = overlap.height - overlap.target_height
    width_term = width_gap * width_gap / (overlap.enclosing_width * overlap.enclosing_width + settings.eps)
    height_term = height_gap * height_gap / (overlap.enclosing_height * overlap.enclosing_height + settings.eps)
    return {
        **terms,
        "loss": terms["loss"] + width_term + height_term,
        "width_term": width_term,
        "height_term": height_term,
    }


def _siou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    x1, y1, x2, y2, tx1, ty1, tx2, ty2 = coordinates
    overlap = overlap_of(*coordinates)
    iou = overlap.intersection / (overlap.union + settings.eps)
    delta_x = (x1 + x2 - tx1 - tx2) / 2
    delta_y = (y1 + y2 - ty1 - ty2) / 2
    square_x, square_y = delta_x * delta_x, delta_y * delta_y
    # sin 2θ = 2 sin θ cos θ is the same for θ and 90° − θ: the paper's two cases are one, and equal centers no 0/0.
    angle_cost = 2 * (delta_x * delta_y).abs() / (square_x + square_y + settings.eps)
    gamma = angle_cost - 2
    distance_x = torch.exp(gamma * square_x / (overlap.enclosing_width * overlap.enclosing_width + settings.eps))
    distance_y = torch.exp(gamma * square_y / (overlap.enclosing_height * overlap.enclosing_height + settings.eps))
    distance_cost = 2 - distance_x - distance_y
    shape_x = _shape_gap(overlap.width, overlap.target_width, settings.eps)
    shape_y = _shape_gap(overlap.height, overlap.target_height, settings.eps)
    shape_cost = shape_x + shape_y
    return {
        "loss": 1 - iou + (distance_cost + shape_cost) / 2,
        "iou": iou,
        "angle_cost": angle_cost,
        "distance_cost": distance_cost,
        "shape_cost": shape_cost,
    }


def _shape_gap(length: Tensor, target_length: Tensor, eps: float) -> Tensor:
    ratio = (length - target_length).abs() / (torch.maximum(length, target_length) + eps)
    gap = 1 - torch.exp(-ratio)
    square = gap * gap
    return square * square


def _alpha_iou(coordinates: Coordinates, settings: LossSettings) -> Terms:
    overlap = overlap_of(*coordinates)
    iou = overlap.intersection / (overlap.union + settings.eps)
    return {"loss": 1 - iou**settings.power, "iou": iou, "power": torch.full_like(iou, settings.power)}


_FUNCTIONS: dict[str, Callable[[Coordinates, LossSettings], Terms]] = {
    "l1": _l1,
    "smooth_l1": _smooth_l1,
    "iou": _iou,
    "giou": _giou,
    "diou": _diou,
    "ciou": _ciou,
    "eiou": _eiou,
    "siou": _siou,
    "alpha_iou": _alpha_iou,
}


def loss_terms(kind: str, coordinates: Coordinates, settings: LossSettings = DEFAULTS) -> Terms:
    """The loss and what it is made of, elementwise.

    Args:
        kind: one of ``KINDS``.
        coordinates: x1, y1, x2, y2 of the predicted boxes, then of the targets; tensors of one shape, in pixels.
        settings: conventions.

    Returns:
        Tensors by name, first ``"loss"``, then the fields of the loss's formula (see ``LOSSES``).

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in _FUNCTIONS:
        raise ValueError(f"unknown loss {kind!r}; choose one of {', '.join(KINDS)}")
    terms = _FUNCTIONS[kind](coordinates, settings)
    return {"loss": terms.pop("loss"), **terms}


def box_loss(
    kind: str,
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    targets: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    *,
    settings: LossSettings = DEFAULTS,
) -> Float[Tensor, " N"]:
    """The regression loss of each predicted box against its target; differentiable, not reduced.

    Equal to ``torchvision.ops``' ``generalized_box_iou_loss``, ``distance_box_iou_loss`` and
    ``complete_box_iou_loss`` in value and gradient. ``l1`` and ``smooth_l1`` are sums over the four coordinates.
    ``iou`` is 1 − IoU (the UnitBox paper takes −ln IoU), ``alpha_iou`` is 1 − IoU^α without a penalty term. ``siou``
    follows the paper's sign of the distance cost and uses sin 2θ = 2 sin θ cos θ in place of arcsin, so that equal
    centers need no special case.

    Half precision and integers are computed in float32, as torchvision does.

    Degenerate boxes are not hidden: ``ciou`` of a box without height is finite, but its gradient is NaN
    (see ``explain_not_finite``).

    Args:
        kind: one of ``KINDS``.
        boxes: predicted, xyxy, pixels.
        targets: xyxy, pixels; box i is compared with target i.
        settings: conventions; torchvision's by default.

    Returns:
        The loss of each pair, ≥ 0 for boxes that are not inverted.

    Raises:
        ValueError: there is no such kind, or the shapes are not both [N, 4].
        BoxError: boxes or targets are no table of four columns of numbers; it is a ``ValueError`` too.

    Reference:
        Zheng et al., Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression, AAAI 2020,
        arXiv 1911.08287 (DIoU, CIoU). The other papers stand in ``LOSSES``.
    """
    boxes, targets = as_boxes(boxes), as_boxes(targets)
    if boxes.shape != targets.shape:
        raise ValueError(f"boxes and targets must both be [N, 4]: {list(boxes.shape)} and {list(targets.shape)}")
    # Contiguous columns: each of the twenty operations then reads memory in a row instead of every fourth number.
    coordinates = (*boxes.t().contiguous().unbind(0), *targets.t().contiguous().unbind(0))
    return loss_terms(kind, coordinates, settings)["loss"]


def as_box(box: Sequence[float] | Tensor) -> Float[Tensor, "4"]:
    """A box as a tensor of its own, float64: what a page holds are lists of numbers."""
    return torch.as_tensor(box, dtype=torch.float64).detach().reshape(4)


def loss_and_gradient(
    kind: str,
    boxes: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    targets: Real[Tensor, "N 4"] | Real[np.ndarray, "N 4"] | Sequence[Sequence[float]],
    *,
    settings: LossSettings = DEFAULTS,
) -> tuple[Float[Tensor, " N"], Float[Tensor, "N 4"]]:
    """Each pair's loss, and its gradient with respect to the predicted box's x1, y1, x2, y2."""
    leaf = as_boxes(boxes).detach().clone().requires_grad_()
    loss = box_loss(kind, leaf, targets, settings=settings)
    (gradient,) = torch.autograd.grad(loss.sum(), leaf)
    return loss.detach(), gradient
