"""A small network that doubles a picture, with the three upsampling layers that people choose between."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vizcore.costs import count_parameters

HEADS = ("resize_conv", "conv_transpose", "pixel_shuffle", "pixel_shuffle_icnr")


class Upscaler(nn.Module):
    """Two convolutions at the small size, then one upsampling layer that makes the picture.

    Reference:
        Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
        Neural Network", CVPR 2016, arXiv:1609.05158. Ours works in RGB with ReLU and fewer channels, and the last layer
        can be exchanged; theirs has 5-3-3 kernels on luminance with tanh and 64-32 channels.
    """

    def __init__(self, head: str, *, channels: int = 24, scale_factor: int = 2, residual: bool = False) -> None:
        """Makes the layers; the weights are torch's initial ones.

        Args:
            head: One of ``HEADS``.
            channels: Feature channels at the small size.
            scale_factor: How many times larger the output is.
            residual: Whether the output is added to the bicubic enlargement, so that only the rest is learned (as
                Kim et al., VDSR, arXiv:1511.04587, do).

        Raises:
            ValueError: For an unknown head.
        """
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"there is no head {head!r}; choose one of {', '.join(HEADS)}")
        self.head = head
        self.scale_factor = scale_factor
        self.residual = residual
        self.features = nn.Sequential(
            nn.Conv2d(3, channels, 5, padding=2), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()
        )
        self.last: nn.Module
        if head == "conv_transpose":
            # Kernel 3 at stride 2 is the layer that the checkerboard is known from.
            self.last = nn.ConvTranspose2d(
                channels, 3, 3, stride=scale_factor, padding=1, output_padding=scale_factor - 1
            )
        elif head == "resize_conv":
            self.last = nn.Conv2d(channels, 3, 3, padding=1)
        else:
            self.last = nn.Conv2d(channels, 3 * scale_factor**2, 3, padding=1)

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 H2 W2"]:
        """Doubles a batch of pictures in [0, 1]; the output is not clamped."""
        features = self.features(x - 0.5)
        if self.head == "resize_conv":
            features = F.interpolate(features, scale_factor=self.scale_factor, mode="nearest")
        out: Tensor = self.last(features)
        if self.head.startswith("pixel_shuffle"):
            out = F.pixel_shuffle(out, self.scale_factor)
        if self.residual:
            return out + F.interpolate(x, scale_factor=self.scale_factor, mode="bicubic")
        return out + 0.5

    @property
    def last_weight(self) -> Tensor:
        """The weight of the upsampling layer, in torch's layout."""
        assert isinstance(self.last, (nn.Conv2d, nn.ConvTranspose2d))
        return self.last.weight

    def num_parameters(self) -> int:
        """How many learnable numbers there are."""
        return count_parameters(self)

    def initialise(self, seed: int, *, gain: float = 1.0) -> None:
        """Draws all weights anew from one seed, so that two heads share the features they start from.

        Args:
            seed: Of a local generator; torch's global one is not touched.
            gain: Factor on the last layer, below 1 to begin near a flat (or, with ``residual``, a bicubic) picture.
        """
        generator = torch.Generator().manual_seed(seed)
        for layer in (self.features[0], self.features[2], self.last):
            assert isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
            fan_in = layer.weight[0].numel()
            if isinstance(layer, nn.ConvTranspose2d):
                fan_in = layer.weight.shape[0] * layer.weight[0, 0].numel() // self.scale_factor**2
            with torch.no_grad():
                layer.weight.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
                if layer is self.last:
                    layer.weight.mul_(gain)
                if layer.bias is not None:
                    layer.bias.zero_()
