"""Collects the warnings of one call, also when several programs run at once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Python keeps its warning filters once per process, so only one block at a time may change them.
_LOCK = threading.RLock()

_ONCE_PER_PROCESS = ("create_graph=True will create a reference cycle",)
"""Warnings that torch gives only to the first program of a process; a trace must not depend on who came first."""


@contextmanager
def torch_warnings() -> Iterator[list[str]]:
    """Collects what is warned about inside the block.

    Yields:
        A list that holds the texts when the block is left.
    """
    texts: list[str] = []
    with _LOCK, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
        texts.extend(
            str(entry.message).split(" (Triggered internally")[0]
            for entry in caught
            if not any(text in str(entry.message) for text in _ONCE_PER_PROCESS)
        )
