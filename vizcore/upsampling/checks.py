"""What several operators ask of their input and options, with torch's rules said in sentences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vizcore.errors import ExplainedError

MAX_OUTPUT_ELEMENTS = 1 << 27


class UpsamplingError(ExplainedError, ValueError):
    """A refused input or option, in one sentence that a page can translate."""


def check_input(x: Tensor) -> None:
    """Refuses what is no floating-point ``[N, C, H, W]`` with at least one number."""
    if not isinstance(x, Tensor) or x.ndim != 4:
        shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise UpsamplingError(
            "The input must be a tensor of four dimensions, [N, C, H, W]; this one is {shape}.", shape=shape
        )
    if x.numel() == 0:
        raise UpsamplingError("The input is empty: its shape is {shape}.", shape=tuple(x.shape))
    if not x.is_floating_point():
        raise UpsamplingError("The input must hold floating-point numbers; these are {dtype}.", dtype=str(x.dtype))


def whole_number(name: str, value: Any, *, minimum: int) -> int:
    """Returns an option that must be a whole number, or says that it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise UpsamplingError(
            "{name} must be a whole number of at least {minimum}; it is {value}.",
            name=name,
            minimum=minimum,
            value=value,
        )
    return value


def pair(name: str, value: Any, *, minimum: int) -> tuple[int, int]:
    """One whole number for both axes, or one for each."""
    values = tuple(value) if isinstance(value, (tuple, list, torch.Size)) else (value, value)
    if len(values) != 2:
        raise UpsamplingError(
            "{name} takes one number or a pair (height, width); it got {value}.", name=name, value=value
        )
    return whole_number(name, values[0], minimum=minimum), whole_number(name, values[1], minimum=minimum)


def check_output_size(height: int, width: int, planes: int) -> None:
    """Refuses an output without pixels, or with more than ``MAX_OUTPUT_ELEMENTS`` numbers."""
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
