"""Processes for what a stranger's input makes the computer do: each call gets one of its own, with limits, and it dies.

A helper process (the nursery) imports torch once, in one thread, and forks a fresh child for every call, so that memory
is shared, no lock is ever inherited in a held state, and nothing of one call reaches the next. A few children are
forked ahead, so that a call need not wait for the fork. A child has no file, no socket but the one it answers on, and
limits that do not depend on knowing what it will run:

==================  ==================================================================================================
processor time      ``PROCESSOR_SECONDS`` after the request arrived, by a timer of the kernel; ``RLIMIT_CPU`` behind it
wall time           killed ``GRACE_SECONDS`` past the limit of the call, whatever it does or waits for
address space       ``MEMORY_BYTES`` more than it is born with (Linux; elsewhere where ``RLIMIT_AS`` is honoured)
files               none can be opened (``RLIMIT_NOFILE``), none can grow (``RLIMIT_FSIZE`` 0), no core is dumped
processes, threads  none can be started (``RLIMIT_NPROC`` 0; root is exempt from this one, as everywhere), unless a
                    sandbox is made for work that needs threads
priority            lower than the server's, and lower still after ``SLOW_SECONDS``; then it also gives its place to the
                    next in the queue, as long as no more than ``most_at_once`` have done so; lower at once where the
                    asker has asked for something newer (``put_behind``)
==================  ==================================================================================================

Where there is no fork (Windows), each child is a Python process of its own, one of them started ahead, with the limits
that the system has: there it is the wall time alone.

What a child sends back is a stranger's bytes: the caller reads them as data and never unpickles them.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import ctypes
import gc
import importlib
import logging
import math
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Final, Literal, NamedTuple, Protocol

from vizcore.errors import ExplainedError

MOST_AT_ONCE: Final = max(4, 2 * (os.cpu_count() or 1))
MOST_WAITING: Final = 500
SPARES: Final = 2
WALL_SECONDS: Final = 6.0
GRACE_SECONDS: Final = 0.5
PROCESSOR_SECONDS: Final = 1.4
MEMORY_BYTES: Final = 384 * 2**20
MAX_ANSWER: Final = 64 * 2**20
START_SECONDS: Final = 120.0
SLOW_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 0.05
"""After so long without work the workers that wait for it rehearse: that must take no time from any request."""
_PRIORITY, _SLOW_PRIORITY = 5, 15  # steps below the server's

TOO_LONG: Final = "The work took more than {seconds:g} s and was stopped."
TOO_LARGE: Final = "The work needed too much memory and was stopped."
ENDED: Final = "The work ended the process that it ran in."
TOO_MANY: Final = "Too many others are waiting; try again in a moment."
MESSAGES: Final = (TOO_LONG, TOO_LARGE, ENDED, TOO_MANY)

_CONNECTION: Final = 3  # the only descriptor of a child beside the three that lead nowhere
_FRAME: Final = struct.Struct("<cI")
_REPLY: Final = struct.Struct("<qq")
_COMMAND: Final = struct.Struct("<cq")
_ANSWER, _NOTE, _MEMORY = b"A", b"N", b"M"
_REHEARSAL: Final = b"P"
_MAX_NOTE: Final = 256
_AT_A_TIME: Final = 2**18
_PROCESSOR_TIME_IS_UP: Final = tuple(
    -int(getattr(signal, name)) for name in ("SIGPROF", "SIGXCPU") if hasattr(signal, name)
)
_LARGE_PAGE: Final = 2**21
_MADV_COLLAPSE: Final = 25  # Linux 6.1
_LOG = logging.getLogger("grad2box")
_GONE: Final = 2**31  # no process ends with this

Kind = Literal["wall", "processor", "memory", "ended", "busy"]


class SandboxError(ExplainedError, RuntimeError):
    """Work that brought no answer.

    Attributes:
        kind: ``wall`` and ``processor`` (it took too long), ``memory``, ``ended`` (the process died of it), ``busy``
            (it never began).
        note: the last note that the work sent, empty if there is none.
    """

    def __init__(self, kind: Kind, template: str, *, note: bytes = b"", **values: object) -> None:
        """Keeps kind and note beside the sentence."""
        super().__init__(template, **values)
        self.kind = kind
        self.note = note


class _Limits(NamedTuple):
    """What one request may take, in the order in which it stands on a command line."""

    processor_s: float
    memory_bytes: int
    has_threads: bool

    def written(self) -> list[str]:
        return [str(self.processor_s), str(self.memory_bytes), str(int(self.has_threads))]

    @staticmethod
    def read(words: Sequence[str]) -> _Limits:
        return _Limits(float(words[0]), int(words[1]), words[2] == "1")


class _Lost(Exception):  # noqa: N818  (it never leaves this module)
    """The worker was gone before it had the request: not the request's fault."""


class _Worker(Protocol):
    """A process that answers one request."""

    def ask(self, task: str, request: bytes) -> None: ...

    def frames(self, until: float, on_slow: Callable[[], None]) -> Iterator[tuple[bytes, bytes]]: ...

    def rehearse(self) -> None: ...

    def put_behind(self) -> None: ...

    def end(self) -> int: ...


class _Nursery(Protocol):
    """Where workers come from."""

    def make(self) -> _Worker: ...

    def close(self) -> None: ...


class Sandbox:
    """A place to run tasks on a stranger's input.

    Attributes:
        most_at_once: how many run at a time, and as many slow ones beside them; others wait in the order of their
            coming.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        most_at_once: int = MOST_AT_ONCE,
        method: Literal["fork", "spawn"] | None = None,
        processor_s: float = PROCESSOR_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        has_threads: bool = False,
    ) -> None:
        """Describes the sandbox; nothing is started yet.

        Args:
            tasks: names of modules with ``prepare()``, called once ahead, and ``answer(request, note)``, which takes
                the request's bytes and returns the answer's; ``note`` sends a few bytes while it works. Where there is
                a ``rehearse()``, a forked worker calls it once ahead of its request, when nothing else is to be done.
            most_at_once: how many requests are worked on at a time.
            method: ``fork`` or ``spawn``; by default fork where there is one.
            processor_s: processor seconds of one request.
            memory_bytes: address space beyond what a worker is born with.
            has_threads: a worker may start threads (the system then cannot keep it from starting processes either).
        """
        self.most_at_once = most_at_once
        self._tasks = tuple(tasks)
        self._method = method or ("fork" if hasattr(os, "fork") and hasattr(socket, "send_fds") else "spawn")
        self._limits = _Limits(processor_s, memory_bytes, has_threads)
        self._num_spares = SPARES if self._method == "fork" else 1
        self._turn = threading.Condition()
        self._waiting: collections.deque[object] = collections.deque()
        self._num_running = 0
        self._num_slow = 0
        self._supply = threading.Condition()
        self._at_work: dict[_Worker, tuple[str, bytes]] = {}
        self._spares: list[_Worker] = []
        self._nursery: _Nursery | None = None
        self._making = threading.Lock()
        self._refiller: threading.Thread | None = None
        self._is_closed = False

    # ---- for the caller

    def start(self) -> None:
        """Starts getting ready in the background: modules are imported, first workers are made."""
        with self._supply:
            if self._refiller is None and not self._is_closed:
                self._refiller = threading.Thread(target=self._refill, name="sandbox", daemon=True)
                self._refiller.start()
                atexit.register(self.close)

    def run(
        self,
        task: str,
        request: bytes,
        *,
        wall_s: float = WALL_SECONDS,
        on_wait: Callable[[int], None] | None = None,
        on_note: Callable[[bytes], None] | None = None,
    ) -> bytes:
        """Has a request worked on in a process of its own.

        Args:
            task: one of the modules given at the beginning.
            request: handed to its ``answer``.
            wall_s: seconds it may take once it runs; it is killed ``GRACE_SECONDS`` later.
            on_wait: called with the place in the queue, from 1, whenever that changes.
            on_note: called with each note of the work.

        Returns:
            What the task answered: a stranger's bytes.

        Raises:
            SandboxError: if there is no answer.
            ValueError: if there is no such task.
        """
        if task not in self._tasks:
            raise ValueError(f"{task!r} is not one of {', '.join(self._tasks)}")
        self.start()
        with self._place(on_wait) as give_way:
            for _ in range(self._num_spares + 3):
                with contextlib.suppress(_Lost):
                    return self._ask(task, request, wall_s, on_note, give_way)
        raise SandboxError("ended", ENDED)

    def put_behind(self, task: str, request: bytes) -> None:
        """Lets all others go before a request that is worked on: its answer is not wanted as much as it was.

        Args:
            task: as for :meth:`run`.
            request: as for :meth:`run`.
        """
        with self._supply:
            for worker, work in self._at_work.items():
                if work == (task, request):
                    worker.put_behind()

    def next_place(self) -> int:
        """The place in the queue that a request would get now, 0 if it would run at once."""
        with self._turn:
            if self._num_running + len(self._waiting) < self.most_at_once:
                return 0
            return len(self._waiting) + 1

    def close(self) -> None:
        """Ends all processes; afterwards the sandbox starts anew when it is used."""
        with self._supply:
            self._is_closed = True
            self._supply.notify_all()
            refiller, self._refiller = self._refiller, None
        if refiller is not None:
            refiller.join(START_SECONDS)
        with self._supply:
            spares, self._spares = self._spares, []
            nursery, self._nursery = self._nursery, None
            self._is_closed = False
        for spare in spares:
            spare.end()
        if nursery is not None:
            nursery.close()
        atexit.unregister(self.close)

    # ---- queue

    @contextlib.contextmanager
    def _place(self, on_wait: Callable[[int], None] | None) -> Iterator[Callable[[], None]]:
        """Waits for one of the places, first come, first served; yields what a slow request calls to let others in."""
        ticket = object()
        with self._turn:
            if len(self._waiting) >= MOST_WAITING:
                raise SandboxError("busy", TOO_MANY)
            self._waiting.append(ticket)
        shown = 0
        try:
            while True:
                with self._turn:
                    place = self._waiting.index(ticket) + 1
                    if self._num_running + place <= self.most_at_once:
                        self._num_running += 1
                        self._waiting.remove(ticket)
                        break
                    if place == shown or on_wait is None:
                        self._turn.wait()
                        continue
                shown = place
                on_wait(place)
        except BaseException:
            with self._turn:
                self._waiting.remove(ticket)
                self._turn.notify_all()
            raise
        is_slow = False

        def give_way() -> None:
            nonlocal is_slow
            with self._turn:
                if not is_slow and self._num_slow < self.most_at_once:
                    is_slow = True
                    self._num_slow += 1
                    self._num_running -= 1
                    self._turn.notify_all()

        try:
            yield give_way
        finally:
            with self._turn:
                self._num_slow -= is_slow
                self._num_running -= not is_slow
                self._turn.notify_all()

    # ---- one request

    def _ask(
        self,
        task: str,
        request: bytes,
        wall_s: float,
        on_note: Callable[[bytes], None] | None,
        give_way: Callable[[], None],
    ) -> bytes:
        worker = self._take()
        note = b""
        with self._supply:
            self._at_work[worker] = (task, request)
        try:
            worker.ask(task, request)
            for kind, payload in worker.frames(time.monotonic() + wall_s + GRACE_SECONDS, give_way):
                if kind == _ANSWER:
                    return payload
                if kind == _MEMORY:
                    raise SandboxError("memory", TOO_LARGE, note=note)
                if kind == _NOTE:
                    note = payload
                    if on_note is not None:
                        on_note(payload)
            status = self._end(worker)
            if status == _GONE:
                raise _Lost
            if status in _PROCESSOR_TIME_IS_UP:
                raise SandboxError("processor", TOO_LONG, note=note, seconds=self._limits.processor_s)
            raise SandboxError("ended", ENDED, note=note)
        except TimeoutError:
            raise SandboxError("wall", TOO_LONG, note=note, seconds=wall_s) from None
        finally:
            self._end(worker)
            with self._supply:
                self._supply.notify_all()

    def _end(self, worker: _Worker) -> int:
        with self._supply:  # once it has ended its number can become another process's
            self._at_work.pop(worker, None)
        return worker.end()

    def _take(self) -> _Worker:
        with self._supply:
            if self._spares:
                worker = self._spares.pop(0)
                self._supply.notify_all()
                return worker
        return self._make()

    def _make(self) -> _Worker:
        """A new worker, from a new nursery if the old one has died."""
        with self._making:
            if self._nursery is None:
                start = _ForkNursery if self._method == "fork" else _SpawnNursery
                self._nursery = start(self._tasks, self._limits)
            try:
                return self._nursery.make()
            except (OSError, EOFError) as error:
                _LOG.warning("the process that makes workers has ended; another one is started", exc_info=error)
                self._nursery.close()
                self._nursery = None
                raise _Lost from None

    def _refill(self) -> None:
        """Keeps spare workers ready, and has them rehearse in quiet moments."""
        rehearsed: set[_Worker] = set()
        pause = 0.1  # seconds; where no worker can be made, the attempts must not keep the processor busy
        while True:
            with self._supply:
                while len(self._spares) >= self._num_spares and not self._is_closed:
                    fresh = [spare for spare in self._spares if spare not in rehearsed] if not self._at_work else []
                    if self._supply.wait(IDLE_SECONDS if fresh else None):
                        continue
                    for spare in fresh:
                        spare.rehearse()
                    rehearsed = set(self._spares)
                if self._is_closed:
                    return
            try:
                worker = self._make()
            except _Lost:
                with self._supply:
                    if not self._is_closed:
                        self._supply.wait(pause)
                pause = min(2 * pause, 60.0)
                continue
            pause = 0.1
            with self._supply:
                self._spares.append(worker)


# ---- forked workers --------------------------------------------------------------------------------------------------


class _ForkNursery:
    """The helper process, and the wire on which it is told to fork and to kill."""

    def __init__(self, tasks: Sequence[str], limits: _Limits) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            options = [str(theirs.fileno()), *limits.written(), *tasks]
            self._process = _start_python(["nursery", *options], pass_fds=(theirs.fileno(),))
        ours.settimeout(START_SECONDS)
        self._control = ours

    def make(self) -> _Worker:
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                socket.send_fds(self._control, [_COMMAND.pack(b"F", 0)], [theirs.fileno()])
                pid, _ = self._reply()
        except BaseException:
            ours.close()
            raise
        return _Forked(self, pid, ours)

    def end(self, pid: int) -> int:
        """Kills a worker, if it has not ended by itself, and returns how it ended, as ``subprocess`` writes it."""
        try:
            with self._lock:
                self._control.sendall(_COMMAND.pack(b"E", pid))
                return self._reply()[1]
        except (OSError, EOFError):  # the nursery is gone, and its children with it
            return _GONE

    def close(self) -> None:
        with self._lock:
            self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _reply(self) -> tuple[int, int]:
        pid, status = _REPLY.unpack(_receive(self._control, _REPLY.size))
        if pid < 0:
            raise OSError(status, os.strerror(status))
        return pid, status


class _Forked:
    """A child of the nursery, on its own socket."""

    def __init__(self, nursery: _ForkNursery, pid: int, connection: socket.socket) -> None:
        self._nursery = nursery
        self._pid = pid
        self._connection = connection
        self._status: int | None = None

    def ask(self, task: str, request: bytes) -> None:
        self._connection.settimeout(START_SECONDS)
        try:
            _send(self._connection, b"R", task.encode() + b"\n" + request)
        except OSError:
            raise _Lost from None

    def frames(self, until: float, on_slow: Callable[[], None]) -> Iterator[tuple[bytes, bytes]]:
        slow_at = time.monotonic() + SLOW_SECONDS

        waiting = (
            bytearray()
        )  # each look at the socket gives Python's lock away, and busy threads are slow to return it

        def read(size: int) -> bytes:
            nonlocal slow_at
            while len(waiting) < size:
                now = time.monotonic()
                if now >= until:
                    raise TimeoutError
                if now >= slow_at:
                    slow_at = math.inf
                    on_slow()
                    self.put_behind()
                self._connection.settimeout(min(until, slow_at) - now)
                try:
                    part = self._connection.recv(_AT_A_TIME)
                except TimeoutError:
                    continue
                if not part:
                    raise EOFError
                waiting.extend(part)
            taken = bytes(waiting[:size])
            del waiting[:size]
            return taken

        yield from _frames(read)

    def rehearse(self) -> None:
        with contextlib.suppress(OSError):  # whoever asks it will notice
            _send(self._connection, _REHEARSAL, b"")

    def put_behind(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._pid, os.nice(0) + _SLOW_PRIORITY)

    def end(self) -> int:
        if self._status is None:
            self._connection.close()
            self._status = self._nursery.end(self._pid)
        return self._status


def _frames(read: Callable[[int], bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The frames of a worker, until it ends or sends what no honest worker would."""
    try:
        while True:
            kind, size = _FRAME.unpack(read(_FRAME.size))
            if size > (MAX_ANSWER if kind == _ANSWER else _MAX_NOTE):
                return
            yield kind, read(size)
    except TimeoutError:
        raise
    except (EOFError, OSError):
        return


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(size - len(parts), 2**20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _send(connection: socket.socket, kind: bytes, payload: bytes) -> None:
    connection.sendall(_FRAME.pack(kind, len(payload)) + payload)


def _start_python(
    arguments: Sequence[str], *, pass_fds: tuple[int, ...] = (), piped: bool = False
) -> subprocess.Popen[bytes]:
    """A Python process that knows our modules, and of our surroundings only what it needs."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    home = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([home, *(path for path in sys.path if path and path != home)])
    # One thread: a process with several cannot be forked safely, and a worker may start none.
    environment.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", VECLIB_MAXIMUM_THREADS="1")
    environment.update(CUDA_VISIBLE_DEVICES="", PYTHONDONTWRITEBYTECODE="1")
    end = subprocess.PIPE if piped else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "vizcore.sandbox", *arguments],
        stdin=end,
        stdout=end,
        pass_fds=pass_fds,
        close_fds=True,
        env=environment,
        cwd=home,
        start_new_session=os.name == "posix",
    )


# ---- spawned workers -------------------------------------------------------------------------------------------------


class _SpawnNursery:
    """Starts a whole Python for each worker."""

    def __init__(self, tasks: Sequence[str], limits: _Limits) -> None:
        self._options = [*limits.written(), *tasks]

    def make(self) -> _Worker:
        return _Spawned(_start_python(["worker", *self._options], piped=True))

    def close(self) -> None:
        """Nothing is left to close."""


class _Spawned:
    """A Python process that answers one request on its standard output."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._queue: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._status: int | None = None
        self._reader = threading.Thread(target=self._read, name="sandbox-reader", daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)

    def ask(self, task: str, request: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        payload = task.encode() + b"\n" + request
        try:
            pipe.write(_FRAME.pack(b"R", len(payload)) + payload)
            pipe.flush()
        except OSError:
            raise _Lost from None

    def frames(self, until: float, on_slow: Callable[[], None]) -> Iterator[tuple[bytes, bytes]]:
        slow_at = time.monotonic() + SLOW_SECONDS
        while True:
            try:
                frame = self._queue.get(timeout=max(0.0, min(until, slow_at) - time.monotonic()))
            except queue.Empty:
                if time.monotonic() >= until:
                    raise TimeoutError from None
                slow_at = math.inf
                on_slow()
                continue
            if frame is None:
                return
            yield frame

    def rehearse(self) -> None:
        """It shares no memory that would have to be copied."""

    def put_behind(self) -> None:
        """Left to the system, which here may have no such priorities."""

    def end(self) -> int:
        if self._status is None:
            if self._process.poll() is None:
                self._process.kill()
            self._status = self._process.wait()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()
        return self._status

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None

        def read(size: int) -> bytes:
            data = pipe.read(size)
            if len(data) < size:
                raise EOFError
            return data

        for frame in _frames(read):
            if frame[0] == b"S":  # it has imported everything
                self._ready.set()
            else:
                self._queue.put(frame)
        self._ready.set()
        self._queue.put(None)


# ---- inside the processes --------------------------------------------------------------------------------------------


def _nursery_main(descriptor: int, limits: _Limits, tasks: Sequence[str]) -> None:
    """Forks and kills at the word of the server, until that is gone."""
    control = socket.socket(fileno=descriptor)
    modules = _prepare(tasks)
    gc.collect()
    gc.freeze()
    _gather_pages()
    children: set[int] = set()
    try:
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, _COMMAND.size, 1)
            if not message:
                return
            command, pid = _COMMAND.unpack(message + (_receive(control, _COMMAND.size - len(message))))
            if command == b"F":
                pid = _fork(descriptors[0], limits, modules)
                os.close(descriptors[0])
                children.add(pid)
                control.sendall(_REPLY.pack(pid, 0))
            elif pid in children:
                children.remove(pid)
                control.sendall(_REPLY.pack(pid, _end(pid)))
    except (OSError, EOFError):
        return
    finally:
        for pid in children:
            _end(pid)


def _fork(descriptor: int, limits: _Limits, modules: dict[str, ModuleType]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        os.dup2(descriptor, _CONNECTION)
        with open(os.devnull, "r+b") as nowhere:
            for number in range(3):
                os.dup2(nowhere.fileno(), number)
        os.closerange(_CONNECTION + 1, 4096)
        _die_with_parent()
        _limit(limits, num_descriptors=_CONNECTION + 1)
        connection = socket.socket(fileno=_CONNECTION)

        def send(kind: bytes, payload: bytes) -> None:
            _send(connection, kind, payload)

        _work(lambda size: _receive(connection, size), send, limits.processor_s, modules)
    finally:
        os._exit(0)


def _rehearse(modules: dict[str, ModuleType]) -> None:
    """Has the tasks do their work once, for nobody, within the limits of the worker.

    A forked child shares its memory with the nursery until it writes, and Python writes wherever it looks, since it
    counts references: each page that is touched for the first time is copied then, and thousands are.
    """
    for module in modules.values():
        if hasattr(module, "rehearse"):
            module.rehearse()


def _end(pid: int) -> int:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _worker_main(limits: _Limits, tasks: Sequence[str]) -> None:
    """A spawned worker: one request from standard input, its answer to standard output."""
    source: BinaryIO = sys.stdin.buffer
    sink = os.fdopen(os.dup2(sys.stdout.fileno(), _CONNECTION), "wb", closefd=False)
    modules = _prepare(tasks)
    with open(os.devnull, "r+b") as nowhere:
        for number in (1, 2):
            os.dup2(nowhere.fileno(), number)

    def send(kind: bytes, payload: bytes) -> None:
        sink.write(_FRAME.pack(kind, len(payload)) + payload)
        sink.flush()

    def read(size: int) -> bytes:
        data = source.read(size)
        if len(data) < size:
            raise EOFError
        return data

    if os.name == "posix":
        os.closerange(_CONNECTION + 1, 4096)
        _limit(limits, num_descriptors=_CONNECTION + 1)
    send(b"S", b"")
    _work(read, send, limits.processor_s, modules)


def _prepare(tasks: Sequence[str]) -> dict[str, ModuleType]:
    modules = {task: importlib.import_module(task) for task in tasks}
    for module in modules.values():
        module.prepare()
    return modules


def _work(
    read: Callable[[int], bytes],
    send: Callable[[bytes, bytes], None],
    processor_s: float,
    modules: dict[str, ModuleType],
) -> None:
    """Takes one request and answers it."""
    kind, size = _FRAME.unpack(read(_FRAME.size))
    if kind == _REHEARSAL:
        _rehearse(modules)
        _, size = _FRAME.unpack(read(_FRAME.size))
    task, _, request = read(size).partition(b"\n")
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, processor_s)
    try:
        answer = modules[task.decode()].answer(request, lambda note: send(_NOTE, note[:_MAX_NOTE]))
    except MemoryError:
        send(_MEMORY, b"")
        return
    if len(answer) > MAX_ANSWER:
        send(_MEMORY, b"")
        return
    send(_ANSWER, answer)


def _limit(allowed: _Limits, *, num_descriptors: int) -> None:
    """Sets every limit that this system has."""
    import resource  # there is none on Windows

    limits = {
        "RLIMIT_CPU": int(allowed.processor_s) + 1,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NOFILE": num_descriptors,
    }
    born_with = _address_space()
    if born_with:
        limits["RLIMIT_AS"] = born_with + allowed.memory_bytes
    if not allowed.has_threads:
        limits["RLIMIT_NPROC"] = 0
    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is not None:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(number, (value, value))
    with contextlib.suppress(OSError):
        os.nice(_PRIORITY)


def _address_space() -> int:
    """Bytes of this process's address space, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _die_with_parent() -> None:
    """Where Linux can do it: no child outlives the nursery, none gains privileges, none is left by a full memory."""
    if sys.platform != "linux":
        return
    library: Any = _C_LIBRARY
    if library is not None:
        library.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
        library.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _gather_pages() -> None:
    """Where Linux can do it: what lies in memory comes into large pages, so that a fork has few of them to share.

    Torch alone fills some ninety thousand small ones, and every fork lists each of them, every end of a child again.
    What a child writes to is still copied in small ones.
    """
    library: Any = _C_LIBRARY
    if library is None:
        return
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    with contextlib.suppress(OSError), open("/proc/self/maps") as file:
        for line in file.readlines():
            addresses, access, _, _, inode, *_ = line.split()
            if access != "rw-p" or inode != "0":
                continue
            start, end = (int(address, 16) for address in addresses.split("-"))
            for place in range(-(-start // _LARGE_PAGE) * _LARGE_PAGE, end - _LARGE_PAGE + 1, _LARGE_PAGE):
                library.madvise(place, _LARGE_PAGE, _MADV_COLLAPSE)  # which may well refuse


def _c_library() -> Any:
    with contextlib.suppress(OSError):
        return ctypes.CDLL(None, use_errno=True)
    return None


_C_LIBRARY: Any = None


def _main(arguments: Sequence[str]) -> None:
    global _C_LIBRARY
    kind, *rest = arguments
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]  # a compiler for graphics processors: 80 MB
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if kind == "nursery":
        if sys.platform == "linux":
            _C_LIBRARY = _c_library()
        _nursery_main(int(rest[0]), _Limits.read(rest[1:]), rest[4:])
    else:
        _worker_main(_Limits.read(rest), rest[3:])


if __name__ == "__main__":
    _main(sys.argv[1:])
