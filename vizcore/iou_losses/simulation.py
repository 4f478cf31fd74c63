"""The simulation experiment of the DIoU paper as one batched computation, with two gradients to choose from.

Anchors lie around seven targets of area 1 at (10, 10): centers uniform in a disc of radius 3, seven scales and seven
aspect ratios each, 343 cases per center. Every anchor takes 200 steps x ← x − η (2 − IoU) ∇x in (center x, center y,
width, height), with η = 0.1, after 160 steps 0.01 and after 180 steps 0.001.

The paper's figure was made with derivatives written by hand ("official" below, the state of commit be00841 of
Zzh-tju/DIoU). They are not the gradients of the losses. Where boxes are disjoint, the union is computed with the
product of two lengths of which one or both are negative; width and height get twice their share; and in the distance
term of DIoU and CIoU the enclosing diagonal's derivative has the wrong sign for the center, mixes up horizontal and
vertical, and points the wrong way where the prediction encloses the target. "exact" is what autograd says.

"enclosing" starts are ours: predictions that contain their target off-center, the case in which DIoU's claim holds.

Reference:
    Zheng et al., Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression, AAAI 2020,
    arXiv 1911.08287.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vizcore.iou_losses.descent import cxcywh_gradient, learning_rates
from vizcore.iou_losses.losses import loss_and_gradient

SIMULATED_KINDS = ("iou", "giou", "diou", "ciou")
GRADIENTS = ("exact", "official")
STARTS = ("disc", "enclosing")
CENTER = (10.0, 10.0)
RADIUS = 3.0
SCALES = (0.5, 0.67, 0.75, 1.0, 1.33, 1.5, 2.0)
"""Area of the anchor over the target's area."""
ASPECT_RATIOS = (0.25, 1 / 3, 0.5, 1.0, 2.0, 3.0, 4.0)
"""Width over height, of anchors and of targets."""
ENCLOSING_FACTORS = (1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0)
"""Width over the target's width, and height over its height, of the enclosing anchors."""
NUM_STEPS = 200
ASSETS = Path(str(resources.files("vizcore") / "assets" / "simulations"))


@dataclass(frozen=True, eq=False)
class RegressionSimulation:
    """How well each loss brought the anchors to their targets.

    Attributes:
        kinds: the losses, K of them.
        gradient: "exact" or "official".
        seed: of the centers.
        num_boxes: how many anchors took part.
        starts: "disc" or "enclosing".
        num_disjoint: how many of them did not overlap their target at the start.
        mean_error: ``[K, S + 1]`` mean over the anchors of |Δcx| + |Δcy| + |Δw| + |Δh|; the targets have area 1.
        share_above_half: ``[K, S + 1]`` share of anchors with IoU > 0.5.
        share_above_nine_tenths: ``[K, S + 1]`` share of anchors with IoU > 0.9.
        centers: ``[P, 2]`` where the anchors of one center started.
        final_error: ``[K, P]`` mean error after the last step, by center.
        summed_error: ``[K]`` error summed over the S steps, mean over all anchors.
        disjoint_summed_error: ``[K]`` the same over the anchors that began disjoint; NaN if none did.
    """

    kinds: tuple[str, ...]
    gradient: str
    seed: int
    starts: str
    num_boxes: int
    num_disjoint: int
    mean_error: np.ndarray
    share_above_half: np.ndarray
    share_above_nine_tenths: np.ndarray
    centers: np.ndarray
    final_error: np.ndarray
    summed_error: np.ndarray
    disjoint_summed_error: np.ndarray


def simulation_cases(
    num_centers: int,
    *,
    starts: str = "disc",
    seed: int = 0,
) -> tuple[Float[Tensor, "N 4"], Float[Tensor, "N 4"], Float[Tensor, "P 2"]]:
    """Anchors and their targets, both cxcywh, 343 in a row for each center; and the centers."""
    generator = torch.Generator().manual_seed(seed)
    radius = torch.rand(num_centers, generator=generator, dtype=torch.float64).sqrt()
    angle = 2 * math.pi * torch.rand(num_centers, generator=generator, dtype=torch.float64)
    disc = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    roots = torch.tensor(ASPECT_RATIOS, dtype=torch.float64).sqrt()
    shapes = torch.stack([roots, 1 / roots], dim=1)  # of area 1
    middle = torch.tensor(CENTER, dtype=torch.float64)
    targets = torch.cat([middle.expand(7, 2), shapes], dim=1)
    grid = (num_centers, 7, 7, 7, 2)  # center, target, then scale and aspect ratio of the anchor
    if starts == "disc":
        scales = torch.tensor(SCALES, dtype=torch.float64).sqrt()
        centers = middle + RADIUS * disc
        sizes = (scales[:, None, None] * shapes)[None, None].expand(grid)
        places = centers[:, None, None, None].expand(grid)
    else:
        factors = torch.tensor(ENCLOSING_FACTORS, dtype=torch.float64)
        factors = torch.stack(torch.meshgrid(factors, factors, indexing="ij"), dim=-1)
        sizes = (shapes[:, None, None] * factors)[None].expand(grid)
        # As far off-center as the point of the disc says, of what room there is without leaving the target uncovered.
        room = (sizes - shapes[:, None, None]) / 2
        places = middle + disc[:, None, None, None] * room
        centers = middle + disc
    anchors = torch.cat([places, sizes], dim=-1)
    targets = targets[None, :, None, None].expand(num_centers, 7, 7, 7, 4)
    return anchors.reshape(-1, 4), targets.reshape(-1, 4), centers


def simulate_regression(
    num_centers: int = 100,
    *,
    kinds: Sequence[str] = SIMULATED_KINDS,
    gradient: str = "exact",
    starts: str = "disc",
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> RegressionSimulation:
    """Runs the simulation on ``343 * num_centers`` anchors; the paper uses 5,000 centers, 1,715,000 anchors.

    Args:
        num_centers: P.
        kinds: losses; with the official derivative some of ``SIMULATED_KINDS``.
        gradient: "exact" or "official".
        starts: "disc" (the paper's) or "enclosing".
        seed: of the centers.
        on_progress: called with the share done, about a hundred times; to cancel, raise from it.

    Raises:
        ValueError: an argument is out of range.
    """
    if gradient not in GRADIENTS:
        raise ValueError(f"gradient must be one of {GRADIENTS}: {gradient!r}")
    if starts not in STARTS:
        raise ValueError(f"starts must be one of {STARTS}: {starts!r}")
    if num_centers < 1:
        raise ValueError(f"num_centers must be at least 1: {num_centers}")
    anchors, targets, centers = simulation_cases(num_centers, starts=starts, seed=seed)
    chunks = list(zip(anchors.split(343 * 100), targets.split(343 * 100), strict=True))
    rates = learning_rates("paper", 0.1, NUM_STEPS)
    totals = torch.zeros(3, len(kinds), NUM_STEPS + 1, dtype=torch.float64)
    disjoint = torch.zeros(len(kinds), dtype=torch.float64)
    num_disjoint = 0
    final_error = []
    for index, kind in enumerate(kinds):
        kind_final = []
        for number, (start, goal) in enumerate(chunks):
            place, summed = start, torch.zeros(len(start), dtype=torch.float64)
            for step in range(NUM_STEPS + 1):
                ascent, iou, overlaps = ascent_direction(kind, place, goal, gradient=gradient)
                error = (place - goal).abs().sum(1)
                totals[0, index, step] += error.sum()
                totals[1, index, step] += (iou > 0.5).sum()
                totals[2, index, step] += (iou > 0.9).sum()
                summed += error if step else 0
                if step == 0:
                    apart = ~overlaps
                    num_disjoint += int(apart.sum()) if index == 0 else 0
                if step < NUM_STEPS:
                    place = place + (rates[step] * (2 - iou))[:, None] * ascent
                if on_progress is not None and step % 20 == 0:
                    done = index * len(chunks) + number + step / NUM_STEPS
                    on_progress(done / (len(kinds) * len(chunks)))
            disjoint[index] += summed[apart].sum()
            kind_final.append(error.reshape(-1, 343).mean(1))
        final_error.append(torch.cat(kind_final))
    mean_error, above_half, above_nine_tenths = (totals / len(anchors)).numpy()
    return RegressionSimulation(
        kinds=tuple(kinds),
        gradient=gradient,
        seed=seed,
        starts=starts,
        num_boxes=len(anchors),
        num_disjoint=num_disjoint,
        mean_error=mean_error,
        share_above_half=above_half,
        share_above_nine_tenths=above_nine_tenths,
        centers=centers.numpy(),
        final_error=torch.stack(final_error).numpy(),
        summed_error=mean_error[:, 1:].sum(1),
        disjoint_summed_error=(disjoint / num_disjoint if num_disjoint else disjoint * math.nan).numpy(),
    )


def simulation_path(gradient: str) -> Path:
    """Where the stored full run (5,000 centers, seed 0) with this gradient lies."""
    return ASSETS / f"diou_simulation_{gradient}.npz"


def save_simulation(result: RegressionSimulation, path: Path) -> None:
    """Stores a result; curves in float32, which is finer than any screen."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    arrays: dict[str, Any] = {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else np.asarray(value)
        for name, value in values.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def load_simulation(path: Path) -> RegressionSimulation:
    """Reads what ``save_simulation`` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        values = {name: stored[name] for name in stored.files}
    plain = {name: value.item() if value.ndim == 0 else value for name, value in values.items()}
    return RegressionSimulation(**{**plain, "kinds": tuple(str(kind) for kind in values["kinds"])})


def ascent_direction(
    kind: str,
    boxes_cxcywh: Float[Tensor, "N 4"],
    targets_cxcywh: Float[Tensor, "N 4"],
    *,
    gradient: str,
) -> tuple[Float[Tensor, "N 4"], Float[Tensor, " N"], Bool[Tensor, " N"]]:
    """The direction that one step of the simulation adds (before η and 2 − IoU), in cxcywh; the IoU; who overlaps."""
    pair = _Pair.of(boxes_cxcywh, targets_cxcywh)
    if gradient == "official":
        return _official_ascent(kind, pair).t(), pair.iou, pair.overlaps
    _, slope = loss_and_gradient(kind, pair.boxes.t(), pair.targets.t())
    return -cxcywh_gradient(slope), pair.iou, pair.overlaps


@dataclass(frozen=True, eq=False)
class _Pair:
    """Boxes and targets, axis first: ``[2, N]`` holds the horizontal and the vertical number of every pair."""

    boxes: Tensor  # [4, N] xyxy
    targets: Tensor
    gap: Tensor  # target center − center
    size: Tensor
    target_size: Tensor
    shared: Tensor  # lengths of the intersection, negative where the pair is apart on that axis
    enclosing: Tensor
    product: Tensor  # [N] "intersection" without the clamp
    union: Tensor  # [N] with that product subtracted
    overlaps: Tensor  # [N]
    iou: Tensor  # [N]

    @classmethod
    def of(cls, boxes_cxcywh: Tensor, targets_cxcywh: Tensor) -> _Pair:
        center, size = boxes_cxcywh.t().contiguous().chunk(2)
        target_center, target_size = targets_cxcywh.t().contiguous().chunk(2)
        low, high = center - size / 2, center + size / 2
        target_low, target_high = target_center - target_size / 2, target_center + target_size / 2
        shared = torch.minimum(high, target_high) - torch.maximum(low, target_low)
        enclosing = torch.maximum(high, target_high) - torch.minimum(low, target_low)
        product = shared[0] * shared[1]
        union = size[0] * size[1] + target_size[0] * target_size[1] - product
        overlaps = (shared[0] > 0) & (shared[1] > 0)
        return cls(
            boxes=torch.cat([low, high]),
            targets=torch.cat([target_low, target_high]),
            gap=target_center - center,
            size=size,
            target_size=target_size,
            shared=shared,
            enclosing=enclosing,
            product=product,
            union=union,
            overlaps=overlaps,
            iou=torch.where(overlaps, product / union, 0.0),
        )


def _official_ascent(kind: str, pair: _Pair) -> Float[Tensor, "4 N"]:
    """What the published scripts add per step; see the module's text for how it departs from the gradient."""
    (low, high), (target_low, target_high) = pair.boxes.chunk(2), pair.targets.chunk(2)
    across = pair.size.flip(0)  # the other axis' length: ∂area/∂edge
    shared_across = pair.shared.flip(0)
    shared_low = torch.where(low > target_low, -shared_across, 0.0)
    shared_high = torch.where(high < target_high, shared_across, 0.0)
    union_low, union_high = -across - shared_low, across - shared_high
    union, product = pair.union, pair.product

    counted = pair.overlaps & (union > 0)
    iou_low = torch.where(counted, (union * shared_low - product * union_low) / union**2, 0.0)
    iou_high = torch.where(counted, (union * shared_high - product * union_high) / union**2, 0.0)
    swap = low >= high  # an inverted box gets its two edges' derivatives exchanged
    iou_low, iou_high = torch.where(swap, iou_high, iou_low), torch.where(swap, iou_low, iou_high)
    if kind == "iou":
        return _official_cxcywh(iou_low, iou_high)

    if kind == "giou":
        area = pair.enclosing[0] * pair.enclosing[1]
        enclosing_across = pair.enclosing.flip(0)
        area_low = torch.where(low < target_low, -enclosing_across, 0.0)
        area_high = torch.where(high > target_high, enclosing_across, 0.0)
        return _official_cxcywh(
            iou_low + (area * union_low - union * area_low) / area**2,
            iou_high + (area * union_high - union * area_high) / area**2,
        )

    outside_low, outside_high = (low < target_low).to(low), (high > target_high).to(low)
    by_center = outside_high - outside_low
    by_size = (outside_high + outside_low) / 2
    # Where the prediction sticks out on both sides, its own axis' term is set to −1, the copy on the other axis is not.
    by_size_own = torch.where((outside_high * outside_low) > 0, -1.0, by_size)
    enclosing = pair.enclosing
    diagonal_center = 2 * (enclosing[0] + enclosing[1]) * by_center
    diagonal_size = 2 * enclosing * by_size_own + 2 * enclosing.flip(0) * by_size
    distance = pair.gap[0] ** 2 + pair.gap[1] ** 2
    diagonal = enclosing[0] ** 2 + enclosing[1] ** 2
    center_term = (2 * pair.gap * diagonal - diagonal_center * distance) / diagonal**2
    size_term = diagonal_size * distance / diagonal**2
    if kind == "ciou":
        (width, height), (target_width, target_height) = pair.size, pair.target_size
        angle = torch.atan(target_width / target_height) - torch.atan(width / height)
        v = 4 / math.pi**2 * angle**2
        alpha = v / (1 - pair.iou + v + 1e-7)
        # Without the factor 1 / (w² + h²) of the derivative.
        turn = alpha * 8 / math.pi**2 * angle
        size_term = size_term + torch.stack([turn * height, -turn * width])
    elif kind != "diou":
        raise ValueError(f"the official derivative is known for {SIMULATED_KINDS}, not {kind!r}")
    return _official_cxcywh(iou_low, iou_high) + torch.cat([center_term, size_term])


def _official_cxcywh(low: Tensor, high: Tensor) -> Tensor:
    """From edges to center and size without the half: ∂/∂w should be (high − low) / 2."""
    return torch.cat([low + high, high - low])
