"""Output sizes: the formula with its numbers, what output_padding decides, and which layers multiply a size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import torch
import torch.nn.functional as F

from vizcore.upsampling.checks import UpsamplingError, whole_number
from vizcore.upsampling.interpolation import interpolated_size
from vizcore.upsampling.transposed import OUTPUT_PADDING_RULE


@dataclass(frozen=True)
class SizeFormula:
    """An output size, derived.

    Attributes:
        symbols: The rule in torch's letters.
        numbers: The same with the present numbers.
        size: Its result.
    """

    symbols: str
    numbers: str
    size: int


@dataclass(frozen=True)
class OutputPaddingChoice:
    """One value of output_padding.

    Attributes:
        output_padding: The value.
        size: The output size it leads to.
        convolved_back: The size to which the matching convolution brings that output: the input size again, each time.
    """

    output_padding: int
    size: int
    convolved_back: int


@dataclass(frozen=True)
class TransposedLayer:
    """A transposed convolution that multiplies every size by one factor.

    Attributes:
        kernel_size: Side of the kernel.
        stride: Its stride, which is the factor.
        padding: Its padding.
        output_padding: Its output padding.
        even_overlap: Whether every interior output pixel is touched equally often, that is, whether the stride divides
            the kernel.
    """

    kernel_size: int
    stride: int
    padding: int
    output_padding: int
    even_overlap: bool


def transposed_size(
    size: int,
    *,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> SizeFormula:
    """The output size of a transposed convolution along one axis.

    Args:
        size: Input size.
        kernel_size: Number of kernel entries.
        stride: Distance between two stamps.
        padding: Pixels cut off each end.
        output_padding: Pixels added at the far end; below max(stride, dilation).
        dilation: Distance between kernel entries.

    Returns:
        Formula, numbers and result.

    Raises:
        UpsamplingError: For a number that torch refuses or a result below 1.

    Reference:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    for name, value, minimum in (
        ("size", size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("output_padding", output_padding, 0),
        ("dilation", dilation, 1),
    ):
        whole_number(name, value, minimum=minimum)
    if output_padding >= max(stride, dilation):
        raise UpsamplingError(
            OUTPUT_PADDING_RULE,
            extra=output_padding,
            limit=max(stride, dilation),
        )
    result = (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1
    if result < 1:
        raise UpsamplingError(
            "({size} − 1)·{stride} − 2·{padding} + {dilation}·({kernel} − 1) + {extra} + 1 = {result}: "
            "each side of an output must be at least 1, so take less padding or a larger kernel.",
            size=size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            kernel=kernel_size,
            extra=output_padding,
            result=result,
        )
    return SizeFormula(
        symbols="(in − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1",
        numbers=f"({size} − 1)·{stride} − 2·{padding} + {dilation}·({kernel_size} − 1) + {output_padding} + 1"
        f" = {result}",
        size=result,
    )


def resized_size(size: int, *, scale_factor: float) -> SizeFormula:
    """The output size of an interpolation by a factor along one axis.

    Args:
        size: Input size.
        scale_factor: The factor.

    Returns:
        Formula, numbers and result.

    Raises:
        UpsamplingError: If the result falls below 1.
    """
    result, _ = interpolated_size(size, size, scale_factor=scale_factor)
    numbers = f"⌊{size} · {_true_factor(size, scale_factor, result)}⌋ = {result}"
    return SizeFormula(symbols="⌊in · scale_factor⌋", numbers=numbers, size=result)


def _true_factor(size: int, scale_factor: float, result: int) -> str:
    """The factor with as few digits, six at least, as make the equation true for whoever calculates after it.

    Six digits of 120/88 are 1.36364, and 88 times that is a little above 120, where torch computes 119.
    """
    for digits in range(6, 18):
        written = f"{scale_factor:.{digits}g}"
        if math.floor(Fraction(written) * size) == result:
            return written
    # The product of the doubles was rounded up to a whole number: so is the factor.
    place = Decimal(1).scaleb(math.floor(math.log10(scale_factor)) - 5)
    return str(Decimal(scale_factor).quantize(place, ROUND_CEILING))


def output_padding_choices(
    size: int, *, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[OutputPaddingChoice, ...]:
    """Every allowed output_padding: which of the sizes that a strided convolution merges into one is meant.

    A convolution with stride s brings s different sizes to the same one, so its transpose must be told which to return.
    The extra pixels are computed like all others, they are not zeros stuck on.

    Args:
        size: Input size.
        kernel_size: Number of kernel entries.
        stride: Distance between two stamps.
        padding: Pixels cut off each end.
        dilation: Distance between kernel entries.

    Returns:
        One entry for each value below the stride, or the dilation if that is larger; those with an empty output are
        left out.
    """
    choices = []
    for extra in range(max(stride, dilation)):
        result = (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + extra + 1
        if result >= 1:
            back = (result + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
            choices.append(OutputPaddingChoice(extra, result, back))
    return tuple(choices)


def scaling_layers(factor: int = 2, *, max_kernel_size: int = 8) -> tuple[TransposedLayer, ...]:
    """Solves for every transposed convolution that multiplies each size by ``factor``, and lets torch confirm each.

    With stride = factor the formula's dependence on the input size falls away and kernel_size - factor =
    2·padding - output_padding remains.

    Args:
        factor: The wanted factor, at least 2.
        max_kernel_size: The largest kernel that is considered.

    Returns:
        The layers by kernel size and padding.

    Raises:
        UpsamplingError: If the factor is below 2.
    """
    whole_number("factor", factor, minimum=2)
    layers = []
    for kernel_size in range(1, max_kernel_size + 1):
        for padding in range(kernel_size + 1):
            extra = 2 * padding - kernel_size + factor
            if not 0 <= extra < factor:
                continue
            kernel = torch.ones((1, 1, kernel_size))
            sizes = [
                F.conv_transpose1d(torch.ones((1, 1, side)), kernel, None, factor, padding, extra).shape[-1]
                for side in (3, 4, 7)
            ]
            if sizes == [3 * factor, 4 * factor, 7 * factor]:
                layers.append(TransposedLayer(kernel_size, factor, padding, extra, kernel_size % factor == 0))
    return tuple(layers)
