"""``F.max_unpool2d``, and the pooling that it undoes."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, check_output_size, pair


def max_unpool(
    x: Tensor,
    *,
    indices: Int[Tensor, "N C H W"] | None = None,
    kernel_size: Any = 2,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """``F.max_unpool2d``; without ``indices`` the pooling that it undoes runs first."""
    kernel = pair("kernel_size", kernel_size, minimum=1)
    strides = kernel if stride is None else pair("stride", stride, minimum=1)
    paddings = pair("padding", padding, minimum=0)
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
    target = default if output_size is None else pair("output_size", tuple(output_size)[-2:], minimum=1)
    for side, usual, step in zip(target, default, strides, strict=True):
        if output_size is not None and not usual - step < side < usual + step:
            raise UpsamplingError(
                "output_size {side} is impossible here: with stride {stride} it must lie between {low} and {high}.",
                side=side,
                stride=step,
                low=max(1, usual - step + 1),
                high=usual + step - 1,
            )
    check_output_size(target[0], target[1], pooled.shape[0] * pooled.shape[1])
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
    kernel = pair("kernel_size", kernel_size, minimum=1)
    paddings = pair("padding", padding, minimum=0)
    if any(side + 2 * pad < k for side, pad, k in zip(x.shape[2:], paddings, kernel, strict=True)):
        raise UpsamplingError(
            "A pooling window of {kernel_height}×{kernel_width} does not fit into {height}×{width}.",
            kernel_height=kernel[0],
            kernel_width=kernel[1],
            height=x.shape[2],
            width=x.shape[3],
        )
    strides = kernel if stride is None else pair("stride", stride, minimum=1)
    return F.max_pool2d(x, kernel, strides, paddings, return_indices=True)  # type: ignore[no-any-return]
