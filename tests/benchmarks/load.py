"""Many learners on one server: N sessions, one interaction a second each, over Streamlit's protocol.

``python -m tests.benchmarks.load [sessions [seconds]]`` starts the app, opens the detection page in every session, and
when all have it, moves its score threshold once a second in each (no new forward pass). It prints p50 and p95 of the
time from sending to the end of the run, the processor time that an interaction costs the server and this driver, and
the server's memory.

A session keeps and sends what the browser does: every control's value, the address that the page wrote, the fragment of
the control that moved, and which large messages it still has. ``tests/browser/test_detection.py`` holds the two
together.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

from tests.browser.conftest import ROOT, start_server, stop_server

PAGE = "detection"
CONTROL = "score_threshold"


class Session:
    """One learner: a socket, and what the browser would keep.

    Attributes:
        url: address of the server.
        page: hash of the page that is open; empty for the first.
        place: its part of the address.
        query: the page's part of the address, as the page wrote it.
        widgets: every control's state, by its id.
        fragments: the fragment that each control belongs to, by the control's id.
        closed: places of what the browser draws only when it is opened.
        large: hashes of the large messages of the last two runs.
        received: bytes and messages of the last run.
        seconds: how long each interaction took.
        name: what the server calls it.
        headers: that the socket is opened with.
    """

    def __init__(self, url: str, seed: int = 0) -> None:
        self.url = url
        self.random = random.Random(seed)
        self.pages: dict[str, str] = {}
        self.page = ""
        self.place = ""
        self.query = ""
        self.widgets: dict[str, WidgetState] = {}
        self.fragments: dict[str, str] = {}
        self.closed: set[tuple[int, ...]] = set()
        self.large: tuple[set[str], set[str]] = (set(), set())
        self.received = (0, 0)
        self.seconds: list[float] = []
        self.control = ""
        self.name = ""
        self.headers: dict[str, str] = {}

    async def open(self) -> None:
        """Opens the home page, then the page."""
        await self.open_home()
        await self.visit(PAGE)
        self.control = next((key for key in self.widgets if key.endswith(f"-{PAGE}_{CONTROL}")), "")
        if not self.control:
            raise RuntimeError(f"the {PAGE} page has no {CONTROL}")

    async def open_home(self) -> None:
        """Opens the home page."""
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket = await connect(
            address,
            max_size=None,
            subprotocols=["streamlit"],
            additional_headers=self.headers,
            open_timeout=60,
            ping_interval=None,  # browsers send none
        )
        await self.run()

    async def visit(self, page: str) -> None:
        """Goes from the page that is open to another."""
        self.page, self.place = self.pages[page], page
        self.query = "tour=0"  # where a page has a lesson, everything that it has
        self.widgets.clear()
        self.closed.clear()
        await self.run()

    async def close(self) -> None:
        """Hangs up."""
        await self.socket.close()

    async def move(self, value: float) -> None:
        """Moves the control, and waits for the end of the run."""
        del self.widgets[self.control].double_array_value.data[:]
        self.widgets[self.control].double_array_value.data.append(value)
        await self.run(fragment=self.fragments[self.control])

    async def interact(self, seconds: float) -> None:
        """Moves the control once a second, the first time within the first second."""
        await asyncio.sleep(self.random.random())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            await self.move(round(self.random.uniform(0.1, 0.9), 2))
            self.seconds.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, 1 - self.seconds[-1]))

    def message(self, fragment: str = "") -> BackMsg:
        """What the browser sends to have the page, or one fragment of it, run."""
        message = BackMsg()
        script = message.rerun_script
        script.page_script_hash = self.page
        script.query_string = self.query
        script.fragment_id = fragment
        script.widget_states.widgets.extend(self.widgets.values())
        script.cached_message_hashes.extend(sorted(self.large[0] | self.large[1]))
        script.context_info.timezone = "UTC"
        script.context_info.timezone_offset = 0
        script.context_info.locale = "en-US"
        script.context_info.url = f"{self.url}/{self.place}"
        script.context_info.is_embedded = False
        script.context_info.color_scheme = "light"
        return message

    async def run(self, fragment: str = "") -> None:
        """Asks for a run and takes in its answer."""
        await self.socket.send(self.message(fragment).SerializeToString())
        self.large = (self.large[1], set())
        num_bytes = num_messages = 0
        async for data in self.socket:
            num_bytes, num_messages = num_bytes + len(data), num_messages + 1
            answer = ForwardMsg()
            answer.ParseFromString(data)
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.name = answer.new_session.initialize.session_id
            elif kind == "navigation":
                self.pages = {page.url_pathname: page.page_script_hash for page in answer.navigation.app_pages}
            elif kind == "ref_hash":
                self.large[1].add(answer.ref_hash)
            elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                if answer.metadata.cacheable:
                    self.large[1].add(answer.hash)
                path = tuple(answer.metadata.delta_path)
                if not any(path[: len(closed)] == closed for closed in self.closed):
                    self._keep(answer.delta.new_element, answer.delta.fragment_id)
                else:
                    self._keep_for_opening(answer.delta.new_element)
            elif kind == "delta" and answer.delta.add_block.WhichOneof("type") == "popover":
                self.closed.add(tuple(answer.metadata.delta_path))
            elif kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        self.received = (num_bytes, num_messages)

    def _keep_for_opening(self, element: Element) -> None:
        """Takes in what a learner who opens a popover would find; this one does not."""

    def _keep(self, element: Element, fragment: str) -> None:
        """Takes in a control's state and its fragment, or the address."""
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            if element.bidi_component.component_name.endswith(".shared-share"):
                self.query = json.loads(element.bidi_component.json)["query"]
            return
        if kind not in ("slider", "checkbox", "radio", "selectbox"):
            return
        control: Any = getattr(element, kind)
        self.fragments[control.id] = fragment
        if control.id in self.widgets and not control.set_value:
            return
        state = self.widgets.setdefault(control.id, WidgetState(id=control.id))
        if kind == "slider":
            state.double_array_value.Clear()
            state.double_array_value.data.extend(control.value if control.set_value else control.default)
        elif kind == "checkbox":
            state.bool_value = control.value if control.set_value else control.default
        else:
            state.string_value = control.raw_value if control.set_value else control.options[control.default]


def memory_of(process_id: int) -> float:
    """Resident memory of a process, MB."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor_seconds(process_id: int) -> float:
    """Processor time that a process has used, seconds."""
    stat = Path(f"/proc/{process_id}/stat")
    if not stat.exists():
        return float("nan")
    user, system = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def drive(url: str, process_id: int, num_sessions: int, seconds: float) -> None:
    """Runs the sessions side by side and prints."""
    first = Session(url, -1)  # fills the caches that a class finds filled after its first pupil
    await first.open()
    await first.interact(2)
    await first.close()
    sessions = [Session(url, seed) for seed in range(num_sessions)]
    began = time.monotonic()
    await asyncio.gather(*(session.open() for session in sessions))
    print(f"{num_sessions} sessions opened {PAGE} at once: {time.monotonic() - began:.1f} s until the last had it")
    server, driver = processor_seconds(process_id), time.process_time()
    await asyncio.gather(*(session.interact(seconds) for session in sessions))
    server, driver = processor_seconds(process_id) - server, time.process_time() - driver
    times = [value for session in sessions for value in session.seconds]
    num_bytes, num_messages = sessions[0].received
    cuts = statistics.quantiles(times, n=100)
    cost, cost_here = server / len(times) * 1000, driver / len(times) * 1000
    print(
        f"{num_sessions} sessions, {len(times)} interactions: p50 {cuts[49] * 1000:.0f} ms, "
        f"p95 {cuts[94] * 1000:.0f} ms; each cost {cost:.1f} ms of processor in the server, {cost_here:.1f} ms here, "
        f"and {num_messages} messages of {num_bytes / 1000:.0f} kB; server {memory_of(process_id):.0f} MB"
    )
    await asyncio.gather(*(session.close() for session in sessions))


def main() -> None:
    """Reads the command line and prints."""
    num_sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    process, url = start_server(ROOT / "app.py")
    try:
        asyncio.run(drive(url, process.pid, num_sessions, seconds))
    finally:
        stop_server(process)


if __name__ == "__main__":
    main()
