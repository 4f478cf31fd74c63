"""What part of the picture a cell of SNet sees with 3 × 3 and with 5 × 5 kernels: by recursion, and by gradient.

The recursion walks back through the real layers. The gradient is that of an untrained network on noise: the shape of
the field is the architecture's alone, and nothing is claimed about what a trained one attends to.

Reference:
    Zheng Qin et al. ThunderNet. ICCV 2019, arXiv 1903.11752 (section 3.1: larger kernels for a larger receptive
    field, "121 to 193 pixels" for SNet146's last map; ``PAPER_FIELDS``). Wenjie Luo et al. Understanding the Effective
    Receptive Field in Deep Convolutional Neural Networks. NIPS 2016, arXiv 1701.04128.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from torch import nn

from vizcore.models.snet import ShuffleUnit, SNet, snet
from vizcore.thundernet.budget import snet_of
from vizcore.thundernet.errors import ThunderNetError

MAPS: Final = ("C3", "C4", "C5")
STRIDES: Final = MappingProxyType({"C3": 8, "C4": 16, "C5": 32})
INPUT_SIZE: Final = 640
"""Twice the detector's picture, so that its border does not cut the gradient."""
SHARE: Final = 0.95
"""The square that is reported holds so much of the gradient."""
PAPER_FIELDS: Final[Mapping[int, int]] = MappingProxyType({3: 121, 5: 193})
"""By kernel: the pixels that the paper names; the recursion gives others for every map."""


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """How much each pixel moves the middle cell of a map.

    Attributes:
        kernel: side of the depth-wise kernels.
        name: of the map.
        gradient: ``[S, S]`` float32: mean over the inputs of the absolute gradient, summed over colours; 1 at its peak.
        theoretical: side of the square that can reach the cell, pixels.
        side: of the square around the cell that holds ``SHARE`` of the gradient, pixels.
    """

    kernel: int
    name: str
    gradient: np.ndarray
    theoretical: int
    side: int


def theoretical_size(backbone: str, name: str, *, kernel: int = 5) -> int:
    """Side of the square of pixels that can reach a cell, where no border cuts it.

    Args:
        backbone: one of ``vizcore.models.snet.SNETS``; all have the same layers.
        name: ``"C3"``, ``"C4"`` or ``"C5"``.
        kernel: side of the depth-wise kernels.

    Raises:
        ThunderNetError: If there is no such map.
    """
    size, jump = 1, 1
    for kernel_size, stride in _layers(backbone, name, kernel):
        size, jump = size + (kernel_size - 1) * jump, jump * stride
    return size


def effective_field(
    backbone: str,
    name: str,
    *,
    kernel: int = 5,
    input_size: int = INPUT_SIZE,
    num_inputs: int = 2,
    seed: int = 0,
    report: Callable[[float], None] | None = None,
) -> EffectiveField:
    """The gradient of the middle cell with respect to noise, in a network with random weights.

    Args:
        backbone: one of ``vizcore.models.snet.SNETS``.
        name: ``"C3"``, ``"C4"`` or ``"C5"``.
        kernel: side of the depth-wise kernels.
        input_size: side of the square input, pixels: a multiple of 32.
        num_inputs: pictures of noise that are averaged.
        seed: of weights, noise and the gradient that comes from above.
        report: called with the share that is done.

    Raises:
        ThunderNetError: If there is no such map.
    """
    theoretical = theoretical_size(backbone, name, kernel=kernel)
    network, generator = snet(backbone, kernel=kernel, seed=seed), torch.Generator().manual_seed(seed)
    total = torch.zeros(input_size, input_size)
    with torch.inference_mode(False), torch.enable_grad():
        for place in range(num_inputs):
            noise = torch.randn(1, 3, input_size, input_size, generator=generator).requires_grad_()
            maps = _up_to(network, noise, name)
            middle = maps.shape[-1] // 2
            upstream = torch.randn(maps.shape[1], generator=generator)
            (gradient,) = torch.autograd.grad((maps[0, :, middle, middle] * upstream).sum(), noise)
            total += gradient[0].abs().sum(0)
            if report is not None:
                report((place + 1) / num_inputs)
    field = (total / total.max()).numpy()
    center = middle * STRIDES[name] + 0.5  # with symmetric padding, cell 0 has its middle on pixel 0
    return EffectiveField(kernel, name, field, theoretical, _side_holding(field, center))


def _up_to(network: SNet, x: torch.Tensor, name: str) -> torch.Tensor:
    """The map alone, without the stages behind it."""
    x = network.pool(network.stem(x))
    for place in range(MAPS.index(name) + 1):
        x = network.stages[place](x)
    return network.last(x) if name == "C5" else x


def _layers(backbone: str, name: str, kernel: int) -> list[tuple[int, int]]:
    """(kernel, stride) of the layers on the longest way to a map; the shortcuts reach no farther."""
    if name not in MAPS:
        raise ThunderNetError("There is no map {name}; there are {known}.", name=name, known=", ".join(MAPS))
    network = snet_of(backbone, kernel)
    found = [(3, 2), (3, 2)]  # the stem and the pooling after it
    for stage in network.stages[: MAPS.index(name) + 1]:
        for unit in stage.modules():
            if isinstance(unit, ShuffleUnit):
                layers = [layer for layer in unit.branch.modules() if isinstance(layer, nn.Conv2d)]
                found += [(layer.kernel_size[0], layer.stride[0]) for layer in layers]
    return found


def _side_holding(field: np.ndarray, center: float) -> int:
    """Side of the smallest square around the center that holds ``SHARE`` of the gradient, whole pixels."""
    distance = np.abs(np.arange(field.shape[0]) + 0.5 - center)
    rings = np.ceil(np.maximum(distance[:, None], distance[None])).astype(np.int64)
    cumulated = np.cumsum(np.bincount(rings.ravel(), weights=field.ravel().astype(np.float64)))
    return 2 * math.ceil(float(np.searchsorted(cumulated, SHARE * cumulated[-1])))
