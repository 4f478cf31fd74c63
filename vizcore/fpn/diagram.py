"""The pyramid as a diagram: stages beside levels, arrows that can be cut, and what is added where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from vizcore.fpn.neck import TOP_DOWN, is_cut, possible_cuts
from vizcore.models.fcos import STAGE_CHANNELS, FCOSConfig


class PyramidRow(NamedTuple):
    """A stage and the level of the same size.

    Attributes:
        stage: ``"C2"`` … ``"C5"``; None beside P6, which no stage has.
        level: ``"P2"`` … ``"P6"``; None where the detector has no such level.
    """

    stage: str | None
    level: str | None


class PyramidArrow(NamedTuple):
    """An arrow that can be cut.

    Attributes:
        cut: its name among :func:`vizcore.fpn.possible_cuts`.
        kind: ``"top_down"`` or ``"lateral"``.
        start: stage or level it comes from.
        end: level it goes to.
    """

    cut: str
    kind: str
    start: str
    end: str


class MergePart(NamedTuple):
    """A map in the sum that makes a level.

    Attributes:
        name: of the map, as :func:`vizcore.fpn.packing.pack_maps` names it.
        kind: the two that are added, their sum, and the level that a convolution makes of it.
        cut: whether the arrow that brings it is cut.
    """

    name: str
    kind: Literal["lateral", "upsampled", "merged", "level"]
    cut: bool


def pyramid_rows(config: FCOSConfig) -> tuple[PyramidRow, ...]:
    """All stages of the backbone beside a detector's levels, coarsest first."""
    numbers = sorted({name[1:] for name in (*STAGE_CHANNELS, *config.levels)}, reverse=True)
    return tuple(
        PyramidRow(
            f"C{number}" if f"C{number}" in STAGE_CHANNELS else None,
            f"P{number}" if f"P{number}" in config.levels else None,
        )
        for number in numbers
    )


def pyramid_arrows(config: FCOSConfig) -> tuple[PyramidArrow, ...]:
    """Every single arrow that a detector's neck allows to cut, in the order of :func:`vizcore.fpn.possible_cuts`."""
    arrows = []
    for cut in possible_cuts(config):
        if cut == TOP_DOWN:
            continue
        kind, _colon, name = cut.partition(":")
        number = int(name[1:])
        start, end = (f"P{number + 1}", name) if kind == TOP_DOWN else (name, f"P{number}")
        arrows.append(PyramidArrow(cut, kind, start, end))
    return tuple(arrows)


def merge_parts(config: FCOSConfig, level: str, cuts: Iterable[str]) -> tuple[MergePart, ...]:
    """What makes a level, in the order of the sum; nothing for a level that merges nothing.

    Args:
        config: of the detector, with a feature pyramid.
        level: one of its levels.
        cuts: the connections that are cut.
    """
    number, chosen = int(level[1:]), frozenset(cuts)
    if f"C{number}" not in config.stages:
        return ()
    parts = [MergePart(f"lateral:{level}", "lateral", f"lateral:C{number}" in chosen)]
    if f"C{number + 1}" in config.stages:
        parts.append(MergePart(f"upsampled:{level}", "upsampled", is_cut(level, chosen)))
    return (*parts, MergePart(f"merged:{level}", "merged", False), MergePart(level, "level", False))
