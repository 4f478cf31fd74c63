"""PixelCNN and Gated PixelCNN: masked convolutions over the pixels before.

A masked convolution has zeros where the kernel would reach a pixel not yet drawn; the first layer also hides the centre
(mask A), later layers show it (mask B). Stacked, they leave a blind spot to the upper right. The gated network splits
each layer in two: a vertical stack that sees all rows above, and a horizontal one that sees the row so far.

Reference:
    Aäron van den Oord, Nal Kalchbrenner, Koray Kavukcuoglu. Pixel Recurrent Neural Networks. ICML 2016, arXiv
    1601.06759 (PixelCNN). Aäron van den Oord et al. Conditional Image Generation with PixelCNN Decoders. NIPS 2016,
    arXiv 1606.05328 (Gated PixelCNN).

    Ours is for binary pixels: one logit, not 256 classes and no colours. All masked convolutions have one kernel size;
    residual connections go around single convolutions, without a bottleneck; each pixel's logit has a bias of its own,
    as in the other models here. Another order than raster shuffles the pixels on the way in and out, and the
    convolutions see the shuffled picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from vizcore.models.autoregressive import EVEN_KERNEL, NO_HIDDEN, NO_LAYER, AutoregressiveError, PixelModel, Sampler
from vizcore.seeding import seeded


def causal_mask(kernel: int, *, centre: bool) -> Bool[Tensor, "kernel kernel"]:
    """The part of a kernel that reaches pixels before its centre; with the centre it is mask B, without, mask A."""
    mask = torch.zeros(kernel, kernel, dtype=torch.bool)
    middle = kernel // 2
    mask[:middle] = True
    mask[middle, : middle + centre] = True
    return mask


class MaskedConv2d(nn.Conv2d):
    """A convolution of one kernel size, zero padding and the weights of :func:`causal_mask`."""

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, centre: bool) -> None:
        """Like ``nn.Conv2d`` with the padding that keeps the size; ``centre`` is mask B."""
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        self.register_buffer("mask", causal_mask(kernel, centre=centre), persistent=False)

    def forward(self, input: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C2 H W"]:
        """The masked convolution."""
        return F.conv2d(input, self.weight * self.mask, self.bias, padding=self.padding)


class _Convolutional(PixelModel):
    """What both networks share: size, order, labels, the check of kernel and layers."""

    def __init__(
        self,
        size: tuple[int, int],
        *,
        layers: int,
        kernel: int,
        channels: int,
        order: Sequence[int] | Int64[Tensor, " D"] | None,
        num_classes: int,
    ) -> None:
        super().__init__(size[0] * size[1], order=order, num_classes=num_classes)
        if layers < 1:
            raise AutoregressiveError(NO_LAYER, layers=layers)
        if channels < 1:
            raise AutoregressiveError(NO_HIDDEN, model="PixelCNN", hidden=channels)
        if kernel < 3 or kernel % 2 == 0:
            raise AutoregressiveError(EVEN_KERNEL, kernel=kernel)
        self.size, self.layers, self.kernel, self.channels = size, layers, kernel, channels
        self.biases = nn.Parameter(torch.zeros(self.num_pixels))

    def _as_grid(self, x: Tensor) -> Tensor:
        return x[:, self.order].reshape(len(x), 1, *self.size)

    def _as_pixels(self, grid: Tensor) -> Tensor:
        return grid.reshape(len(grid), -1)[:, self.rank] + self.biases

    def _labelled(self, labels: Tensor | None, num: int, weights: nn.ParameterList) -> list[Tensor]:
        """What the label adds to the channels of each layer, ``[N, C]``; zeros without labels."""
        one_hot = self.one_hot(labels, num)
        if one_hot is None:
            return [torch.zeros(num, 1, dtype=self.dtype)] * self.layers
        return [one_hot @ weight for weight in weights]


class PixelCNN(_Convolutional):
    """A stack of masked convolutions: mask A, then mask B with residuals, then two 1×1 layers."""

    def __init__(
        self,
        size: tuple[int, int] = (8, 8),
        *,
        layers: int = 4,
        kernel: int = 3,
        channels: int = 32,
        order: Sequence[int] | Int64[Tensor, " D"] | None = None,
        num_classes: int = 0,
        seed: int = 0,
    ) -> None:
        """Draws the weights.

        Args:
            size: (height, width) of a picture.
            layers: masked convolutions, the first included.
            kernel: of each, odd.
            channels: of each.
            order: the pixel drawn first, second, …; raster if None.
            num_classes: K, 0 for a model without labels.
            seed: of the weights.

        Raises:
            AutoregressiveError: without a pixel, layer or channel, or with an even kernel.
        """
        super().__init__(size, layers=layers, kernel=kernel, channels=channels, order=order, num_classes=num_classes)
        with seeded(seed):
            self.convolutions = nn.ModuleList(
                MaskedConv2d(channels if layer else 1, channels, kernel, centre=layer > 0) for layer in range(layers)
            )
            self.mix, self.last = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, 1, 1)
        self.label_weights = nn.ParameterList(
            torch.zeros(num_classes, channels) for _ in range(layers if num_classes else 0)
        )

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        added = self._labelled(labels, len(x), self.label_weights)
        h = self._as_grid(x)
        for layer, convolution in enumerate(self.convolutions):
            new = F.relu(convolution(h) + added[layer][:, :, None, None])
            h = h + new if layer else new
        return self._as_pixels(self.last(F.relu(self.mix(h))))

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts pictures; each layer is computed at one pixel a step and remembered."""
        return _PixelCNNSampler(self, num, labels)


class _PixelCNNSampler:
    def __init__(self, model: PixelCNN, num: int, labels: Tensor | None) -> None:
        self.model, self.place, self.num = model, 0, num
        self.added = model._labelled(labels, num, model.label_weights)
        (height, width), pad = model.size, model.kernel // 2
        # What each layer reads, behind a border of zeros: [N, H + pad, W + 2 pad, C], channels last.
        self.maps = [
            torch.zeros(num, height + pad, width + 2 * pad, 1 if layer == 0 else model.channels, dtype=model.dtype)
            for layer in range(model.layers)
        ]
        # Only rows up to the centre of a kernel have weights: [C, (pad + 1) * kernel * C'].
        self.weights = [
            (conv.weight * conv.mask)[:, :, : pad + 1].permute(0, 2, 3, 1).reshape(model.channels, -1)  # type: ignore[operator,union-attr]
            for conv in model.convolutions
        ]

    def next_logits(self) -> Tensor:
        model = self.model
        (row, column), kernel = divmod(self.place, model.size[1]), model.kernel
        pad = kernel // 2
        h = torch.empty(0)
        for layer, (weight, convolution) in enumerate(zip(self.weights, model.convolutions, strict=True)):
            window = self.maps[layer][:, row : row + pad + 1, column : column + kernel].reshape(self.num, -1)
            new = F.relu(F.linear(window, weight, convolution.bias) + self.added[layer])  # type: ignore[arg-type]
            h = h + new if layer else new
            if layer + 1 < model.layers:
                self.maps[layer + 1][:, row + pad, column + pad] = h
        mixed = F.relu(F.linear(h, model.mix.weight[:, :, 0, 0], model.mix.bias))
        logits = F.linear(mixed, model.last.weight[:, :, 0, 0], model.last.bias)[:, 0]
        return logits + model.biases[model.order[self.place]]

    def append(self, values: Tensor) -> None:
        model = self.model
        row, column = divmod(self.place, model.size[1])
        pad = model.kernel // 2
        self.maps[0][:, row + pad, column + pad, 0] = values.to(model.dtype)
        self.place += 1


class GatedPixelCNN(_Convolutional):
    """Layers of a vertical and a horizontal stack with gates ``tanh · σ``, then two 1×1 layers."""

    def __init__(
        self,
        size: tuple[int, int] = (8, 8),
        *,
        layers: int = 4,
        kernel: int = 3,
        channels: int = 32,
        order: Sequence[int] | Int64[Tensor, " D"] | None = None,
        num_classes: int = 0,
        seed: int = 0,
    ) -> None:
        """Draws the weights; arguments and errors are :class:`PixelCNN`'s."""
        super().__init__(size, layers=layers, kernel=kernel, channels=channels, order=order, num_classes=num_classes)
        with seeded(seed):
            self.stacks = nn.ModuleList(
                _GatedLayer(channels if layer else 1, channels, kernel, first=layer == 0) for layer in range(layers)
            )
            self.mix, self.last = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, 1, 1)
        self.label_weights = nn.ParameterList(
            torch.zeros(num_classes, 4 * channels) for _ in range(layers if num_classes else 0)
        )

    def forward(self, x: Float[Tensor, "N D"], labels: Int64[Tensor, " N"] | None = None) -> Float[Tensor, "N D"]:
        """Logit of each pixel being 1 given the pixels before it."""
        added = self._labelled(labels, len(x), self.label_weights)
        v = h = self._as_grid(x)
        for layer, stack in enumerate(self.stacks):
            v, h = stack(v, h, added[layer][:, :, None, None])
        return self._as_pixels(self.last(F.relu(self.mix(h))))

    def sampler(self, num: int, labels: Int64[Tensor, " N"] | None = None) -> Sampler:
        """Starts pictures; the vertical stack is computed a row at a time, the horizontal one a pixel at a time."""
        return _GatedSampler(self, num, labels)


class _GatedLayer(nn.Module):
    """One layer of both stacks.

    The vertical stack at a place holds what is known of the rows above it; so its first convolution leaves the row of
    the centre out, and later ones take it in.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, *, first: bool) -> None:
        super().__init__()
        self.first, self.pad = first, kernel // 2
        rows = self.pad + (0 if first else 1)
        self.rows = rows
        self.vertical = nn.Conv2d(inputs, 2 * channels, (rows, kernel))
        self.horizontal = nn.Conv2d(inputs, 2 * channels, (1, self.pad + (0 if first else 1)))
        self.down = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, v: Tensor, h: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
        height, width = v.shape[-2:]
        above = self.vertical(F.pad(v, (self.pad, self.pad, self.pad, 0)))[:, :, :height]
        left = self.horizontal(F.pad(h, (self.pad, 0, 0, 0)))[..., :width]
        added_v, added_h = _halves(added)
        new_v = _gate(above + added_v)
        new_h = self.out(_gate(left + self.down(above) + added_h))
        return new_v, new_h if self.first else h + new_h


def _halves(added: Tensor) -> tuple[Tensor, Tensor]:
    """What the label adds to the vertical and to the horizontal stack; one column of zeros serves both."""
    return (added, added) if added.shape[1] == 1 else (added.chunk(2, 1)[0], added.chunk(2, 1)[1])


def _gate(a: Tensor) -> Tensor:
    value, gate = a.chunk(2, 1)
    return torch.tanh(value) * torch.sigmoid(gate)


class _GatedSampler:
    def __init__(self, model: GatedPixelCNN, num: int, labels: Tensor | None) -> None:
        self.model, self.place, self.num = model, 0, num
        self.added = model._labelled(labels, num, model.label_weights)
        (height, width), pad = model.size, model.kernel // 2
        channels = [1] + [model.channels] * (model.layers - 1)
        self.vertical = [torch.zeros(num, c, height + pad, width + 2 * pad, dtype=model.dtype) for c in channels]
        self.horizontal = [torch.zeros(num, height, width + pad, c, dtype=model.dtype) for c in channels]
        self.down: list[Tensor] = []
        self.weights = [
            stack.horizontal.weight[:, :, 0].permute(0, 2, 1).flatten(1)  # type: ignore[union-attr,operator,index]
            for stack in model.stacks
        ]

    def _new_row(self, row: int) -> None:
        """The vertical stack's row, which the rows above determine."""
        model, self.down = self.model, []
        pad, width = model.kernel // 2, model.size[1]
        for layer, stack in enumerate(model.stacks):
            assert isinstance(stack, _GatedLayer)
            above = stack.vertical(self.vertical[layer][:, :, row : row + stack.rows])
            self.down.append(stack.down(above)[:, :, 0].permute(0, 2, 1))
            if layer + 1 < model.layers:
                added, _ = _halves(self.added[layer])
                self.vertical[layer + 1][:, :, row + pad, pad : pad + width] = _gate(above + added[:, :, None, None])[
                    :, :, 0
                ]

    def next_logits(self) -> Tensor:
        model = self.model
        row, column = divmod(self.place, model.size[1])
        pad = model.kernel // 2
        if column == 0:
            self._new_row(row)
        h = torch.empty(0)
        for layer, stack in enumerate(model.stacks):
            assert isinstance(stack, _GatedLayer)
            reach = pad + (0 if stack.first else 1)
            window = self.horizontal[layer][:, row, column : column + reach].reshape(self.num, -1)
            left = F.linear(window, self.weights[layer], stack.horizontal.bias)
            _, added = _halves(self.added[layer])
            gated = _gate(left + self.down[layer][:, column] + added)
            new = F.linear(gated, stack.out.weight[:, :, 0, 0], stack.out.bias)
            h = new if stack.first else h + new
            if layer + 1 < model.layers:
                self.horizontal[layer + 1][:, row, column + pad] = h
        mixed = F.relu(F.linear(h, model.mix.weight[:, :, 0, 0], model.mix.bias))
        logits = F.linear(mixed, model.last.weight[:, :, 0, 0], model.last.bias)[:, 0]
        return logits + model.biases[model.order[self.place]]

    def append(self, values: Tensor) -> None:
        model = self.model
        row, column = divmod(self.place, model.size[1])
        pad = model.kernel // 2
        self.vertical[0][:, 0, row + pad, column + pad] = values.to(model.dtype)
        self.horizontal[0][:, row, column + pad, 0] = values.to(model.dtype)
        self.place += 1
