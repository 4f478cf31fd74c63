"""What a server remembers of sessions that are over: many learners, one after the other.

``python -m tests.benchmarks.sessions [--sessions 500] [--own 10] [--side 2] [--ttl seconds]`` starts the app and
opens sessions, two side by side. Each looks at the home page and at three others, moves two controls on each to a place
of its own, and hangs up; every tenth brings a photo of its own. Printed is the server's memory after the first twenty
sessions, after every fifty, at the end when the server has let go of the dead sessions, and the most that it ever had.

Two figures each: what the process itself has written (anonymous memory, which a host must keep and which grows if
something leaks; this is judged), and all that is resident. The difference is the libraries' files: the kernel drops
them when memory is short, and torch's build for graphics cards maps some 200 MB of them.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import time
import tomllib
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.benchmarks.load import Session, memory_of
from tests.browser.conftest import ROOT, start_server, stop_server

FIRST = 20
EVERY = 50
PAGES_EACH = 3
MOVES_EACH = 2
ALLOWED = 1.10
GIGABYTE = 1000  # MB; what free hosting gives
PHOTO_PAGES = ("detection", "image_pyramid", "fpn", "upsampling")


class Visitor(Session):
    """A learner who looks at some pages, plays with what is there, and leaves."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(url, seed)
        self.controls: dict[str, tuple[str, Any]] = {}

    async def stay(self, own: bytes | None = None) -> None:
        """The whole visit."""
        await self.open_home()
        names = [name for name in self.pages if name and name != "home"]
        chosen = self.random.sample(names, PAGES_EACH)
        if own is not None:
            chosen[0] = self.random.choice(PHOTO_PAGES)
        for name in chosen:
            self.controls.clear()
            await self.visit(name)
            if own is not None and name == chosen[0]:
                await self.upload(own)
            for _ in range(MOVES_EACH):
                await self.play()
        await self.close()

    async def play(self) -> None:
        """Moves a control to a place drawn by lot."""
        movable = [
            key
            for key in self.widgets
            if key in self.controls
            and self.controls[key][0] != "file_uploader"
            and not key.endswith(("-lang", "-present"))
        ]
        if not movable:
            return
        key = self.random.choice(movable)
        kind, control = self.controls[key]
        state = self.widgets[key]
        if kind == "slider":
            count = round((control.max - control.min) / control.step)
            values = [
                min(control.max, control.min + control.step * self.random.randint(0, count)) for _ in control.default
            ]
            del state.double_array_value.data[:]
            state.double_array_value.data.extend(sorted(values))
        elif kind == "checkbox":
            state.bool_value = not state.bool_value
        else:
            state.string_value = self.random.choice(list(control.options))
        await self.run(fragment=self.fragments[key])

    async def upload(self, content: bytes) -> None:
        """Brings a photo, as the file chooser of the page would."""
        key = next((key for key, (kind, _control) in self.controls.items() if kind == "file_uploader"), "")
        if not key:  # the page shows it only with some of its parts
            return
        request = BackMsg()
        request.file_urls_request.request_id = str(uuid.uuid4())
        request.file_urls_request.file_names.append("own.jpg")
        request.file_urls_request.session_id = self.name
        await self.socket.send(request.SerializeToString())
        async for data in self.socket:
            answer = ForwardMsg()
            answer.ParseFromString(data)
            if answer.WhichOneof("type") == "file_urls_response":
                break
        urls = answer.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._put, urls.upload_url, content)
        state = WidgetState(id=key)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, "own.jpg", len(content)
        info.file_urls.CopyFrom(urls)
        self.widgets[key] = state
        await self.run()

    def _put(self, address: str, content: bytes) -> None:
        edge = uuid.uuid4().hex
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="own.jpg"; filename="own.jpg"\r\n'
            f"Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        request = urllib.request.Request(
            f"{self.url}{address}",
            body + content + f"\r\n--{edge}--\r\n".encode(),
            {"Content-Type": f"multipart/form-data; boundary={edge}"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=60).read()

    def _keep_for_opening(self, element: Element) -> None:
        if element.WhichOneof("type") == "file_uploader":
            self.controls[element.file_uploader.id] = ("file_uploader", element.file_uploader)

    def _keep(self, element: Element, fragment: str) -> None:
        super()._keep(element, fragment)
        kind = element.WhichOneof("type")
        if kind in ("slider", "checkbox", "radio", "selectbox"):
            control: Any = getattr(element, kind)
            if not control.disabled:
                self.controls[control.id] = (kind, control)


def own_photo(seed: int) -> bytes:
    """A photo that nobody has had before, 12 megapixels, as a telephone takes it."""
    small = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize((4000, 3000), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def own_memory_of(process_id: int) -> float:
    """Memory that a process has written itself and that no file backs, MB."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) / 1024


def seconds_kept() -> int:
    """How long the server remembers a session whose browser is gone."""
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    return int(config["server"]["disconnectedSessionTTL"])


async def drive(url: str, process_id: int, num_sessions: int, own: int, side: int, ttl: int) -> bool:
    """Runs the sessions, prints, and returns whether the server kept within its bounds."""
    began, ended, after_first, most = time.monotonic(), 0, 0.0, 0.0
    waiting = iter(range(num_sessions))

    def look() -> float:
        nonlocal most
        own_now = own_memory_of(process_id)
        most = max(most, own_now)
        return own_now

    async def learners() -> None:
        nonlocal ended, after_first
        for seed in waiting:
            brings = own_photo(seed) if own and seed % own == own - 1 else None
            await Visitor(url, seed).stay(brings)
            ended += 1
            now = look()
            if ended == FIRST:
                after_first = now
            if ended == FIRST or ended % EVERY == 0:
                print(
                    f"after {ended:4} sessions: {now:5.0f} MB of its own, at most {most:.0f} MB; "
                    f"resident {memory_of(process_id):.0f} MB ({time.monotonic() - began:.0f} s)",
                    flush=True,
                )

    await asyncio.gather(*(learners() for _ in range(side)))
    wait = ttl + 40  # and two looks of the server at who is gone
    print(f"waiting {wait} s, until the server has no more to remember …", flush=True)
    await asyncio.sleep(wait)
    end = look()
    print(
        f"at the end: {end:.0f} MB of its own, {end / after_first - 1:+.0%} from after the first {FIRST}; at most "
        f"{most:.0f} MB; resident {memory_of(process_id):.0f} MB"
    )
    return end <= ALLOWED * after_first and most < GIGABYTE


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="What a server remembers of sessions that are over.")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--own", type=int, default=10, help="every how manieth brings a photo of its own; 0 for none")
    parser.add_argument("--side", type=int, default=2, help="how many at a time")
    parser.add_argument("--ttl", type=int, default=seconds_kept(), help="how long the server waits for a return")
    arguments = parser.parse_args()
    environment = {
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(arguments.ttl),
        "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",  # the learners here have no cookies
    }
    process, url = start_server(ROOT / "app.py", environment=environment)
    try:
        within = asyncio.run(
            drive(url, process.pid, max(arguments.sessions, FIRST), arguments.own, arguments.side, arguments.ttl)
        )
    finally:
        stop_server(process)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
