"""What is computed once and kept: vizcore's results for all sessions, torch's import, and work in the background.

Caching lives here and never in vizcore. Results are frozen, so every session may hold the same one.
"""

from __future__ import annotations

import gc
import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.kit.memory import keep_house, return_memory, size_of
from pages.kit.page import Page

MOST_KEPT = 64 * 2**20
"""Bytes of computed results that are kept; the photo last looked at and its boxes need about two million."""

_LARGE_WORK = 0.2  # seconds
_LOG = logging.getLogger("grad2box")


# -- torch, behind the first page --------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def _warm_up() -> threading.Thread:
    """Imports torch in the background, once a process, then takes everything imported out of the collector's sight."""

    def load() -> None:
        time.sleep(0.2)  # the run that started this still has its first page to send
        for module in ("torch", "torchvision.ops", "vizcore.figures.home"):
            importlib.import_module(module)
        importlib.import_module("vizcore.autograd").programs_sandbox().start()
        # One thread a session's work: with a browser beside the server, two threads took 3.7 to 10.4 s for the forward
        # pass that one thread does in 0.67 s, and a class runs several sessions side by side anyway.
        importlib.import_module("torch").set_num_threads(1)
        gc.collect()
        gc.freeze()

    keep_house()
    thread = threading.Thread(target=load, name="warm-up", daemon=True)
    thread.start()
    return thread


def warm_up() -> threading.Thread:
    """Starts importing torch if that has not happened; ``join()`` the answer before work that needs it."""
    return _warm_up()


# -- results, shared ---------------------------------------------------------------------------------------------------


def compute(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Calls a pure vizcore function, or answers from an earlier equal call by any session.

    Args:
        function: a module-level function with hashable, array or dataclass arguments and a frozen result.
        args: its arguments.
        options: its keyword arguments.
    """
    return compute_named(f"{function.__module__}.{function.__qualname__}", function, args, options)


def compute_named(name: str, function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """:func:`compute` for a function that has no name of its own, such as a partial one.

    Args:
        name: tells its results from those of others.
        function: as for :func:`compute`.
        args: its arguments.
        options: its keyword arguments.
    """
    call = (name, function, args, dict(options))
    kept = _compute(*call)
    for unused in _KEPT.use(kept, call):
        _compute.clear(*unused)
    return kept.value


@dataclass(eq=False)
class _Kept:
    """A result in the cache, and about how many bytes it keeps alive."""

    value: Any
    size: int


class _KeptResults:
    """Which results were used last, so that the others can go when all of them are more than ``MOST_KEPT`` bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[_Kept, tuple[Any, ...]] = {}  # the one used last comes last
        self.size = 0

    def __len__(self) -> int:
        return len(self._calls)

    def use(self, kept: _Kept, call: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Notes that a result was used; returns the calls whose results should be forgotten."""
        with self._lock:
            if self._calls.pop(kept, None) is None:
                self.size += kept.size
            self._calls[kept] = call
            forgotten, size = [], self.size
            for other, its_call in self._calls.items():
                if size <= MOST_KEPT or other is kept:
                    break
                size -= other.size
                forgotten.append(its_call)
            return forgotten

    def drop(self, kept: _Kept) -> None:
        """Notes that the cache let go of a result."""
        with self._lock:
            if self._calls.pop(kept, None) is not None:
                self.size -= kept.size


_KEPT = _KeptResults()


@st.cache_resource(max_entries=1024, show_spinner=False, on_release=_KEPT.drop)
def _compute(name: str, _function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> _Kept:
    began = time.monotonic()
    value = _function(*args, **options)
    if time.monotonic() - began > _LARGE_WORK:
        return_memory()
    return _Kept(value, size_of((value, args, options)))


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(name: str, _function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return _function(*args, **options)


def load(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Like :func:`compute` for what is large and few: models."""
    return _load(f"{function.__module__}.{function.__qualname__}", function, args, options)


# -- work in the background --------------------------------------------------------------------------------------------


class Cancelled(Exception):  # noqa: N818  (it is no error)
    """The reader pressed cancel."""


@dataclass
class Job:
    """Work that takes longer than half a second, watched by the page that started it.

    Attributes:
        fraction: how much is done, 0 to 1.
        words: what is being done, already translated.
        result: the answer, once there is one.
        error: what went wrong, if anything did.
        snapshot: the newest intermediate state, for pages that show the work growing.
    """

    fraction: float = 0.0
    words: str = ""
    result: Any = None
    error: Exception | None = None
    snapshot: Any = None
    cancel: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def report(self, fraction: float, words: str = "", snapshot: Any = None) -> None:
        """Called by the work: how far it is. Raises :class:`Cancelled` when the reader asked to stop."""
        if self.cancel.is_set():
            raise Cancelled
        self.fraction = min(max(fraction, 0.0), 1.0)
        self.words = words or self.words
        if snapshot is not None:
            self.snapshot = snapshot


def start_job(page: Page, name: str, work: Callable[[Job], Any]) -> Job:
    """Starts ``work(job)`` in a thread; a running job of the same name is cancelled first.

    The thread never calls Streamlit: it reports to the job, and :func:`watch_job` shows what was reported.
    """
    before = find_job(page, name)
    if before is not None:
        before.cancel.set()
    job = Job()
    st.session_state.setdefault("jobs", {})[page.key(name)] = job

    def run() -> None:
        try:
            job.result = work(job)
            job.fraction = 1.0
        except Cancelled:
            pass
        except Exception as error:
            _LOG.warning("job %s failed", name, exc_info=error)
            job.error = error
        finally:
            return_memory()
            job.done.set()

    threading.Thread(target=run, name=f"job-{name}", daemon=True).start()
    return job


def find_job(page: Page, name: str) -> Job | None:
    """The job of that name in this session, running or ended."""
    return st.session_state.get("jobs", {}).get(page.key(name))


def watch_job(page: Page, name: str, *, draw: Callable[[Job], None] | None = None) -> None:
    """Shows a running job: progress, a cancel button, and what ``draw`` makes of its snapshot.

    At its end the page runs again. Ended jobs show nothing here; the page looks at ``find_job(...).result`` itself.
    """
    job = find_job(page, name)
    if job is None or job.done.is_set():
        return

    @st.fragment(run_every=0.3)
    def progress() -> None:
        bar, button = st.columns([5, 1], vertical_alignment="center")
        stopping = job.cancel.is_set()
        words = page.translate("Canceling…") if stopping else job.words or page.translate("Working…")
        bar.progress(job.fraction, text=words)
        button.button(
            page.translate("Cancel"),
            key=page.key(f"{name}_cancel"),
            icon=":material/stop:",
            on_click=job.cancel.set,
            disabled=stopping,
        )
        if draw is not None:
            draw(job)
        if job.done.is_set():
            st.rerun()

    progress()
