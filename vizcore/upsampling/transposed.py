"""``F.conv_transpose2d``."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from vizcore.upsampling.checks import UpsamplingError, check_output_size, pair, whole_number
from vizcore.upsampling.kernels import kernel_weight

OUTPUT_PADDING_RULE = (
    "output_padding must be smaller than stride or dilation, whichever is larger: {extra} is not below {limit}."
)
MESSAGES = (OUTPUT_PADDING_RULE,)


def conv_transpose(
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
    """``F.conv_transpose2d`` with a weight as given or a kernel by name."""
    strides = pair("stride", stride, minimum=1)
    paddings = pair("padding", padding, minimum=0)
    extras = pair("output_padding", output_padding, minimum=0)
    dilations = pair("dilation", dilation, minimum=1)
    whole_number("groups", groups, minimum=1)
    if x.shape[1] % groups:
        raise UpsamplingError(
            "{channels} channels do not divide into {groups} groups.", channels=x.shape[1], groups=groups
        )
    kernel = kernel_weight(weight, kernel_size, x, groups=groups, seed=seed)
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
    check_output_size(height, width, x.shape[0] * kernel.shape[1] * groups)
    return F.conv_transpose2d(x, kernel, bias, strides, paddings, extras, groups, dilations)
