"""The neck with everything in between, and its connections as switches: a cut one brings zeros."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.fpn.errors import FPNError
from vizcore.models.fcos import FCOS, FCOSConfig

TOP_DOWN: Final = "top_down"
"""The cut of the whole pathway; ``top_down:P4`` cuts the arrow into P4 alone, ``lateral:C3`` the one out of C3."""


class NeckMaps(NamedTuple):
    """What a neck computes, finest first.

    Attributes:
        laterals: by stage.
        merged: by level, without P6.
        levels: by level.
    """

    laterals: dict[str, Tensor]
    merged: dict[str, Tensor]
    levels: dict[str, Tensor]


def stride_of(name: str) -> int:
    """Pixels of the input per cell of a stage or level: C3 and P3 have 8."""
    return int(2 ** int(name[1:]))


def possible_cuts(config: FCOSConfig) -> tuple[str, ...]:
    """Every cut that a detector's neck allows; the pathway first, then its arrows from the top, then the laterals."""
    finest_last = config.stages[::-1]
    laterals = tuple(f"lateral:{stage}" for stage in finest_last)
    if config.neck != "fpn":
        return laterals
    return (TOP_DOWN, *(f"{TOP_DOWN}:P{stage[1:]}" for stage in finest_last[1:]), *laterals)


def check_cuts(config: FCOSConfig, cuts: Iterable[str]) -> frozenset[str]:
    """The cuts as a set.

    Raises:
        FPNError: If the neck has no such connection.
    """
    chosen, possible = frozenset(cuts), possible_cuts(config)
    if not chosen <= set(possible):
        raise FPNError(
            "cuts must be among {known}; got {cuts}.", known=", ".join(possible), cuts=", ".join(sorted(chosen))
        )
    return chosen


def run_neck(fcos: FCOS, stages: Mapping[str, Tensor], *, cuts: Iterable[str] = ()) -> NeckMaps:
    """What ``fcos.levels`` computes, with everything in between, and with connections cut if asked.

    Args:
        fcos: neck and head.
        stages: ``[N, C, H, W]`` by name; more than the neck reads do no harm.
        cuts: names of :func:`possible_cuts`.

    Raises:
        FPNError: If the neck has no such connection.
    """
    config = fcos.config
    chosen = check_cuts(config, cuts)
    laterals, merged, levels = {}, {}, {}
    above: Tensor | None = None
    for place in range(len(config.stages) - 1, -1, -1):
        stage, level = config.stages[place], f"P{config.stages[place][1:]}"
        lateral = fcos.neck.inner_blocks[place](stages[stage])  # type: ignore[union-attr, operator, index]
        laterals[stage] = torch.zeros_like(lateral) if f"lateral:{stage}" in chosen else lateral
        merged[level] = laterals[stage]
        if config.neck == "fpn" and above is not None and not is_cut(level, chosen):
            merged[level] = merged[level] + F.interpolate(above, size=lateral.shape[-2:], mode="nearest")
        above = merged[level]
        levels[level] = fcos.neck.layer_blocks[place](above)  # type: ignore[union-attr, operator, index]
    if "P6" in config.levels:
        levels["P6"] = F.max_pool2d(levels["P5"], kernel_size=1, stride=2)
    return NeckMaps(*(dict(sorted(maps.items())) for maps in (laterals, merged, levels)))


def is_cut(level: str, cuts: frozenset[str]) -> bool:
    """Whether the arrow into a level, or the whole pathway, is among the cuts."""
    return TOP_DOWN in cuts or f"{TOP_DOWN}:{level}" in cuts
