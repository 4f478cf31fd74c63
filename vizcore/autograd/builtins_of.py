"""Python's own functions at work: those that look at kinds of values, call back, or make containers."""

from __future__ import annotations

import ast
import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.attributes import class_of, fields_of
from vizcore.autograd.calls import Calls
from vizcore.autograd.containers import methods_of
from vizcore.autograd.datasets import DataLoader
from vizcore.autograd.faults import unknown_name
from vizcore.autograd.machine import kind_of
from vizcore.autograd.operations import check_text_length
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    NO_VALUE,
    Cursor,
    Distribution,
    ErrorClass,
    ErrorValue,
    Function,
    GraphNode,
    Instance,
    Progress,
    TypeOf,
    UserClass,
)
from vizcore.autograd.vocabulary import (
    MODULE_ATTRIBUTES,
    MODULE_METHODS,
    PYTHON_KEYWORDS,
    TENSOR_ATTRIBUTES,
    TENSOR_METHODS,
    TENSOR_TYPES,
)
from vizcore.autograd.words import Namespace, Word

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float,),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
    "tuple": (tuple,),
    "dict": (dict,),
    "set": (set,),
    "torch.Tensor": (Tensor,),
    "nn.Parameter": (nn.Parameter,),
    "nn.Module": (nn.Module,),
    "np.ndarray": (np.ndarray,),
    "torch.Size": (torch.Size,),
    "torch.dtype": (torch.dtype,),
    "object": (object,),
}
_PLAIN_ONLY = (Word, Namespace, Optimizer, *(kind for kind in NO_VALUE if kind not in (Cursor, Instance, Progress)))


class Builtins(Calls):
    """The part of the interpreter that runs Python's own functions."""

    def _call_word(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "." in word.path or word.path not in PYTHON_NAMES:
            return super()._call_word(node, word, args, kwargs)
        if word.path == "print":
            return self._print(node, args, kwargs)
        for name in kwargs:
            if name not in PYTHON_KEYWORDS.get(word.path, ()) and word.path != "dict":
                message = Message("The argument {word} is not part of the lab.", {"word": name})
                raise self._fault("unsupported", message, node)
        handler = _OWN.get(word.path)
        if handler is not None:
            return handler(self, node, args, kwargs)
        return self._call_plain(node, word, args, kwargs)

    def _call_plain(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for value in (*args, *kwargs.values()):
            if isinstance(value, _PLAIN_ONLY):
                raise self._fault("unsupported", Message("This cannot be an argument here."), node)
            is_long = isinstance(value, range) and limits.range_length(value) > limits.MAX_LIST
            if is_long and word.path not in ("len", "range"):
                raise self._fault("limit", limits.too_long_a_list().reason, node)
        if word.path == "len" and len(args) == 1:
            return self._length(node, args[0])
        if word.path == "abs" and len(args) == 1 and isinstance(args[0], Instance):
            size = self._special(node, args[0], "__abs__")
            if size is not MISSING:
                return size
        if word.path in ("enumerate", "zip", "list", "tuple", "reversed", "sum", "set"):
            args = tuple(
                self._bounded(value, node) if not isinstance(value, (Tensor, range, int, float, type(None))) else value
                for value in args
            )
        with self._limits(node):
            limits.check_call(word.path, args, kwargs)
        if word.path == "zip" and len(args) > 16:
            raise self._fault("unsupported", Message("This cannot be an argument here."), node)
        if word.path == "sum":
            return self._sum(node, args, kwargs)
        if word.path == "set":
            return self._admit(
                {self._key(value, node) for value in self._bounded(args[0], node)} if args else set(), node
            )
        return self._call_torch(node, word.function, args, kwargs)

    def _length(self, node: ast.AST, value: Any) -> Any:
        if isinstance(value, Instance):
            length = self._special(node, value, "__len__")
            if length is not MISSING:
                return length
        if isinstance(value, Progress):
            return self._length(node, value.values)
        if isinstance(value, DataLoader) and isinstance(value.dataset, Instance):
            length = self._length(node, value.dataset)
            if isinstance(length, int):
                return value.count_batches(length)
        return self._call_torch(node, len, (value,))

    def _sum(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Python's own over numbers; one addition after the other where there are objects or lists among them."""
        values = args[0] if args else []
        start = args[1] if len(args) > 1 else kwargs.get("start", 0)
        if (
            not args
            or not isinstance(values, list)
            or not any(isinstance(value, (Instance, list, tuple, str, dict, set)) for value in (*values, start))
        ):
            return self._call_torch(node, sum, args, kwargs)
        total = start
        for value in values:
            self._guard_time(node)
            total = self._operate(node, ast.Add(), lambda left, right: left + right, total, value)
        return total

    def _print(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        ends = {name: kwargs.pop(name, default) for name, default in (("sep", " "), ("end", "\n"))}
        kwargs.pop("flush", None)
        ends = {
            name: default if value is None else value
            for (name, value), default in zip(ends.items(), (" ", "\n"), strict=True)
        }
        if kwargs or not all(isinstance(value, str) for value in ends.values()):
            raise self._fault("unsupported", Message("print takes only sep and end here."), node)
        if self.folds.is_running and isinstance(node, ast.Call) and len(node.args) == len(args):
            for part, value in zip(node.args, args, strict=True):
                if not isinstance(value, str):
                    self.folds.note(ast.unparse(part), node.lineno, value)
        with self._limits(node):
            text = ends["sep"].join(self._text(value, quoted=False, node=node) for value in args)
            self._recorder.add_printed(text + ends["end"])

    # ---- kinds

    def _is_instance(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if len(args) != 2:
            raise self._raised(node, TypeError(f"isinstance expected 2 arguments, got {len(args)}"))
        kinds = args[1] if isinstance(args[1], tuple) else (args[1],)
        return any(self._is_of_kind(node, args[0], kind) for kind in kinds)

    def _is_of_kind(self, node: ast.AST, value: Any, kind: Any) -> bool:
        if isinstance(kind, UserClass):
            own = value.type if isinstance(value, ErrorValue) else class_of(value)
            return own is not None and own.extends(kind)
        if isinstance(kind, ErrorClass):
            return isinstance(value, ErrorValue) and isinstance(value.error, kind.type)
        if isinstance(kind, Word):
            if kind.path in _TYPES:
                return isinstance(value, _TYPES[kind.path])
            if kind.path in TENSOR_TYPES:
                return isinstance(value, Tensor) and value.dtype == TENSOR_TYPES[kind.path]
            if kind.path.startswith("nn.") and isinstance(kind.function, type):
                return isinstance(value, kind.function)
            if kind.path.startswith("torch.distributions.") and isinstance(kind.function, type):
                return isinstance(value, Distribution) and isinstance(value.distribution, kind.function)
            if kind.path == "torch.optim.Optimizer":
                return isinstance(value, Optimizer)
            if kind.path.startswith("torch.optim."):
                return isinstance(value, Optimizer) and value.name == kind.path.rpartition(".")[2]
        if isinstance(kind, TypeOf):
            return bool(self._type_of(node, (value,), {}) == kind)
        raise self._raised(node, TypeError("isinstance() arg 2 must be a type or a tuple of types"))

    def _type_of(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1:
            raise self._fault("unsupported", Message("type() takes one value here."), node)
        value = args[0]
        own = class_of(value)
        if own is not None:
            return own
        if isinstance(value, ErrorValue):
            return value.type or ErrorClass(type(value.error))
        if isinstance(value, Distribution):
            value = value.distribution
        if isinstance(value, (Function, *_PLAIN_ONLY)):
            name = type(value.node).__name__ if isinstance(value, GraphNode) else kind_of(value)
            return TypeOf(name, f"<class '{name}'>")
        kind = type(value)
        module = {"builtins": "", "torch": "torch.", "numpy": "numpy."}.get(kind.__module__, f"{kind.__module__}.")
        if isinstance(value, (Cursor, Optimizer)) or kind.__module__.startswith("vizcore"):
            return TypeOf(kind_of(value), f"<class '{kind_of(value)}'>")
        return TypeOf(kind.__name__, f"<class '{module}{kind.__name__}'>")

    def _has(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if len(args) != 2 or not isinstance(args[1], str):
            raise self._raised(node, TypeError("hasattr() takes a value and a name"))
        return self._find(node, args[0], args[1]) is not MISSING

    def _get(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) not in (2, 3) or not isinstance(args[1], str):
            raise self._raised(node, TypeError("getattr() takes a value and a name"))
        found = self._find(node, args[0], args[1])
        if found is not MISSING:
            return found
        if len(args) == 3:
            return args[2]
        raise self._raised(node, AttributeError(f"'{kind_of(args[0])}' object has no attribute '{args[1]}'"))

    def _find(self, node: ast.AST, owner: Any, name: str) -> Any:
        """An attribute by a name that is a value: what a dot would find, and nothing else."""
        if name.startswith("_"):
            return MISSING
        known: Any = methods_of(owner) or ()
        if isinstance(owner, Tensor):
            known = TENSOR_METHODS | TENSOR_ATTRIBUTES
        elif isinstance(owner, nn.Module):
            own = class_of(owner)
            is_there = name in MODULE_METHODS or (name in MODULE_ATTRIBUTES and hasattr(owner, name))
            kept = {*owner._modules, *owner._parameters, *owner._buffers, *fields_of(owner)}
            known = {name} if is_there or name in kept or (own and own.find(name) is not MISSING) else ()
        elif isinstance(owner, Instance):
            known = {name} if name in owner.fields or owner.type.find(name) is not MISSING else ()
        elif isinstance(owner, Namespace):
            known = owner.words
        if name not in known:
            return MISSING
        place = ast.copy_location(ast.Attribute(ast.Name(name, ast.Load()), name, ast.Load()), node)
        return self._get_attribute(place, owner)

    def _is_callable(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return len(args) == 1 and isinstance(args[0], (Word, Function, UserClass, ErrorClass, nn.Module))

    # ---- going through values

    def _sort(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1:
            raise self._raised(node, TypeError(f"sorted expected 1 argument, got {len(args)}"))
        return self._admit(self._sorted(node, self._bounded(args[0], node), kwargs), node)

    def _sorted(self, node: ast.AST, values: Any, kwargs: dict[str, Any]) -> list[Any]:
        key = kwargs.get("key")
        keys = [value if key is None else self._call_value(node, key, (value,), {}) for value in values]

        def compare(one: int, other: int) -> int:
            left, right = keys[one], keys[other]
            if isinstance(left, _PLAIN_ONLY) or isinstance(right, _PLAIN_ONLY):
                raise TypeError(f"'<' not supported between '{kind_of(left)}' and '{kind_of(right)}'")
            self._guard_time(node)
            if isinstance(left, Instance):
                return -1 if self._operate_on_objects(node, ast.Lt(), left, right) else 1
            return -1 if left < right else 1 if right < left else 0

        is_reversed = bool(kwargs.get("reverse"))
        order = self._call_python(
            node, lambda: sorted(range(len(keys)), key=functools.cmp_to_key(compare), reverse=is_reversed)
        )
        return [values[index] for index in order]

    def _map(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) < 2:
            raise self._raised(node, TypeError("map() must have at least two arguments."))
        columns = [self._bounded(value, node) for value in args[1:]]
        values = [self._call_value(node, args[0], row, {}) for row in zip(*columns, strict=False)]
        return self._admit(values, node)

    def _filter(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 2:
            raise self._raised(node, TypeError("filter expected 2 arguments"))
        kept = []
        for value in self._bounded(args[1], node):
            found = value if args[0] is None else self._call_value(node, args[0], (value,), {})
            if self._truth_of(found, node):
                kept.append(value)
        return kept

    def _any(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return any(self._truth_of(value, node) for value in self._bounded(args[0] if args else None, node))

    def _all(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return all(self._truth_of(value, node) for value in self._bounded(args[0] if args else None, node))

    def _extreme(self, node: ast.AST, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = self._bounded(args[0], node) if len(args) == 1 and not isinstance(args[0], Tensor) else list(args)
        key = kwargs.get("key")
        if len(args) == 1 and isinstance(args[0], Tensor):
            values = list(self._iterate(args[0], node))
        if not values:
            if "default" in kwargs:
                return kwargs["default"]
            raise self._raised(node, ValueError(f"{name}() arg is an empty sequence"))
        if any(isinstance(value, _PLAIN_ONLY) for value in values):
            raise self._fault("unsupported", Message("This cannot be an argument here."), node)
        if key is None and not any(isinstance(value, Instance) for value in values):
            return self._call_torch(node, min if name == "min" else max, (values,))
        return self._sorted(node, values, {"key": key, "reverse": name == "max"})[0]

    def _iter(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1:
            raise self._fault("unsupported", Message("iter() takes one value here."), node)
        return args[0] if isinstance(args[0], Cursor) else Cursor(self._bounded(args[0], node))

    def _next(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        is_fresh = isinstance(node, ast.Call) and len(node.args) > 0 and isinstance(node.args[0], ast.Call)
        if is_fresh and args and isinstance(args[0], list):  # next(net.parameters()): a list here, in torch made anew
            args = (Cursor(args[0]), *args[1:])
        if not args or not isinstance(args[0], Cursor):
            raise self._raised(
                node, TypeError(f"'{kind_of(args[0]) if args else 'nothing'}' object is not an iterator")
            )
        cursor = args[0]
        if cursor.place >= len(cursor.values):
            if len(args) > 1:
                return args[1]
            raise self._raised(node, StopIteration("StopIteration"))
        cursor.place += 1
        return cursor.values[cursor.place - 1]

    # ---- making values

    def _make_text(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        return self._admit(self._text(args[0], quoted=False, node=node) if args else "", node)

    def _make_repr(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if len(args) != 1:
            raise self._raised(node, TypeError("repr() takes exactly one argument"))
        return self._admit(self._text(args[0], quoted=True, node=node), node)

    def _make_format(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if not 1 <= len(args) <= 2 or not isinstance(args[-1], str):
            raise self._raised(node, TypeError("format() takes a value and a format"))
        text = self._format(args[0], args[1] if len(args) > 1 else "", -1, node)
        with self._limits(node):
            check_text_length(len(text))
        return text

    def _make_dict(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values: dict[Any, Any] = {}
        if args and isinstance(args[0], dict):
            values.update(args[0])
        elif args:
            for pair in self._bounded(args[0], node):
                parts = self._bounded(pair, node)
                if len(parts) != 2:
                    raise self._raised(node, ValueError("dictionary update sequence elements need length 2"))
                values[self._key(parts[0], node)] = parts[1]
        values.update(kwargs)
        return self._admit(values, node)

    def _power(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 2:
            raise self._raised(node, TypeError("pow() takes two values here"))
        return self._operate(node, ast.Pow(), lambda left, right: left**right, *args)

    def _refuse_object(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        message, suggestion = unknown_name("object", ())
        raise self._fault("unsupported", message, node, suggestion=suggestion)


_OWN: dict[str, Any] = {
    "isinstance": Builtins._is_instance,
    "type": Builtins._type_of,
    "hasattr": Builtins._has,
    "getattr": Builtins._get,
    "callable": Builtins._is_callable,
    "sorted": Builtins._sort,
    "map": Builtins._map,
    "filter": Builtins._filter,
    "any": Builtins._any,
    "all": Builtins._all,
    "iter": Builtins._iter,
    "next": Builtins._next,
    "str": Builtins._make_text,
    "repr": Builtins._make_repr,
    "format": Builtins._make_format,
    "dict": Builtins._make_dict,
    "pow": Builtins._power,
    "object": Builtins._refuse_object,
    "min": lambda self, node, args, kwargs: self._extreme(node, "min", args, kwargs),
    "max": lambda self, node, args, kwargs: self._extreme(node, "max", args, kwargs),
}
_PLAIN_WORDS = "print range len float int bool abs sum round enumerate zip list tuple reversed set divmod"
PYTHON_NAMES = frozenset(_OWN) | frozenset(_PLAIN_WORDS.split())
