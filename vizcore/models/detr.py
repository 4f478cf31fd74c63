"""DETR: a detector that answers with a set. One class for each box of the paper's figure 2.

A backbone makes features, a transformer encoder lets every place look at every other, a decoder turns N object queries
into N answers, and two small heads read a class and a box from each. No anchors, no suppression.

The same code builds two detectors. With :data:`PAPER` it is the authors' network, parameter for parameter and name for
name, so that their file of weights loads. With :data:`SMALL` it is the one that was trained here, on the frozen stages
of an EfficientNet-Lite0; what helps it learn in hours on a processor is listed in :class:`DETRConfig`.

Reference:
    Nicolas Carion, Francisco Massa, Gabriel Synnaeve, Nicolas Usunier, Alexander Kirillov, Sergey Zagoruyko. End-to-End
    Object Detection with Transformers. ECCV 2020, arXiv 2005.12872. The helps of the small one: Shilong Liu et al.,
    DAB-DETR, ICLR 2022, arXiv 2201.12329 (a query begins at a box, which every layer corrects; the temperature of the
    encodings); Xizhou Zhu et al., Deformable DETR, ICLR 2021, arXiv 2010.04159 (corrections without gradient from layer
    to layer, a norm after the input projection).

    Ours keeps the batch first, where the authors keep it second; the numbers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FrozenBatchNorm2d, box_convert

from vizcore.models import weight_files
from vizcore.models.efficientnet_lite import EfficientNetLite0, load_efficientnet_lite0, normalise

LITE0_STAGES: Final = ("C3", "C4", "C5")
LITE0_CHANNELS: Final = 4 * 40 + 112 + 320
"""Channels of a token's features: four cells of C3, one of C4, a quarter of one of C5."""
STRIDE: Final = {"resnet50": 32, "lite0": 16}
"""Pixels of the picture per token."""


@dataclass(frozen=True)
class DETRConfig:
    """What a detector is built from; the defaults are the paper's.

    Attributes:
        num_classes: of objects; the logit after the last of them is "no object". (COCO's numbers run to 90, and with
            the unused 0 that makes 91.)
        num_queries: answers a picture.
        channels: of tokens and queries, d in the paper.
        num_heads: of every attention.
        num_encoder_layers: 0 for none.
        num_decoder_layers: at least one.
        feedforward: hidden channels of a layer's two-layer perceptron.
        dropout: share of numbers dropped while training.
        backbone: ``"resnet50"``, whose last stage is read; or ``"lite0"``, of which three stages are read.
        temperature: of the sine encodings: the longest period is so many times the shortest.
        shortest_period: of the sine encodings, in sides of the picture.
        start_boxes: whether each query begins at a box of its own, which every decoder layer corrects.
        convolution: whether a 3×3 convolution and norms stand before the encoder.
        position_values: whether positions are added to the tokens themselves, not only to queries and keys.
        spatial_positions: False to switch all encodings of the tokens' positions off.
    """

    num_classes: int = 91
    num_queries: int = 100
    channels: int = 256
    num_heads: int = 8
    num_encoder_layers: int = 6
    num_decoder_layers: int = 6
    feedforward: int = 2048
    dropout: float = 0.1
    backbone: str = "resnet50"
    temperature: float = 10000.0
    shortest_period: float = 1.0
    start_boxes: bool = False
    convolution: bool = False
    position_values: bool = False
    spatial_positions: bool = True


PAPER: Final = DETRConfig()
SMALL: Final = DETRConfig(
    num_classes=6,
    num_queries=50,
    channels=128,
    num_heads=4,
    num_encoder_layers=2,
    num_decoder_layers=4,
    feedforward=256,
    dropout=0.0,
    backbone="lite0",
    temperature=20.0,
    shortest_period=1 / 8,
    start_boxes=True,
    convolution=True,
    position_values=True,
)


class Attentions(NamedTuple):
    """Who looked where, layer by layer; every row sums to 1.

    Attributes:
        encoder: of each layer ``[N, heads, S, S]``: row a token that looks, column a token looked at.
        decoder_self: of each layer ``[N, heads, Q, Q]``, between queries.
        decoder_cross: of each layer ``[N, heads, Q, S]``, from queries to tokens.
    """

    encoder: tuple[Tensor, ...]
    decoder_self: tuple[Tensor, ...]
    decoder_cross: tuple[Tensor, ...]


class DETROutput(NamedTuple):
    """What a forward pass says.

    Attributes:
        logits: ``[L, N, Q, K + 1]`` after each decoder layer; the last class is "no object".
        boxes: ``[L, N, Q, 4]`` cxcywh, in sides of the picture (0 to 1).
        memory: ``[N, S, C]`` the encoder's output.
        queries: ``[L, N, Q, C]`` the decoder's output.
        grid: (height, width) of the tokens, ``S = height · width``.
        attentions: None unless asked for.
    """

    logits: Tensor
    boxes: Tensor
    memory: Tensor
    queries: Tensor
    grid: tuple[int, int]
    attentions: Attentions | None


class MultiheadAttention(nn.Module):
    """``torch.nn.MultiheadAttention``, batch first, with the weights of every head on request."""

    def __init__(self, channels: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.attend: Callable[..., Tensor] = F.scaled_dot_product_attention
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Float[Tensor, "N Q C"],
        key: Float[Tensor, "N S C"],
        value: Float[Tensor, "N S C"],
        *,
        padding: Bool[Tensor, "N S"] | None = None,
        forbidden: Bool[Tensor, "Q S"] | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "N Q C"], Float[Tensor, "N heads Q S"] | None]:
        """One attention.

        Args:
            query: who looks.
            key: what is looked at.
            value: what is taken from there.
            padding: True where there is nothing to look at.
            forbidden: True where this query must not look.
            need_weights: return the weights of every head too.
        """
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(x, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        allowed = None if forbidden is None else ~forbidden
        if padding is not None:
            seen = ~padding[:, None, None]
            allowed = seen if allowed is None else allowed & seen
        dropout = self.dropout if self.training else 0.0
        if not need_weights:
            y, looked = self.attend(q, k, v, allowed, dropout), None
        else:
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
            if allowed is not None:
                scores = scores.masked_fill(~allowed, -math.inf)
            # Where no gradient is asked for, in place: fresh pages for 16 MB a layer cost as much as the softmax.
            looked = scores.softmax(-1) if scores.requires_grad else torch.softmax(scores, -1, out=scores)
            y = F.dropout(looked, dropout) @ v
        return self.out_proj(y.transpose(1, 2).flatten(2)), looked


class PositionEmbeddingSine(nn.Module):
    """Where a place lies, as sines and cosines of its coordinates: half of the channels for y, then half for x.

    It has no parameters.
    """

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.waves = config.channels // 2
        self.temperature, self.scale = config.temperature, 2 * math.pi / config.shortest_period
        self.cell_middle = config.start_boxes

    def forward(self, padding: Bool[Tensor, "N H W"]) -> Float[Tensor, "N H W C"]:
        """Encodes every place of a grid; coordinates run from 0 to 1 over what is not padding.

        The authors number the cells from 1, so a cell lies at its lower right corner; with start boxes, which lie where
        they lie, a cell lies at its middle.
        """
        seen = (~padding).float()
        y, x = seen.cumsum(1), seen.cumsum(2)
        back = 0.5 if self.cell_middle else 0.0
        return self.encode((x - back) / (x[:, :, -1:] + 1e-6), (y - back) / (y[:, -1:] + 1e-6))

    def encode(self, x: Float[Tensor, "..."], y: Float[Tensor, "..."]) -> Float[Tensor, "... C"]:
        """Encodes points given in sides of the picture."""
        pair = torch.div(torch.arange(self.waves, device=x.device), 2, rounding_mode="floor")
        frequency = self.temperature ** (2 * pair / self.waves)
        angles = torch.stack([y, x], -1)[..., None] * self.scale / frequency
        waves = torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], -1)
        return waves.flatten(-3)


class TransformerEncoderLayer(nn.Module):
    """Every token looks at every token; then each is thought over on its own."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(config.channels, config.num_heads, config.dropout)
        self.linear1 = nn.Linear(config.channels, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, config.channels)
        self.norm1, self.norm2 = nn.LayerNorm(config.channels), nn.LayerNorm(config.channels)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, tokens: Tensor, positions: Tensor, padding: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens ``[N, S, C]`` → tokens and, on request, weights ``[N, heads, S, S]``."""
        placed = tokens + positions
        seen, weights = self.self_attn(placed, placed, tokens, padding=padding, need_weights=need_weights)
        tokens = self.norm1(tokens + self.dropout(seen))
        thought = self.linear2(self.dropout(F.relu(self.linear1(tokens))))
        return self.norm2(tokens + self.dropout(thought)), weights


class TransformerEncoder(nn.Module):
    """The encoder: layers one after another."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerEncoderLayer(config) for _ in range(config.num_encoder_layers))

    def forward(
        self, tokens: Tensor, positions: Tensor, padding: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Tokens ``[N, S, C]`` → memory and the weights of each layer (none unless asked for)."""
        recorded = []
        for layer in self.layers:
            tokens, weights = layer(tokens, positions, padding, need_weights)
            recorded += [weights] if need_weights else []
        return tokens, tuple(recorded)


class TransformerDecoderLayer(nn.Module):
    """Queries look at each other, then at the picture; then each is thought over on its own."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(config.channels, config.num_heads, config.dropout)
        self.multihead_attn = MultiheadAttention(config.channels, config.num_heads, config.dropout)
        self.linear1 = nn.Linear(config.channels, config.feedforward)
        self.linear2 = nn.Linear(config.feedforward, config.channels)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(config.channels) for _ in range(3))
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        memory: Tensor,
        placed_memory: Tensor,
        padding: Tensor | None,
        forbidden: Tensor | None,
        need_weights: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Queries ``[N, Q, C]`` → queries and, on request, weights among queries and from queries to tokens."""
        placed = queries + query_positions
        seen, among = self.self_attn(placed, placed, queries, forbidden=forbidden, need_weights=need_weights)
        queries = self.norm1(queries + self.dropout(seen))
        seen, across = self.multihead_attn(
            queries + query_positions, placed_memory, memory, padding=padding, need_weights=need_weights
        )
        queries = self.norm2(queries + self.dropout(seen))
        thought = self.linear2(self.dropout(F.relu(self.linear1(queries))))
        return self.norm3(queries + self.dropout(thought)), among, across


class TransformerDecoder(nn.Module):
    """The decoder: layers one after another; every layer's output passes the one last norm."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerDecoderLayer(config) for _ in range(config.num_decoder_layers))
        self.norm = nn.LayerNorm(config.channels)

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        memory: Tensor,
        positions: Tensor,
        padding: Tensor | None,
        *,
        forbidden: Tensor | None = None,
        correct: Callable[[Tensor], Tensor] | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Runs the layers.

        Args:
            queries: ``[N, Q, C]`` what each query holds at the start.
            query_positions: ``[N, Q, C]`` added wherever a query looks.
            memory: ``[N, S, C]``.
            positions: ``[N, S, C]`` of the tokens.
            padding: ``[N, S]`` True where there is no picture, or None.
            forbidden: ``[Q, Q]`` True where a query must not look at another, or None.
            correct: a layer's output → query positions for the next layer; None to keep them.
            need_weights: return the weights of every layer too.

        Returns:
            Outputs ``[L, N, Q, C]``, weights among queries, weights from queries to tokens.
        """
        placed_memory = memory + positions
        outputs, among, across = [], [], []
        for layer in self.layers:
            queries, own, other = layer(
                queries, query_positions, memory, placed_memory, padding, forbidden, need_weights
            )
            outputs.append(self.norm(queries))
            among += [own] if need_weights else []
            across += [other] if need_weights else []
            if correct is not None:
                query_positions = correct(outputs[-1])
        return torch.stack(outputs), tuple(among), tuple(across)


class Transformer(nn.Module):
    """Encoder and decoder."""

    def __init__(self, config: DETRConfig) -> None:
        super().__init__()
        self.encoder = TransformerEncoder(config)
        self.decoder = TransformerDecoder(config)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)


class MLP(nn.Module):
    """A perceptron with ReLU between its layers."""

    def __init__(self, channels: int, hidden: int, out_channels: int, num_layers: int) -> None:
        super().__init__()
        sizes = [channels, *[hidden] * (num_layers - 1), out_channels]
        self.layers = nn.ModuleList(nn.Linear(first, second) for first, second in pairwise(sizes))

    def forward(self, x: Float[Tensor, "... C"]) -> Float[Tensor, "... D"]:
        """All layers."""
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        y: Tensor = last(x)
        return y


class StartBoxes(nn.Module):
    """The box that each query begins at, and how a box is said as a position.

    Centres begin on a grid over the picture, all with one size; they are parameters like any other.
    """

    def __init__(self, config: DETRConfig, encoding: PositionEmbeddingSine) -> None:
        super().__init__()
        # Not registered: the decoder's boxes and the tokens share one encoding, which has no parameters.
        self._encode = encoding.encode
        self.logits = nn.Parameter(_grid_boxes(config.num_queries).logit())
        self.size = nn.Linear(config.channels, config.channels)
        nn.init.zeros_(self.size.bias)
        nn.init.normal_(self.size.weight, std=0.02)

    def position(self, boxes: Float[Tensor, "... 4"]) -> Float[Tensor, "... C"]:
        """A box as a position: its centre as the tokens' places are said, and its size."""
        x, y, width, height = boxes.unbind(-1)
        said: Tensor = self._encode(x, y) + self.size(self._encode(width, height))
        return said


def _grid_boxes(count: int) -> Float[Tensor, "Q 4"]:
    """Boxes of an eighth of the picture, their centres spread evenly in rows."""
    rows = max(1, round(math.sqrt(count)))
    per_row = [count // rows + (row < count % rows) for row in range(rows)]
    centres = [
        ((column + 0.5) / number, (row + 0.5) / rows) for row, number in enumerate(per_row) for column in range(number)
    ]
    return torch.tensor([[x, y, 0.125, 0.125] for x, y in centres])


class ResNet50(nn.Module):
    """torchvision's ResNet-50 up to its last stage, with frozen batch norms; its names are the authors'."""

    def __init__(self) -> None:
        super().__init__()
        network = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
        self.body = IntermediateLayerGetter(network, {"layer1": "C2", "layer2": "C3", "layer3": "C4", "layer4": "C5"})

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> dict[str, Tensor]:
        """Normalised pictures → stages."""
        stages: dict[str, Tensor] = self.body(x)
        return stages


class DETR(nn.Module):
    """The whole detector; the small one without its backbone, which is a separate network that is never trained.

    Attributes:
        config: what it was built from.
    """

    def __init__(self, config: DETRConfig = PAPER) -> None:
        """Builds it with initial weights.

        Raises:
            ValueError: If a number of the configuration cannot be used.
        """
        super().__init__()
        _check_config(config)
        self.config = config
        self.transformer = Transformer(config)
        self.class_embed = nn.Linear(config.channels, config.num_classes + 1)
        self.bbox_embed = MLP(config.channels, config.channels, 4, 3)
        self.query_embed = nn.Embedding(config.num_queries, config.channels)
        encoding = PositionEmbeddingSine(config)
        in_channels = {"resnet50": 2048, "lite0": LITE0_CHANNELS}[config.backbone]
        projection = nn.Conv2d(in_channels, config.channels, 1)
        if config.convolution:
            self.input_proj: nn.Module = nn.Sequential(
                projection,
                nn.GroupNorm(8, config.channels),
                nn.ReLU(),
                nn.Conv2d(config.channels, config.channels, 3, padding=1),
                nn.GroupNorm(8, config.channels),
            )
        else:
            self.input_proj = projection
        if config.backbone == "resnet50":
            self.backbone = nn.Sequential(ResNet50(), encoding)
        self._encoding = [encoding]  # in a list, so that it is registered once or not at all: it has no parameters
        if config.start_boxes:
            self.start_boxes = StartBoxes(config, encoding)
            self._start_gently()

    def _start_gently(self) -> None:
        """Initial weights that help: no correction yet, and queries that look near their own box."""
        last = self.bbox_embed.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        nn.init.normal_(self.query_embed.weight, std=0.1)
        channels = self.config.channels
        for layer in self.transformer.decoder.layers:
            weight = layer.multihead_attn.in_proj_weight  # type: ignore[union-attr]
            with torch.no_grad():  # the same projection of queries and keys: alike positions attend to each other
                shared = nn.init.orthogonal_(torch.empty(channels, channels), gain=1.5)
                weight[: 2 * channels] = torch.cat([shared, shared])  # type: ignore[index,operator]

    def encode(
        self,
        features: Float[Tensor, "N F H W"],
        padding: Bool[Tensor, "N H W"] | None = None,
        *,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor | None, tuple[Tensor, ...]]:
        """Backbone features → memory ``[N, S, C]``, the tokens' positions, their padding, and weights on request."""
        x = self.input_proj(features)
        tokens = x.flatten(2).transpose(1, 2)
        positions = self.token_positions((features.shape[2], features.shape[3]), padding)
        if self.config.position_values:
            tokens = tokens + positions
        flat = None if padding is None else padding.flatten(1)
        memory, weights = self.transformer.encoder(tokens, positions, flat, need_weights)
        return memory, positions, flat, weights

    def token_positions(
        self, grid: tuple[int, int], padding: Bool[Tensor, "N H W"] | None = None
    ) -> Float[Tensor, "N S C"]:
        """What is added to the tokens of a grid (height, width) to say where they lie; one zero if positions are off.

        The paper's coordinates are the picture's, so padding counts; with start boxes they are the canvas's.
        """
        if not self.config.spatial_positions:
            return self.query_embed.weight.new_zeros(1, 1, 1)
        if padding is None or self.config.start_boxes:
            padding = torch.zeros(1, *grid, dtype=torch.bool, device=self.query_embed.weight.device)
        positions: Tensor = self._encoding[0](padding).flatten(1, 2)
        return positions

    def first_queries(self, count: int) -> tuple[Tensor, Tensor]:
        """What every query holds and where it is at the start, for a batch: ``[N, Q, C]`` and ``[N, Q, C or 4]``.

        With start boxes a query holds its embedding and is at its box; in the paper it holds zeros, and the embedding
        is the position.
        """
        embedding = self.query_embed.weight.expand(count, -1, -1)
        if self.config.start_boxes:
            return embedding, self.start_boxes.logits.sigmoid().expand(count, -1, -1)
        return torch.zeros_like(embedding), embedding

    def decode(
        self,
        memory: Tensor,
        positions: Tensor,
        padding: Tensor | None,
        queries: Tensor,
        places: Tensor,
        *,
        forbidden: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Memory and queries (see :meth:`first_queries`) → logits, boxes, outputs and weights of every layer."""
        decoder = self.transformer.decoder
        if not self.config.start_boxes:
            outputs, among, across = decoder(
                queries, places, memory, positions, padding, forbidden=forbidden, need_weights=need_weights
            )
            return self.class_embed(outputs), self.bbox_embed(outputs).float().sigmoid(), outputs, among, across
        boxes = [places]

        def correct(output: Tensor) -> Tensor:
            start = boxes[-1].float() if len(boxes) == 1 else boxes[-1].detach().float()
            boxes.append((start.logit(1e-4) + self.bbox_embed(output).float()).sigmoid())
            return self.start_boxes.position(boxes[-1].detach())

        outputs, among, across = decoder(
            queries,
            self.start_boxes.position(places),
            memory,
            positions,
            padding,
            forbidden=forbidden,
            correct=correct,
            need_weights=need_weights,
        )
        return self.class_embed(outputs), torch.stack(boxes[1:]), outputs, among, across

    def answers(
        self,
        features: Float[Tensor, "N F H W"],
        padding: Bool[Tensor, "N H W"] | None = None,
        *,
        need_weights: bool = False,
    ) -> DETROutput:
        """What the detector says about backbone features.

        Args:
            features: of the backbone.
            padding: True where a cell lies beside the picture; None if none does.
            need_weights: record all attention.
        """
        memory, positions, flat, encoder = self.encode(features, padding, need_weights=need_weights)
        queries, places = self.first_queries(len(features))
        logits, boxes, outputs, among, across = self.decode(
            memory, positions, flat, queries, places, need_weights=need_weights
        )
        attentions = Attentions(encoder, among, across) if need_weights else None
        return DETROutput(logits, boxes, memory, outputs, (features.shape[2], features.shape[3]), attentions)

    def forward(
        self, x: Float[Tensor, "N 3 H W"], padding: Bool[Tensor, "N H W"] | None = None, *, need_weights: bool = False
    ) -> DETROutput:
        """What the detector says about normalised pictures; only with a backbone of its own.

        Args:
            x: pictures, see ``normalise_imagenet``.
            padding: True where a pixel lies beside the picture; None if none does.
            need_weights: record all attention.
        """
        features = self.backbone[0](x)["C5"]
        cells = None
        if padding is not None:
            cells = F.interpolate(padding[None].float(), size=features.shape[-2:])[0].bool()
        return self.answers(features, cells, need_weights=need_weights)


def _check_config(config: DETRConfig) -> None:
    if config.backbone not in STRIDE:
        raise ValueError(f"backbone must be one of {', '.join(STRIDE)}, not {config.backbone!r}")
    if config.channels % (2 * config.num_heads) or config.channels % 4:
        raise ValueError(f"{config.channels} channels cannot be shared by {config.num_heads} heads and four sines")
    if min(config.num_queries, config.num_decoder_layers, config.num_classes) < 1:
        raise ValueError("a DETR needs at least one query, one decoder layer and one class")


def join_stages(stages: Mapping[str, Tensor]) -> Float[Tensor, "N F H W"]:
    """The stages C3, C4 and C5 of EfficientNet-Lite0 as one map of stride 16.

    A token reads the four cells of C3 that it covers (so nothing fine is averaged away), its cell of C4, and the cell
    of C5 that covers it. (The paper reads C5 alone; its stride is 32.)
    """
    fine, middle, coarse = (stages[name] for name in LITE0_STAGES)
    fine = F.pixel_unshuffle(F.pad(fine, (0, -fine.shape[3] % 2, 0, -fine.shape[2] % 2)), 2)
    height, width = middle.shape[-2:]
    coarse = coarse.repeat_interleave(2, -1).repeat_interleave(2, -2)
    return torch.cat([fine[..., :height, :width], middle, coarse[..., :height, :width]], 1)


class Selection(NamedTuple):
    """One box a query, in the queries' order; nothing is suppressed.

    Attributes:
        boxes: ``[Q, 4]`` xyxy, pixels.
        scores: ``[Q]`` greatest probability of a class; "no object" is left out.
        labels: ``[Q]`` that class.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def detections(
    logits: Float[Tensor, "Q K1"], boxes_cxcywh: Float[Tensor, "Q 4"], image_size: tuple[int, int]
) -> Selection:
    """What one decoder layer says about one picture, as boxes.

    Args:
        logits: of the classes; the last one is "no object".
        boxes_cxcywh: in sides of the picture.
        image_size: (height, width), pixels.
    """
    scores, labels = logits.float().softmax(-1)[:, :-1].max(-1)
    height, width = image_size
    boxes = box_convert(boxes_cxcywh.float(), "cxcywh", "xyxy") * torch.tensor([width, height, width, height])
    return Selection(boxes, scores, labels)


def normalise_imagenet(pixels: Tensor) -> Float[Tensor, "N 3 H W"]:
    """uint8 ``[N, H, W, 3]`` as the paper's backbone was trained: colours with ImageNet's mean 0 and deviation 1."""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean[:, None, None]) / deviation[:, None, None]


class Detector(nn.Module):
    """The small DETR with its backbone, in eval mode and without gradients: what a page runs."""

    def __init__(self, detr: DETR, backbone: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.detr = detr
        self.backbone = backbone or load_efficientnet_lite0()
        self.eval().requires_grad_(False)
        self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N F H16 W16"]:
        """Normalised pictures whose sides divide by 32 → features of every token."""
        return join_stages(self.backbone.stage_features(x.contiguous(memory_format=torch.channels_last)))

    def forward(
        self, x: Float[Tensor, "N 3 H W"], padding: Bool[Tensor, "N H W"] | None = None, *, need_weights: bool = False
    ) -> DETROutput:
        """What the detector says about normalised pictures; padding as in :meth:`DETR.answers`, by token."""
        return self.detr.answers(self.features(x), padding, need_weights=need_weights)


CANVAS: Final = 512
"""Side of the square that the small DETR looks at, pixels: it knows places and sizes in sides of that square."""


class Fitted(NamedTuple):
    """A photo as the small DETR looks at it.

    Attributes:
        x: ``[1, 3, 512, 512]`` normalised, the photo in the upper left corner, grey beside it.
        padding: ``[1, 32, 32]`` True for a token without a pixel of the photo; None if there is none.
        scale: photo pixels times this are canvas pixels.
    """

    x: Tensor
    padding: Tensor | None
    scale: float


def fit_photo(pixels: UInt8[Tensor, "H W 3"]) -> Fitted:
    """Lays a photo on the canvas, its longer side as long as the canvas's; one that has that size is not touched."""
    height, width = pixels.shape[:2]
    scale = CANVAS / max(height, width)
    picture = normalise(pixels[None]).permute(0, 3, 1, 2)
    if scale != 1:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        picture = F.interpolate(picture, size=size, mode="bilinear", antialias=True, align_corners=False)
    height, width = picture.shape[-2:]
    x = F.pad(picture, (0, CANVAS - width, 0, CANVAS - height))
    stride = STRIDE["lite0"]
    rows, columns = math.ceil(height / stride), math.ceil(width / stride)
    cells = CANVAS // stride
    if rows == columns == cells:
        return Fitted(x, None, scale)
    padding = torch.ones(1, cells, cells, dtype=torch.bool)
    padding[:, :rows, :columns] = False
    return Fitted(x, padding, scale)


@torch.inference_mode()
def detect(detector: Detector, pixels: UInt8[Tensor, "H W 3"]) -> Selection:
    """One box a query on a photo, clipped to nothing and suppressed by nothing."""
    fitted = fit_photo(pixels)
    output = detector(fitted.x, fitted.padding)
    found = detections(output.logits[-1, 0], output.boxes[-1, 0], (CANVAS, CANVAS))
    return found._replace(boxes=found.boxes / fitted.scale)


WEIGHTS_FOLDER: Final = weight_files.WEIGHTS_FOLDER / "detr"
"""Where the DETR that was trained here lies, beside its card."""


def load_detr(name: str = "detr", *, backbone: EfficientNetLite0 | None = None) -> Detector:
    """The DETR that was trained here, ready to run. The file holds nothing but tensors (safetensors).

    Args:
        name: of a file in ``vizcore/assets/weights/detr``.
        backbone: the network to share, if it is in memory already.

    Raises:
        ValueError: If no such detector was shipped.
    """
    return Detector(read_detr(weight_files.shipped_file(name, WEIGHTS_FOLDER)), backbone)


def read_detr(path: Path) -> DETR:
    """A DETR from a file of ours, which holds the configuration that rebuilds it."""
    return weight_files.read_network(path, lambda config: DETR(DETRConfig(**config)))
