"""DETR's mask head: each query's attention over the picture, drawn out into a mask by a small convolutional network.

Reference:
    Nicolas Carion et al. End-to-End Object Detection with Transformers. ECCV 2020, arXiv 2005.12872, section 4.3 and
    figure 8.

    The small one reads two finer stages instead of three, for its tokens are finer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from vizcore.models.detr import DETR, WEIGHTS_FOLDER, DETRConfig, DETROutput
from vizcore.models.weight_files import read_network

FINER_CHANNELS: Final = {"resnet50": (1024, 512, 256), "lite0": (40, 24)}
"""Channels of the finer stages that the masks are drawn with, the coarsest first: C4, C3, C2 of the paper; C3, C2."""
MASK_STRIDE: Final = 4
"""Pixels of the picture per pixel of a mask."""


class MHAttentionMap(nn.Module):
    """Where each query looks, head by head, as maps; softmax runs over all heads and places of a query together."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_linear, self.k_linear = nn.Linear(channels, channels), nn.Linear(channels, channels)
        for layer in (self.q_linear, self.k_linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, queries: Float[Tensor, "N Q C"], memory: Float[Tensor, "N C H W"], padding: Bool[Tensor, "N H W"] | None
    ) -> Float[Tensor, "N Q heads H W"]:
        """Maps of all queries; each query's sum to 1 over heads and places."""
        q = self.q_linear(queries).unflatten(-1, (self.num_heads, -1))
        k = self.k_linear(memory.flatten(2).transpose(1, 2)).unflatten(-1, (self.num_heads, -1))
        scores = torch.einsum("nqhc,nshc->nqhs", q * q.shape[-1] ** -0.5, k)
        if padding is not None:
            scores = scores.masked_fill(padding.flatten(1)[:, None, None], -math.inf)
        return scores.flatten(2).softmax(-1).reshape(*scores.shape[:3], *memory.shape[-2:])


class MaskHeadSmallConv(nn.Module):
    """Convolutions that halve the channels while finer stages double the size; one query at a time."""

    def __init__(self, channels: int, num_heads: int, finer_channels: Sequence[int]) -> None:
        super().__init__()
        self.num_stages = len(finer_channels)
        first = channels + num_heads
        sizes = [first, first, *(channels // 2**step for step in range(1, 2 + self.num_stages))]
        for number in range(1, len(sizes)):
            setattr(self, f"lay{number}", nn.Conv2d(sizes[number - 1], sizes[number], 3, padding=1))
            setattr(self, f"gn{number}", nn.GroupNorm(math.gcd(8, sizes[number]), sizes[number]))
        self.out_lay = nn.Conv2d(sizes[-1], 1, 3, padding=1)
        for number, finer in enumerate(finer_channels, start=1):
            setattr(self, f"adapter{number}", nn.Conv2d(finer, sizes[number + 1], 1))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_uniform_(layer.weight, a=1)
                nn.init.zeros_(layer.bias)

    def forward(
        self,
        projected: Float[Tensor, "N C H W"],
        maps: Float[Tensor, "N Q heads H W"],
        finer: Sequence[Float[Tensor, "N F H2 W2"]],
    ) -> Float[Tensor, "N Q H3 W3"]:
        """Mask logits of all queries, of the size of the finest stage."""
        number, num_queries = maps.shape[:2]

        def repeated(x: Tensor) -> Tensor:
            return x[:, None].expand(-1, num_queries, -1, -1, -1).flatten(0, 1)

        x = torch.cat([repeated(projected), maps.flatten(0, 1)], 1)
        x = self._layer(self._layer(x, 1), 2)
        for stage, values in enumerate(finer, start=1):
            adapted = repeated(getattr(self, f"adapter{stage}")(values))
            x = adapted + F.interpolate(x, size=adapted.shape[-2:], mode="nearest")
            x = self._layer(x, stage + 2)
        logits: Tensor = self.out_lay(x)
        return logits.reshape(number, num_queries, *logits.shape[-2:])

    def _layer(self, x: Tensor, number: int) -> Tensor:
        y: Tensor = F.relu(getattr(self, f"gn{number}")(getattr(self, f"lay{number}")(x)))
        return y


class MaskHead(nn.Module):
    """Both parts, under the names that they have in the authors' file.

    Attributes:
        config: of the detector whose queries are drawn.
    """

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.config = config
        self.bbox_attention = MHAttentionMap(config.channels, config.num_heads)
        self.mask_head = MaskHeadSmallConv(config.channels, config.num_heads, FINER_CHANNELS[config.backbone])

    def forward(
        self,
        queries: Float[Tensor, "N Q C"],
        memory: Float[Tensor, "N S C"],
        projected: Float[Tensor, "N C H W"],
        finer: Sequence[Float[Tensor, "N F H2 W2"]],
        padding: Bool[Tensor, "N H W"] | None = None,
    ) -> Float[Tensor, "N Q H3 W3"]:
        """Mask logits.

        Args:
            queries: the decoder's output, of those queries that are to be drawn.
            memory: the encoder's output.
            projected: the backbone's features as the encoder was given them.
            finer: stages of the backbone, see ``FINER_CHANNELS``.
            padding: True for a token beside the picture; None if none is.
        """
        placed = memory.transpose(1, 2).reshape(projected.shape)
        return self.draw(self.bbox_attention(queries, placed, padding), projected, finer)

    def draw(self, maps: Tensor, projected: Tensor, finer: Sequence[Tensor]) -> Tensor:
        """Mask logits of maps of attention."""
        drawn: Tensor = self.mask_head(projected, maps, finer)
        return drawn


class DETRsegm(nn.Module):
    """Detector and mask head, named as in the authors' panoptic file."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.detr = DETR(config)
        head = MaskHead(config)
        self.bbox_attention, self.mask_head = head.bbox_attention, head.mask_head


@torch.inference_mode()
def draw_masks(
    head: MaskHead,
    detr: DETR,
    output: DETROutput,
    features: Tensor,
    finer: Sequence[Tensor],
    *,
    queries: Sequence[int],
    padding: Tensor | None = None,
) -> Float[Tensor, "Q H W"]:
    """Mask logits of some queries of one picture, a few at a time.

    Args:
        head: to draw with.
        detr: the detector.
        output: of the detector on the picture.
        features: that it was given.
        finer: stages of the backbone.
        queries: which to draw.
        padding: as the detector was given it.
    """
    projected, finer = detr.input_proj(features[:1]), [stage[:1] for stage in finer]
    parts = [
        head(output.queries[-1][:1, list(queries[start : start + 16])], output.memory[:1], projected, finer, padding)[0]
        for start in range(0, len(queries), 16)
    ]
    size = (finer[-1].shape[-2], finer[-1].shape[-1])
    return torch.cat(parts) if parts else features.new_zeros(0, *size)


def load_mask_head(name: str = "detr_masks", *, folder: Path = WEIGHTS_FOLDER) -> MaskHead:
    """The mask head that was trained here, in eval mode and without gradients.

    Raises:
        ValueError: If it was not shipped.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise ValueError(f"no mask head called {name!r} was shipped")
    head = read_network(path, lambda config: MaskHead(DETRConfig(**config)))
    return head.eval().requires_grad_(False)
