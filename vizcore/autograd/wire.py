"""A trace as bytes and back, for the way out of a process that is not trusted.

The first eight bytes are the lengths of a JSON text and of the packed JSON for the browser; then follow the two, and
the elements of all arrays, each array once. What comes back is checked field by field against the types that the
dataclasses declare: nothing is unpickled, no name is looked up, and what does not fit is a ``ValueError``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import string
import struct
import types
import typing
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vizcore.autograd.layout import layers
from vizcore.autograd.trace import Message, ProgramTrace

MAX_HEADER: Final = 16 * 2**20
MAX_PACKED: Final = 24 * 2**20
MAX_DIMENSIONS: Final = 32
_LENGTHS: Final = struct.Struct("<II")
_DTYPES: Final = frozenset(["|b1", "|u1", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"])
_ALIGNMENT: Final = 8
_PLAIN: Final = frozenset([str, int, float, bool, type(None)])


def encode_trace(trace: ProgramTrace, packed: bytes) -> bytes:
    """Writes a trace and what the browser gets of it; the source and the seed, which the asker knows, stay out.

    Args:
        trace: the run.
        packed: ``json.dumps(to_json(trace)).encode()``.

    Returns:
        The bytes that :func:`decode_trace` reads.
    """
    arrays = _Arrays()
    fields = {
        field.name: arrays.encode(getattr(trace, field.name))
        for field in dataclasses.fields(trace)
        if field.name not in ("source", "seed", "variables")
    }
    variables = {name: arrays.encode_plain(value) for name, value in trace.variables.items()}
    header = json.dumps({"fields": fields, "variables": variables, "arrays": arrays.table}).encode()
    start = _LENGTHS.pack(len(header), len(packed)) + header + packed
    return b"".join([start, bytes(-len(start) % _ALIGNMENT), *arrays.parts])


def decode_trace(data: bytes, source: str, seed: int) -> tuple[ProgramTrace, bytes]:
    """Reads what :func:`encode_trace` wrote, from a process that may have written anything.

    Args:
        data: the bytes.
        source: the program that was sent there.
        seed: its seed.

    Returns:
        The trace, its arrays read-only, and the packed JSON, which is text but otherwise unchecked.

    Raises:
        ValueError: if the bytes are not what an honest process writes.
    """
    try:
        header_size, packed_size = _LENGTHS.unpack_from(data)
        if header_size > MAX_HEADER or packed_size > MAX_PACKED:
            raise ValueError("too long")
        start = _LENGTHS.size + header_size
        header = json.loads(data[_LENGTHS.size : start])
        packed = data[start : start + packed_size]
        if len(packed) != packed_size:
            raise ValueError("cut short")
        end = start + packed_size
        arrays = _read_arrays(header["arrays"], data, end + -end % _ALIGNMENT)
        read = _Reader(arrays)
        hints = _hints(ProgramTrace)
        fields = {name: read.typed(hints[name])(value) for name, value in header["fields"].items()}
        variables = {_text(name): read.plain(value) for name, value in header["variables"].items()}
        trace = ProgramTrace(source=source, seed=seed, variables=variables, **fields)
        _check_places(trace)
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError, struct.error, OverflowError) as error:
        raise ValueError("this is no trace") from error
    return trace, packed


class _Arrays:
    """The arrays of a trace, each once."""

    def __init__(self) -> None:
        self.table: list[tuple[str, tuple[int, ...], int]] = []
        self.parts: list[bytes] = []
        self._size = 0
        self._index_of: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def add(self, value: np.ndarray) -> int:
        """The place of an array in the table."""
        elements = value.tobytes()
        key = (value.dtype.str, value.shape, elements)
        if key not in self._index_of:
            self._index_of[key] = len(self.table)
            self.table.append((value.dtype.str, value.shape, self._size))
            padding = bytes(-len(elements) % _ALIGNMENT)
            self.parts += [elements, padding]
            self._size += len(elements) + len(padding)
        return self._index_of[key]

    def encode(self, value: Any) -> Any:
        """A field of a trace as plain JSON; its type is known to the reader."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is tuple or kind is list:
            return [element if type(element) in _PLAIN else self.encode(element) for element in value]
        if isinstance(value, np.ndarray):
            return self.add(value)
        if isinstance(value, dict):
            return {name: self.encode(element) for name, element in value.items()}
        if dataclasses.is_dataclass(kind):
            parts = [getattr(value, name) for name in _names(kind)]
            return [part if type(part) in _PLAIN else self.encode(part) for part in parts]
        return value

    def encode_plain(self, value: Any) -> Any:
        """A final value, with its kind, which the reader cannot know."""
        if isinstance(value, np.ndarray):
            return {"array": self.add(value)}
        if isinstance(value, range):
            return {"range": [value.start, value.stop, value.step]}
        if isinstance(value, dict):
            return {"dict": [[self.encode_plain(key), self.encode_plain(part)] for key, part in value.items()]}
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.encode_plain(element) for element in value]}
        return value


def _read_arrays(table: list[Any], data: bytes, start: int) -> list[np.ndarray]:
    arrays = []
    for dtype, shape, offset in table:
        if dtype not in _DTYPES or len(shape) > MAX_DIMENSIONS:
            raise ValueError("no such array")
        if not all(type(size) is int and size >= 0 for size in (*shape, offset)):
            raise ValueError("no such shape")
        count = math.prod(shape)
        if start + offset + count * np.dtype(dtype).itemsize > len(data):
            raise ValueError("an array is cut short")
        arrays.append(
            np.frombuffer(data, dtype, count, start + offset).reshape(shape) if count else np.zeros(shape, dtype)
        )
    return arrays


class _Reader:
    """Builds values of declared types from JSON."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self._arrays = arrays
        self._known: dict[Any, Callable[[Any], Any]] = {}

    def typed(self, hint: Any) -> Callable[[Any], Any]:
        """What returns a value if it is of the type, worked out once a type: a trace holds thousands of values."""
        read = self._known.get(hint)
        if read is None:
            read = self._known[hint] = self._make(hint)
        return read

    def _make(self, hint: Any) -> Callable[[Any], Any]:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any:
            return _plain_value
        if hint is np.ndarray:
            return self._array
        if origin is types.UnionType:
            some = self.typed(inner[0])
            return lambda value: None if value is None else some(value)
        if origin is tuple:
            each = self.typed(inner[0])
            return lambda value: tuple([each(element) for element in _list(value)])
        if origin is dict:
            part = self.typed(inner[1])
            return lambda value: {_text(name): part(element) for name, element in value.items()}
        if origin is typing.Literal:
            return functools.partial(_word, inner)
        if hint is Message:
            return _message
        if dataclasses.is_dataclass(hint):
            record = typing.cast(type, hint)
            return functools.partial(_record, record, [self.typed(field) for field in _hints(record).values()])
        return functools.partial(_exactly, hint)

    def plain(self, value: Any) -> Any:
        """A final value."""
        if type(value) is not dict:
            if value is not None and type(value) not in (str, int, float, bool):
                raise ValueError("a plain value was expected")
            return value
        ((kind, inner),) = value.items()
        if kind == "array":
            return self._array(inner)
        if kind == "range":
            if not all(type(part) is int for part in inner):
                raise ValueError("whole numbers were expected")
            return range(*inner)
        if kind in ("list", "tuple"):
            parts = [self.plain(element) for element in inner]
            return parts if kind == "list" else tuple(parts)
        if kind == "dict":
            pairs = [(self.plain(key), self.plain(part)) for key, part in inner]
            if not all(type(key) in (str, int, float, bool) for key, _ in pairs):
                raise ValueError("no such key")
            return dict(pairs)
        raise ValueError("no such kind")

    def _array(self, value: Any) -> np.ndarray:
        if type(value) is not int or not 0 <= value < len(self._arrays):
            raise ValueError("no such array")
        return self._arrays[value]


def _plain_value(value: Any) -> Any:
    if type(value) not in (str, int, float, bool):
        raise ValueError("a plain value was expected")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("a list was expected")
    return value


def _word(words: tuple[Any, ...], value: Any) -> Any:
    if value not in words:
        raise ValueError("no such word")
    return value


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{kind} was expected")
    return value


def _record(kind: Callable[..., Any], reads: list[Callable[[Any], Any]], value: Any) -> Any:
    if len(value) != len(reads):
        raise ValueError("no such record")
    return kind(*[read(element) for read, element in zip(reads, value, strict=True)])


def _message(value: Any) -> Message:
    template, values = value
    message = Message(_text(template), {_text(name): _plain_value(part) for name, part in values.items()})
    _check_template(message)
    return message


@functools.cache
def _names(record: type) -> tuple[str, ...]:
    """The name of each field, in order."""
    return tuple(field.name for field in dataclasses.fields(record))


@functools.cache
def _hints(record: type) -> dict[str, Any]:
    """Name and type of each field, in order."""
    hints = typing.get_type_hints(record)
    return {field.name: hints[field.name] for field in dataclasses.fields(record)}


def _check_template(message: Message) -> None:
    """Lets through only names of values, in the formats that our sentences use: a format can do far more."""
    for _, name, specification, conversion in string.Formatter().parse(message.template):
        if name is None:
            continue
        if name not in message.values or specification not in ("", "g") or conversion:
            raise ValueError("no such sentence")
        if specification == "g" and type(message.values[name]) not in (int, float):
            raise ValueError("a number was expected")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a text was expected")
    return value


def _check_places(trace: ProgramTrace) -> None:
    """Holds every id against what it points into, and the graph against cycles: later code only follows them."""
    num_nodes, num_edges, num_visits = len(trace.nodes), len(trace.edges), len(trace.visits)

    def check(size: int, *places: int | None) -> None:
        if not all(place is None or 0 <= place < size for place in places):
            raise ValueError("an id points nowhere")

    for edge in trace.edges:
        check(num_nodes, edge.source, edge.target)
    for visit in trace.visits:
        check(num_nodes, visit.node)
        for part in visit.contributions:
            check(num_edges + 1, part.edge + 1)
            check(num_visits + 1, part.visit + 1)
    for state in trace.tensors:
        check(num_nodes, state.node)
    for step in trace.steps:
        check(num_nodes + 1, step.num_nodes)
        check(num_visits, step.visit)
        check(len(trace.tensors), *step.changed)
        check(num_nodes, *step.freed)
        check(len(trace.calls), step.call)
        check(len(trace.folds), step.fold)
    for node in trace.nodes:
        check(len(trace.steps) + 1, node.step)
    num_places = len(trace.steps) + 1
    for call in trace.calls:
        check(num_places, call.first_step, call.end_step)
        check(len(trace.calls), call.parent)
    for fold in trace.folds:
        check(num_places, fold.first_step, fold.end_step)
        check(len(trace.folds), fold.parent)
        for iteration in fold.iterations:
            check(num_places, iteration.first_step, iteration.end_step)
    layers(num_nodes, [(edge.source, edge.target) for edge in trace.edges])
