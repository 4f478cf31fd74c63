"""Where rooms are kept: one interface, and its form in the memory of one process.

The other form is :mod:`pages.rooms.redis_store`, for several processes. Which one a server takes is said by
``GRAD2BOX_ROOMS``: nothing for memory, or the address of a Redis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from pages.rooms.limits import MOST_ROOMS
from pages.rooms.state import barred_by

Heard = Callable[[str, str | None], None]
"""Is told a room's code and an event; None for an event means that some may have been missed, in every room."""


class StoreGone(ConnectionError):  # noqa: N818 - it is a state of the store
    """The store cannot be reached at present; what was asked for was not done, or is not known to be."""


class Store(Protocol):
    """A keeper of rooms. A room is a bag of named texts with one time of expiry."""

    async def create(self, code: str, fields: Mapping[str, str], seconds: float) -> bool:
        """Keeps a new room for so many seconds; False if there is one of that code, or no place."""

    async def load(self, code: str) -> dict[str, str] | None:
        """All fields of a room; None if there is none."""

    async def change(self, code: str, fields: Mapping[str, str | None], event: str) -> bool:
        """Sets fields (None removes one) and tells the event to every process, both or neither; False: no such room.

        A field is not set where there is one that bars it, whoever was first to say so.
        """

    async def tell(self, code: str, event: str, fields: Mapping[str, str | None]) -> None:
        """Sets fields and tells the event to every other process, soon, and waits for neither.

        Both may be lost, and of those that wait and set the same fields only the newest counts.
        """

    async def remove(self, code: str, event: str) -> None:
        """Forgets a room and tells the event."""

    async def was_removed(self, code: str) -> bool:
        """Whether a room was removed lately, rather than lost."""

    def listen(self, heard: Heard) -> None:
        """From now on events are told to a function; called once."""

    async def stop(self) -> None:
        """Lets go of everything."""


class MemoryStore:
    """Rooms in this process; a restart forgets them."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._rooms: dict[str, dict[str, str]] = {}
        self._expires: dict[str, float] = {}
        self._heard: Heard | None = None

    def __len__(self) -> int:
        self._forget()
        return len(self._rooms)

    async def create(self, code: str, fields: Mapping[str, str], seconds: float) -> bool:
        """See :class:`Store`."""
        self._forget()
        if code in self._rooms or len(self._rooms) >= MOST_ROOMS:
            return False
        self._rooms[code] = dict(fields)
        self._expires[code] = self._now() + seconds
        return True

    async def load(self, code: str) -> dict[str, str] | None:
        """See :class:`Store`."""
        self._forget()
        found = self._rooms.get(code)
        return None if found is None else dict(found)

    async def change(self, code: str, fields: Mapping[str, str | None], event: str) -> bool:
        """See :class:`Store`."""
        if not self._set(code, fields):
            return False
        self._say(code, event)
        return True

    async def tell(self, code: str, event: str, fields: Mapping[str, str | None]) -> None:
        """See :class:`Store`: there is no other process to be told."""
        self._set(code, fields)

    async def remove(self, code: str, event: str) -> None:
        """See :class:`Store`."""
        self._rooms.pop(code, None)
        self._expires.pop(code, None)
        self._say(code, event)

    async def was_removed(self, code: str) -> bool:
        """See :class:`Store`: nothing is lost in memory but by removing it."""
        return code not in self._rooms

    def listen(self, heard: Heard) -> None:
        """See :class:`Store`."""
        self._heard = heard

    async def stop(self) -> None:
        """See :class:`Store`."""
        self._rooms.clear()
        self._expires.clear()

    def _set(self, code: str, fields: Mapping[str, str | None]) -> bool:
        self._forget()
        room = self._rooms.get(code)
        if room is None:
            return False
        for name, text in fields.items():
            if text is None:
                room.pop(name, None)
            elif barred_by(name) not in room:
                room[name] = text
        return True

    def _say(self, code: str, event: str) -> None:
        if self._heard is not None:
            self._heard(code, event)

    def _forget(self) -> None:
        now = self._now()
        for code in [code for code, expires in self._expires.items() if expires <= now]:
            del self._rooms[code], self._expires[code]


def open_store(address: str) -> Store:
    """The store that an address names: nothing for memory, ``redis://…``, ``rediss://…`` or ``unix://…`` for Redis.

    Raises:
        ValueError: any other address.
    """
    if not address:
        return MemoryStore()
    if address.split("://")[0] not in ("redis", "rediss", "unix"):
        raise ValueError(f"GRAD2BOX_ROOMS takes the address of a Redis, redis://host:port/number, not {address!r}.")
    from pages.rooms.redis_store import RedisStore  # whoever keeps rooms in memory need not load it

    return RedisStore(address)
