"""An untrained detection part on a real backbone's maps: how its pieces work on one picture.

The maps are EfficientNet-Lite0's, which was trained on ImageNet; the pieces behind them have random weights. What they
add, multiply and cut out is seen as it is in any ThunderNet; what a trained one would find is not.

Reference:
    Zheng Qin et al. ThunderNet. ICCV 2019, arXiv 1903.11752.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import nn

from vizcore.models.efficientnet_lite import EfficientNetLite0, normalise
from vizcore.models.fcos import STAGE_CHANNELS
from vizcore.models.thundernet import CONTEXT_CHANNELS, DetectionPart, ThunderNetConfig
from vizcore.thundernet.errors import ThunderNetError

SIZE: Final = 320
"""Side of the square picture that the network sees, pixels."""


@dataclass(frozen=True, eq=False)
class ThunderNetTrace:
    """The maps of one picture; all of stride 16 and 245 channels.

    Attributes:
        pixels: uint8 ``[320, 320, 3]``, what the network saw.
        local: ``[245, 20, 20]`` float32: CEM's term from C4.
        coarse: ``[245, 10, 10]`` float32: its term from C5 before it is enlarged.
        whole: ``[245]`` float32: its term from the mean of C5.
        context: ``[245, 20, 20]`` float32: the sum of the three.
        mask: ``[245, 20, 20]`` float32 in (0, 1): spatial attention's factors.
        attended: ``[245, 20, 20]`` float32: the sum times the factors.
    """

    pixels: np.ndarray
    local: np.ndarray
    coarse: np.ndarray
    whole: np.ndarray
    context: np.ndarray
    mask: np.ndarray
    attended: np.ndarray

    @property
    def upsampled(self) -> np.ndarray:
        """``[245, 20, 20]`` float32: the term from C5, each number copied to 2 × 2 cells."""
        return self.coarse.repeat(2, axis=1).repeat(2, axis=2)

    def term_maps(self, channel: int) -> dict[str, np.ndarray]:
        """One channel of the three terms and their sum, each ``[20, 20]``.

        Raises:
            ThunderNetError: If there is no such channel.
        """
        _check_channel(channel)
        whole = np.full(self.context.shape[1:], self.whole[channel])
        return {
            "local": self.local[channel],
            "upsampled": self.upsampled[channel],
            "whole": whole,
            "context": self.context[channel],
        }

    def attention_maps(self, channel: int) -> dict[str, np.ndarray]:
        """One channel before attention, its factors, and after, each ``[20, 20]``.

        Raises:
            ThunderNetError: If there is no such channel.
        """
        _check_channel(channel)
        return {
            "context": self.context[channel],
            "mask": self.mask[channel],
            "attended": self.attended[channel],
        }


def trace_thundernet(
    backbone: EfficientNetLite0, picture: UInt8[np.ndarray, "H W 3"], *, seed: int = 0
) -> ThunderNetTrace:
    """Runs the backbone and the untrained detection part.

    Attention normalises with the statistics of this picture, as in training: none were collected.

    Args:
        backbone: trained.
        picture: RGB; its middle square is scaled to 320 pixels.
        seed: of the detection part's weights.

    Raises:
        ThunderNetError: If the picture has no pixels.
    """
    pixels = square(picture)
    part = untrained_part(seed)
    if part.sam is None:
        raise ValueError("the detection part has no attention")
    with torch.inference_mode():
        x = normalise(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None])
        maps = backbone.stage_features(x)
        terms = part.cem(maps["C4"], maps["C5"])
        features = part.rpn(terms.sum)[0]
        part.sam.norm.train()
        mask = part.sam.mask(features)
        coarse = part.cem.coarse(maps["C5"]) if part.cem.coarse is not None else terms.local
    return ThunderNetTrace(
        pixels=pixels,
        local=terms.local[0].numpy(),
        coarse=coarse[0].numpy(),
        whole=terms.whole[0, :, 0, 0].numpy() if terms.whole is not None else np.zeros(CONTEXT_CHANNELS, np.float32),
        context=terms.sum[0].numpy(),
        mask=mask[0].numpy(),
        attended=(terms.sum * mask)[0].numpy(),
    )


def untrained_part(seed: int) -> DetectionPart:
    """A detection part for EfficientNet-Lite0 with random weights that keep the size of what flows through."""
    part = DetectionPart(STAGE_CHANNELS, ThunderNetConfig()).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for module in part.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return part


def square(picture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "320 320 3"]:
    """The middle square of a picture at the size that the network sees.

    Raises:
        ThunderNetError: If the picture has no pixels.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    if not side:
        raise ThunderNetError("The picture has no pixels.")
    top, left = (height - side) // 2, (width - side) // 2
    middle = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(middle.resize((SIZE, SIZE), Image.Resampling.BILINEAR, reducing_gap=3.0))


def _check_channel(channel: int) -> None:
    if not 0 <= channel < CONTEXT_CHANNELS:
        raise ThunderNetError(
            "There are channels 0 to {last}; got {channel}.", last=CONTEXT_CHANNELS - 1, channel=channel
        )
