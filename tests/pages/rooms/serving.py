"""Starts and stops servers of rooms without pages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

from tests.browser.conftest import ROOT, free_port


def start(*, rooms: str = "", port: int | None = None, node: str = "") -> tuple[subprocess.Popen[bytes], str]:
    """Starts one and waits until it answers.

    Args:
        rooms: ``GRAD2BOX_ROOMS``.
        port: that it listens on; a free one if None.
        node: ``GRAD2BOX_NODE``, its name among replicas.
    """
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.pages.rooms.server", str(port)],
        cwd=ROOT,
        env={
            **os.environ,
            "GRAD2BOX_ROOMS": rooms,
            "GRAD2BOX_NODE": node,
            "GRAD2BOX_BEHIND_PROXY": "1" if node else "",
        },
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).read() == b"ok":
                return process, url
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server of rooms did not begin")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends it."""
    process.kill()
    process.wait()
