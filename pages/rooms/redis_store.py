"""Rooms in Redis, for servers of several processes: one hash with an expiry for each room, and a channel beside it.

What is kept changes in a script, so that a room's fields and the news of them go together, and so that no write brings
back a room that has expired. News are heard on one connection, which is opened again for as long as it takes; after
each opening the process is told that it may have missed something, and reads its rooms again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import redis.asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from pages.rooms.state import barred_by
from pages.rooms.store import Heard, StoreGone

_PREFIX = "grad2box:room:"
_WITHIN = 2.0  # seconds for one command
_WAITS = (0.1, 2.0)  # seconds between two tries to listen again, least and most
_MOST_WAITING = 500  # events that nobody waits for, while Redis is slow
_REMEMBERED = 600  # seconds that a closed room is known to be closed

_CREATE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
_CHANGE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local last = 2 + 3 * tonumber(ARGV[2])
for i = 3, last, 3 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i + 2]) == 0 then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1
"""

T = TypeVar("T")


class RedisStore:
    """Rooms that several processes share; see :class:`pages.rooms.store.Store`."""

    def __init__(self, address: str) -> None:
        self._redis: Any = redis.from_url(
            address, decode_responses=True, socket_timeout=_WITHIN, socket_connect_timeout=_WITHIN
        )
        # A subscriber waits for news, and news may be long in coming.
        self._ears: Any = redis.from_url(address, decode_responses=True, socket_connect_timeout=_WITHIN)
        self._create = self._redis.register_script(_CREATE)
        self._change = self._redis.register_script(_CHANGE)
        self._waiting: dict[str, list[Any]] = {}
        self._has_waiting = asyncio.Event()
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []

    async def create(self, code: str, fields: Mapping[str, str], seconds: float) -> bool:
        """See :class:`pages.rooms.store.Store`."""
        pairs = [part for pair in fields.items() for part in pair]
        made = await _asked(self._create(keys=[_PREFIX + code], args=[int(seconds * 1000), *pairs]))
        return bool(made)

    async def load(self, code: str) -> dict[str, str] | None:
        """See :class:`pages.rooms.store.Store`."""
        found: dict[str, str] = await _asked(self._redis.hgetall(_PREFIX + code))
        return found or None

    async def change(self, code: str, fields: Mapping[str, str | None], event: str) -> bool:
        """See :class:`pages.rooms.store.Store`."""
        return bool(await _asked(self._change(keys=[_PREFIX + code], args=_arguments(event, fields))))

    async def tell(self, code: str, event: str, fields: Mapping[str, str | None]) -> None:
        """See :class:`pages.rooms.store.Store`: a slow Redis must not hold up a hand."""
        name = "/".join([code, *fields] if fields else [code, str(next(self._numbers))])
        if name not in self._waiting and len(self._waiting) >= _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[name] = [code, *_arguments(event, fields)]
        self._has_waiting.set()

    async def remove(self, code: str, event: str) -> None:
        """See :class:`pages.rooms.store.Store`."""
        await _asked(self._redis.set(f"{_PREFIX}closed:{code}", "1", ex=_REMEMBERED))
        await _asked(self._redis.delete(_PREFIX + code))
        await _asked(self._redis.publish(_PREFIX + code, event))

    async def was_removed(self, code: str) -> bool:
        """See :class:`pages.rooms.store.Store`."""
        return bool(await _asked(self._redis.exists(f"{_PREFIX}closed:{code}")))

    def listen(self, heard: Heard) -> None:
        """See :class:`pages.rooms.store.Store`."""
        self._tasks += [asyncio.create_task(self._hear(heard)), asyncio.create_task(self._pump())]

    async def stop(self) -> None:
        """See :class:`pages.rooms.store.Store`; what is in Redis stays there."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._redis.aclose()
        await self._ears.aclose()

    async def _hear(self, heard: Heard) -> None:
        least, most = _WAITS
        wait = least
        while True:
            try:
                async with self._ears.pubsub() as channel:
                    await channel.psubscribe(f"{_PREFIX}*")
                    async for message in channel.listen():
                        if message["type"] == "psubscribe":
                            wait = least
                            heard("", None)
                        elif message["type"] == "pmessage":
                            heard(message["channel"].removeprefix(_PREFIX), message["data"])
            except (RedisError, OSError):
                pass
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(most, 2 * wait)

    async def _pump(self) -> None:
        """Sends all that waits at once: Redis writes it to its disk together; sixty hands cost hardly more than one."""
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            waiting, self._waiting = self._waiting, {}
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with self._redis.pipeline(transaction=False) as batch:
                    for code, *arguments in waiting.values():
                        await self._change(keys=[_PREFIX + code], args=arguments, client=batch)
                    await asyncio.wait_for(batch.execute(), _WITHIN)


def _arguments(event: str, fields: Mapping[str, str | None]) -> list[Any]:
    """What the script that changes a room takes."""
    sets = [part for name, text in fields.items() if text is not None for part in (name, text, barred_by(name))]
    gone = [name for name, text in fields.items() if text is None]
    return [event, len(sets) // 3, *sets, *gone]


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(answer, _WITHIN)
    except (RedisConnectionError, RedisError, OSError, TimeoutError) as error:
        raise StoreGone(str(error)) from error
