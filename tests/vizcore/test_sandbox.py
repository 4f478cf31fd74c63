"""The sandbox on tasks of its own: what a child can do, what stops it, and what others notice of it."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vizcore.sandbox import (
    _LARGE_PAGE,
    _MADV_COLLAPSE,
    _PRIORITY,
    _SLOW_PRIORITY,
    IDLE_SECONDS,
    SPARES,
    Sandbox,
    SandboxError,
    _Forked,
    _send,
)

TASK = "tests.vizcore.sandbox_task"
LINUX = sys.platform == "linux"


@pytest.fixture(scope="module", params=["fork", "spawn"])
def place(request) -> Iterator[Sandbox]:
    if request.param == "fork" and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    sandbox = Sandbox([TASK], method=request.param, most_at_once=2, processor_s=1.0, memory_bytes=400 * 2**20)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def forks() -> Iterator[Sandbox]:
    if not LINUX:
        pytest.skip("what is asked of the system here, Linux tells")
    os.environ["GRAD2BOX_SECRET"] = "1"
    sandbox = Sandbox([TASK], method="fork", most_at_once=2, processor_s=1.0, memory_bytes=400 * 2**20)
    sandbox.run(TASK, b"echo begin")
    del os.environ["GRAD2BOX_SECRET"]
    yield sandbox
    sandbox.close()


def test_it_answers(place: Sandbox) -> None:
    notes: list[bytes] = []
    assert place.run(TASK, b"echo hello", on_note=notes.append) == b"hello"
    assert notes == [b"heard"]
    assert place.run(TASK, b"large 5000000") == bytes(5_000_000)


def test_nothing_of_one_call_reaches_the_next(place: Sandbox) -> None:
    assert place.run(TASK, b"count ") == b"1"
    assert place.run(TASK, b"count ") == b"1"


def test_a_child_that_waits_rehearses_once_while_nothing_is_to_be_done(forks: Sandbox, monkeypatch) -> None:
    monkeypatch.setattr("vizcore.sandbox.SLOW_SECONDS", 1000.0)
    born_with, latest = os.nice(0) + _PRIORITY, time.monotonic() + 60

    def priority(worker: Any) -> int:
        return os.getpriority(os.PRIO_PROCESS, worker._pid)

    with sleeping(forks, 1, wall_s=60.0) as release:
        for _ in range(SPARES):  # those that come in their place are born while somebody works
            forks.run(TASK, b"echo on")
        while len(spares := list(forks._spares)) < SPARES and time.monotonic() < latest:
            os.sched_yield()
        with forks._supply:
            forks._supply.wait_for(lambda: False, 4 * IDLE_SECONDS)  # were they to rehearse, they would now
        assert [priority(spare) for spare in spares] == [born_with] * SPARES  # somebody works
        release()
    while not all(priority(spare) > born_with for spare in spares) and time.monotonic() < latest:
        os.sched_yield()
    assert forks.run(TASK, b"rehearsed ") == b"1"
    assert forks.run(TASK, b"count ") == b"1"  # nothing of a rehearsal outlives its child


def test_many_notes_are_read_at_once() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    ours, theirs = socket.socketpair()
    with theirs, Counting(ours) as connection:
        for number in range(50):
            _send(theirs, b"N", b"%d" % number)
        _send(theirs, b"A", b"done")
        worker = _Forked(None, os.getpid(), connection)  # type: ignore[arg-type]
        frames = worker.frames(time.monotonic() + 60, lambda: None)
        found = [next(frames) for _ in range(51)]
        assert connection.num_looks == 1
    assert found == [*((b"N", b"%d" % number) for number in range(50)), (b"A", b"done")]


class Counting(socket.socket):
    """A socket that counts how often it is looked at."""

    def __init__(self, other: socket.socket) -> None:
        super().__init__(fileno=other.detach())
        self.num_looks = 0

    def recv(self, *args: Any) -> bytes:
        self.num_looks += 1
        return super().recv(*args)


def test_what_all_children_share_lies_in_large_pages(forks: Sandbox) -> None:
    nursery: Any = forks._nursery
    if not has_large_pages():
        pytest.skip("this system gathers no pages when told")
    assert large_pages(nursery._process.pid) >= 2**23  # of the 2**24 bytes that the task holds
    assert forks.run(TASK, b"count ") == b"1"


def has_large_pages() -> bool:
    with mmap.mmap(-1, 2 * _LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.write(b"x" * len(memory))
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        place = ctypes.c_void_p(-(-start // _LARGE_PAGE) * _LARGE_PAGE)
        return ctypes.CDLL(None).madvise(place, ctypes.c_size_t(_LARGE_PAGE), _MADV_COLLAPSE) == 0


def large_pages(process_id: int) -> int:
    """Bytes of a process that lie in large pages."""
    words = Path(f"/proc/{process_id}/smaps_rollup").read_text().split()
    return 1024 * int(words[words.index("AnonHugePages:") + 1])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_busy_child_is_stopped_by_its_processor_time(place: Sandbox) -> None:
    with pytest.raises(SandboxError) as caught:
        place.run(TASK, b"spin ", wall_s=60)
    assert caught.value.kind == "processor"
    assert caught.value.note == b"spins"


def test_a_sleeping_child_is_stopped_by_the_clock(place: Sandbox) -> None:
    with pytest.raises(SandboxError) as caught:
        place.run(TASK, b"sleep ", wall_s=0.1)
    assert caught.value.kind == "wall"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_memory_is_limited(place: Sandbox) -> None:
    with pytest.raises(SandboxError) as caught:
        place.run(TASK, b"fill 500000000")
    assert caught.value.kind == "memory"
    assert place.run(TASK, b"fill 50000000") == b"filled"


@pytest.mark.parametrize("request_", [b"crash ", b"leave ", b"forge "])
def test_a_child_that_dies_or_lies_is_replaced(place: Sandbox, request_: bytes) -> None:
    with pytest.raises(SandboxError) as caught:
        place.run(TASK, request_, wall_s=20)
    assert caught.value.kind == "ended"
    assert place.run(TASK, b"echo on") == b"on"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("request_", [b"read /etc/passwd", b"write ", b"socket ", b"import sched"])
def test_no_descriptor_can_be_opened(place: Sandbox, request_: bytes, tmp_path) -> None:
    answer = place.run(TASK, request_ + (str(tmp_path / "file").encode() if request_ == b"write " else b""))
    assert answer.startswith(b"refused"), answer
    assert not os.listdir(tmp_path)


def test_a_child_holds_nothing_of_the_server(forks: Sandbox, tmp_path) -> None:
    with open(tmp_path / "secret", "w"), socket.socket():
        answer = forks.run(TASK, b"descriptors ").decode().split()
    assert [target.split(":")[0] for target in answer] == ["/dev/null", "/dev/null", "/dev/null", "socket"]
    assert "GRAD2BOX_SECRET" not in forks.run(TASK, b"environment ").decode()


def test_each_limit_is_set(forks: Sandbox) -> None:
    limits = dict(part.split("=") for part in forks.run(TASK, b"limits ").decode().split())
    assert (limits["FSIZE"], limits["CORE"], limits["NPROC"], limits["NOFILE"], limits["CPU"]) == (
        "0",
        "0",
        "0",
        "4",
        "2",
    )
    assert int(limits["AS"]) < 2**40
    assert limits["threads"] == "1"
    assert int(limits["nice"]) > os.nice(0) or os.nice(0) > 14


def test_those_who_wait_are_told_their_place(forks: Sandbox, monkeypatch) -> None:
    monkeypatch.setattr("vizcore.sandbox.SLOW_SECONDS", 1000.0)
    assert forks.next_place() == 0
    with sleeping(forks, 2):
        assert forks.next_place() == 1
        places: list[int] = []
        assert forks.run(TASK, b"echo late", on_wait=places.append) == b"late"
        assert places == [1]
    assert forks.next_place() == 0


def test_slow_ones_give_their_places_away(forks: Sandbox, monkeypatch) -> None:
    monkeypatch.setattr("vizcore.sandbox.SLOW_SECONDS", 0.0)
    with sleeping(forks, 2, wall_s=1000.0) as release:
        assert forks.run(TASK, b"echo quick") == b"quick"  # though two are at work, and for a long time
        release()


def test_one_can_be_put_behind_the_others(forks: Sandbox, monkeypatch) -> None:
    monkeypatch.setattr("vizcore.sandbox.SLOW_SECONDS", 1000.0)
    at_work = threading.Event()
    pids: list[int] = []

    def begin(note: bytes) -> None:
        pids.append(int(note))
        at_work.set()

    def sleep() -> None:
        with contextlib.suppress(SandboxError):
            forks.run(TASK, b"sleep on", wall_s=60, on_note=begin)

    thread = threading.Thread(target=sleep)
    thread.start()
    assert at_work.wait(60)
    begun_with = os.getpriority(os.PRIO_PROCESS, pids[0])
    forks.put_behind(TASK, b"sleep ")  # another
    assert os.getpriority(os.PRIO_PROCESS, pids[0]) == begun_with
    forks.put_behind(TASK, b"sleep on")
    assert os.getpriority(os.PRIO_PROCESS, pids[0]) == min(os.nice(0) + _SLOW_PRIORITY, 19) > begun_with
    os.kill(pids[0], signal.SIGKILL)
    thread.join()
    assert not forks._at_work


@contextlib.contextmanager
def sleeping(place: Sandbox, num: int, *, wall_s: float = 0.5) -> Iterator[Callable[[], None]]:
    """Keeps workers busy, until their time is over or they are released."""
    running = [threading.Event() for _ in range(num)]
    pids: list[int] = []

    def sleep(event: threading.Event) -> None:
        def begin(note: bytes) -> None:
            pids.append(int(note))
            event.set()

        with pytest.raises(SandboxError):
            place.run(TASK, b"sleep ", wall_s=wall_s, on_note=begin)

    threads = [threading.Thread(target=sleep, args=(event,)) for event in running]
    for thread in threads:
        thread.start()
    for event in running:
        assert event.wait(60)
    yield lambda: [os.kill(pid, signal.SIGKILL) for pid in pids] and None
    for thread in threads:
        thread.join()


def test_a_nursery_that_dies_is_replaced(forks: Sandbox) -> None:
    forks.run(TASK, b"echo a")
    os.kill(int(forks.run(TASK, b"parent ")), signal.SIGKILL)
    assert forks.run(TASK, b"echo b") == b"b"


def test_closing_leaves_no_process() -> None:
    if not LINUX:
        pytest.skip("what is asked of the system here, Linux tells")
    sandbox = Sandbox([TASK], method="fork")
    nursery = int(sandbox.run(TASK, b"parent "))
    assert os.path.exists(f"/proc/{nursery}")
    sandbox.close()
    assert not os.path.exists(f"/proc/{nursery}")
    assert sandbox.run(TASK, b"echo again") == b"again"  # it starts anew when it is used
    sandbox.close()


def test_children_that_end_leave_no_descriptor_open(forks: Sandbox) -> None:
    forks.run(TASK, b"echo warm")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        forks.run(TASK, b"echo x")
    # Spares are made at any moment: at most one more or less for each.
    assert abs(len(os.listdir("/proc/self/fd")) - before) <= 3


def test_unknown_tasks_do_not_run(forks: Sandbox) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        forks.run("os", b"")
