"""How the pages write numbers."""

from __future__ import annotations


def written(value: float, spec: str) -> str:
    """A number as the pages write it, with a minus sign instead of a hyphen.

    Args:
        value: to write.
        spec: how, as ``format`` takes it.
    """
    return format(value, spec).replace("-", "−")
