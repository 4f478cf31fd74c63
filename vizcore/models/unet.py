"""A small encoder and decoder for segmentation, its skip connections on or off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class UNet(nn.Module):
    """Three levels down by max pooling, three up by transposed convolution.

    With ``skip`` every level of the decoder also reads the encoder's features of its own size, as U-Net concatenates
    them; without, it has only what survived at an eighth of the size.

    Reference:
        Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
        arXiv:1505.04597. Ours pads its convolutions, has one convolution a level instead of two, three levels
        instead of four, and 8 to 32 channels instead of 64 to 1024. FCN (Long et al., arXiv:1411.4038) adds scores
        where U-Net concatenates features.
    """

    WIDTHS = (8, 16, 32)

    def __init__(self, *, skip: bool = True, seed: int = 0) -> None:
        """Makes the layers from one seed.

        Args:
            skip: Whether the decoder reads the encoder's features.
            seed: Of a local generator for all weights.
        """
        super().__init__()
        self.skip = skip
        self.encoder = nn.ModuleList()
        channels = 1
        for width in self.WIDTHS:
            self.encoder.append(nn.Conv2d(channels, width, 3, padding=1))
            channels = width
        self.bottom = nn.Conv2d(channels, channels, 3, padding=1)
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width in reversed(self.WIDTHS):
            self.up.append(nn.ConvTranspose2d(channels, width, 2, stride=2))
            self.decoder.append(nn.Conv2d(2 * width if skip else width, width, 3, padding=1))
            channels = width
        self.score = nn.Conv2d(channels, 1, 1)
        generator = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                fan_in = layer.weight.shape[1] * layer.weight[0, 0].numel()
                if isinstance(layer, nn.ConvTranspose2d):
                    fan_in = layer.weight.shape[0]
                with torch.no_grad():
                    layer.weight.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
                    if layer.bias is not None:
                        layer.bias.zero_()

    def forward(self, x: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N 1 H W"]:
        """Scores each pixel as foreground (above 0) or background; the sides must divide by 8."""
        return self.stages(x)[-1][1]

    def stages(self, x: Float[Tensor, "N 1 H W"]) -> list[tuple[str, Tensor]]:
        """The forward pass with every intermediate tensor under a name.

        Args:
            x: Grey pictures; the sides divide by 8.

        Returns:
            ``input``, ``encoder 1`` …, ``pooled 1`` …, ``bottom``, ``up 3`` …, ``joined 3`` … (with ``skip``),
            ``decoder 3`` …, ``scores``, in order.
        """
        found: list[tuple[str, Tensor]] = [("input", x)]
        kept = []
        for level, layer in enumerate(self.encoder, start=1):
            x = F.relu(layer(x))
            kept.append(x)
            found.append((f"encoder {level}", x))
            x = F.max_pool2d(x, 2)
            found.append((f"pooled {level}", x))
        x = F.relu(self.bottom(x))
        found.append(("bottom", x))
        for index, (up, layer) in enumerate(zip(self.up, self.decoder, strict=True)):
            level = len(kept) - index
            x = up(x)
            found.append((f"up {level}", x))
            if self.skip:
                x = torch.cat([kept[level - 1], x], dim=1)
                found.append((f"joined {level}", x))
            x = F.relu(layer(x))
            found.append((f"decoder {level}", x))
        found.append(("scores", self.score(x)))
        return found
