"""Every upsampling operator behind one call, with torch's rules said in sentences.

``upsample`` adds nothing to torch: it names the operators alike, checks the options first, so that a refusal is one
readable sentence instead of a stack trace, and then calls the torch function that the layer itself calls.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from vizcore.errors import ExplainedError

INTERPOLATIONS = ("nearest", "nearest_exact", "bilinear", "bicubic", "area")
METHODS = (
    *INTERPOLATIONS,
    "pixel_shuffle",
    "pixel_unshuffle",
    "conv_transpose",
    "max_unpool",
    "resize_conv",
    "subpixel_conv",
    "dilated_conv",
)
KERNELS = ("constant", "mean", "bilinear", "random", "icnr")

OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(INTERPOLATIONS, ("size", "scale_factor", "align_corners", "recompute_scale_factor", "antialias")),
    "pixel_shuffle": ("upscale_factor",),
    "pixel_unshuffle": ("downscale_factor",),
    "conv_transpose": (
        "weight", "bias", "kernel_size", "stride", "padding", "output_padding", "groups", "dilation", "seed",
    ),
    "max_unpool": ("indices", "kernel_size", "stride", "padding", "output_size"),
    "resize_conv": ("weight", "bias", "kernel_size", "size", "scale_factor", "mode", "align_corners", "seed"),
    "subpixel_conv": ("weight", "bias", "kernel_size", "upscale_factor", "seed"),
    "dilated_conv": ("weight", "bias", "kernel_size", "dilation", "seed"),
}  # fmt: skip

MAX_OUTPUT_ELEMENTS = 1 << 27

OUTPUT_PADDING_RULE = (
    "output_padding must be smaller than stride or dilation, whichever is larger: {extra} is not below {limit}."
)
MESSAGES = (OUTPUT_PADDING_RULE,)

_LINEAR = ("bilinear", "bicubic")


class UpsamplingError(ExplainedError, ValueError):
    """A refused input or option, in one sentence that a page can translate."""


def upsample(method: str, x: Float[Tensor, "N C H W"], **options: Any) -> Float[Tensor, "N C2 H2 W2"]:
    """Applies one upsampling operator.

    Args:
        method: One of ``METHODS``.
        x: The input, of any floating type.
        **options: The options of the torch layer under torch's own names (``OPTIONS[method]``). Three go further:
            ``weight`` is a tensor in torch's layout or the name of a kernel in ``KERNELS``, which needs ``kernel_size``
            and then acts on every channel by itself; ``seed`` belongs to the kernels ``random`` and ``icnr``; and
            ``max_unpool`` without ``indices`` first runs ``MaxPool2d`` on ``x`` and then undoes it, so that the output
            has the size of ``x``.

    Returns:
        What torch returns.

    Raises:
        UpsamplingError: For what torch refuses, with torch's rule and the present numbers.

    Reference:
        Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
        Neural Network", CVPR 2016, arXiv:1609.05158; Dumoulin and Visin, "A guide to convolution arithmetic for deep
        learning", arXiv:1603.07285.
    """
    if method not in METHODS:
        raise UpsamplingError(
            "There is no upsampling method “{method}”; choose one of {known}.", method=method, known=", ".join(METHODS)
        )
    unknown = sorted(set(options) - set(OPTIONS[method]))
    if unknown:
        raise UpsamplingError(
            "{method} has no option “{option}”; it takes {known}.",
            method=method,
            option=unknown[0],
            known=", ".join(OPTIONS[method]),
        )
    _check_input(x)
    try:
        if method in INTERPOLATIONS:
            return _interpolate(method, x, **options)
        if method == "pixel_shuffle":
            return _pixel_shuffle(x, **options)
        if method == "pixel_unshuffle":
            return _pixel_unshuffle(x, **options)
        if method == "conv_transpose":
            return _conv_transpose(x, **options)
        if method == "max_unpool":
            return _max_unpool(x, **options)
        if method == "resize_conv":
            return _resize_conv(x, **options)
        if method == "subpixel_conv":
            return _subpixel_conv(x, **options)
        return _dilated_conv(x, **options)
    except UpsamplingError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UpsamplingError(
            "torch refuses {method} with these options: {reason}", method=method, reason=reason
        ) from error


def named_kernel(
    name: str, kernel_size: tuple[int, int], *, upscale_factor: int = 1, seed: int = 0
) -> Float[Tensor, "M KH KW"]:
    """A kernel by its name, in float64, for one channel.

    Args:
        name: ``constant``: all 1. ``mean``: all equal, summing to 1. ``bilinear``: the tent that makes a stride-s
            transposed convolution a bilinear interpolation when its size is 2s - s mod 2. ``random``: normal numbers
            with standard deviation 1/√(number of entries). ``icnr``: like ``random``, but the same numbers for each of
            the ``upscale_factor``² sub-pixels.
        kernel_size: Height and width.
        upscale_factor: A sub-pixel convolution needs its square as many kernels; 1 gives a single one.
        seed: For ``random`` and ``icnr``.

    Returns:
        ``upscale_factor``² kernels.

    Raises:
        UpsamplingError: For an unknown name.

    Reference:
        Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
        arXiv:1411.4038 (bilinear); Aitken et al., "Checkerboard artifact free sub-pixel convolution",
        arXiv:1707.02937 (ICNR).
    """
    if name not in KERNELS:
        raise UpsamplingError(
            "There is no kernel “{kernel}”; choose one of {known}.", kernel=name, known=", ".join(KERNELS)
        )
    num_kernels = upscale_factor**2
    height, width = kernel_size
    shape = (num_kernels, height, width)
    if name == "constant":
        return torch.ones(shape, dtype=torch.float64)
    if name == "mean":
        return torch.full(shape, 1.0 / (height * width), dtype=torch.float64)
    if name == "bilinear":
        return (_tent(height)[:, None] * _tent(width)[None, :]).expand(shape).contiguous()
    generator = torch.Generator().manual_seed(seed)
    distinct = 1 if name == "icnr" else num_kernels
    kernel = torch.randn((distinct, height, width), generator=generator, dtype=torch.float64)
    return (kernel / math.sqrt(height * width)).expand(shape).contiguous()


def icnr_weight(
    weight: Float[Tensor, "out_channels in_channels KH KW"], upscale_factor: int
) -> Float[Tensor, "out_channels in_channels KH KW"]:
    """Makes the weight of a sub-pixel convolution start as nearest-neighbour resizing.

    Each group of ``upscale_factor``² output channels, which PixelShuffle lays into one block of pixels, gets the kernel
    of its first member. Every block is then flat before training, so no checkerboard is there to begin with.

    Args:
        weight: Any initial weight of the convolution in front of PixelShuffle.
        upscale_factor: r; ``out_channels`` must be a multiple of r².

    Returns:
        A new weight of the same shape.

    Raises:
        UpsamplingError: If the number of output channels does not divide by r².

    Reference:
        Aitken et al., "Checkerboard artifact free sub-pixel convolution", arXiv:1707.02937.
    """
    _whole_number("upscale_factor", upscale_factor, minimum=1)
    if weight.shape[0] % upscale_factor**2:
        raise UpsamplingError(
            "PixelShuffle reads its channels in groups of {square} (upscale_factor squared), "
            "and {channels} channels do not divide by that.",
            square=upscale_factor**2,
            channels=weight.shape[0],
        )
    return weight[:: upscale_factor**2].repeat_interleave(upscale_factor**2, dim=0)


def _tent(size: int) -> Tensor:
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - (torch.arange(size, dtype=torch.float64) - centre).abs() / factor


# Checks that several operators share


def _check_input(x: Tensor) -> None:
    if not isinstance(x, Tensor) or x.ndim != 4:
        shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise UpsamplingError(
            "The input must be a tensor of four dimensions, [N, C, H, W]; this one is {shape}.", shape=shape
        )
    if x.numel() == 0:
        raise UpsamplingError("The input is empty: its shape is {shape}.", shape=tuple(x.shape))
    if not x.is_floating_point():
        raise UpsamplingError("The input must hold floating-point numbers; these are {dtype}.", dtype=str(x.dtype))


def _whole_number(name: str, value: Any, *, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise UpsamplingError(
            "{name} must be a whole number of at least {minimum}; it is {value}.",
            name=name,
            minimum=minimum,
            value=value,
        )
    return value


def _pair(name: str, value: Any, *, minimum: int) -> tuple[int, int]:
    """One whole number for both axes, or one for each."""
    values = tuple(value) if isinstance(value, (tuple, list, torch.Size)) else (value, value)
    if len(values) != 2:
        raise UpsamplingError(
            "{name} takes one number or a pair (height, width); it got {value}.", name=name, value=value
        )
    return _whole_number(name, values[0], minimum=minimum), _whole_number(name, values[1], minimum=minimum)


def _check_output_size(height: int, width: int, planes: int) -> None:
    if height < 1 or width < 1:
        raise UpsamplingError(
            "The output would be {height}×{width}: each side of an output must be at least 1.",
            height=height,
            width=width,
        )
    if height * width * planes > MAX_OUTPUT_ELEMENTS:
        raise UpsamplingError(
            "The output would be {height}×{width} on {planes} planes, more than the {limit} numbers allowed here.",
            height=height,
            width=width,
            planes=planes,
            limit=MAX_OUTPUT_ELEMENTS,
        )


def _weight(
    weight: Tensor | str, kernel_size: Any, x: Tensor, *, groups: int = 1, seed: int = 0
) -> Float[Tensor, "C C_per_group KH KW"]:
    """A named kernel on every channel by itself, or the tensor as given; both layouts of torch agree on the first."""
    if isinstance(weight, Tensor):
        if weight.ndim != 4 or weight.numel() == 0:
            raise UpsamplingError(
                "The weight must have four dimensions; its shape is {shape}.", shape=tuple(weight.shape)
            )
        if kernel_size is not None and _pair("kernel_size", kernel_size, minimum=1) != tuple(weight.shape[2:]):
            raise UpsamplingError(
                "kernel_size is {value}, but the weight's own kernel is {height}×{width}.",
                value=kernel_size,
                height=weight.shape[2],
                width=weight.shape[3],
            )
        return weight.to(x.dtype)
    if kernel_size is None:
        raise UpsamplingError("A kernel given by name needs kernel_size.")
    kernel = named_kernel(weight, _pair("kernel_size", kernel_size, minimum=1), seed=seed)
    channels = x.shape[1]
    per_group = channels // groups
    own_channel = torch.eye(per_group, dtype=torch.float64).repeat(groups, 1)
    return (own_channel[:, :, None, None] * kernel[None]).to(x.dtype)


def _same_padding(weight: Tensor, dilation: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    if weight.shape[2] % 2 == 0 or weight.shape[3] % 2 == 0:
        raise UpsamplingError(
            "An even kernel ({height}×{width}) has no middle, so it cannot keep the size; take an odd one.",
            height=weight.shape[2],
            width=weight.shape[3],
        )
    return dilation[0] * (weight.shape[2] - 1) // 2, dilation[1] * (weight.shape[3] - 1) // 2


# The operators


def interpolated_size(height: int, width: int, *, size: Any = None, scale_factor: Any = None) -> tuple[int, int]:
    """The output size of ``interpolate``: ``size`` as given, or each side times its factor, rounded down.

    Args:
        height: Rows of the input.
        width: Columns of the input.
        size: One number or (height, width).
        scale_factor: One number or (vertical, horizontal); exactly one of the two is given.

    Returns:
        Height and width of the output.

    Raises:
        UpsamplingError: For both or neither, a factor that is no positive number, or a side that falls below 1.
    """
    if (size is None) == (scale_factor is None):
        raise UpsamplingError("Give either size or scale_factor, and only one of them.")
    if size is not None:
        return _pair("size", size, minimum=1)
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
    if len(factors) != 2:
        raise UpsamplingError(
            "{name} takes one number or a pair (height, width); it got {value}.",
            name="scale_factor",
            value=scale_factor,
        )
    for factor in factors:
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
            raise UpsamplingError("scale_factor must be a positive, finite number; it is {value}.", value=factor)
    # torch reads the factor as a double and rounds down, so ours must not round to float32 first.
    target = math.floor(height * float(factors[0])), math.floor(width * float(factors[1]))
    if min(target) < 1:
        raise UpsamplingError(
            "scale_factor {factor} turns {height}×{width} into {out_height}×{out_width}, for torch rounds "
            "side times factor down: each side of an output must be at least 1.",
            factor=scale_factor,
            height=height,
            width=width,
            out_height=target[0],
            out_width=target[1],
        )
    return target


def _interpolate(
    method: str,
    x: Tensor,
    *,
    size: Any = None,
    scale_factor: Any = None,
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    if align_corners is not None and method not in _LINEAR:
        raise UpsamplingError(
            "align_corners belongs to bilinear and bicubic; {method} does not compute between pixels, "
            "so torch refuses it.",
            method=method,
        )
    if antialias and method not in _LINEAR:
        raise UpsamplingError(
            "antialias belongs to bilinear and bicubic; torch refuses it for {method}.", method=method
        )
    if size is not None and recompute_scale_factor:
        raise UpsamplingError("recompute_scale_factor means nothing next to size: there is no factor to compute again.")
    target = interpolated_size(x.shape[2], x.shape[3], size=size, scale_factor=scale_factor)
    _check_output_size(*target, x.shape[0] * x.shape[1])
    return F.interpolate(
        x,
        size=None if size is None else target,
        scale_factor=tuple(scale_factor) if isinstance(scale_factor, list) else scale_factor,
        mode=method.replace("_", "-"),
        align_corners=align_corners,
        recompute_scale_factor=recompute_scale_factor,
        antialias=antialias,
    )


def _pixel_shuffle(x: Tensor, *, upscale_factor: int) -> Tensor:
    _whole_number("upscale_factor", upscale_factor, minimum=1)
    if x.shape[1] % upscale_factor**2:
        raise UpsamplingError(
            "PixelShuffle reads its channels in groups of {square} (upscale_factor squared), "
            "and {channels} channels do not divide by that.",
            square=upscale_factor**2,
            channels=x.shape[1],
        )
    return F.pixel_shuffle(x, upscale_factor)


def _pixel_unshuffle(x: Tensor, *, downscale_factor: int) -> Tensor:
    _whole_number("downscale_factor", downscale_factor, minimum=1)
    if x.shape[2] % downscale_factor or x.shape[3] % downscale_factor:
        raise UpsamplingError(
            "PixelUnshuffle cuts the image into blocks of {factor}×{factor}, and {height}×{width} does not divide.",
            factor=downscale_factor,
            height=x.shape[2],
            width=x.shape[3],
        )
    return F.pixel_unshuffle(x, downscale_factor)


def _conv_transpose(
    x: Tensor,
    *,
    weight: Tensor | str = "constant",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
    seed: int = 0,
) -> Tensor:
    strides = _pair("stride", stride, minimum=1)
    paddings = _pair("padding", padding, minimum=0)
    extras = _pair("output_padding", output_padding, minimum=0)
    dilations = _pair("dilation", dilation, minimum=1)
    _whole_number("groups", groups, minimum=1)
    if x.shape[1] % groups:
        raise UpsamplingError(
            "{channels} channels do not divide into {groups} groups.", channels=x.shape[1], groups=groups
        )
    kernel = _weight(weight, kernel_size, x, groups=groups, seed=seed)
    if kernel.shape[0] != x.shape[1]:
        raise UpsamplingError(
            "A transposed convolution's weight begins with the input channels: "
            "it has {expected}, the input {channels}.",
            expected=kernel.shape[0],
            channels=x.shape[1],
        )
    for extra, step, spread in zip(extras, strides, dilations, strict=True):
        if extra >= max(step, spread):
            raise UpsamplingError(
                OUTPUT_PADDING_RULE,
                extra=extra,
                limit=max(step, spread),
            )
    height, width = (
        (side - 1) * step - 2 * pad + spread * (k - 1) + extra + 1
        for side, step, pad, spread, k, extra in zip(
            x.shape[2:], strides, paddings, dilations, kernel.shape[2:], extras, strict=True
        )
    )
    _check_output_size(height, width, x.shape[0] * kernel.shape[1] * groups)
    return F.conv_transpose2d(x, kernel, bias, strides, paddings, extras, groups, dilations)


def _max_unpool(
    x: Tensor,
    *,
    indices: Int[Tensor, "N C H W"] | None = None,
    kernel_size: Any = 2,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    kernel = _pair("kernel_size", kernel_size, minimum=1)
    strides = kernel if stride is None else _pair("stride", stride, minimum=1)
    paddings = _pair("padding", padding, minimum=0)
    for pad, k in zip(paddings, kernel, strict=True):
        if 2 * pad > k:
            raise UpsamplingError(
                "padding may be at most half the kernel of a pooling layer: {padding} is more than half of {kernel}.",
                padding=pad,
                kernel=k,
            )
    if indices is None:
        pooled, indices = max_pool(x, kernel_size=kernel, stride=strides, padding=paddings)
        output_size = output_size or x.shape[2:]
    else:
        pooled = x
        if indices.shape != x.shape:
            raise UpsamplingError(
                "MaxUnpool2d needs one index for each value: the values are {shape}, the indices {indices}.",
                shape=tuple(x.shape),
                indices=tuple(indices.shape),
            )
    default = tuple(
        (side - 1) * step - 2 * pad + k
        for side, step, pad, k in zip(pooled.shape[2:], strides, paddings, kernel, strict=True)
    )
    target = default if output_size is None else _pair("output_size", tuple(output_size)[-2:], minimum=1)
    for side, usual, step in zip(target, default, strides, strict=True):
        if output_size is not None and not usual - step < side < usual + step:
            raise UpsamplingError(
                "output_size {side} is impossible here: with stride {stride} it must lie between {low} and {high}.",
                side=side,
                stride=step,
                low=max(1, usual - step + 1),
                high=usual + step - 1,
            )
    _check_output_size(target[0], target[1], pooled.shape[0] * pooled.shape[1])
    highest = int(indices.max())
    if int(indices.min()) < 0 or highest >= target[0] * target[1]:
        raise UpsamplingError(
            "An index points at pixel {index}, but an output of {height}×{width} ends at {last}; "
            "pass the size before pooling as output_size.",
            index=highest,
            height=target[0],
            width=target[1],
            last=target[0] * target[1] - 1,
        )
    return F.max_unpool2d(pooled, indices, kernel, strides, paddings, target)


def max_pool(
    x: Float[Tensor, "N C H W"], *, kernel_size: Any = 2, stride: Any = None, padding: Any = 0
) -> tuple[Float[Tensor, "N C H2 W2"], Int[Tensor, "N C H2 W2"]]:
    """Max pooling with the indices that MaxUnpool needs.

    Args:
        x: The input.
        kernel_size: One number or (height, width).
        stride: The same as the kernel if not given.
        padding: At most half the kernel.

    Returns:
        The maxima, and for each the flat index row · W + column of the pixel it came from; the first of equal ones.

    Raises:
        UpsamplingError: If the window is larger than the input.

    Reference:
        Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901.
    """
    kernel = _pair("kernel_size", kernel_size, minimum=1)
    paddings = _pair("padding", padding, minimum=0)
    if any(side + 2 * pad < k for side, pad, k in zip(x.shape[2:], paddings, kernel, strict=True)):
        raise UpsamplingError(
            "A pooling window of {kernel_height}×{kernel_width} does not fit into {height}×{width}.",
            kernel_height=kernel[0],
            kernel_width=kernel[1],
            height=x.shape[2],
            width=x.shape[3],
        )
    strides = kernel if stride is None else _pair("stride", stride, minimum=1)
    return F.max_pool2d(x, kernel, strides, paddings, return_indices=True)  # type: ignore[no-any-return]


def _resize_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "mean",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    seed: int = 0,
) -> Tensor:
    if mode not in INTERPOLATIONS:
        raise UpsamplingError(
            "There is no upsampling method “{method}”; choose one of {known}.",
            method=mode,
            known=", ".join(INTERPOLATIONS),
        )
    resized = _interpolate(mode, x, size=size, scale_factor=scale_factor, align_corners=align_corners)
    kernel = _weight(weight, 3 if kernel_size is None and isinstance(weight, str) else kernel_size, x, seed=seed)
    return F.conv2d(resized, kernel, bias, padding=_same_padding(kernel))


def _subpixel_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "icnr",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    upscale_factor: int = 2,
    seed: int = 0,
) -> Tensor:
    _whole_number("upscale_factor", upscale_factor, minimum=1)
    if isinstance(weight, Tensor):
        kernel = _weight(weight, kernel_size, x)
    else:
        size = _pair("kernel_size", 3 if kernel_size is None else kernel_size, minimum=1)
        kernels = named_kernel(weight, size, upscale_factor=upscale_factor, seed=seed).to(x.dtype)
        own_channel = torch.eye(x.shape[1], dtype=x.dtype)
        kernel = torch.einsum("oi,mhw->omihw", own_channel, kernels).flatten(0, 1)
    _check_output_size(x.shape[2] * upscale_factor, x.shape[3] * upscale_factor, x.shape[0] * kernel.shape[0])
    return _pixel_shuffle(F.conv2d(x, kernel, bias, padding=_same_padding(kernel)), upscale_factor=upscale_factor)


def _dilated_conv(
    x: Tensor,
    *,
    weight: Tensor | str = "mean",
    bias: Tensor | None = None,
    kernel_size: Any = None,
    dilation: Any = 2,
    seed: int = 0,
) -> Tensor:
    dilations = _pair("dilation", dilation, minimum=1)
    kernel = _weight(weight, 3 if kernel_size is None and isinstance(weight, str) else kernel_size, x, seed=seed)
    return F.conv2d(x, kernel, bias, padding=_same_padding(kernel, dilations), dilation=dilations)
