"""What the sandbox's tests have it do: everything that a program should not."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from collections.abc import Callable

_COUNT = [0]
_REHEARSED = [0]
_SHARED: list[bytes] = []


def prepare() -> None:
    """Nothing has to be ready, but there is something that all children share."""
    _SHARED.append(b"x" * 2**24)


def rehearse() -> None:
    """Tells the outside by its priority, since it can send nothing."""
    _REHEARSED[0] += 1
    os.nice(1)


def answer(request: bytes, note: Callable[[bytes], None]) -> bytes:
    kind, _, rest = request.partition(b" ")
    return globals()[f"_{kind.decode()}"](rest, note)


def _echo(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    note(b"heard")
    return rest


def _large(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return bytes(int(rest))


def _count(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    _COUNT[0] += 1
    return b"%d" % _COUNT[0]


def _rehearsed(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return b"%d" % _REHEARSED[0]


def _spin(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    note(b"spins")
    return b"%d" % (0.5 in range(10**18))  # nothing of Python's is reached before this ends


def _sleep(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    note(b"%d" % os.getpid())
    time.sleep(1000)
    return b""


def _fill(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    data = bytearray(int(rest))
    data[-1] = 1
    return b"filled"


def _crash(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return ctypes.string_at(0)


def _leave(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    os._exit(0)


def _forge(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    for descriptor in (1, 3, *range(4, 64)):
        try:
            os.write(descriptor, b"A\xff\xff\xff\xff" + bytes(100))
        except OSError:
            continue
    os._exit(0)


def _refused(call: Callable[[], object]) -> bytes:
    try:
        return b"done " + repr(call()).encode()
    except (OSError, ImportError) as error:
        return b"refused " + repr(error).encode()


def _read(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return _refused(lambda: open(rest).read())


def _write(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return _refused(lambda: open(rest, "w").write("x"))


def _socket(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return _refused(socket.socket)


def _import(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return _refused(lambda: __import__(rest.decode()))


def _parent(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return b"%d" % os.getppid()


def _environment(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    return " ".join(os.environ).encode()


def _descriptors(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    found = []
    for descriptor in range(256):
        try:
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            continue
    return " ".join(found).encode()


def _limits(rest: bytes, note: Callable[[bytes], None]) -> bytes:
    import resource

    names = ("FSIZE", "CORE", "NPROC", "NOFILE", "CPU", "AS")
    parts = [f"{name}={resource.getrlimit(getattr(resource, f'RLIMIT_{name}'))[1]}" for name in names]
    # Neither a directory nor a file can be read any more: ask the system itself.
    num_threads = os.stat("/proc/self/task").st_nlink - 2
    return " ".join([*parts, f"threads={num_threads}", f"nice={os.nice(0)}"]).encode()
