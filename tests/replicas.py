"""Two replicas, a Redis and the shipped nginx on loopback, as ``deploy/compose.yaml`` has them; and their reader."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pages.rooms import messages as said
from tests.benchmarks.load import Session
from tests.browser.conftest import ROOT, free_port, start_server
from tests.pages.rooms import serving
from tests.pages.rooms.client import Client
from tests.redis_server import RedisServer

CONF = ROOT / "deploy" / "nginx.conf"
NODES = ("a", "b")
LOST = (OSError, InvalidHandshake, EOFError, ConnectionClosed)
"""What a browser meets where no server is."""


def need_nginx() -> str:
    """Path of ``nginx``; skips where there is none."""
    path = shutil.which("nginx")
    if path is None:
        pytest.skip("no nginx here: several replicas are not tested")
    return path


class Proxy:
    """nginx with ``deploy/nginx.conf``, of which nothing is other than its addresses and where it may write.

    Attributes:
        url: of the app behind it.
    """

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        port = free_port()
        places = {f"{name}:8501": address for name, address in addresses.items()}
        text = CONF.read_text(encoding="utf-8")
        for name, place in {"listen 8080;": f"listen 127.0.0.1:{port};", **places}.items():
            assert name in text, f"{CONF} does not name {name}"
            text = text.replace(name, place)
        written = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in written)
        text = text.replace("http {\n", f"http {{\naccess_log off;\n{paths}", 1)
        user = "user root;\n" if os.geteuid() == 0 else ""  # whose folders of tests are
        conf = folder / "nginx.conf"
        conf.write_text(f"daemon off;\npid {folder}/nginx.pid;\n{user}{text}", encoding="utf-8")
        self.command = [need_nginx(), "-p", str(folder), "-c", str(conf), "-e", str(folder / "error.log")]
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def check(self) -> str:
        """What nginx says of the file; empty if it would start with it and has nothing to remark."""
        done = subprocess.run([*self.command, "-q", "-t"], capture_output=True, text=True, check=False)
        return done.stderr if not done.returncode else done.stderr or f"nginx -t ended with {done.returncode}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.process = subprocess.Popen(self.command)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                Reader(self.url).get("/_stcore/health")
                return
            time.sleep(0.02)
        raise RuntimeError("nginx did not begin")

    def stop(self) -> None:
        """Stops it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


class Replicas:
    """All of it, running.

    Attributes:
        url: of the proxy.
        addresses: of each replica itself, ``host:port``.
        processes: of each replica.
        redis: that they share.
    """

    def __init__(self, folder: Path, *, whole: bool = True) -> None:
        """Starts everything.

        Args:
            folder: where it may write.
            whole: whether the replicas are the app, or servers of rooms without pages.
        """
        need_nginx()
        self._whole = whole
        self.redis = RedisServer(folder, keeps=True)
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in NODES}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.proxy = Proxy(folder, self.addresses)
        self.url = self.proxy.url
        try:
            with ThreadPoolExecutor() as threads:
                list(threads.map(self.start, NODES))
            self.proxy.start()
        except BaseException:
            self.stop()
            raise

    def start(self, name: str) -> None:
        """Starts a replica and waits until it is healthy."""
        port = int(self.addresses[name].rpartition(":")[2])
        if self._whole:
            settings = {"GRAD2BOX_ROOMS": self.redis.address, "GRAD2BOX_NODE": name, "GRAD2BOX_BEHIND_PROXY": "1"}
            self.processes[name], _ = start_server(ROOT / "app.py", environment=settings, port=port)
        else:
            self.processes[name], _ = serving.start(rooms=self.redis.address, port=port, node=name)

    def kill(self, name: str) -> None:
        """Ends a replica as a power cut would."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        """Ends everything."""
        self.proxy.stop()
        for name in self.processes:
            self.kill(name)
        self.redis.kill()


@contextlib.contextmanager
def replicas(folder: Path, *, whole: bool = True) -> Iterator[Replicas]:
    """Replicas for as long as a block lasts."""
    running = Replicas(folder, whole=whole)
    try:
        yield running
    finally:
        running.stop()


class Reader(Session):
    """A browser on a page, at the level of its protocols: cookies, Streamlit's socket, uploads.

    Attributes:
        cookies: as the servers set them.
        texts: all words on the page.
        pieces: what was mounted, by name: its id and its data.
    """

    def __init__(self, url: str, node: str = "") -> None:
        super().__init__(url)
        self.cookies = {"node": node} if node else {}
        self.texts: list[str] = []
        self.pieces: dict[str, tuple[str, dict[str, Any]]] = {}

    @property
    def node(self) -> str:
        """The replica that answered last."""
        return self.cookies.get("node", "")

    def get(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and content of an answer, whose cookies are kept."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, path, body, {**self._cookie(), **(headers or {})})
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
            return answer.status, answer.read()
        finally:
            connection.close()

    async def open_link(self, link: str) -> None:
        """Loads a page from its link, as a browser does it."""
        self.place, _, self.query = link.partition("?")
        status, page = self.get(f"/{link}")
        assert (status, b'<div id="root">' in page) == (200, True), (status, page[:200])
        await self.connect()

    async def connect(self) -> None:
        """Opens the socket, after what a browser asks before it does, for the first time or again."""
        for path in ("/_stcore/health", "/_stcore/host-config"):
            status, _ = self.get(path)
            if status != 200:
                raise ConnectionError(f"{path} says {status}")
        self.headers = {**self._cookie(), "Origin": self.url}
        self.page = ""
        self.widgets.clear()
        await self.open_home()

    async def tell(self, piece: str, state: dict[str, Any]) -> None:
        """A piece says something to Python, and the page runs."""
        name = self.pieces[piece][0]
        self.widgets[name] = WidgetState(id=name, json_value=json.dumps(state))
        await self.run()

    async def upload(self, name: str, content: bytes, *, node: str = "") -> int:
        """The status of an upload's answer, by the way that Streamlit's uploader takes; node is another cookie."""
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.session_id = self.name
        message.file_urls_request.file_names.append(name)
        await self.socket.send(message.SerializeToString())
        urls: FileURLs | None = None
        async for data in self.socket:
            answer = ForwardMsg()
            answer.ParseFromString(data)
            if answer.WhichOneof("type") == "file_urls_response":
                urls = answer.file_urls_response.file_urls[0]
                break
        assert urls is not None
        line = "grad2box-upload"
        head = f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{line}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={line}",
            "X-Xsrftoken": self.cookies["_streamlit_xsrf"],
        }
        kept = dict(self.cookies)
        self.cookies |= {"node": node} if node else {}
        status, _ = self.get(urls.upload_url, method="PUT", body=body, headers=headers)
        self.cookies = kept
        return status

    def message(self, fragment: str = "") -> BackMsg:
        """See :class:`tests.benchmarks.load.Session`; the first run names its page by the address."""
        message = super().message(fragment)
        if not self.page:
            message.rerun_script.page_name = self.place
        return message

    async def run(self, fragment: str = "") -> None:
        """Runs the page; what stood on it before is forgotten."""
        self.texts.clear()
        self.pieces.clear()
        await super().run(fragment)

    def _keep(self, element: Element, fragment: str) -> None:
        super()._keep(element, fragment)
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            component = element.bidi_component
            data = json.loads(component.json) if component.json else {}
            self.pieces[component.component_name.rpartition(".")[2]] = (component.id, data)
        elif kind in ("markdown", "heading"):
            self.texts.append(getattr(element, kind).body)

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}


class Student:
    """A student's browser: the page, and the bar's socket to the room.

    Attributes:
        page: Streamlit's side.
        room: the room's.
    """

    def __init__(self, url: str, node: str) -> None:
        self.page = Reader(url, node)
        self.room = Client(url, cookie=node)

    async def join(self, code: str, link: str) -> None:
        """Opens a page in the room and joins."""
        await self.page.open_link(f"{link}&lang=en&room={code}")
        await self.room.enter(said.Join(code, self.page.node))

    async def follow(self, link: str) -> None:
        """Waits for a view that the teacher shows, and has the page show it, as the bar does."""
        await self.room.sees(link=link)
        state, token = self.room.state, self.page.pieces["room-bar"][1]["token"]
        told = {name: state[name] for name in ("code", "view", "link", "revealed")}
        await self.page.tell("room-bar", {"told": {**told, "token": token, "again": 0, "role": "student"}})

    async def come_back(self) -> None:
        """What a browser does when its replica is gone: it opens both sockets again, after the waits that it makes."""
        await asyncio.gather(self._page_comes_back(), self._room_comes_back())

    async def close(self) -> None:
        """Closes the browser."""
        await self.page.close()
        await self.room.close()

    async def _page_comes_back(self) -> None:
        await self.page.socket.wait_closed()
        wait = 0.1
        while True:
            await asyncio.sleep(wait)
            try:
                await self.page.connect()
                return
            except LOST:
                wait = min(4.0, 2 * wait)

    async def _room_comes_back(self) -> None:
        await self.room.socket.wait_closed()  # however long that takes
        await self.room.until(lambda: bool(self.room.ended))
        welcome, wait = self.room.welcome, 0.25
        hello = said.Resume(welcome["code"], welcome["student"], welcome["token"])
        while self.room.ended:
            await asyncio.sleep(wait * 0.75)
            wait = 0.5
            self.room.headers = {"Cookie": f"node={self.page.node}"}
            with contextlib.suppress(*LOST):
                await self.room.enter(hello)
