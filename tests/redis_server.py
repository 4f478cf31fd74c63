"""A Redis of the tests' own: Debian's ``redis-server`` on a free port, keeping nothing unless a test asks for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.browser.conftest import free_port


def need_redis() -> str:
    """Path of ``redis-server``; skips where there is none, but never in CI."""
    path = shutil.which("redis-server")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is needed to test rooms of several processes: apt-get install redis-server")
        pytest.skip("no redis-server here: rooms of several processes are not tested")
    return path


class RedisServer:
    """One server, which can be killed and started again on its port.

    Attributes:
        address: for ``GRAD2BOX_ROOMS``.
    """

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self._path, self._port, self._folder, self._keeps = need_redis(), free_port(), folder, keeps
        self.address = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        words = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        words += ["--appendonly", "yes" if self._keeps else "no", "--appendfsync", "always"]
        self.process = subprocess.Popen([self._path, *words], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=1) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("redis-server did not begin")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()
