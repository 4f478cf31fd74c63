"""What keeps the server inside the gigabyte of free hosting: nothing imported in vain, freed memory returned."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Mapping
from typing import Any

_M_ARENA_MAX = -8  # glibc's name for the setting, malloc.h
_ARENAS = 2


def spare_memory() -> None:
    """To be called once, before torch is imported.

    Torch's wheel brings Triton, a compiler for graphics processors, and torchvision loads it: 80 MB that this server
    has no use for. Told that it is not installed, as on many machines it is not, torch does without.

    Each session runs in a thread of its own, and glibc would give each its own heap, which keeps what was freed in it.
    """
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def return_memory() -> None:
    """Gives freed memory back to the system; for the end of large work, such as a forward pass."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def size_of(value: Any) -> int:
    """About how many bytes a result keeps alive: its arrays and tensors, and what its parts are made of."""
    seen: set[int] = set()
    waiting, total = [value], 0
    while waiting:
        part = waiting.pop()
        while getattr(part, "base", None) is not None and hasattr(part, "nbytes"):
            part = part.base  # a view keeps the whole array alive
        if id(part) in seen or isinstance(part, type):
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            waiting += part
        elif isinstance(size := getattr(part, "nbytes", None), int):
            total += size
            continue
        elif hasattr(part, "__dict__") and not callable(part):
            waiting += vars(part).values()
        total += sys.getsizeof(part, 0)
    return total
