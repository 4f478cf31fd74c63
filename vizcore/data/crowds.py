"""Generated detector candidates with known ground truth: crowds, ties, chains, and scores that lie about placement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Crowd:
    """Candidates before any suppression, and the objects they are about.

    Attributes:
        size: ``(height, width)`` of the picture, pixels.
        boxes: ``[N, 4]`` float32, xyxy, pixels.
        scores: ``[N]`` float32 in [0, 1].
        labels: ``[N]`` class of each candidate, from 0.
        targets: ``[M, 4]`` float32, the true objects, xyxy, pixels; M = 0 if there is no ground truth.
        target_labels: ``[M]`` class of each object.
        label_names: the classes.
        num_images: how many pictures the candidates are spread over.
        images: ``[N]`` picture of each candidate, from 0.
        target_images: ``[M]`` picture of each object.
    """

    size: tuple[int, int]
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    target_labels: np.ndarray
    label_names: tuple[str, ...]
    num_images: int
    images: np.ndarray
    target_images: np.ndarray


def make_crowd(name: str, *, seed: int = 0) -> Crowd:
    """Makes one of the named crowds.

    Args:
        name: one of ``CROWDS``.
        seed: of everything drawn at random; ``ties`` and ``chain`` draw nothing.

    Returns:
        The crowd.

    Raises:
        ValueError: no crowd of that name.
    """
    if name not in CROWDS:
        raise ValueError(f"No crowd is called {name}; there are {', '.join(CROWDS)}.")
    return CROWDS[name](torch.Generator().manual_seed(seed))


def _crowd(generator: torch.Generator) -> Crowd:
    """Two people stand so close that their true boxes overlap by more than a half: hard NMS at 0.5 must lose one."""
    targets = torch.tensor(
        [
            [90.0, 70.0, 190.0, 310.0],
            [108.0, 76.0, 208.0, 316.0],
            [300.0, 60.0, 396.0, 300.0],
            [470.0, 96.0, 560.0, 320.0],
        ]
    )
    boxes, scores = [], []
    for target, best in zip(targets, (0.95, 0.88, 0.92, 0.85), strict=True):
        near, falls = _jitter(target, 7, 0.05, generator)
        boxes += [target + torch.randn(4, generator=generator) * 1.5, *near]
        scores += [best, *(best * fall for fall in falls.tolist())]
    background, low = _background(8, (360, 640), generator)
    return _pack(
        (360, 640), torch.cat([torch.stack(boxes), background]), [*scores, *low], targets=targets, names=("person",)
    )


def _two_classes(generator: torch.Generator) -> Crowd:
    """A rider on a horse: two true objects of two classes on one spot, which class-blind NMS cannot both keep."""
    targets = torch.tensor([[180.0, 60.0, 330.0, 300.0], [160.0, 76.0, 350.0, 330.0]])
    boxes, scores, labels = [], [], []
    for label, (target, best) in enumerate(zip(targets, (0.93, 0.9), strict=True)):
        near, falls = _jitter(target, 6, 0.08, generator)
        boxes += [target, *near]
        scores += [best, *(best * fall for fall in falls.tolist())]
        labels += [label] * 7
    return _pack(
        (360, 520),
        torch.stack(boxes),
        scores,
        labels=labels,
        targets=targets,
        target_labels=[0, 1],
        names=("person", "horse"),
    )


def _ties(generator: torch.Generator) -> Crowd:
    """Equal scores, and overlaps of exactly one half: what survives depends on the conventions alone."""
    boxes = torch.tensor(
        [
            [40.0, 60.0, 160.0, 180.0],
            [80.0, 60.0, 200.0, 180.0],  # 80 · 120 shared of 160 · 120: IoU exactly 1/2 with the first
            [120.0, 60.0, 240.0, 180.0],  # 1/2 with the second, 1/5 with the first
            [300.0, 60.0, 400.0, 160.0],
            [300.0, 60.0, 400.0, 160.0],  # the same box again, with the same score
            [300.0, 110.0, 400.0, 160.0],  # lower half: IoU exactly 1/2 with the two before
        ]
    )
    return _pack((240, 460), boxes, [0.75, 0.75, 0.75, 0.5, 0.5, 0.5], targets=boxes[[0, 2, 3]])


def _chain(generator: torch.Generator) -> Crowd:
    """A suppresses B; B would have suppressed C, but it is gone by then, so C survives (Fast NMS would lose it)."""
    boxes = torch.tensor([[60.0, 80.0, 220.0, 240.0], [110.0, 80.0, 270.0, 240.0], [160.0, 80.0, 320.0, 240.0]])
    return _pack((320, 400), boxes, [0.9, 0.8, 0.7], targets=boxes[[0, 2]])


def _random(generator: torch.Generator) -> Crowd:
    """Two thousand boxes of no meaning: how fast is it, and how much is left?"""
    corners = torch.rand(2000, 2, generator=generator) * torch.tensor([880.0, 480.0])
    sides = 30 + torch.rand(2000, 2, generator=generator) * 90
    boxes = torch.cat([corners, corners + sides], dim=1)
    return _pack((600, 1000), boxes, torch.rand(2000, generator=generator).tolist())


CROWDS: dict[str, Callable[[torch.Generator], Crowd]] = {
    "crowd": _crowd,
    "two_classes": _two_classes,
    "ties": _ties,
    "chain": _chain,
    "random": _random,
}


@dataclass(frozen=True, eq=False)
class RankedCrowd:
    """Candidates with every signal that a detector could rank them by.

    Attributes:
        crowd: the candidates; ``crowd.scores`` are the classification scores.
        centerness: ``[N]`` in [0, 1], of the cell that made the candidate (FCOS).
        predicted_iou: ``[N]`` in [0, 1], a noisy estimate of ``true_iou``.
        true_iou: ``[N]`` in [0, 1], IoU with the best object of its class; 0 on the background.
    """

    crowd: Crowd
    centerness: np.ndarray
    predicted_iou: np.ndarray
    true_iou: np.ndarray


def make_ranked_crowd(
    *,
    misalignment: float = 0.7,
    predicted_iou_noise: float = 0.1,
    num_images: int = 24,
    objects_per_image: int = 4,
    candidates_per_object: int = 14,
    seed: int = 0,
) -> RankedCrowd:
    """Draws candidates whose classification score knows more or less of how well they are placed.

    Every candidate comes from a cell inside its object and is misplaced at random, a little more the further the
    cell lies from the centre. Its score is a mix of its true IoU and of a draw that knows nothing of it.

    Args:
        misalignment: in [0, 1]; 0: the score is a function of the IoU, 1: it knows nothing of it.
        predicted_iou_noise: standard deviation of the error of the predicted IoU.
        num_images: pictures, at least 1.
        objects_per_image: at most 6, at least 1.
        candidates_per_object: at least 1.
        seed: of every draw; the boxes do not depend on ``misalignment``, so that moving it re-ranks the same boxes.

    Returns:
        The candidates with their signals.

    Raises:
        ValueError: a number outside its range.

    Reference:
        Zhang et al., VarifocalNet: An IoU-aware Dense Object Detector, CVPR 2021, arXiv 2008.13367 (section 3, the
        study of what a detector would gain from each true signal; theirs is on COCO, this one on generated boxes).
    """
    if not 0 <= misalignment <= 1:
        raise ValueError(f"misalignment must lie in [0, 1]; got {misalignment}.")
    if predicted_iou_noise < 0 or num_images < 1 or not 1 <= objects_per_image <= 6 or candidates_per_object < 1:
        raise ValueError(
            "predicted_iou_noise must not be negative, and counts must be at least 1 (objects: at most 6)."
        )
    generator = torch.Generator().manual_seed(seed)
    height, width = 480, 640
    cells = torch.stack([torch.randperm(6, generator=generator)[:objects_per_image] for _ in range(num_images)])
    sides = 70 + 110 * torch.rand(num_images, objects_per_image, 2, generator=generator)
    centres = torch.stack([(cells % 3) * 210.0 + 110, (cells // 3) * 220.0 + 120], dim=-1)
    centres = centres + 30 * (torch.rand(centres.shape, generator=generator) - 0.5)
    targets = torch.cat([centres - sides / 2, centres + sides / 2], dim=-1).reshape(-1, 4)
    target_images = torch.arange(num_images).repeat_interleave(objects_per_image)
    target_labels = torch.randint(0, 3, (len(targets),), generator=generator)

    number = len(targets) * candidates_per_object
    owner = torch.arange(len(targets)).repeat_interleave(candidates_per_object)
    at = torch.rand(number, 2, generator=generator) * 0.9 + 0.05  # the cell, as a share of its object
    left_right, top_bottom = torch.stack([at, 1 - at], dim=-1).unbind(1)
    centerness = torch.sqrt(left_right.amin(1) / left_right.amax(1) * (top_bottom.amin(1) / top_bottom.amax(1)))
    spread = (0.005 + 0.05 * torch.rand(number, generator=generator) + 0.14 * (1 - centerness)).unsqueeze(1)
    owner_sides = (targets[owner, 2:] - targets[owner, :2]).repeat(1, 2)
    boxes = targets[owner] + spread * owner_sides * torch.randn(number, 4, generator=generator)
    boxes = torch.cat([torch.minimum(boxes[:, :2], boxes[:, 2:] - 1), boxes[:, 2:]], dim=1)
    true_iou = _paired_iou(boxes, targets[owner])
    background, _ = _background(num_images * 10, (height, width), generator)
    blind = torch.rand(number + len(background), generator=generator)
    noise = torch.randn(number + len(background), generator=generator)

    boxes = torch.cat([boxes, background])
    images = torch.cat([target_images[owner], torch.arange(num_images).repeat_interleave(10)])
    labels = torch.cat([target_labels[owner], torch.randint(0, 3, (len(background),), generator=generator)])
    same = (images.unsqueeze(1) == target_images) & (labels.unsqueeze(1) == target_labels)
    true_iou = torch.where(same, _iou_table(boxes, targets), 0.0).amax(1)
    on_object = torch.arange(len(boxes)) < number
    score = (1 - misalignment) * true_iou + misalignment * blind
    # the classifier is good at telling object from background; the misalignment is about *where*, not about *what*
    score = torch.where(on_object, 0.3 + 0.7 * score, 0.35 * blind)
    centerness = torch.cat([centerness, torch.rand(len(background), generator=generator)])
    predicted_iou = (true_iou + predicted_iou_noise * noise).clamp(0, 1)
    crowd = Crowd(
        size=(height, width),
        boxes=boxes.numpy(),
        scores=score.numpy(),
        labels=labels.numpy(),
        targets=targets.numpy(),
        target_labels=target_labels.numpy(),
        label_names=("circle", "square", "star"),
        num_images=num_images,
        images=images.numpy(),
        target_images=target_images.numpy(),
    )
    return RankedCrowd(crowd, centerness.numpy(), predicted_iou.numpy(), true_iou.numpy())


def _jitter(target: Tensor, number: int, spread: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Misplaces copies of a box, and says how much each one's score falls for it."""
    sides = (target[2:] - target[:2]).repeat(2)
    boxes = target + spread * sides * torch.randn(number, 4, generator=generator).clamp(-1.6, 1.6)
    iou = _paired_iou(boxes, target.expand(number, 4))
    return boxes, (0.35 + 0.6 * iou) * (0.9 + 0.1 * torch.rand(number, generator=generator))


def _background(number: int, size: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, list[float]]:
    sides = 30 + 70 * torch.rand(number, 2, generator=generator)
    corners = torch.rand(number, 2, generator=generator) * (torch.tensor([size[1], size[0]]) - sides)
    return torch.cat([corners, corners + sides], dim=1), (
        0.05 + 0.25 * torch.rand(number, generator=generator)
    ).tolist()


def _paired_iou(boxes: Tensor, targets: Tensor) -> Tensor:
    shared = (torch.minimum(boxes[:, 2:], targets[:, 2:]) - torch.maximum(boxes[:, :2], targets[:, :2])).clamp(min=0)
    intersection = shared.prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (targets[:, 2:] - targets[:, :2]).prod(1)
    return intersection / (areas - intersection)


def _iou_table(boxes: Tensor, targets: Tensor) -> Tensor:
    number = len(targets)
    return _paired_iou(boxes.repeat_interleave(number, 0), targets.repeat(len(boxes), 1)).reshape(len(boxes), number)


def _pack(
    size: tuple[int, int],
    boxes: Tensor,
    scores: list[float],
    *,
    labels: list[int] | None = None,
    targets: Tensor | None = None,
    target_labels: list[int] | None = None,
    names: tuple[str, ...] = ("object",),
) -> Crowd:
    limits = torch.tensor([size[1], size[0], size[1], size[0]], dtype=torch.float32)
    boxes = torch.minimum(boxes.float().clamp(min=0), limits)
    targets = torch.zeros(0, 4) if targets is None else targets
    return Crowd(
        size=size,
        boxes=boxes.numpy(),
        scores=np.asarray(scores, dtype=np.float32),
        labels=np.asarray(labels if labels is not None else [0] * len(boxes), dtype=np.int64),
        targets=targets.numpy(),
        target_labels=np.asarray(target_labels if target_labels is not None else [0] * len(targets), dtype=np.int64),
        label_names=names,
        num_images=1,
        images=np.zeros(len(boxes), dtype=np.int64),
        target_images=np.zeros(len(targets), dtype=np.int64),
    )
