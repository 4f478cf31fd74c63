"""One more head on the same point: how far a shape is turned, within its symmetry."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vizcore.centernet.errors import CenterNetError


def turn_to_angle(turns: Float[Tensor, "N 2"], symmetry: int) -> Float[Tensor, " N"]:
    """The angle, in radians from 0 up to a full circle over the symmetry, that (cosine, sine) of its multiple mean.

    Args:
        turns: (cosine, sine) of angle times symmetry; they need not have length 1.
        symmetry: turns by a full circle over this number change nothing.

    Raises:
        CenterNetError: The symmetry is not positive.
    """
    if symmetry < 1:
        raise CenterNetError("A symmetry is a number from 1 on; got {symmetry}.", symmetry=symmetry)
    period = 2 * math.pi / symmetry
    angle = torch.atan2(turns[:, 1], turns[:, 0]) / symmetry
    # A tiny negative angle plus a period may round up to the period itself.
    turned = angle.remainder(period)
    return torch.where(turned >= period, 0.0, turned)


def angle_error(angles: Float[Tensor, " N"], targets: Float[Tensor, " N"], symmetry: int) -> Float[Tensor, " N"]:
    """How many degrees one angle is from the other the shorter way, at most 180 over the symmetry.

    Args:
        angles: radians.
        targets: radians.
        symmetry: of the shape.

    Raises:
        CenterNetError: The symmetry is not positive.
    """
    if symmetry < 1:
        raise CenterNetError("A symmetry is a number from 1 on; got {symmetry}.", symmetry=symmetry)
    period = 2 * math.pi / symmetry
    away = (angles - targets).remainder(period)
    return torch.rad2deg(torch.minimum(away, period - away))
