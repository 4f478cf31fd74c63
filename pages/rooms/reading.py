"""How what a browser says is read: typed, bounded, and with suspicion.

A message is untrusted input, like a link: :func:`read_message` returns one of the frozen classes of
:mod:`pages.rooms.messages`, all of whose values are inside their bounds, or raises :class:`MessageError`. What a class
does not name is refused, too.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from pages.rooms.limits import (
    LONGEST_LINK,
    LONGEST_MESSAGE,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_BOXES,
    MOST_LINKS,
    MOST_VALUES,
)
from pages.rooms.messages import (
    Alive,
    Answer,
    Ask,
    Boxes,
    Close,
    Door,
    Drag,
    Gather,
    Hand,
    Join,
    Kick,
    Lock,
    Open,
    Overlay,
    Pause,
    Progress,
    Project,
    Results,
    Resume,
    Reveal,
    Said,
    Show,
    Teach,
    Work,
)
from pages.rooms.secret import read_code

_LINK = re.compile(r"[a-z_]{2,40}(\?[A-Za-z0-9_.~,:;%+=&*!'()/-]*)?")
_QUESTION = re.compile(r"[a-z_]{2,40}\.[a-z0-9_]{1,40}")
_VALUE = re.compile(r"[A-Za-z0-9_.+-]{0,40}")
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{10,64}")
_LARGEST = 1e6


class MessageError(ValueError):
    """A message that no page of this app could have sent."""


def clean_name(text: str) -> str:
    """A nickname as it is kept: one line of visible characters, at most 24; empty if nothing is left.

    Control and format characters (line ends, tabs, right-to-left marks, joiners) and what has no meaning of its own
    (surrogates, private use, piles of combining marks) are left out. Markup stays: it is a text, never interpreted.
    """
    kept: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", text[:400]):
        kind = unicodedata.category(letter)
        if kind[0] == "C" or kind in ("Zl", "Zp"):
            kept.append(" " if kind in ("Zl", "Zp") or letter in "\t\n\r" else "")
            continue
        marks = marks + 1 if kind[0] == "M" else 0
        if marks <= 2:
            kept.append(" " if kind == "Zs" else letter)
    return " ".join("".join(kept).split())[:LONGEST_NAME].strip()


def _matching(pattern: re.Pattern[str], longest: int = 64, *, empty: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise MessageError
        if not (empty and value == "") and not pattern.fullmatch(value):
            raise MessageError
        return value

    return read


def _among(*options: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in options:
            raise MessageError
        return str(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise MessageError
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MessageError
    return value


def _code(value: Any) -> str:
    code = read_code(value)
    if code is None:
        raise MessageError
    return code


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 400:
        raise MessageError
    return clean_name(value)


def _links(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_LINKS:
        raise MessageError
    return tuple(read_link(link) for link in value)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) <= _LARGEST:  # false for NaN, too
        raise MessageError
    return round(float(value), 3)


def _measure(value: Any) -> float:
    return math.nan if value is None else _number(value)


def _size(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise MessageError
    height, width = (_number(side) for side in value)
    if not (height > 0 and width > 0):
        raise MessageError
    return height, width


def _boxes(value: Any) -> Boxes:
    if not isinstance(value, dict) or len(value) > MOST_BOXES:
        raise MessageError
    found = []
    for name, numbers in value.items():
        if not _ID.fullmatch(name) or not isinstance(numbers, list) or not 1 <= len(numbers) <= 8:
            raise MessageError
        found.append((name, tuple(_number(number) for number in numbers)))
    return tuple(found)


def _values(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or len(value) > MOST_VALUES:
        raise MessageError
    for name, text in value.items():
        if not _NAME.fullmatch(name) or not isinstance(text, str) or len(text) > LONGEST_VALUE:
            raise MessageError
        if any(unicodedata.category(letter)[0] == "C" for letter in text):
            raise MessageError
    return tuple(value.items())


def read_link(value: Any) -> str:
    """A view's page and parameters.

    Raises:
        MessageError: anything else, an address with a scheme or host above all.
    """
    return _matching(_LINK, LONGEST_LINK)(value)


_question = _matching(_QUESTION, 81)
_student = _matching(_ID)
_READERS: dict[type, dict[str, Callable[[Any], Any]]] = {
    Open: {"links": _links, "title": lambda value: _name(value)},
    Teach: {"code": _code, "key": _matching(_SECRET)},
    Join: {"code": _code, "name": _name},
    Resume: {"code": _code, "student": _student, "token": _matching(_SECRET)},
    Show: {"link": read_link, "step": _whole(-1, MOST_LINKS)},
    Ask: {"question": _matching(_QUESTION, 81, empty=True)},
    Reveal: {"question": _question, "right": _matching(_VALUE, 40)},
    Gather: {},
    Pause: {"on": _flag},
    Lock: {"on": _flag},
    Door: {"on": _flag},
    Kick: {"student": _student},
    Overlay: {"to": _among("nobody", "teacher", "all")},
    Project: {"student": _matching(_ID, empty=True)},
    Results: {},
    Close: {},
    Drag: {"place": _student, "boxes": _boxes},
    Hand: {"place": _student, "size": _size, "boxes": _boxes, "value": _measure},
    Work: {"place": _question, "values": _values, "value": _measure},
    Answer: {"question": _question, "value": _matching(_VALUE, 40)},
    Progress: {
        "concept": _matching(re.compile(r"[a-z_]{0,40}"), 40),
        "step": _whole(0, 99),
        "of": _whole(0, 99),
        "solved": _whole(0, 99),
        "follows": _flag,
    },
    Alive: {},
}
_KINDS = {kind.__name__.lower(): kind for kind in _READERS}


def read_message(text: object) -> Said:
    """Reads one message.

    Args:
        text: as it came from the socket.

    Raises:
        MessageError: it is too long, not JSON, of no kind that there is, or has a value out of its bounds.
    """
    if not isinstance(text, str) or len(text) > LONGEST_MESSAGE:
        raise MessageError
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageError from error
    if not isinstance(raw, dict):
        raise MessageError
    said = raw.pop("id", "")
    if said != "":
        said = _student(said)
    kind = raw.pop("type", None)
    found = _KINDS.get(kind) if isinstance(kind, str) else None
    if found is None or set(raw) != set(_READERS[found]):
        raise MessageError
    return Said(said, found(**{name: read(raw[name]) for name, read in _READERS[found].items()}))


def write_message(message: Any, *, id: str = "") -> str:
    """A message as the browser sends it; what :func:`read_message` reads.

    Args:
        message: one of the classes above.
        id: under which its sender remembers it.
    """
    values: dict[str, Any] = {field.name: getattr(message, field.name) for field in fields(message)}
    if "boxes" in values:
        values["boxes"] = {name: list(numbers) for name, numbers in values["boxes"]}
    if "values" in values:
        values["values"] = dict(values["values"])
    if isinstance(values.get("value"), float) and math.isnan(values["value"]):
        values["value"] = None
    return json.dumps({"type": type(message).__name__.lower(), **({"id": id} if id else {}), **values})
