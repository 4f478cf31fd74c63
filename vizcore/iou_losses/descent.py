"""A race: one predicted box per loss, all from the same start, each going down its own gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.ops import box_convert

from vizcore.boxes import paired_box_iou
from vizcore.iou_losses.losses import as_box, box_loss, loss_and_gradient
from vizcore.iou_losses.settings import DEFAULTS, LossSettings

STEP_RULES = ("gradient", "paper", "momentum", "adam")
SCHEDULES = ("constant", "paper", "cosine")


@dataclass(frozen=True, eq=False)
class DescentTrace:
    """Where each loss led the predicted box.

    Attributes:
        kinds: the losses, K of them.
        target: ``[4]`` xyxy, pixels.
        boxes: ``[K, S + 1, 4]`` xyxy, pixels; the start, then one box per step. NaN after a NaN gradient.
        loss: ``[K, S + 1]`` each by its own loss.
        iou: ``[K, S + 1]`` in [0, 1].
        error: ``[K, S + 1]`` sum of |center x|, |center y|, |width| and |height| differences, in units.
        learning_rate: ``[S]``.
        unit: pixels per unit of length: the square root of the target's area.
    """

    kinds: tuple[str, ...]
    target: np.ndarray
    boxes: np.ndarray
    loss: np.ndarray
    iou: np.ndarray
    error: np.ndarray
    learning_rate: np.ndarray
    unit: float


def learning_rates(schedule: str, base: float, num_steps: int) -> list[float]:
    """The learning rate of every step.

    "paper" divides by ten after 80 % and again after 90 % of the steps (160 and 180 of 200), "cosine" falls to 0 along
    half a cosine, "constant" stays.
    """
    if schedule == "constant":
        return [base] * num_steps
    if schedule == "paper":
        return [base * 10.0 ** -((step >= 0.8 * num_steps) + (step >= 0.9 * num_steps)) for step in range(num_steps)]
    if schedule == "cosine":
        return [base * (1 + math.cos(math.pi * step / num_steps)) / 2 for step in range(num_steps)]
    raise ValueError(f"schedule must be one of {SCHEDULES}: {schedule!r}")


def trace_descent(
    kinds: Sequence[str],
    box: Sequence[float] | Float[Tensor, "4"],
    target: Sequence[float] | Float[Tensor, "4"],
    *,
    num_steps: int = 200,
    learning_rate: float = 0.1,
    step_rule: str = "paper",
    schedule: str = "paper",
    settings: LossSettings = DEFAULTS,
) -> DescentTrace:
    """Descends from one box under several losses and records every step.

    The box moves in (center x, center y, width, height), as in the DIoU paper's simulation, and lengths are measured in
    units of the target's size: the IoU losses are scale invariant, so the same picture results at every scale.

    Args:
        kinds: some of ``KINDS``, each at most once.
        box: the common start, xyxy, pixels.
        target: xyxy, pixels.
        num_steps: S, at least 1.
        learning_rate: of the first step.
        step_rule: "gradient" (plain), "paper" (the gradient times 2 − IoU), "momentum" (0.9) or "adam" (0.9, 0.999).
        schedule: "constant", "paper" or "cosine"; see ``learning_rates``.
        settings: conventions. ``beta`` is in pixels here too.

    Raises:
        ValueError: a name is unknown, or there are no steps.

    Reference:
        Zheng et al., Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression, AAAI 2020,
        arXiv 1911.08287, section "Analysis to IoU and GIoU Losses".
    """
    if step_rule not in STEP_RULES:
        raise ValueError(f"step_rule must be one of {STEP_RULES}: {step_rule!r}")
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1: {num_steps}")
    rates = learning_rates(schedule, learning_rate, num_steps)
    box, target = as_box(box), as_box(target)
    unit = _unit_of(target)
    origin = (target[:2] + target[2:]) / 2
    goal = _relative_cxcywh(target[None], origin, unit)
    goal_xyxy = _xyxy(goal)
    settings = replace(settings, beta=settings.beta / unit)

    boxes, losses, ious, errors = [], [], [], []
    for kind in kinds:
        place = _relative_cxcywh(box[None], origin, unit)
        move = _step_function(step_rule)
        path = [place]
        for rate in rates:
            xyxy = _xyxy(place)
            _, gradient = loss_and_gradient(kind, xyxy, goal_xyxy, settings=settings)
            place = place - rate * move(cxcywh_gradient(gradient), xyxy, goal_xyxy)
            path.append(place)
        track = torch.cat(path)
        track_xyxy, goals = _xyxy(track), goal_xyxy.expand(len(track), 4)
        boxes.append(track_xyxy * unit + origin.repeat(2))
        losses.append(box_loss(kind, track_xyxy, goals, settings=settings))
        ious.append(_finite_iou(track_xyxy, goals))
        errors.append((track - goal).abs().sum(1))
    empty = torch.zeros(0, num_steps + 1, dtype=torch.float64)
    return DescentTrace(
        kinds=tuple(kinds),
        target=target.numpy(),
        boxes=torch.stack(boxes).numpy() if boxes else empty[..., None].expand(0, num_steps + 1, 4).numpy(),
        loss=(torch.stack(losses) if losses else empty).numpy(),
        iou=(torch.stack(ious) if ious else empty).numpy(),
        error=(torch.stack(errors) if errors else empty).numpy(),
        learning_rate=np.array(rates),
        unit=unit,
    )


def cxcywh_gradient(gradient: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    """The chain rule from edges to center and size: x1 = cx − w/2 and x2 = cx + w/2."""
    low, high = gradient[:, :2], gradient[:, 2:]
    return torch.cat([low + high, (high - low) / 2], dim=1)


def _unit_of(target: Float[Tensor, "4"]) -> float:
    width, height = (target[2:] - target[:2]).tolist()
    return math.sqrt(width * height) or max(width, height) or 1.0


def _relative_cxcywh(boxes: Float[Tensor, "N 4"], origin: Float[Tensor, "2"], unit: float) -> Float[Tensor, "N 4"]:
    return (box_convert(boxes, "xyxy", "cxcywh") - torch.cat([origin, torch.zeros_like(origin)])) / unit


def _xyxy(boxes_cxcywh: Float[Tensor, "N 4"]) -> Float[Tensor, "N 4"]:
    return box_convert(boxes_cxcywh, "cxcywh", "xyxy")


def _finite_iou(boxes: Float[Tensor, "N 4"], targets: Float[Tensor, "N 4"]) -> Float[Tensor, " N"]:
    """IoU in [0, 1]; a box that a step turned inside out overlaps nothing."""
    upright = (boxes[:, :2] <= boxes[:, 2:]).all(1)
    return torch.where(upright, paired_box_iou(boxes, targets), 0.0)


def _step_function(step_rule: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A function from gradient and boxes to what the learning rate is multiplied by; it remembers its own past."""
    if step_rule == "gradient":
        return lambda gradient, boxes, targets: gradient
    if step_rule == "paper":
        return lambda gradient, boxes, targets: (2 - _finite_iou(boxes, targets))[:, None] * gradient
    if step_rule == "momentum":
        velocity = torch.zeros(())

        def momentum(gradient: Tensor, boxes: Tensor, targets: Tensor) -> Tensor:
            nonlocal velocity
            velocity = 0.9 * velocity + gradient
            return velocity

        return momentum
    mean, square, count = torch.zeros(()), torch.zeros(()), 0

    def adam(gradient: Tensor, boxes: Tensor, targets: Tensor) -> Tensor:
        nonlocal mean, square, count
        count += 1
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient * gradient
        return mean / (1 - 0.9**count) / ((square / (1 - 0.999**count)).sqrt() + 1e-8)

    return adam
