"""The rehearsal of what may grow, operator by operator, and the clock of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd.limits import (
    MAX_BATCHED,
    MAX_CREATED,
    MAX_ELEMENTS,
    MAX_SECONDS,
    LimitError,
    check_division,
    check_elements,
    check_work,
)
from vizcore.seeding import seeded

# Their size stands in the first argument. The meta device knows it too, but asks torch's compiler, whose import takes
# seconds.
_SIZED = frozenset(
    ["aten::empty", "aten::zeros", "aten::ones", "aten::full", "aten::rand", "aten::randn", "aten::empty_strided"]
)


# Their results are no larger than their inputs, so that the shape need not be worked out.
_SHRINKING_WORDS = """
aten::view aten::reshape aten::_unsafe_view aten::_reshape_alias aten::t aten::transpose.int aten::permute
aten::select.int aten::slice.Tensor aten::detach aten::alias aten::squeeze aten::squeeze.dim aten::squeeze.dims
aten::unsqueeze aten::clone aten::sum aten::sum.dim_IntList aten::mean aten::mean.dim aten::amax aten::amin aten::max
aten::min aten::argmax aten::argmin aten::_to_copy aten::lift_fresh aten::lift_fresh_copy aten::_softmax
aten::_log_softmax aten::_softmax_backward_data aten::_log_softmax_backward_data aten::ones_like aten::zeros_like
aten::empty_like aten::full_like aten::nll_loss_forward aten::nll_loss_backward aten::_local_scalar_dense aten::equal
aten::masked_select aten::nonzero aten::is_same_size aten::_linalg_check_errors aten::dot aten::vdot aten::mv
aten::unsafe_chunk aten::split.Tensor aten::unbind.int aten::item
"""


_DIVISIONS = frozenset(["div", "div_", "floor_divide", "floor_divide_", "remainder", "remainder_", "fmod", "fmod_"])
_SHRINKING = frozenset(_SHRINKING_WORDS.split())


class Guard(seeded):
    """Rehearses an operation on copies and stops it before anything too large exists.

    Rehearsal and performance are two calls, because under a dispatch mode some of torch's composite functions take
    another path: other node names, other roundings. What the learner sees has to be what plain torch does.

    Attributes:
        generator: the program's random numbers; a rehearsal does not use it up.
        is_rehearsing: whether what runs now is a rehearsal: a hook of the program's must not notice it.
    """

    def __init__(self, seed: int, *, max_seconds: float = MAX_SECONDS) -> None:
        """Starts the clock and the generator."""
        super().__init__(seed)
        self._max_seconds = max_seconds
        self._start = time.thread_time()
        self._asked_again = time.perf_counter() + max_seconds
        self._checked: set[Any] = set()
        self._num_created = 0
        self._known: set[Any] = set()
        self._safe: set[Any] = set()
        self.is_rehearsing = False

    def check_time(self) -> None:
        """Raises LimitError when the program has used up its time.

        The processor time of this thread is counted: a busy computer must not make a program fail. It cannot have run
        longer than the clock on the wall has, which costs far less to read: only when that could have used up the
        rest is the system asked.
        """
        now = time.perf_counter()
        if now <= self._asked_again:
            return
        rest = self._max_seconds - (time.thread_time() - self._start)
        if rest < 0:
            raise LimitError("The program ran for more than {seconds:g} s.", seconds=self._max_seconds)
        self._asked_again = now + rest

    def count(self, result: Any) -> None:
        """Raises LimitError when all results of the program together have become too large."""
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, Tensor):
                self._num_created += value.numel()
        if self._num_created > MAX_CREATED:
            raise LimitError("All results together may have at most {limit} elements.", limit=f"{MAX_CREATED:,}")

    def rehearse(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Runs a function on copies, operator by operator, each checked before it runs.

        Args:
            function: a function, a method or a module.
            args: its arguments; they are not changed.
            kwargs: its named arguments; they are not changed.

        Raises:
            LimitError: if any result on the way, shown or hidden, would be too large. Other errors are left to the
                performance.
        """
        if sum(value.numel() for value in _tensors_in((*args, *kwargs.values()))) > MAX_BATCHED:
            raise LimitError("All results together may have at most {limit} elements.", limit=f"{MAX_BATCHED:,}")
        state = self.generator.get_state()
        self.is_rehearsing = True
        try:
            with torch.no_grad(), self:
                if isinstance(function, nn.Module):
                    tensors = dict([*function.named_parameters(), *function.named_buffers()])
                    # A module in two places is swapped once; tied, torch would swap it twice and put the copy back.
                    torch.func.functional_call(function, _copy(tensors), _copy(args), _copy(kwargs), tie_weights=False)
                else:
                    function(*_copy(args), **_copy(kwargs))
        except LimitError:
            raise
        except Exception:
            return
        finally:
            self.is_rehearsing = False
            self.generator.set_state(state)

    def randomness(self) -> seeded:
        """A mode in which random operators draw from the program's generator."""
        mode = seeded(0)
        mode.generator = self.generator
        return mode

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Checks one operator, then runs it."""
        kwargs = kwargs or {}
        self.check_time()
        self._check_size(func, args, kwargs)
        return super().__torch_dispatch__(func, types, args, kwargs)

    def _check_size(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if func in self._safe:
            return
        if func.__name__.split(".")[0] in _DIVISIONS:
            check_division(*args[:2])
        is_elementwise = torch.Tag.pointwise in func.tags
        if is_elementwise:
            bound = 1
            for value in args:
                if isinstance(value, Tensor):
                    bound *= value.numel()
            if bound <= MAX_ELEMENTS and not kwargs:  # a broadcast result has at most this many elements
                return
        name = func._schema.name + ("." + func._schema.overload_name if func._schema.overload_name else "")
        if name in _SHRINKING:
            self._safe.add(func)
            return
        key = _signature(name, args, kwargs)
        if key is not None and key in self._checked:
            return
        if name == "aten::repeat_interleave.Tensor":
            check_elements((int(args[0].sum()),))
            return
        if func._schema.name in _SIZED:
            check_elements(args[0])
        elif name == "aten::randint" or name == "aten::randint.low":
            check_elements(args[1 if name == "aten::randint" else 2])
        elif name in ("aten::randperm", "aten::eye", "aten::eye.m"):
            check_elements(args * 2 if name == "aten::eye" else args)
        elif name in ("aten::normal.float_float", "aten::linspace", "aten::logspace"):
            check_elements(args[2] if isinstance(args[2], (list, tuple)) else (args[2],))
        elif name in ("aten::arange", "aten::arange.start", "aten::arange.start_step"):
            check_elements((_count_range(*args),))
        elif name in ("aten::cat", "aten::stack"):
            check_elements((sum(tensor.numel() for tensor in args[0]),))
        elif is_elementwise:
            tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
            check_elements(_broadcast(tensors))
        else:
            self._check_on_meta(func, name, args, kwargs)
        if key is not None:
            self._checked.add(key)

    def _check_on_meta(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        first_time = func not in self._known
        self._known.add(func)
        start = time.thread_time()
        args = tuple(_to_meta(value) for value in _with_index_tensors(name, args))
        kwargs = {word: _to_meta(value) for word, value in kwargs.items() if word != "generator"}
        if any(argument.name == "device" for argument in func._schema.arguments):
            kwargs["device"] = torch.device("meta")
        try:
            results = func(*args, **kwargs)
        except Exception:
            return  # The operator itself will say what is wrong, in torch's own words.
        finally:
            if first_time:  # torch may have had to import what knows the shapes of this operator
                self._start += time.thread_time() - start
        for result in results if isinstance(results, (tuple, list)) else (results,):
            if isinstance(result, Tensor):
                check_elements(result.shape)
        if "convolution" in name and len(args) > 1 and isinstance(results, Tensor):
            # Some kernels lay every window out in memory: input channels times kernel for each output pixel.
            check_work(results[:, :1].numel() * args[1].numel(), args[0].numel() * args[1].numel())


def _count_range(*bounds: float) -> int:
    """How many numbers ``arange`` would give; what is not a range is left to torch to complain about."""
    start, end, step = (0, *bounds, 1)[:3] if len(bounds) == 1 else (*bounds, 1)[:3]
    count = (end - start) / step if step else 0.0
    return math.ceil(count) if 0 < count < math.inf else 0


def _broadcast(tensors: list[Tensor]) -> tuple[int, ...]:
    """The shape of an elementwise result; sizes that do not fit are left to torch to complain about."""
    if not tensors:
        return ()
    shapes = [tuple(tensor.shape) for tensor in tensors]
    num_dims = max(map(len, shapes))
    padded = [(1,) * (num_dims - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) if 0 not in sizes else 0 for sizes in zip(*padded, strict=True))


def _signature(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Equal for calls whose results have equal shapes, None where that depends on the elements."""
    parts: list[Any] = [name]
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            parts.append((tuple(value.shape), value.stride()))
        elif isinstance(value, (int, float, bool, str, torch.dtype)) or value is None:
            parts.append((type(value).__name__, value))
        elif isinstance(value, (list, tuple)) and all(isinstance(element, int) for element in value):
            parts.append(tuple(value))
        elif isinstance(value, (torch.device, torch.layout, torch.Generator)):
            continue
        else:
            return None
    parts.extend(kwargs)
    return tuple(parts)


def _with_index_tensors(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Replaces masks by the indices they stand for: the meta device cannot count how many elements a mask selects."""
    if not name.startswith("aten::index.") or len(args) < 2:
        return args
    indices: list[Any] = []
    for index in args[1]:
        if isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8):
            indices.extend(index.nonzero().unbind(1))
        else:
            indices.append(index)
    return (args[0], indices, *args[2:])


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, (list, tuple)):
        return [_to_meta(element) for element in value]
    return value


def _tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """Tensors in arguments, one that stands in a list twice counted twice: each place is copied."""
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, Tensor):
            yield value
        elif type(value) in (list, tuple):
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {word: _copy(element) for word, element in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copy(element) for element in value)
    return value


def repeatable(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A key under which a rehearsal need not be repeated, None where a result's size depends on elements.

    It holds a module itself, so that no other takes its place; after a module has changed, no key is valid.
    """
    name = getattr(function, "__name__", "")
    if name in _SIZED_BY_VALUES:
        return None
    if isinstance(function, nn.RNNBase):
        return None
    key = _signature("", tuple(_flat(args)), kwargs)
    tensors = [value for value in (*_flat(args), *kwargs.values()) if isinstance(value, Tensor)]
    is_indexed = any(not tensor.is_floating_point() for tensor in tensors)
    if key is None or (is_indexed and name not in _TARGETED and not isinstance(function, nn.Module)):
        return None
    return (function, key)


_SIZED_BY_VALUES = frozenset(
    ["arange", "linspace", "logspace", "full", "repeat_interleave", "one_hot", "getitem", "setitem", "interpolate"]
)


_TARGETED = frozenset(["cross_entropy", "nll_loss", "embedding"])


def _flat(args: tuple[Any, ...]) -> list[Any]:
    """Arguments with lists of tensors taken apart, and their lengths."""
    flat: list[Any] = []
    for value in args:
        if isinstance(value, (list, tuple)) and value and all(isinstance(part, Tensor) for part in value):
            flat += [len(value), *value]
        else:
            flat.append(value)
    return flat
