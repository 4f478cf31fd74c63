"""Small drawn shapes that differ in detail: what is left of them at a lower resolution?

A picture is one of six outlines, turned, moved and scaled a little, in random colours before a random, softly textured
ground. Circle, hexagon and octagon, or star and gear, can be told apart only while their corners are resolved.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

SHAPES: Final = ("circle", "hexagon", "square", "triangle", "star", "gear")
SIDE: Final = 48
"""Of a picture, pixels."""
_FINE: Final = 2  # each pixel is the mean of so many by so many


def draw_shapes(count: int, *, seed: int, side: int = SIDE) -> tuple[Float[Tensor, "N 3 S S"], Int64[Tensor, " N"]]:
    """Draws pictures of shapes.

    Args:
        count: of pictures; the classes take turns.
        seed: of everything random.
        side: of a picture, pixels.

    Returns:
        Pictures with values in about [-1, 1], and the index of each in ``SHAPES``.
    """
    generator = torch.Generator().manual_seed(seed)

    def random(*size: int) -> Tensor:
        return torch.rand(*size, generator=generator)

    labels = torch.arange(count) % len(SHAPES)
    fine = side * _FINE
    axis = (torch.arange(fine) + 0.5) / fine * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    middle = (random(count, 2, 1, 1) - 0.5) * 0.2
    dx, dy = x - middle[:, 0], y - middle[:, 1]
    angle = torch.atan2(dy, dx) + 0.8 * (random(count, 1, 1) - 0.5)
    radius = 0.6 + 0.2 * random(count, 1, 1)
    outline = torch.stack([_outline(name, angle) for name in SHAPES])[labels, torch.arange(count)]
    mask = (torch.hypot(dx, dy) < radius * outline).float()[:, None]
    mask = F.avg_pool2d(mask, _FINE)
    colors = 2 * random(count, 2, 3, 1, 1) - 1
    apart = (colors[:, 0] - colors[:, 1]).abs().mean(1, keepdim=True) < 0.35
    colors[:, 0] = torch.where(
        apart, torch.where(colors[:, 1] > 0, colors[:, 1] - 0.9, colors[:, 1] + 0.9), colors[:, 0]
    )
    coarse = torch.randn(count, 3, 6, 6, generator=generator)
    texture = 0.12 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    noise = 0.05 * torch.randn(count, 3, side, side, generator=generator)
    pictures = mask * colors[:, 0] + (1 - mask) * colors[:, 1] + texture + noise
    return pictures.clamp(-1.5, 1.5), labels


def lower(pictures: Float[Tensor, "N C S S"], factor: int) -> Float[Tensor, "N C s s"]:
    """Pictures at a fraction of their size: means of ``factor`` × ``factor`` pixels."""
    return F.avg_pool2d(pictures, factor)


def lowered(pictures: Float[Tensor, "N C S S"], factor: int) -> Float[Tensor, "N C S S"]:
    """Pictures made smaller and enlarged again, bilinearly, to the size that they had: what SNIP's CNN-B is shown."""
    if factor == 1:
        return pictures
    small = lower(pictures, factor)
    return F.interpolate(small, size=pictures.shape[-2:], mode="bilinear", align_corners=False)


def _outline(name: str, angle: Tensor) -> Tensor:
    """Distance of the outline from the middle in each direction; 1 at its farthest."""
    if name == "circle":
        return torch.full_like(angle, 0.9)
    if name == "star":
        return 0.72 + 0.28 * torch.cos(5 * angle)
    if name == "gear":
        return 0.84 + 0.16 * torch.cos(11 * angle)
    corners = {"hexagon": 6, "square": 4, "triangle": 3}[name]
    step = 2 * math.pi / corners
    return math.cos(math.pi / corners) / torch.cos(angle % step - math.pi / corners)
