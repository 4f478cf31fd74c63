"""Every upsampling operator behind one call, with torch's rules said in sentences.

``upsample`` adds nothing to torch: it names the operators alike, checks the options first, so that a refusal is one
readable sentence instead of a stack trace, and then calls the torch function that the layer itself calls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, check_input
from vizcore.upsampling.composed import dilated_conv, resize_conv, subpixel_conv
from vizcore.upsampling.interpolation import INTERPOLATIONS, interpolate
from vizcore.upsampling.pooling import max_unpool
from vizcore.upsampling.shuffles import pixel_shuffle, pixel_unshuffle
from vizcore.upsampling.transposed import conv_transpose

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


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    **{method: partial(interpolate, method) for method in INTERPOLATIONS},
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "conv_transpose": conv_transpose,
    "max_unpool": max_unpool,
    "resize_conv": resize_conv,
    "subpixel_conv": subpixel_conv,
    "dilated_conv": dilated_conv,
}


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
    check_input(x)
    try:
        return _OPERATORS[method](x, **options)
    except UpsamplingError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UpsamplingError(
            "torch refuses {method} with these options: {reason}", method=method, reason=reason
        ) from error
