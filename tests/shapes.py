"""Checks the shapes and dtypes in vizcore's signatures whenever a test calls a function.

jaxtyping decorates the functions of these modules while they are imported (``tests/conftest.py``) with this checker.
It looks at arrays only, and only once the function has returned: what a function refuses with a sentence of its own is
that sentence's business; what it accepts and what it returns must be what its signature says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args

from beartype import BeartypeConf, BeartypeStrategy, beartype
from jaxtyping import AbstractArray

MODULES = [f"vizcore.{name}" for name in ("autoregressive", "boxes", "detr", "fpn", "iou_losses", "nms", "upsampling")]
"""Whose tests pass with it. autograd, which takes texts, would only pay for it."""

_check = beartype(conf=BeartypeConf(is_pep484_tower=True, strategy=BeartypeStrategy.O1))


def _names_a_shape(hint: Any) -> bool:
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        return True
    return any(_names_a_shape(part) for part in get_args(hint))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """What jaxtyping asks a type checker to decorate: a stand-in with the function's signature.

    There are two, one called before the function, one after it, with the result as a keyword-only argument ``ret…``.
    """
    hints = inspect.get_annotations(function)
    shapes = {name: hint for name, hint in hints.items() if _names_a_shape(hint)}
    code = function.__code__
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    returned = any(name.startswith("ret") for name in keywords)
    if not shapes or not returned:
        return lambda *args, **kwargs: kwargs.get("return")
    function.__annotations__ = shapes
    return _check(function)
