"""Many learners on one server: N sessions, one interaction a second each, over Streamlit's protocol.

``python -m tests.benchmarks.load [sessions [seconds]]`` starts the app, opens the detection page in every session,
moves its score threshold once a second (no new forward pass), and prints p50 and p95 of the time from sending to the
end of the run, and the server's memory.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from tests.browser.conftest import ROOT, start_server, stop_server

PAGE = "detection"
CONTROL = "score_threshold"


class Session:
    """One learner: a socket that keeps what the browser would keep."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url.replace("http", "ws") + "/_stcore/stream"
        self.random = random.Random(seed)
        self.widget = ""
        self.pages: dict[str, str] = {}
        self.page = ""
        self.seconds: list[float] = []

    async def run(self, seconds: float) -> None:
        """Opens the page, then interacts once a second."""
        async with connect(self.url, max_size=None, subprotocols=["streamlit"]) as socket:
            await self._rerun(socket)
            self.page = self.pages[PAGE]
            await self._rerun(socket)
            if not self.widget:
                raise RuntimeError(f"the {PAGE} page has no {CONTROL}")
            await asyncio.sleep(self.random.random())
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                began = time.monotonic()
                await self._rerun(socket, value=round(self.random.uniform(0.1, 0.9), 2))
                self.seconds.append(time.monotonic() - began)
                await asyncio.sleep(max(0.0, 1 - self.seconds[-1]))

    async def _rerun(self, socket: Any, *, value: float | None = None) -> None:
        message = BackMsg()
        message.rerun_script.page_script_hash = self.page
        if value is not None:
            state = message.rerun_script.widget_states.widgets.add()
            state.id = self.widget
            state.double_array_value.data.append(value)
        await socket.send(message.SerializeToString())
        async for data in socket:
            answer = ForwardMsg()
            answer.ParseFromString(data)
            kind = answer.WhichOneof("type")
            if kind == "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in answer.navigation.app_pages}
            elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "slider":
                if f"{PAGE}_{CONTROL}" in answer.delta.new_element.slider.id:
                    self.widget = answer.delta.new_element.slider.id
            elif kind == "script_finished":
                return


def memory_of(process_id: int) -> float:
    """Resident memory of a process, MB."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def drive(url: str, num_sessions: int, seconds: float) -> list[float]:
    """Runs the sessions side by side and returns every time."""
    await Session(url, -1).run(2)  # fills the caches that a class finds filled after its first pupil
    sessions = [Session(url, seed) for seed in range(num_sessions)]
    await asyncio.gather(*(session.run(seconds) for session in sessions))
    return [value for session in sessions for value in session.seconds]


def main() -> None:
    """Reads the command line and prints."""
    num_sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    process, url = start_server(ROOT / "app.py")
    try:
        times = asyncio.run(drive(url, num_sessions, seconds))
        cuts = statistics.quantiles(times, n=100)
        print(
            f"{num_sessions} sessions, {len(times)} interactions: p50 {cuts[49] * 1000:.0f} ms, p95 "
            f"{cuts[94] * 1000:.0f} ms, "
            f"server {memory_of(process.pid):.0f} MB"
        )
    finally:
        stop_server(process)


if __name__ == "__main__":
    main()
