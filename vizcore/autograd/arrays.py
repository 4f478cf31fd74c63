"""The small face of numpy: which words there are, and how large their results would be, before they exist."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from vizcore.autograd import limits
from vizcore.autograd.limits import LimitError, check_elements, count_leaves

ARRAY_ATTRIBUTES = frozenset(["shape", "ndim", "size", "dtype", "T"])
ARRAY_METHODS = frozenset(
    [
        "reshape",
        "mean",
        "sum",
        "std",
        "var",
        "max",
        "min",
        "argmax",
        "argmin",
        "astype",
        "flatten",
        "ravel",
        "copy",
        "tolist",
        "item",
        "transpose",
        "dot",
        "squeeze",
        "clip",
        "round",
        "all",
        "any",
        "cumsum",
        "prod",
        "fill",
    ]
)
CHANCE_METHODS = frozenset(
    [
        "rand",
        "randn",
        "random",
        "normal",
        "uniform",
        "randint",
        "integers",
        "permutation",
        "choice",
        "standard_normal",
        "random_sample",
    ]
)
"""Methods of numpy's random generators."""
_SIZED = frozenset(["zeros", "ones", "full"])
_JOINING = frozenset(["concatenate", "stack", "vstack", "hstack", "column_stack"])
_GROWING_PRODUCT = frozenset(["outer", "matmul", "dot", "inner", "meshgrid"])
_DRAWING = frozenset(
    [
        "normal",
        "uniform",
        "randint",
        "integers",
        "random",
        "random_sample",
        "standard_normal",
        "choice",
        "permutation",
        "shuffle",
    ]
)
_PLAIN = (bool, int, float, str, type(None), np.ndarray, np.generic, list, tuple, range, type)
_TEXTS = frozenset(
    """
    float float16 float32 float64 int int8 int16 int32 int64 uint8 bool f4 f8 i4 i8 ij xy C F A K fro nuc left right
    linear nearest lower higher midpoint quicksort mergesort heapsort stable same valid full wrap clip raise
    """.split()  # noqa: SIM905
)
"""Texts that are options of numpy's; a text can also be a dtype of any size."""
_MAX_DECIMALS = 300
_MAX_DIFFERENCES = 64
_ORDERS: dict[str, tuple[str, ...]] = {
    "zeros": ("shape",),
    "ones": ("shape",),
    "full": ("shape", "fill_value"),
    "eye": ("N", "M"),
    "linspace": ("start", "stop", "num"),
    "arange": ("start", "stop", "step"),
    "outer": ("a", "b"),
    "dot": ("a", "b"),
    "inner": ("a", "b"),
    "permutation": ("x",),
    "shuffle": ("x",),
    "choice": ("a", "size"),
    "round": ("a", "decimals"),
    "around": ("a", "decimals"),
    "diff": ("a", "n"),
}
"""Arguments that stand in these places when they have no name."""


def check_array_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raises LimitError for a call whose result would be too large, TypeError for what is no argument here."""
    for value in (*args, *kwargs.values()):
        _check_argument(value)
    sizes = kwargs.get("size", kwargs.get("shape"))
    if sizes is not None:
        _check_shape(sizes)
    if name == "arange" and "stop" in kwargs:
        args = (kwargs.get("start", args[0] if args else 0), kwargs["stop"], kwargs.get("step", 1))
    else:
        args = (*args, *(kwargs[word] for word in _ORDERS.get(name, ())[len(args) :] if word in kwargs))
    if name in _SIZED and args:
        _check_shape(args[0])
    elif name in ("rand", "randn", "eye"):
        whole = [value for value in args if isinstance(value, int)]
        _check_shape(tuple(whole) * (2 if name == "eye" and len(whole) == 1 else 1))
    elif name == "linspace":
        _check_linspace(args, kwargs)
    elif name == "arange":
        _check_range([float(value) for value in args if isinstance(value, (int, float, np.number))])
    elif name in _DRAWING:
        _check_drawing(name, args, kwargs)
    elif name in _JOINING:
        check_elements((sum(_size(value) for value in args[0]) if args and isinstance(args[0], (list, tuple)) else 1,))
    elif name in _GROWING_PRODUCT:
        _check_product(name, args)
    else:
        if name in ("round", "around", "diff"):
            largest = _MAX_DIFFERENCES if name == "diff" else _MAX_DECIMALS
            if any(isinstance(value, int) and abs(value) > largest for value in (*args, *kwargs.values())):
                raise LimitError("A size may be at most {limit}; this one is {num}.", limit=largest, num="larger")
        check_broadcast(*args, *kwargs.values())


def _check_argument(value: Any) -> None:
    if not isinstance(value, _PLAIN):
        raise TypeError(f"numpy takes no {type(value).__name__.strip('_')} here")
    if isinstance(value, str) and value not in _TEXTS:
        raise TypeError("a text of numpy's is the name of a dtype or an option here, such as 'float32'")
    if isinstance(value, (list, tuple, range)):
        count_leaves(value)
        _check_leaves(value)
    if isinstance(value, int) and abs(value) > 2**62:
        raise LimitError("A size may be at most {limit}; this one is {num}.", limit="131,072", num=f"{value:,}")


def _check_linspace(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = {**dict(zip(_ORDERS["linspace"], args, strict=False)), **kwargs}
    num = given.get("num", 50)
    ends = max(_size(given[word]) if isinstance(given.get(word), (list, tuple, np.ndarray)) else 1 for word in given)
    if isinstance(num, (int, np.integer)):
        _check_shape((num, ends) if ends > 1 else num)


def _check_drawing(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for value in args:
        if (
            isinstance(value, (int, tuple, list))
            and not isinstance(value, bool)
            and name not in ("randint", "integers")
        ):
            _check_shape(value)
    if name in ("normal", "uniform", "randint", "integers") and len(args) > 2:
        _check_shape(args[2])
    if name not in ("choice", "permutation", "shuffle"):
        check_broadcast(*args[:2], *(value for word, value in kwargs.items() if word not in ("size", "dtype")))


def check_broadcast(*values: Any) -> None:
    """Raises LimitError if an elementwise result would be too large."""
    shapes = [np.shape(value) for value in values if isinstance(value, (np.ndarray, np.generic, list, tuple))]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return  # numpy will say so itself
    check_elements(shape)


def check_matmul(left: Any, right: Any) -> None:
    """Raises LimitError if ``left @ right`` would be too large, its batches broadcast with each other."""
    first, second = np.shape(left), np.shape(right)
    rows = first[-2] if len(first) > 1 else 1
    columns = second[-1] if len(second) > 1 else 1
    try:
        batch = np.broadcast_shapes(first[:-2], second[:-2])
    except ValueError:
        return  # numpy will say so itself
    check_elements((math.prod(batch) * rows * columns,))


def check_array_index(owner: np.ndarray, index: Any) -> None:
    """Raises LimitError if an index could select too many elements, TypeError for what is no index."""
    bound = max(owner.size, 1)
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (list, np.ndarray)):
            num = count_leaves(part) if isinstance(part, list) else part.size
            bound *= max(num, 1)
        elif not isinstance(part, (int, np.integer, slice, types.EllipsisType, type(None))):
            raise TypeError("only integers, slices and arrays are indices")
    if bound > limits.MAX_ELEMENTS * 64:
        check_elements((bound,))


def run_array_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls numpy without its warnings about division and overflow."""
    with np.errstate(all="ignore"):
        return function(*args, **kwargs)


def _check_leaves(value: Any) -> None:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, (list, tuple)):
            stack.extend(part)
        elif not isinstance(part, (bool, int, float, np.ndarray, np.generic, range, str)):
            raise TypeError(f"an array cannot hold a {type(part).__name__.strip('_')}; use .detach().numpy() first")


def _check_shape(shape: Any) -> None:
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    if all(isinstance(size, (int, np.integer)) for size in sizes):
        if any(size < 0 for size in sizes):
            raise ValueError("negative dimensions are not allowed")
        check_elements(sizes)


def _check_range(bounds: list[float]) -> None:
    start, stop, step = (0.0, bounds[0], 1.0) if len(bounds) == 1 else (*bounds, 1.0)[:3] if bounds else (0.0, 0.0, 1.0)
    count = (stop - start) / step if step else 0.0
    check_elements((math.ceil(count) if 0 < count < math.inf else 0 if count != math.inf else limits.MAX_ELEMENTS + 1,))


def _size(value: Any) -> int:
    return value.size if isinstance(value, (np.ndarray, np.generic)) else count_leaves(value)


def _check_product(name: str, args: tuple[Any, ...]) -> None:
    if name == "matmul" and len(args) == 2:
        check_matmul(*args)
    elif name in ("dot", "inner") and len(args) == 2:
        first, second = (np.shape(value) for value in args)
        rows = math.prod(first[:-1]) if len(first) > 1 else 1
        columns = (
            second[-1] if len(second) > 1 and name != "inner" else math.prod(second[:-1]) if name == "inner" else 1
        )
        check_elements((rows * columns,))
    elif args:
        check_elements((math.prod(max(_size(value), 1) for value in args),))
