"""The checkerboard: how often a transposed convolution touches each output pixel, and the pattern it leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from vizcore.upsampling.checks import UpsamplingError, whole_number


@dataclass(frozen=True, eq=False)
class Overlap:
    """How many stamps reach each output pixel of stacked transposed convolutions.

    Attributes:
        kernel_sizes: One for each layer.
        strides: One for each layer.
        counts: ``[O]`` or ``[O, O]`` number of ways from an input pixel to this output pixel, borders included.
        interior: Like ``counts``: whether no input beyond the border could reach the pixel.
        lowest: The smallest count in an endless input.
        highest: The largest count in an endless input.
        ratio: ``highest / lowest``: 1 is even, infinite means that some pixels are never reached.
    """

    kernel_sizes: tuple[int, ...]
    strides: tuple[int, ...]
    counts: np.ndarray
    interior: np.ndarray
    lowest: int
    highest: int
    ratio: float


@dataclass(frozen=True, eq=False)
class ArtefactSpectrum:
    """The pattern that untrained upsampling layers lay over a flat grey image.

    Attributes:
        frequencies: ``[F]`` in cycles per output pixel, from 0 to 0.5.
        names: The layers compared.
        magnitudes: ``[L, F]`` amplitude of each frequency over the mean of the output, root mean square over the seeds;
            the frequency 0 is left out of the pattern and is 0 here.
        patterns: ``[L, O]`` one row of the output of each, divided by its root mean square.
        peak: ``[L]`` the largest magnitude.
    """

    frequencies: np.ndarray
    names: tuple[str, ...]
    magnitudes: np.ndarray
    patterns: np.ndarray
    peak: np.ndarray


@dataclass(frozen=True, eq=False)
class DilatedFootprint:
    """Which pixels a stack of dilated convolutions looks at.

    Attributes:
        dilations: One for each layer.
        counts: ``[R, R]`` number of ways from each pixel of the receptive field to the output pixel in its middle.
        used: How many pixels of the field are seen at all.
        total: R².
    """

    dilations: tuple[int, ...]
    counts: np.ndarray
    used: int
    total: int


def overlap_counts(
    kernel_size: int | Sequence[int], stride: int | Sequence[int], *, size: int = 6, num_layers: int = 1, dims: int = 1
) -> Overlap:
    """Counts the stamps on each output pixel by sending ones through kernels of ones.

    For one layer the interior is even exactly when the stride divides the kernel; in two dimensions the counts are the
    product of the two axes, so unevenness is squared.

    Args:
        kernel_size: Of every layer, or one for each.
        stride: Of every layer, or one for each.
        size: Input pixels along an axis.
        num_layers: How many layers, each fed by the one before.
        dims: 1 or 2.

    Returns:
        Counts, and their ratio over one period of the interior.

    Raises:
        UpsamplingError: For a number below 1, more than three layers, or an output above 4096 pixels a side.

    Reference:
        Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016, doi:10.23915/distill.00003.
    """
    whole_number("size", size, minimum=1)
    whole_number("num_layers", num_layers, minimum=1)
    if num_layers > 3:
        raise UpsamplingError("At most three layers are stacked here; {layers} were asked for.", layers=num_layers)
    if dims not in (1, 2):
        raise UpsamplingError("Overlaps are counted in one dimension or in two, not in {dims}.", dims=dims)
    kernels = _per_layer("kernel_size", kernel_size, num_layers)
    strides = _per_layer("stride", stride, num_layers)
    if size * math.prod(strides) + max(kernels) * math.prod(strides) > 4096:
        raise UpsamplingError(
            "These layers would make more than 4096 pixels a side; take fewer layers or a smaller stride."
        )

    counts = _stack(torch.ones(size, dtype=torch.float64), kernels, strides)
    # The same input in the middle of a longer row of ones: where both agree, the border plays no part.
    # Fewer input pixels than this reach one output pixel, whatever the strides.
    margin = sum(kernels)
    longer = _stack(torch.ones(size + 2 * margin, dtype=torch.float64), kernels, strides)
    start = margin * math.prod(strides)
    endless = longer[start : start + len(counts)]
    interior = counts == endless
    period = math.prod(strides)
    middle = longer[len(longer) // 2 - (period + 1) // 2 :][:period]
    lowest, highest = int(middle.min()), int(middle.max())
    if dims == 2:
        counts = counts[:, None] * counts[None, :]
        interior = interior[:, None] & interior[None, :]
        lowest, highest = lowest**2, highest**2
    return Overlap(
        kernel_sizes=kernels,
        strides=strides,
        counts=counts.long().numpy(),
        interior=interior.numpy(),
        lowest=lowest,
        highest=highest,
        ratio=highest / lowest if lowest else math.inf,
    )


def _per_layer(name: str, value: int | Sequence[int], num_layers: int) -> tuple[int, ...]:
    values = (value,) * num_layers if isinstance(value, int) else tuple(value)
    if len(values) != num_layers:
        raise UpsamplingError(
            "{name} has {count} entries for {layers} layers.", name=name, count=len(values), layers=num_layers
        )
    return tuple(whole_number(name, entry, minimum=1) for entry in values)


def _stack(signal: torch.Tensor, kernel_sizes: tuple[int, ...], strides: tuple[int, ...]) -> torch.Tensor:
    signal = signal[None, None]
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        signal = F.conv_transpose1d(signal, torch.ones((1, 1, kernel_size), dtype=signal.dtype), stride=stride)
    return signal[0, 0]


def artefact_spectrum(
    kernel_size: int = 3, stride: int = 2, *, num_layers: int = 1, size: int = 64, num_seeds: int = 32, seed: int = 0
) -> ArtefactSpectrum:
    """Measures the pattern of untrained layers on a constant row, for a transposed convolution and its repairs.

    A layer that treats all output pixels alike turns a constant into a constant. What else comes out is the layer's own
    pattern, at multiples of 1/stride cycles per pixel.

    Args:
        kernel_size: Of every layer; the convolutions after resizing use it too.
        stride: The factor of every layer.
        num_layers: One to three.
        size: Input pixels; more give a finer frequency axis.
        num_seeds: How many random kernels are averaged.
        seed: Of the first.

    Returns:
        Spectra of ``conv_transpose``, ``resize_conv``, ``pixel_shuffle`` and ``pixel_shuffle_icnr``.

    Raises:
        UpsamplingError: For a number below 1 or more than three layers.

    Reference:
        Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016, doi:10.23915/distill.00003;
        Aitken et al., arXiv:1707.02937. Ours keeps one channel and no activation, so that the layer is all there is.
    """
    for name, value in (("kernel_size", kernel_size), ("stride", stride), ("num_layers", num_layers), ("size", size)):
        whole_number(name, value, minimum=1)
    if num_layers > 3:
        raise UpsamplingError("At most three layers are stacked here; {layers} were asked for.", layers=num_layers)
    names = ("conv_transpose", "resize_conv", "pixel_shuffle", "pixel_shuffle_icnr")
    generator = torch.Generator().manual_seed(seed)
    # Only the middle half is looked at: a whole number of periods, and out of reach of the borders.
    length = max(1, size // 2) * stride**num_layers
    pixels = torch.empty((len(names), num_seeds, length), dtype=torch.float64)
    for draw in range(num_seeds):
        kernels = torch.randn((num_layers, stride, 1, kernel_size), generator=generator, dtype=torch.float64)
        # Positive on average, as after training: else the mean that everything is measured against would vanish.
        kernels = (kernels / kernel_size**0.5 * 0.5 + 1.0) / kernel_size
        for index, name in enumerate(names):
            signal = torch.ones((1, 1, size), dtype=torch.float64)
            for layer in range(num_layers):
                signal = _one_layer(name, signal, kernels[layer], stride)
            centre = signal.shape[-1] // 2 - length // 2
            pixels[index, draw] = signal[0, 0, max(centre, 0) :][:length]
    mean = pixels.mean(-1, keepdim=True)
    spectrum = torch.fft.rfft(pixels - mean).abs() * 2 / length
    spectrum[..., -1] /= 2
    magnitudes = (spectrum / mean.abs()).square().mean(1).sqrt()
    root = pixels[:, :1].square().mean(-1, keepdim=True).sqrt()
    return ArtefactSpectrum(
        frequencies=torch.fft.rfftfreq(length, dtype=torch.float64).numpy(),
        names=names,
        magnitudes=magnitudes.numpy(),
        patterns=(pixels[:, :1] / root)[:, 0].numpy(),
        peak=magnitudes.amax(-1).numpy(),
    )


def _one_layer(name: str, signal: torch.Tensor, kernels: torch.Tensor, stride: int) -> torch.Tensor:
    """One random layer on one row; ``kernels`` is ``[stride, 1, K]`` and all but the shuffle use its first."""
    kernel_size = kernels.shape[-1]
    if name == "conv_transpose":
        return F.conv_transpose1d(signal, kernels[:1] * stride, stride=stride)
    if name == "resize_conv":
        return F.conv1d(F.interpolate(signal, scale_factor=stride), kernels[:1], padding=kernel_size // 2)
    if name == "pixel_shuffle_icnr":
        kernels = kernels[:1].expand(stride, -1, -1)
    channels = F.conv1d(signal, kernels, padding=kernel_size // 2)
    return channels.transpose(1, 2).reshape(1, 1, -1)


def dilated_footprint(dilations: Sequence[int], *, kernel_size: int = 3) -> DilatedFootprint:
    """Counts the ways from each pixel to one output pixel through a stack of dilated convolutions.

    Args:
        dilations: One for each layer, one to six layers.
        kernel_size: Odd, the same for all.

    Returns:
        The receptive field with its counts; zeros in it are the gaps called gridding.

    Raises:
        UpsamplingError: For an even kernel, no layer, or a field above 257 pixels a side.

    Reference:
        Yu and Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016, arXiv:1511.07122; Wang et
        al., "Understanding Convolution for Semantic Segmentation", WACV 2018, arXiv:1702.08502.
    """
    layers = tuple(whole_number("dilation", dilation, minimum=1) for dilation in dilations)
    whole_number("kernel_size", kernel_size, minimum=1)
    side = 1 + (kernel_size - 1) * sum(layers)
    if not 1 <= len(layers) <= 6 or kernel_size % 2 == 0 or side > 257:
        raise UpsamplingError(
            "Give one to six dilations and an odd kernel whose field stays within 257 pixels; this one has {side}.",
            side=side,
        )
    row = torch.ones((1, 1, 1), dtype=torch.float64)
    for dilation in layers:
        kernel = torch.ones((1, 1, kernel_size), dtype=torch.float64)
        row = F.conv_transpose1d(row, kernel, dilation=dilation)
    counts = (row[0, 0, :, None] * row[0, 0, None, :]).long()
    return DilatedFootprint(layers, counts.numpy(), int((counts > 0).sum()), counts.numel())
