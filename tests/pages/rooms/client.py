"""A browser of a room without a browser: speaks the socket's protocol, keeps what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pages.rooms.reading import write_message

_numbers = itertools.count()
WITHIN = 30.0  # seconds for anything to happen on a busy machine


class Client:
    """One person in a room.

    Attributes:
        welcome: what the server said first.
        state: the newest of what all know.
        heard: the newest of each other kind.
        all: everything, in order.
        ended: why the server ended it; empty while it has not.
    """

    def __init__(self, url: str, *, origin: str | None = None, cookie: str = "") -> None:
        self.url = url.replace("http", "ws", 1) + "/api/room"
        self.origin = url if origin is None else origin
        self.headers = {"Cookie": f"node={cookie}"} if cookie else {}
        self.welcome: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.heard: dict[str, dict[str, Any]] = {}
        self.all: list[dict[str, Any]] = []
        self.ended = ""
        self.answers: dict[str, str] = {}
        self.socket: ClientConnection
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def enter(self, hello: Any) -> Client:
        """Connects, says what it wants, and waits until it is in or refused."""
        self.ended, self.welcome = "", {}
        self.socket = await connect(
            self.url,
            origin=self.origin,  # type: ignore[arg-type]
            open_timeout=WITHIN,
            additional_headers=self.headers,
            ping_interval=None,  # browsers send none
        )
        self._listening = asyncio.create_task(self._listen())
        await self.say(hello)
        await self.until(lambda: bool(self.ended or (self.welcome and self.state)))
        return self

    async def say(self, message: Any) -> None:
        """Sends a message, or a text as it is, and waits for nothing."""
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(message if isinstance(message, str | bytes) else write_message(message))

    async def ask(self, message: Any) -> str:
        """Sends a message and waits for its answer: ``ack``, or the reason why not."""
        name = f"m{next(_numbers)}"
        await self.socket.send(write_message(message, id=name))
        await self.until(lambda: name in self.answers or bool(self.ended))
        return self.answers.get(name, self.ended)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds of what was heard."""

        async def wait() -> None:
            while not holds():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), WITHIN)

    async def sees(self, **values: Any) -> None:
        """Waits until the state has these values."""
        await self.until(lambda: all(self.state.get(name) == value for name, value in values.items()))

    @property
    def students(self) -> list[dict[str, Any]]:
        """What the teacher's board says of everyone; nobody before it came."""
        return list(self.heard.get("board", {}).get("students", ()))

    async def drop(self) -> None:
        """Ends the connection without a goodbye, as a lost network does."""
        self.socket.transport.abort()
        if self._listening is not None:
            await self._listening

    async def close(self) -> None:
        """Hangs up."""
        await self.socket.close()
        if self._listening is not None:
            await self._listening

    async def _listen(self) -> None:
        try:
            async for text in self.socket:
                heard = json.loads(text)
                self.all.append(heard)
                kind = heard["type"]
                if kind == "welcome":
                    self.welcome = heard
                elif kind == "state":
                    self.state = heard
                elif kind == "ack":
                    self.answers[heard["id"]] = "ack"
                elif kind == "refused":
                    self.answers[heard["id"]] = heard["reason"]
                elif kind == "gone":
                    self.ended = heard["reason"]
                self.heard[kind] = heard
                self._changed.set()
        except ConnectionClosed:
            pass
        self.ended = self.ended or f"closed {self.socket.close_code}"
        self._changed.set()
