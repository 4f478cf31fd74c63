"""CenterNet on EfficientNet-Lite0: every object is one point on one map of stride 4.

The stages are joined top down into a single map. On it one head says for every class how much a cell is the centre of
an object, and others what lies at that point: where in the cell the centre is, how wide and high the object, and how
far it is turned.

Reference:
    Xingyi Zhou, Dequan Wang, Philipp Krähenbühl. Objects as Points. arXiv 1904.07850.

    Ours differs from the paper in its backbone, which stays as ImageNet left it, in joining stages as a feature pyramid
    does instead of by deformable or transposed convolutions, in saying the logarithm of sizes (our objects have 8 to
    200 pixels, and an error of two pixels is not the same to all of them), and in a head for rotation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0
from vizcore.models.fcos import STAGE_CHANNELS
from vizcore.models.weight_files import WEIGHTS_FOLDER, read_network, shipped_file

STRIDE: Final = 4
"""Pixels of the picture per cell of the map."""
MAX_LOG_SIZE: Final = 6.0
POINT_WEIGHTS: Final = WEIGHTS_FOLDER / "points"
"""Where CenterNet and VarifocalNet lie, each beside its card."""


@dataclass(frozen=True)
class CenterNetConfig:
    """What a detector is built from.

    Attributes:
        channels: of the joined map and of the heads.
        num_convs: 3×3 convolutions in each of the two towers.
        num_classes: of objects.
    """

    channels: int = 64
    num_convs: int = 2
    num_classes: int = 6


class CenterNetOutput(NamedTuple):
    """What the heads say about pictures, on maps of stride 4.

    Attributes:
        logits: ``[N, K, H, W]`` of a centre of each class.
        offsets: ``[N, 2, H, W]`` (x, y) of the centre within its cell, in cells.
        log_sizes: ``[N, 2, H, W]`` natural logarithm of (width, height) in cells.
        turns: ``[N, 2, H, W]`` (cosine, sine) of the object's angle times its symmetry, not normalised.
    """

    logits: Tensor
    offsets: Tensor
    log_sizes: Tensor
    turns: Tensor

    @property
    def heatmap(self) -> Tensor:
        """``[N, K, H, W]`` probability of a centre."""
        return self.logits.sigmoid()

    @property
    def sizes(self) -> Tensor:
        """``[N, 2, H, W]`` (width, height) in cells."""
        return self.log_sizes.clamp(max=MAX_LOG_SIZE).exp()


class CenterNetBoxes(NamedTuple):
    """What the heads say at P cells, as in :class:`CenterNetOutput`.

    Attributes:
        offsets: ``[P, 2]`` (x, y) of the centre within its cell, in cells.
        log_sizes: ``[P, 2]`` natural logarithm of (width, height) in cells.
        turns: ``[P, 2]`` (cosine, sine) of the object's angle times its symmetry, not normalised.
    """

    offsets: Tensor
    log_sizes: Tensor
    turns: Tensor

    @property
    def sizes(self) -> Tensor:
        """``[P, 2]`` (width, height) in cells."""
        return self.log_sizes.clamp(max=MAX_LOG_SIZE).exp()


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


class CenterNet(nn.Module):
    """Neck and heads; the backbone is a separate network that is never trained here.

    Attributes:
        config: what it was built from.
    """

    def __init__(self, config: CenterNetConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.laterals = nn.ModuleList(nn.Conv2d(each, channels, 1) for each in STAGE_CHANNELS.values())
        self.joins = nn.ModuleList(_block(channels, channels) for _ in STAGE_CHANNELS)
        self.center_tower = nn.Sequential(*(_block(channels, channels) for _ in range(config.num_convs)))
        self.box_tower = nn.Sequential(*(_block(channels, channels) for _ in range(config.num_convs)))
        self.center_logits = nn.Conv2d(channels, config.num_classes, 1)
        self.offsets = nn.Conv2d(channels, 2, 1)
        self.log_sizes = nn.Conv2d(channels, 2, 1)
        self.turns = nn.Conv2d(channels, 2, 1)
        nn.init.normal_(self.center_logits.weight, std=0.01)
        nn.init.constant_(self.center_logits.bias, -math.log(99))  # type: ignore[arg-type]
        nn.init.constant_(self.offsets.bias, 0.5)  # type: ignore[arg-type]
        nn.init.constant_(self.log_sizes.bias, math.log(10))  # type: ignore[arg-type]

    def join(self, stages: Mapping[str, Tensor]) -> Float[Tensor, "N C H W"]:
        """The map of stride 4, from the coarsest stage down."""
        x: Tensor | None = None
        for name, lateral, join in reversed(list(zip(STAGE_CHANNELS, self.laterals, self.joins, strict=True))):
            y = lateral(stages[name])
            x = join(y if x is None else y + F.interpolate(x, size=y.shape[-2:], mode="nearest"))
        assert x is not None
        return x

    def boxes_at(self, x: Float[Tensor, "1 C H W"], cells: Int64[Tensor, "P 2"]) -> CenterNetBoxes:
        """What the other heads say at a few cells of one picture's joined map, up to rounding.

        A cell needs no more of the map than its neighbourhood of two convolutions; a hundred of them are a thirtieth
        of what the whole map takes.

        Args:
            x: from :meth:`join`.
            cells: (x, y).
        """
        rows = x.permute(0, 2, 3, 1)[0]
        reach = len(self.box_tower)
        steps = torch.arange(-reach, reach + 1)
        down, across = cells[:, 1:] + steps, cells[:, :1] + steps
        inside = ((down >= 0) & (down < len(rows)))[:, :, None] & ((across >= 0) & (across < rows.shape[1]))[:, None]
        held = rows[down.clamp(0, len(rows) - 1)[:, :, None], across.clamp(0, rows.shape[1] - 1)[:, None]]
        y = (held * inside[..., None]).permute(0, 3, 1, 2)
        for block in self.box_tower:
            assert isinstance(block, nn.Sequential)
            convolution, norm, activation = block
            assert isinstance(convolution, nn.Conv2d)
            inside = inside[:, 1:-1, 1:-1]  # beyond the map each convolution finds zeros
            y = activation(norm(F.conv2d(y, convolution.weight, convolution.bias))) * inside[:, None]
        return CenterNetBoxes(*(head(y)[:, :, 0, 0].float() for head in (self.offsets, self.log_sizes, self.turns)))

    def forward(self, stages: Mapping[str, Tensor]) -> CenterNetOutput:
        """What the heads say about backbone stages."""
        x = self.join(stages)
        centers, boxes = self.center_tower(x), self.box_tower(x)
        maps = (self.center_logits(centers), self.offsets(boxes), self.log_sizes(boxes), self.turns(boxes))
        return CenterNetOutput(*(each.float() for each in maps))


class CenterNetDetector(nn.Module):
    """Backbone, neck and heads, in eval mode and without gradients: what a page runs."""

    def __init__(self, centernet: CenterNet, backbone: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.centernet = centernet
        self.backbone = backbone or load_efficientnet_lite0()
        self.eval().requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> CenterNetOutput:
        """What the heads say about normalised pictures whose sides divide by 64."""
        output: CenterNetOutput = self.centernet(self.backbone.stage_features(x))
        return output


def load_centernet(name: str = "centernet", *, backbone: EfficientNetLite0 | None = None) -> CenterNetDetector:
    """A detector that was trained here, ready to run. The file holds nothing but tensors (safetensors).

    Args:
        name: of a file in ``vizcore/assets/weights/points``.
        backbone: the network to share, if it is in memory already.

    Raises:
        ValueError: If no such detector was shipped.
    """
    return read_centernet(shipped_file(name, POINT_WEIGHTS), backbone=backbone)


def read_centernet(path: Path, *, backbone: EfficientNetLite0 | None = None) -> CenterNetDetector:
    """A detector from a file of weights, wherever it lies."""
    return CenterNetDetector(read_network(path, lambda config: CenterNet(CenterNetConfig(**config))), backbone)
