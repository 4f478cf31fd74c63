"""What a link may carry: typed, bounded values, written compactly and read with suspicion.

A link is untrusted input. Every reader either returns a value inside its declared bounds or raises :class:`LinkError`,
and the page falls back to its default with a notice.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 20_000
_LONGEST_NUMBER = 40  # characters; Python itself refuses to read more than 4300 digits, and floats end at 309


class LinkError(ValueError):
    """A link's parameter that is not one this page could have written."""


@dataclass(frozen=True)
class Parameter:
    """How one control is written into a link and read back.

    Attributes:
        name: the parameter's name; the argument's own name.
        default: the value where the link is silent or wrong.
        read: text to value; raises :class:`LinkError`.
        write: value to text.
        low: least value of a number.
        high: largest value of a number.
        step: what a number is a multiple of, counted from ``low``; None where any is taken.
        options: the values of a choice, all that there can ever be.
        max_length: of a text.
        square: whether a text is a square picture, a letter for each cell, row by row.
    """

    name: str
    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    low: float | None = None
    high: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    max_length: int = 200
    square: bool = False


def number(name: str, low: float, high: float, default: float, *, step: float | None = None) -> Parameter:
    """A number in [low, high]; whole when all three are ints.

    A slider can only stand on multiples of its step, and would show the nearest one for any other number. So that what
    it shows is what is computed with, a number is moved to the nearest multiple where it enters.
    """
    whole = all(isinstance(value, int) for value in (low, high, default))

    def read(text: str) -> float:
        if len(text) > _LONGEST_NUMBER:
            raise LinkError(name)
        try:
            value = int(text) if whole else float(text)
        except ValueError as error:
            raise LinkError(name) from error
        if not low <= value <= high:  # also false for what is not a number
            raise LinkError(name)
        if step is None or value in (low, high):
            return value
        settled = low + round((value - low) / step) * step
        return min(max(settled if whole else round(settled, 10), low), high)

    return Parameter(name, default, read, lambda value: f"{value:.10g}", low=low, high=high, step=step)


def flag(name: str, default: bool) -> Parameter:
    """Yes or no, written 1 or 0."""

    def read(text: str) -> bool:
        if text not in ("0", "1"):
            raise LinkError(name)
        return text == "1"

    return Parameter(name, default, read, lambda value: "1" if value else "0")


def choice(name: str, options: Sequence[str], default: str | None) -> Parameter:
    """One of the options; None is written as nothing."""

    def read(text: str) -> str | None:
        if text == "" and default is None:
            return None
        if text not in options:
            raise LinkError(name)
        return text

    return Parameter(name, default, read, lambda value: value or "", options=tuple(options))


def choices(name: str, options: Sequence[str], default: Sequence[str]) -> Parameter:
    """Some of the options, joined by dots, in the order of ``options``."""

    def read(text: str) -> list[str]:
        asked = text.split(".") if text else []
        if len(set(asked)) != len(asked) or any(option not in options for option in asked):
            raise LinkError(name)
        return [option for option in options if option in asked]

    return Parameter(name, list(default), read, lambda value: ".".join(value), options=tuple(options))


def text(name: str, default: str, *, max_length: int = 200, square: bool = False) -> Parameter:
    """Free text; a long one is deflated so that a program of a screenful fits into a link."""

    def read(written: str) -> str:
        if len(written) > MAX_TEXT:
            raise LinkError(name)
        value = _inflate(name, written[1:]) if written.startswith("~") else written
        if len(value) > max_length or "\x00" in value:
            raise LinkError(name)
        return value

    def write(value: str) -> str:
        if len(value) < 60 and "\n" not in value and not value.startswith("~"):
            return value
        packed = base64.urlsafe_b64encode(zlib.compress(value.encode(), 9)).decode().rstrip("=")
        return f"~{packed}"

    return Parameter(name, default, read, write, max_length=max_length, square=square)


def numbers(
    name: str, shape: tuple[int | None, int], default: Sequence[Sequence[float]], *, limit: float, most: int
) -> Parameter:
    """Rows of finite numbers, such as boxes: ``1,2,3,4_5,6,7,8``.

    Args:
        name: the parameter's name.
        shape: ``(rows, columns)``; rows None for any count from 0 to ``most``.
        default: rows where the link is silent.
        limit: largest magnitude of a number.
        most: largest count of rows.
    """
    rows, columns = shape

    def read(written: str) -> list[list[float]]:
        if len(written) > MAX_TEXT:
            raise LinkError(name)
        try:
            value = [[float(cell) for cell in row.split(",")] for row in written.split("_")] if written else []
        except (ValueError, OverflowError) as error:
            raise LinkError(name) from error
        fits = all(len(row) == columns and all(math.isfinite(x) and abs(x) <= limit for x in row) for row in value)
        if not fits or len(value) > most or (rows is not None and len(value) != rows):
            raise LinkError(name)
        return value

    def write(value: Sequence[Sequence[float]]) -> str:
        return "_".join(",".join(f"{x:.7g}" for x in row) for row in value)

    return Parameter(name, [list(row) for row in default], read, write)


def _inflate(name: str, packed: str) -> str:
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        plain = inflater.decompress(data, MAX_TEXT * 4)  # bounded: a small link must not unfold into gigabytes
        if inflater.unconsumed_tail or not inflater.eof:
            raise LinkError(name)
        return plain.decode("utf-8")
    except (ValueError, zlib.error) as error:
        raise LinkError(name) from error
