"""Text: what ``print`` shows, f-strings, ``%`` and ``.format()``, without a way to anything behind a value."""

from __future__ import annotations

import ast
import collections
import math
import re
import string
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.bounds import Bounds
from vizcore.autograd.machine import kind_of
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    BoundFunction,
    Device,
    Distribution,
    ErrorClass,
    ErrorValue,
    Function,
    GradMode,
    GraphNode,
    Instance,
    Method,
    TypeOf,
    UserClass,
)
from vizcore.autograd.words import Namespace, Word

_FORMAT = re.compile(r"(.?[<>=^])?[+\- ]?#?0?\d{0,3}[,_]?(\.\d{1,2})?[sdfFeEgGn%xXbocx]?")
_PERCENT = re.compile(r"%(?:\(([^()]{0,40})\))?([#0\- +]*)(\d{0,3})(?:\.(\d{1,2}))?([diouxXeEfFgGcrsa%])|%")
_FIELD = re.compile(r"[A-Za-z_0-9]{0,40}")
_CONVERSIONS = (_AS_TEXT, _AS_WRITTEN, _AS_ASCII) = (ord("s"), ord("r"), ord("a"))
_BAD_FORMAT = "This number format is not part of the lab's Python."


class Formatting(Bounds):
    """The part of the interpreter that writes text."""

    def _text(self, value: Any, *, quoted: bool, node: ast.AST, room: float = math.inf) -> str:
        """What ``print`` shows, without addresses in memory; of a list no more than fills so many characters."""
        if isinstance(value, (Tensor, nn.Module, Distribution)):
            value = value.distribution if isinstance(value, Distribution) else value
            if not self.tensor_options:
                return str(self._call_torch(node, repr, (value,)))
            with torch._tensor_str.printoptions(**self.tensor_options):  # type: ignore[no-untyped-call]
                return str(self._call_torch(node, repr, (value,)))
        if isinstance(value, str):
            return repr(value) if quoted else value
        if isinstance(value, (list, tuple, set, dict)) and not isinstance(value, torch.Size):
            return self._text_of_list(value, node, room)
        if isinstance(value, (np.ndarray, np.generic)):
            with np.printoptions(**self.array_options):
                return str(self._call_python(node, lambda: repr(value) if quoted else str(value)))
        if isinstance(value, Instance):
            for name in ("__repr__",) if quoted else ("__str__", "__repr__"):
                text = self._special(node, value, name)
                if isinstance(text, str):
                    return text
            return f"<{value.type.name} object>"
        if isinstance(value, ErrorValue):
            return repr(value.error) if quoted else error_message(value.error)
        if isinstance(value, Optimizer):
            return str(self._call_python(node, lambda: repr(value)))
        return _plain_text(value)

    def _text_of_list(self, value: Any, node: ast.AST, room: float) -> str:
        parts: list[str] = []
        for element in value:
            text = self._text(element, quoted=True, node=node, room=room)
            if isinstance(value, dict):
                text += ": " + self._text(value[element], quoted=True, node=node, room=room)
            parts.append(text)
            room -= len(text) + 2
            if room < 0:
                break
        inner = ", ".join(parts)
        if isinstance(value, collections.defaultdict):
            return f"defaultdict({getattr(value.default_factory, 'text', None)}, {{{inner}}})"
        if isinstance(value, dict):
            return f"{{{inner}}}"
        if isinstance(value, set):
            return f"{{{inner}}}" if parts else "set()"
        if isinstance(value, list):
            return f"[{inner}]"
        fields = getattr(value, "__match_args__", None)
        if fields is None and type(value).__module__ == "torch.return_types":
            return str(self._call_torch(node, repr, (value,)))
        return f"({inner},)" if len(parts) == 1 else f"({inner})"

    def _evaluate_joined(self, node: ast.JoinedStr) -> str:
        return self._admit("".join(str(self._evaluate(part)) for part in node.values), node)

    def _evaluate_formatted(self, node: ast.FormattedValue) -> str:
        value = self._evaluate(node.value)
        spec = "" if node.format_spec is None else str(self._evaluate(node.format_spec))
        if self.folds.is_running:
            self.folds.note(ast.unparse(node.value), node.lineno, value)
        return self._format(value, spec, node.conversion, node.value)

    def _format(self, value: Any, spec: str, conversion: int, node: ast.AST) -> str:
        if not _FORMAT.fullmatch(spec):
            raise self._fault("unsupported", Message(_BAD_FORMAT), node)
        if conversion in _CONVERSIONS:
            text = self._text(value, quoted=conversion != _AS_TEXT, node=node)
            text = ascii(value) if conversion == _AS_ASCII and isinstance(value, str) else text
            return str(self._call_python(node, lambda: format(text, spec)))
        if isinstance(value, (bool, int, float, str, np.generic)):
            return str(self._call_python(node, lambda: format(value, spec)))
        if (type(value) is Tensor and value.dim() == 0) or (isinstance(value, np.ndarray) and value.ndim == 0):
            number = value.item()
            return str(self._call_python(node, lambda: format(number, spec)))
        if spec:
            text = f"unsupported format string passed to {kind_of(value)}.__format__"
            raise self._fault("value", Message("Only a single number can be formatted."), node, cause=TypeError(text))
        return self._text(value, quoted=False, node=node)

    def _percent(self, node: ast.AST, template: str, value: Any) -> str:
        """``template % value``, piece by piece."""
        values = list(value) if isinstance(value, tuple) else [value]
        place = 0
        parts: list[str] = []
        end = 0
        for found in _PERCENT.finditer(template):
            parts.append(template[end : found.start()])
            end = found.end()
            name, flags, width, precision, kind = found.groups()
            if kind == "%":
                parts.append("%")
                continue
            if kind is None:
                raise self._fault("unsupported", Message(_BAD_FORMAT), node)
            if name is not None:
                if not isinstance(value, dict):
                    raise self._raised(node, TypeError("format requires a mapping"))
                if name not in value:
                    raise self._raised(node, KeyError(name))
                part = value[name]
            else:
                if place >= len(values):
                    raise self._raised(node, TypeError("not enough arguments for format string"))
                part = values[place]
                place += 1
            if self.folds.is_running:
                self.folds.note(f"%{kind} {place}", getattr(node, "lineno", 0), part)
            point = "" if precision is None else f".{precision}"
            spec = f"%{flags}{width}{point}{'s' if kind in 'ra' else kind}"
            plain = self._percent_value(part, kind, node)
            parts.append(str(self._call_python(node, lambda spec=spec, plain=plain: spec % (plain,))))  # type: ignore[misc]
            if sum(map(len, parts)) > limits.MAX_STRING:
                break
        if place < len(values) and not isinstance(value, dict):
            raise self._raised(node, TypeError("not all arguments converted during string formatting"))
        return self._admit("".join([*parts, template[end:]]), node)

    def _percent_value(self, value: Any, kind: str, node: ast.AST) -> Any:
        if kind in "sra":
            return self._text(value, quoted=kind != "s", node=node)
        if isinstance(value, Tensor):
            return self._call_torch(node, Tensor.item, (value,))
        if isinstance(value, np.ndarray) and value.size == 1:
            return value.item()
        if isinstance(value, (bool, int, float, str, np.generic)):
            return value
        raise self._raised(node, TypeError(f"%{kind} format: a real number is required, not {kind_of(value)}"))

    def _format_method(self, node: ast.AST, template: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """``template.format(…)``: positions and names, no dot and no bracket behind them."""
        counter = [0]
        return self._admit(self._fill(node, template, args, kwargs, counter, 0), node)

    def _fill(
        self,
        node: ast.AST,
        template: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        counter: list[int],
        level: int,
    ) -> str:
        pieces = self._call_python(node, lambda: list(string.Formatter().parse(template)))
        parts: list[str] = []
        for text, name, spec, conversion in pieces:
            parts.append(text)
            if name is None:
                continue
            if level > 1 or not _FIELD.fullmatch(name):
                raise self._fault(
                    "unsupported",
                    Message(
                        "Between the braces of format() only a number or a name can stand here: {word}.", {"word": name}
                    ),
                    node,
                )
            if name == "":
                name = str(counter[0])
                counter[0] += 1
            if name.isdigit():
                if int(name) >= len(args):
                    raise self._raised(
                        node, IndexError(f"Replacement index {name} out of range for positional args tuple")
                    )
                value = args[int(name)]
            elif name in kwargs:
                value = kwargs[name]
            else:
                raise self._raised(node, KeyError(name))
            spec = self._fill(node, spec, args, kwargs, counter, level + 1) if spec else ""
            if self.folds.is_running and level == 0:
                self.folds.note(f"{{{name}}}", getattr(node, "lineno", 0), value)
            parts.append(self._format(value, spec, ord(conversion) if conversion else -1, node))
            if sum(map(len, parts)) > limits.MAX_STRING:
                break
        return "".join(parts)


def error_message(error: Exception) -> str:
    """What ``str`` shows of an exception."""
    text = str(error).split("\nException raised from")[0].strip()
    return text


def _plain_text(value: Any) -> str:
    if isinstance(value, Word):
        return _class_text(value)
    if isinstance(value, Namespace):
        return value.path
    if isinstance(value, TypeOf):
        return value.text
    if isinstance(value, Device):
        return str(value)
    if isinstance(value, UserClass):
        return f"<class '__main__.{value.name}'>"
    if isinstance(value, ErrorClass):
        return f"<class '{value.type.__name__}'>"
    if isinstance(value, Function):
        return f"<function {value.name}>"
    if isinstance(value, BoundFunction):
        return f"<bound method {value.function.name}>"
    if isinstance(value, (Method, GradMode)):
        return value.name if isinstance(value, Method) else value.path
    if isinstance(value, (GraphNode, torch.Size, torch.dtype, range, slice)) or value is None or value is Ellipsis:
        return str(value)
    if isinstance(value, (bool, int, float)):
        return str(value)
    return f"<{kind_of(value)}>"


def _class_text(word: Word) -> str:
    function = word.function
    if isinstance(function, type) and function.__module__ in ("builtins", "torch"):
        prefix = "torch." if function.__module__ == "torch" else ""
        return f"<class '{prefix}{function.__name__}'>"
    return word.path
