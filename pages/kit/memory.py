"""What keeps the server inside the gigabyte of free hosting: nothing imported in vain, freed memory returned."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's names for the settings, malloc.h
_ARENAS = 2
_LARGE_BLOCK = 4 * 2**20
_KEPT_FREE = 32 * 2**20

MOST_ENDED = 64
"""Sessions whose browser is gone that are kept for its return; ``server.disconnectedSessionTTL`` says how long."""

COMPUTED_AGAIN = ("own_results",)
"""What a session keeps only to be faster: results on the reader's own photo, some tens of megabytes."""

_PAUSE = 15  # seconds between two looks at who is gone


def spare_memory() -> None:
    """To be called once, before torch is imported.

    Torch's wheel brings Triton, a compiler for graphics processors, and torchvision loads it: 80 MB that this server
    has no use for. Told that it is not installed, as on many machines it is not, torch does without.

    Each session runs in a thread of its own, and glibc would give each its own heap, which keeps what was freed in it.
    And it would soon take maps of 25 MB from the heap, where they leave holes: a detector's pass over a photo took
    200 MB at its height, and takes 100 MB where each large block comes from the system and goes back at once. That
    cost it a tenth of its time, until the backbone made its largest maps in strips.
    """
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    with contextlib.suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)


def return_memory() -> None:
    """Gives freed memory back to the system; for the end of large work, such as a forward pass."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_house() -> None:
    """Starts a thread that lets go of what ended sessions hold; for the lifetime of a server.

    Streamlit forgets an ended session when a later one ends, and then leaves it to the collector: after the last
    visitor of a lesson nothing would be given back.
    """

    def watch() -> None:
        while True:
            time.sleep(_PAUSE)
            if not isinstance(server := runtime.get_instance() if runtime.exists() else None, runtime.Runtime):
                continue
            gone = threading.Event()
            freed: list[int] = []

            def look(server: Any = server, freed: list[int] = freed, gone: threading.Event = gone) -> None:
                try:
                    freed.append(let_go(server._session_mgr._session_storage, server.uploaded_file_mgr))
                finally:
                    gone.set()

            with contextlib.suppress(AttributeError, RuntimeError):  # another Streamlit, or one that is stopping
                server._get_async_objs().eventloop.call_soon_threadsafe(look)  # where sessions come and go
                gone.wait(_PAUSE)
            if any(freed):
                gc.collect()  # a session refers to itself, and only its end releases its files
                return_memory()

    threading.Thread(target=watch, name="housekeeping", daemon=True).start()


def let_go(storage: Any, uploads: Any) -> int:
    """Drops ended sessions that are too old or too many, and from the others all that a return would build anew.

    What stays is what a return must find: the controls' values, the reader's own photo, the challenges solved.

    Args:
        storage: the server's ended sessions.
        uploads: the server's uploaded files; a photo is kept decoded.

    Returns:
        How many sessions were dropped or made lighter.
    """
    if not isinstance(storage, MemorySessionStorage):
        return 0
    kept: Any = storage._cache
    old = len(kept.expire())
    too_many = list(kept)[:-MOST_ENDED]
    for session_id in too_many:
        kept.pop(session_id, None)
    return old + len(too_many) + sum(_lighten(info.session, uploads) for info in storage.list())


def _lighten(session: Any, uploads: Any) -> bool:
    """Takes from an ended session its results, its fragments and callbacks, and the files as they were sent.

    A callback is a function of the page's last run, and keeps alive everything that this run computed. The run that
    follows a return brings new ones.
    """
    if session._scriptrunner is not None or getattr(session, "grad2box_light", None) is session._client_state:
        return False
    state = session.session_state
    for name in COMPUTED_AGAIN:
        if name in state:
            del state[name]
    metadata = state._new_widget_state.widget_metadata
    for widget_id, known in list(metadata.items()):
        metadata[widget_id] = dataclasses.replace(
            known, callback=None, callback_args=None, callback_kwargs=None, callbacks=None
        )
    session._fragment_storage.clear()
    uploads.remove_session_files(session.id)
    session.grad2box_light = session._client_state  # until its next run
    return True


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
