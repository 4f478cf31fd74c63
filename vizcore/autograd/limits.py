"""How much a program may ask for, enforced before torch allocates anything.

What may grow is rehearsed on copies under a dispatch mode. Before an operator runs there, its result is worked out on
the ``meta`` device, which knows shapes and has no memory: broadcasting, padding, an outer product or an interpolation
are all caught by the same rule, also in the middle of a composite function. The mode is thread-local, so programs of
several learners run side by side in one process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd.trace import Message

MAX_ELEMENTS = 131_072
MAX_EMPTY = 4_096
MAX_PRODUCTS = 4_194_304
MAX_DIMENSIONS = 8
MAX_CALLS = 40
MAX_NODES = 2_000
MAX_SECONDS = 1.0
MAX_LINES = 600
MAX_LINE_LENGTH = 1_000
MAX_CHARACTERS = 40_000
MAX_DEPTH = 80
MAX_OPTION = 4_096
MAX_BITS = 64
MAX_LIST = 4_096
MAX_LIST_DEPTH = 10
MAX_STRING = 2_000
MAX_PRINTED = 20_000
MAX_VISITS = 5_000
MAX_RECORDED = 6_000_000
MAX_CREATED = 200_000_000
MAX_POWER = 1_000_000
MAX_FACTORS = 32
MAX_PIECES = 512
MAX_MODULES = 1_000
MAX_MODULE_DEPTH = 10
MAX_FINAL_PARTS = 20_000
MAX_TRANSFORMS = 8
MAX_BATCHED = 1_048_576


class LimitError(Exception):
    """A program asked for more than it may have.

    Attributes:
        reason: the sentence for the learner.
    """

    def __init__(self, template: str, **values: object) -> None:
        """Keeps the sentence and what fills it."""
        self.reason = Message(template, values)
        super().__init__(str(self.reason))


def check_elements(shape: Iterable[int]) -> None:
    """Raises LimitError if a tensor of this shape is larger than a program may have."""
    shape = tuple(int(size) for size in shape)
    if len(shape) > MAX_DIMENSIONS:
        raise LimitError(
            "A tensor may have at most {limit} dimensions; this one has {num}.", limit=MAX_DIMENSIONS, num=len(shape)
        )
    elements = math.prod(shape)
    if 0 in shape and math.prod(max(size, 1) for size in shape) > MAX_EMPTY:
        # It holds nothing, but a sum over its empty side would be a tensor of all the others.
        raise LimitError(
            "The sides of an empty tensor, without those that are 0, may multiply to at most {limit}; this one would "
            "be {shape}.",
            limit=f"{MAX_EMPTY:,}",
            shape=" × ".join(map(str, shape)),
        )
    if elements > MAX_ELEMENTS:
        raise LimitError(
            "A tensor may have at most {limit} elements; this one would have {num} ({shape}).",
            limit=f"{MAX_ELEMENTS:,}",
            shape=" × ".join(map(str, shape)),
            num=f"{elements:,}",
        )


def check_batched(num: int) -> None:
    """Raises LimitError if the items of one pass hold too many elements together."""
    if num > MAX_BATCHED:
        raise LimitError("The items of one pass may have at most {limit} elements.", limit=f"{MAX_BATCHED:,}")


def check_work(*products: int) -> None:
    """Raises LimitError if one operator would multiply too many numbers."""
    if max(products) > MAX_PRODUCTS:
        raise LimitError(
            "This convolution needs {num} products; at most {limit} fit.",
            num=f"{max(products):,}",
            limit=f"{MAX_PRODUCTS:,}",
        )


def largest_result(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The product of the inputs' elements: no result is larger that has no sizes among its arguments."""
    bound = 1
    if len(args) < 3 and not kwargs:  # most calls by far
        for value in args:
            if isinstance(value, Tensor):
                bound *= value.numel() or math.prod(max(size, 1) for size in value.shape)
            elif isinstance(value, (list, tuple)):
                break
        else:
            return bound
    bound = 1
    stack = [*args, *kwargs.values()]
    while stack:
        value = stack.pop()
        if isinstance(value, Tensor):
            bound *= math.prod(max(size, 1) for size in value.shape)
        elif isinstance(value, (list, tuple)):
            stack.extend(value)
    return bound


def largest_selection(owner: Tensor, index: Any) -> int:
    """How many elements ``owner[index]`` can have at most: an index that is a list selects as often as it is long."""
    bound = math.prod(max(size, 1) for size in owner.shape)
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Tensor):
            bound *= max(part.numel(), 1)
        elif isinstance(part, (list, tuple, range)):
            bound *= max(count_leaves(part), 1)
    return bound


def count_leaves(value: Any) -> int:
    """How many values nested lists hold, each counted as often as it stands there; LimitError beyond a list's limit."""
    count, num_parts = 0, 0
    stack = [value]
    while stack:
        part = stack.pop()
        num_parts += 1
        if isinstance(part, range):
            count += range_length(part)
        elif isinstance(part, (list, tuple)):
            stack.extend(part)
        else:
            count += 1
        if max(count, num_parts, len(stack)) > 2 * MAX_LIST:
            raise too_long_a_list()
    return count


def range_length(values: range) -> int:
    """How many numbers a range holds; ``len`` fails where that does not fit into 64 bits."""
    step = values.step
    distance = values.stop - values.start if step > 0 else values.start - values.stop
    return max(0, -(-distance // abs(step)))


def too_long_a_list() -> LimitError:
    """The error of every list that is too long."""
    return LimitError("A list may have at most {limit} elements.", limit=f"{MAX_LIST:,}")


def check_modules(module: nn.Module) -> None:
    """Raises LimitError if a module runs too many modules, one in two places counted twice, or nests too deep."""
    counts: dict[int, tuple[int, int]] = {}

    def count(part: nn.Module) -> tuple[int, int]:
        known = counts.get(id(part))
        if known is None:
            counts[id(part)] = (1, MAX_MODULE_DEPTH + 1)  # found again below itself, it has no end
            inner = [count(child) for child in part._modules.values() if child is not None]
            known = (1 + sum(number for number, _ in inner), 1 + max((depth for _, depth in inner), default=0))
            counts[id(part)] = known
        return known

    number, depth = count(module)
    if depth > MAX_MODULE_DEPTH:
        raise LimitError("Modules may be nested at most {limit} deep.", limit=MAX_MODULE_DEPTH)
    if number > MAX_MODULES:
        raise LimitError(
            "A module may hold at most {limit} modules; this one would run {num}.",
            limit=f"{MAX_MODULES:,}",
            num=f"{number:,}",
        )


def check_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raises LimitError for a call whose fault lies in the values themselves, which no rehearsal would survive.

    Args:
        name: the name of the function or method.
        args: its arguments; the first one is the tensor of a method.
        kwargs: its named arguments.
    """
    name = name.removeprefix("linalg_")
    if name in _INTEGER_DIVISIONS:
        check_division(*args[:2], **{word: value for word, value in kwargs.items() if word in ("input", "other")})
    elif name == "matrix_power":
        for value in (*args[1:], kwargs.get("n")):
            if isinstance(value, int) and abs(value) > MAX_POWER:
                raise LimitError("A matrix can be raised to the power {limit} at most.", limit=f"{MAX_POWER:,}")
    elif name == "multi_dot":
        factors = args[0] if args else kwargs.get("tensors")
        if isinstance(factors, (list, tuple)) and len(factors) > MAX_FACTORS:
            raise LimitError("multi_dot takes at most {limit} matrices here.", limit=MAX_FACTORS)
    elif name in _TAKING_APART:
        _check_pieces(name, args, kwargs)
    elif name in _DIVISOR_PLACES:
        place = _DIVISOR_PLACES[name]
        divisor = kwargs.get("divisor_override", args[place] if len(args) > place else None)
        if isinstance(divisor, int) and divisor < 1:  # whole numbers divided by -1, as below
            raise LimitError("divisor_override has to be at least 1.")


_DIVISOR_PLACES = {"avg_pool2d": 6, "AvgPool2d": 5}
_DIVISION_WORDS = """
div div_ divide divide_ floor_divide floor_divide_ floordiv ifloordiv remainder remainder_ fmod fmod_ mod imod
"""
_INTEGER_DIVISIONS = frozenset(_DIVISION_WORDS.split())
_TAKING_APART = frozenset(
    ["unbind", "split", "chunk", "tensor_split", "list", "tuple", "enumerate", "zip", "reversed", "sum", "max", "min"]
)


def is_wrapped(tensor: Tensor) -> bool:
    """Whether a tensor is one of ``torch.func``'s own, which stand for others and cannot be read."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))  # type: ignore[attr-defined]


def check_division(input: Any = None, other: Any = None) -> None:
    """The smallest whole number divided by -1 does not fit, and the processor ends the process that tries."""
    if not all(isinstance(value, (int, Tensor)) for value in (input, other)):
        return
    dtypes = [value.dtype for value in (input, other) if isinstance(value, Tensor)]
    if not dtypes or any(dtype.is_floating_point or dtype.is_complex for dtype in dtypes):
        return
    if any(isinstance(value, Tensor) and is_wrapped(value) for value in (input, other)):
        return  # it cannot be read here; the guard looks at what it stands for
    dtype = torch.result_type(input, other)
    if dtype == torch.bool or dtype == torch.uint8:
        return
    smallest = torch.iinfo(dtype).min
    has_smallest, has_minus_one = (
        bool((value == number).any()) if isinstance(value, Tensor) else value == number
        for value, number in ((input, smallest), (other, -1))
    )
    if has_smallest and has_minus_one:
        raise LimitError(
            "{smallest} divided by -1 does not fit into {dtype}.",
            smallest=f"{smallest:,}",
            dtype=str(dtype).removeprefix("torch."),
        )


def _check_pieces(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Each piece is a tensor of its own, with a record of its own."""
    words = {"unbind": (), "chunk": ("chunks",), "split": ("split_size", "split_size_or_sections")}
    words["tensor_split"] = ("indices_or_sections", "sections", "indices", "tensor_indices_or_sections")
    for value in args:
        if not isinstance(value, Tensor) or value.dim() == 0:
            continue
        given = list(args[1:]) if name in words else []
        how = next((kwargs[word] for word in words.get(name, ()) if word in kwargs), None)
        if how is None and words.get(name) and given:
            how = given.pop(0)
        axis = kwargs.get("dim", given[0] if given else 0)
        if not isinstance(axis, int) or not -value.dim() <= axis < value.dim():
            continue  # torch will say so
        num = value.shape[axis]
        if isinstance(how, (list, tuple)):
            num = len(how)
        elif isinstance(how, Tensor):
            num = how.numel() if how.dim() else int(how)
        elif isinstance(how, int):
            num = how if name != "split" else -(-num // how) if how > 0 else 0
        if num > MAX_PIECES:
            raise LimitError(
                "A tensor can be taken apart into at most {limit} pieces; these would be {num}.",
                limit=MAX_PIECES,
                num=f"{num:,}",
            )
