"""Names that stand on the ThunderNet page."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pages.kit.language import Translate

BACKBONES = MappingProxyType({"snet49": "SNet49", "snet146": "SNet146", "snet535": "SNet535"})


def map_words(_: Translate) -> dict[str, tuple[str, str]]:
    """Of each map: the sign before it, and its title, within context (the first four) and attention (the last two)."""
    return {
        "local": ("", _("from C4")),
        "upsampled": ("+", _("from C5, enlarged")),
        "whole": ("+", _("mean of C5")),
        "context": ("=", _("sum")),
        "mask": ("×", _("mask")),
        "attended": ("=", _("after")),
    }


def maps_text(_: Translate, *, label: str) -> dict[str, Any]:
    """What the maps say.

    Args:
        _: says a label.
        label: what is shown, for a screen reader.
    """
    return {
        "label": label,
        "picture": _("picture, 320 px"),
        "where": _("Cell in row {row}, column {column}; counted from 0."),
        "hidden": _("shown once you have answered"),
        "help": _("Point at a cell, press to keep it, or use the arrow keys."),
    }
