"""The short way for a number that is dragged in a program: one WebSocket route, which believes nobody.

The page itself follows when the number is let go: link, challenges and everything else are the page's. Until then only
the picture moves, and for that no page need be run. A program goes the way that the page's programs go, through the
same worker processes with the same limits into the same cache, so the page that follows finds its result there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.live.socket import close_socket, receive_message, say_last
from pages.rooms.limits import Bucket
from pages.rooms.socket import is_from_here

PATH = "/api/program"
LONGEST_PROGRAM = 8000
"""Characters of a program."""
LARGEST_SEED = 999
MOST_OPENED = 100_000
"""The largest number of an iteration that can be asked for."""
LANGUAGES = ("en", "zh")
LONGEST_MESSAGE = 6 * LONGEST_PROGRAM + 1000
"""Characters: JSON may write one character as six."""
MOST_SOCKETS = 600
MOST_WAITING = 64
"""Programs that wait for a thread here; each then takes its place in the queue of the workers."""
AT_ONCE = 4
MOST_OF_ONE = 2
"""Of one socket: the number that was let go need not wait for one that it had on its way."""
RUNS_A_SECOND = 40.0
SILENT_AFTER = 120.0
"""Seconds without a program after which the place goes to another; the browser comes back with the next number."""
_POLICY, _UNREADABLE = 1008, 1003
_LOG = logging.getLogger("grad2box")

_sockets: set[WebSocket] = set()
_threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="programs")
_waiting: set[object] = set()


class RequestError(ValueError):
    """A message that our page does not send."""


@dataclass(frozen=True)
class Request:
    """One program to run.

    Attributes:
        number: by which the answer is known, below 2**32.
        source: the program.
        seed: of its random numbers.
        opened: the iteration of its folded loops that is recorded whole besides, 0 for none.
        language: of every sentence in the answer.
    """

    number: int
    source: str
    seed: int
    opened: int
    language: str


def read_request(text: str | None) -> Request:
    """What a message asks for.

    Raises:
        RequestError: it is not such a message.
    """
    if text is None or len(text) > LONGEST_MESSAGE:
        raise RequestError("no text of that length")
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("not JSON") from error
    if not isinstance(asked, dict):
        raise RequestError("not an object")
    source, language = asked.get("source"), asked.get("language")
    if not isinstance(source, str) or len(source) > LONGEST_PROGRAM:
        raise RequestError("no program")
    try:
        source.encode()
    except UnicodeEncodeError as error:  # half a character
        raise RequestError("no program") from error
    if language not in LANGUAGES:
        raise RequestError("no such language")
    numbers = []
    for name, most in (("number", 2**32 - 1), ("seed", LARGEST_SEED), ("opened", MOST_OPENED)):
        value = asked.get(name)
        if type(value) is not int or not 0 <= value <= most:
            raise RequestError(f"no {name}")
        numbers.append(value)
    return Request(numbers[0], source.replace("\r\n", "\n"), numbers[1], numbers[2], str(language))


async def program_socket(socket: WebSocket) -> None:
    """One browser, from its handshake to its end."""
    if not is_from_here(socket):
        await socket.close(_POLICY)  # before it is accepted: 403
        return
    await socket.accept()
    if len(_sockets) >= MOST_SOCKETS:
        await say_last(socket, {"type": "gone", "reason": "full"})
        return
    _sockets.add(socket)
    try:
        await _serve(socket)
    except* WebSocketDisconnect:
        pass
    except* TimeoutError:
        await say_last(socket, {"type": "gone", "reason": "silent"})
    except* RequestError:
        await close_socket(socket, _UNREADABLE)
    except* Exception as error:
        _LOG.error("a program on the short way failed", exc_info=error)
        await say_last(socket, {"type": "gone", "reason": "failed"})
    finally:
        _sockets.discard(socket)


async def _serve(socket: WebSocket) -> None:
    loop = asyncio.get_running_loop()
    bucket = Bucket(RUNS_A_SECOND, RUNS_A_SECOND)
    async with asyncio.TaskGroup() as running:
        own: dict[asyncio.Task[None], Request] = {}
        try:
            while True:
                asked = read_request((await receive_message(socket, SILENT_AFTER)).get("text"))
                if not bucket.take(loop.time()):
                    await close_socket(socket, _POLICY)
                    return
                if len(own) >= MOST_OF_ONE or len(_waiting) >= MOST_WAITING:
                    await socket.send_json({"type": "later", "number": asked.number})
                    continue
                task = running.create_task(_run(socket, asked, tuple(own.values())))
                own[task] = asked
                task.add_done_callback(own.pop)
        finally:
            for task in own:
                task.cancel()


async def _run(socket: WebSocket, asked: Request, overtaken: tuple[Request, ...]) -> None:
    place = object()
    _waiting.add(place)
    try:
        packed = await asyncio.get_running_loop().run_in_executor(_threads, _answer, asked, overtaken)
    finally:
        _waiting.discard(place)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):  # it may have left meanwhile
        await socket.send_bytes(asked.number.to_bytes(4, "little") + packed)


def _answer(asked: Request, overtaken: tuple[Request, ...]) -> bytes:
    """In a thread: the import brings torch, which the server begins without."""
    from pages.kit.programs import answer_program, put_behind

    for other in overtaken:  # the browser waits for its newest question
        if other.source != asked.source:
            put_behind(other.source, other.seed, other.opened)
    return answer_program(asked.source, asked.seed, asked.opened, asked.language)


ROUTES: list[Any] = [WebSocketRoute(PATH, program_socket)]
