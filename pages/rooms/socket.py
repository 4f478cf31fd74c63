"""The way into the rooms: one WebSocket route, which believes nobody.

Streamlit checks neither origin nor size of a route of ours. A page of another site cannot open the socket, a frame of a
megabyte ends it, and so does silence at the beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from urllib.parse import urlsplit

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from pages.rooms.hub import Hub, Seat
from pages.rooms.limits import HELLO_WITHIN, LONGEST_MESSAGE
from pages.rooms.rules import Refused
from pages.rooms.store import StoreGone, open_store

PATH = "/api/room"
_POLICY, _TOO_BIG = 1008, 1009
_hubs: dict[int, Hub] = {}  # one for each event loop: a server has one


def hub_of_this_server() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if id(loop) not in _hubs:
        _hubs[id(loop)] = Hub(open_store(os.environ.get("GRAD2BOX_ROOMS", "")))
    return _hubs[id(loop)]


def is_from_here(socket: WebSocket) -> bool:
    """Whether the page that opens a socket was served under the name that the socket is opened at."""
    origin = socket.headers.get("origin")
    host = socket.headers.get("host")
    return origin is not None and host is not None and urlsplit(origin).netloc == host


def address_of(socket: WebSocket) -> str:
    """Where a connection comes from; behind our own proxy the proxy says it, in the last entry of its list."""
    if os.environ.get("GRAD2BOX_BEHIND_PROXY") == "1":
        forwarded = socket.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:64]
    return socket.client.host if socket.client is not None else ""


async def room_socket(socket: WebSocket) -> None:
    """One connection, from its handshake to its end."""
    if not is_from_here(socket):
        await socket.close(_POLICY)  # before it is accepted: 403
        return
    await socket.accept()
    hub = hub_of_this_server()
    try:
        seat = hub.connect(address_of(socket))
    except Refused as refused:
        await _say_no(socket, refused.reason)
        return
    sender: asyncio.Task[None] | None = None
    try:
        try:
            await hub.greet(seat, await asyncio.wait_for(_receive(socket), HELLO_WITHIN))
        except Refused as refused:
            await _say_no(socket, refused.reason)
            return
        except StoreGone:
            await _say_no(socket, "later")
            return
        except TimeoutError:
            await _say_no(socket, "silent")
            return
        sender = asyncio.create_task(_send(socket, seat))
        while not seat.ended:
            await hub.hear(seat, await _receive(socket))
    except WebSocketDisconnect:
        pass
    except _TooBigError:
        await _close(socket, _TOO_BIG)
    finally:
        if sender is not None:
            if seat.ended:  # its last words are still to be said
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(sender), 2)
            sender.cancel()
        await hub.leave(seat)


class _TooBigError(Exception):
    pass


async def _receive(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text = message.get("text")
    if text is None or len(text) > LONGEST_MESSAGE:
        raise _TooBigError  # bytes are nothing that our pages send
    return str(text)


async def _send(socket: WebSocket, seat: Seat) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        while (text := await seat.next()) is not None:
            await socket.send_text(text)
        await _close(socket, _POLICY if seat.ended == "flood" else 1000)


async def _say_no(socket: WebSocket, reason: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        await socket.send_json({"type": "gone", "reason": reason})
        await _close(socket, 1000)


async def _close(socket: WebSocket, code: int) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        if socket.application_state == WebSocketState.CONNECTED:
            await socket.close(code)


ROUTES = [WebSocketRoute(PATH, room_socket)]
