"""The way to a live detector: one WebSocket route, which believes nobody.

A page says which detector it wants, then sends frames, one after the other's answer. A frame is decoded and looked at
in a thread of this module's own, so neither the event loop nor the pages of others wait for it; nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from pages.live.frames import FrameError, read_frame, read_hello, write_answer
from pages.rooms.limits import Bucket
from pages.rooms.socket import is_from_here

PATH = "/api/live"
MOST_SESSIONS = 4
"""Cameras that are looked at side by side; a core looks at some twenty frames a second, of all of them together."""
FRAMES_A_SECOND = 30.0
HELLO_WITHIN = 10.0
"""Seconds in which a new connection must say what it wants."""
SILENT_AFTER = 30.0
"""Seconds without a frame after which the place goes to another."""
LONGEST = 15 * 60.0
"""Seconds after which a session ends, whoever waits."""
_POLICY, _UNREADABLE = 1008, 1003
_LOG = logging.getLogger("grad2box")

_sessions: set[WebSocket] = set()
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")


async def live_socket(socket: WebSocket) -> None:
    """One camera, from its handshake to its end."""
    if not is_from_here(socket):
        await socket.close(_POLICY)  # before it is accepted: 403
        return
    await socket.accept()
    if len(_sessions) >= MOST_SESSIONS:
        await say_last(socket, {"type": "gone", "reason": "full", "most": MOST_SESSIONS})
        return
    _sessions.add(socket)
    try:
        await _serve(socket)
    except WebSocketDisconnect:
        pass
    except TimeoutError:
        await say_last(socket, {"type": "gone", "reason": "silent"})
    except FrameError:
        await close_socket(socket, _UNREADABLE)
    except Exception as error:
        _LOG.error("a live detector failed", exc_info=error)
        await say_last(socket, {"type": "gone", "reason": "failed"})
    finally:
        _sessions.discard(socket)


async def _serve(socket: WebSocket) -> None:
    loop = asyncio.get_running_loop()
    name = read_hello((await receive_message(socket, HELLO_WITHIN)).get("text"))
    look = await loop.run_in_executor(_thread, _detector, name)
    await socket.send_json({"type": "ready", "detector": name})
    bucket, began = Bucket(FRAMES_A_SECOND, FRAMES_A_SECOND), loop.time()
    while True:
        content = (await receive_message(socket, SILENT_AFTER)).get("bytes")
        if content is None:
            raise FrameError("no frame")
        if not bucket.take(loop.time()):
            await close_socket(socket, _POLICY)
            return
        if loop.time() - began > LONGEST:
            await say_last(socket, {"type": "gone", "reason": "long"})
            return
        await socket.send_text(await loop.run_in_executor(_thread, _look, look, content, time.perf_counter()))


@functools.lru_cache(maxsize=2)
def _detector(name: str) -> Any:
    """Loaded in the thread that runs it: torch is imported there, while the page already stands."""
    from vizcore.detection.live import load_live

    return load_live(name)


def _look(look: Any, content: bytes, arrived: float) -> str:
    frame = look(read_frame(content))
    return write_answer(frame, seconds=time.perf_counter() - arrived)


async def receive_message(socket: WebSocket, within: float) -> dict[str, Any]:
    """The next message.

    Raises:
        TimeoutError: none came within so many seconds.
        WebSocketDisconnect: the other side is gone.
    """
    message = await asyncio.wait_for(socket.receive(), within)
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    return dict(message)


async def say_last(socket: WebSocket, message: dict[str, Any]) -> None:
    """The last word of a session."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        await socket.send_json(message)
    await close_socket(socket, 1000)


async def close_socket(socket: WebSocket, code: int) -> None:
    """Ends a session, whether or not the other side is still there."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        if socket.application_state == WebSocketState.CONNECTED:
            await socket.close(code)


ROUTES = [WebSocketRoute(PATH, live_socket)]
