"""SNet: ShuffleNetV2 made for detection. Every depth-wise kernel is 5 × 5, and the early stages are wider.

A unit splits its channels: one half is left alone, the other is mixed, filtered and mixed again; then the channels are
shuffled, so that the next unit splits them otherwise. A unit with stride 2 sends all channels through both ways; its
short one keeps their number, the other adds what is missing, as in the ShuffleNetV2 authors' own code.

Reference:
    Zheng Qin et al. ThunderNet: Towards Real-time Generic Object Detection on Mobile Devices. ICCV 2019,
    arXiv 1903.11752 (Table 1). Ningning Ma et al. ShuffleNet V2. ECCV 2018, arXiv 1807.11164.

    Ours differs in having no classifier: it is read as a backbone. Of the three ways to shuffle that implementations
    have, ours is torchvision's. SNet146's 162.0 million multiply-adds at 224 pixels are counted, where the name says
    146: the paper's count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops.misc import Conv2dNormActivation

REPEATS: Final = (4, 8, 4)
"""Units in the stages that end at strides 8, 16 and 32."""


@dataclass(frozen=True)
class SNetConfig:
    """One column of the paper's Table 1.

    Attributes:
        stem: channels of the first convolution.
        stages: channels of the three stages.
        last: channels of a 1×1 convolution after them; 0 for none.
        kernel: side of the depth-wise kernels: 5, or ShuffleNetV2's 3.
    """

    stem: int
    stages: tuple[int, int, int]
    last: int = 0
    kernel: int = 5


SNETS: Final[Mapping[str, SNetConfig]] = MappingProxyType(
    {
        "snet49": SNetConfig(24, (60, 120, 240), last=512),
        "snet146": SNetConfig(24, (132, 264, 528)),
        "snet535": SNetConfig(48, (248, 496, 992)),
    }
)
"""The paper's three backbones, named by the million multiply-adds that it counts at 224 pixels."""


class ShuffleUnit(nn.Module):
    """One unit: split, filter one half (with stride 2 both ways), join, shuffle."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        half, self.stride = out_channels // 2, stride
        enters, leaves = (half, half) if stride == 1 else (in_channels, out_channels - in_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                _depthwise(in_channels, kernel, stride),
                Conv2dNormActivation(in_channels, in_channels, 1),
            )
        self.branch = nn.Sequential(
            Conv2dNormActivation(enters, half, 1),
            _depthwise(half, kernel, stride),
            Conv2dNormActivation(half, leaves, 1),
        )

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H2 W2"]:
        """One unit."""
        kept, changed = (x, x) if self.stride > 1 else x.chunk(2, dim=1)
        return shuffle(torch.cat([self.shortcut(kept), self.branch(changed)], dim=1))


class SNet(nn.Module):
    """The backbone."""

    def __init__(self, config: SNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Conv2dNormActivation(3, config.stem, 3, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        stages, channels = [], config.stem
        for width, repeats in zip(config.stages, REPEATS, strict=True):
            units = []
            for place in range(repeats):
                units.append(ShuffleUnit(channels, width, config.kernel, 1 if place else 2))
                channels = width
            stages.append(nn.Sequential(*units))
        self.stages = nn.ModuleList(stages)
        self.last = Conv2dNormActivation(channels, config.last, 1) if config.last else nn.Identity()

    @property
    def channels(self) -> dict[str, int]:
        """Channels of the maps that a detector reads."""
        return {"C4": self.config.stages[1], "C5": self.config.last or self.config.stages[2]}

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> dict[str, Float[Tensor, "N C H2 W2"]]:
        """The maps of strides 8, 16 and 32: ``C3``, ``C4``, ``C5``."""
        maps, x = [], self.pool(self.stem(x))
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return {"C3": maps[0], "C4": maps[1], "C5": self.last(maps[2])}


def snet(name: str, *, kernel: int = 5, seed: int | None = None) -> SNet:
    """An untrained backbone, in eval mode.

    Args:
        name: one of ``SNETS``.
        kernel: side of the depth-wise kernels.
        seed: of weights that keep the size of what flows through (Kaiming); None leaves torch's own.

    Raises:
        ValueError: There is no such backbone.
    """
    if name not in SNETS:
        raise ValueError(f"no backbone is called {name!r}; there are {', '.join(SNETS)}")
    config = SNETS[name]
    network = SNet(SNetConfig(config.stem, config.stages, config.last, kernel))
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    return network.eval()


def shuffle(x: Float[Tensor, "N C H W"], groups: int = 2) -> Float[Tensor, "N C H W"]:
    """Interleaves the channels of the groups: the first of each, then the second of each."""
    count, channels, height, width = x.shape
    return x.view(count, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)


def _depthwise(channels: int, kernel: int, stride: int) -> Conv2dNormActivation:
    """Filters each channel on its own; no activation follows."""
    return Conv2dNormActivation(channels, channels, kernel, stride, groups=channels, activation_layer=None)
