"""The orders in which pixels can be drawn."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Int64
from torch import Tensor

from vizcore.models.autoregressive import AutoregressiveError

UNKNOWN_ORDER: Final = "{order} is no order of pixels here; choose one of {orders}."
ORDERS: Final = ("raster", "reverse", "columns", "random")


def pixel_order(name: str, size: tuple[int, int], *, seed: int = 0) -> Int64[Tensor, " D"]:
    """The pixel drawn first, second, …, counted row by row.

    Args:
        name: ``"raster"`` row by row from the upper left, ``"reverse"`` from the lower right, ``"columns"`` column by
            column from the left, ``"random"``.
        size: (height, width).
        seed: of the random order.

    Raises:
        AutoregressiveError: for another name.
    """
    height, width = size
    raster = torch.arange(height * width)
    if name == "raster":
        return raster
    if name == "reverse":
        return raster.flip(0)
    if name == "columns":
        return raster.reshape(height, width).T.reshape(-1)
    if name == "random":
        return torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    raise AutoregressiveError(UNKNOWN_ORDER, order=name, orders=", ".join(ORDERS))
