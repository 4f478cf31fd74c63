"""Python's own functions as values of a program."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from vizcore.autograd.operations import round_number
from vizcore.autograd.vocabulary import PYTHON_FUNCTIONS
from vizcore.autograd.words import Word


def _handled(*args: Any, **kwargs: Any) -> Any:
    """Stands for what the interpreter does itself."""
    raise TypeError("this is done by the interpreter")


_FUNCTIONS: dict[str, Any] = {
    "range": range,
    "len": len,
    "float": float,
    "int": int,
    "bool": bool,
    "str": str,
    "abs": abs,
    "min": min,
    "max": max,
    "sum": sum,
    "round": lambda number, *args, **kwargs: round_number(number, *args, **kwargs),
    "enumerate": lambda *args, **kwargs: list(enumerate(*args, **kwargs)),
    "zip": lambda *args: list(zip(*args, strict=False)),
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "reversed": lambda values: list(reversed(values)),
    "divmod": divmod,
    "object": object,
}
_FUNCTIONS["enumerate"].__name__ = "enumerate"
_FUNCTIONS["zip"].__name__ = "zip"
_FUNCTIONS["reversed"].__name__ = "reversed"

PYTHON: MappingProxyType[str, Word] = MappingProxyType(
    {name: Word(name, _FUNCTIONS.get(name, _handled)) for name in PYTHON_FUNCTIONS}
)
"""Every function that a program finds without importing anything."""
