"""The two keepers of rooms do the same; what each has beside that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis

from pages.rooms.limits import LIFETIME, MOST_ROOMS
from pages.rooms.redis_store import RedisStore
from pages.rooms.store import MemoryStore, Store, StoreGone, open_store
from tests.chromium import run_coroutine
from tests.redis_server import RedisServer

Play = Callable[[Store], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
def play(request: pytest.FixtureRequest) -> Callable[[Play], None]:
    """Runs a coroutine function with a store of each kind."""
    address = "" if request.param == "memory" else request.getfixturevalue("redis_address")

    def run(script: Play) -> None:
        async def whole() -> None:
            store = open_store(address)
            try:
                await script(store)
            finally:
                await store.stop()

        run_coroutine(whole())

    return run


def test_fields_are_set_and_removed_and_a_code_is_given_once(play: Callable[[Play], None]) -> None:
    async def script(store: Store) -> None:
        assert await store.load("FIELDS") is None
        assert await store.create("FIELDS", {"room": "r", "a": "1"}, 60)
        assert not await store.create("FIELDS", {"room": "other"}, 60)
        assert await store.change("FIELDS", {"a": None, "b": "ü=2"}, "event")
        assert await store.load("FIELDS") == {"room": "r", "b": "ü=2"}
        assert not await store.was_removed("FIELDS")
        await store.remove("FIELDS", "event")
        assert await store.was_removed("FIELDS")
        assert await store.load("FIELDS") is None

    play(script)


def test_no_write_brings_back_a_room_that_is_gone(play: Callable[[Play], None]) -> None:
    async def script(store: Store) -> None:
        await store.create("LASTED", {"room": "r"}, 60)
        await store.remove("LASTED", "event")
        assert not await store.change("LASTED", {"a": "1"}, "event")
        assert await store.load("LASTED") is None

    play(script)


def test_changes_are_heard_in_their_order(play: Callable[[Play], None]) -> None:
    async def script(store: Store) -> None:
        heard: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        store.listen(lambda code, event: heard.put_nowait((code, event)))
        if isinstance(store, RedisStore):
            assert await heard.get() == ("", None)  # it listens, and what was before is to be read
        await store.create("ORDERS", {"room": "r"}, 60)
        for number in range(20):
            await store.change("ORDERS", {"n": str(number)}, str(number))
        await store.remove("ORDERS", "end")
        told = [await asyncio.wait_for(heard.get(), 10) for _ in range(21)]
        assert told == [*(("ORDERS", str(number)) for number in range(20)), ("ORDERS", "end")]

    play(script)


def test_what_is_told_is_kept_the_newest_of_each_and_with_its_room(play: Callable[[Play], None]) -> None:
    async def script(store: Store) -> None:
        heard: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        store.listen(lambda code, event: heard.put_nowait((code, event)))
        await store.create("KEEPER", {"room": "r"}, 60)
        for number in range(600):  # more than may wait
            await store.tell("KEEPER", f"hand {number}", {"hand/a": str(number)})
        await store.tell("KEEPER", "kept", {"hand/b": "b", "hand/gone": "1"})
        await store.tell("KEEPER", "too long", {"hand/gone": None})
        await store.tell("NOROOM", "nobody", {"hand/a": "1"})
        await store.tell("KEEPER", "a drag", {})
        if isinstance(store, RedisStore):  # in memory there is nobody else to be told
            told = [event for _, event in iter([await asyncio.wait_for(heard.get(), 10)])]
            while told[-1] != "a drag":
                told.append((await asyncio.wait_for(heard.get(), 10))[1])
            assert told[-4:] == ["hand 599", "kept", "too long", "a drag"]
        assert await store.load("KEEPER") == {"room": "r", "hand/a": "599", "hand/b": "b"}
        assert await store.load("NOROOM") is None
        await store.remove("KEEPER", "end")
        assert await store.load("KEEPER") is None

    play(script)


def test_nothing_is_kept_of_who_was_put_out_whoever_says_it_later(play: Callable[[Play], None]) -> None:
    async def script(store: Store) -> None:
        await store.create("KICKED", {"room": "r"}, 60)
        await store.change("KICKED", {"hand/bob": "1", "hand/ann": "1"}, "event")
        await store.change("KICKED", {"kicked/bob": "1", "hand/bob": None}, "event")
        assert await store.change("KICKED", {"hand/bob": "2", "work/bob": "2", "student/bob": "2"}, "event")
        await store.change("KICKED", {"hand/ann": "2"}, "event")
        assert await store.load("KICKED") == {"room": "r", "hand/ann": "2", "kicked/bob": "1", "student/bob": "2"}

    play(script)


def test_memory_forgets_what_has_expired() -> None:
    async def script() -> None:
        now = [0.0]
        store = MemoryStore(now=lambda: now[0])
        await store.create("A", {"room": "r"}, 10)
        await store.create("B", {"room": "r"}, 20)
        now[0] = 10.0
        assert not await store.change("A", {"x": "1"}, "")
        assert len(store) == 1
        now[0] = 20.0
        assert len(store) == 0

    run_coroutine(script())


def test_memory_holds_so_many_rooms_and_no_more() -> None:
    async def script() -> None:
        store = MemoryStore()
        made = [await store.create(str(number), {"room": "r"}, 10) for number in range(MOST_ROOMS + 1)]
        assert (all(made[:-1]), made[-1]) == (True, False)

    run_coroutine(script())


def test_redis_holds_a_rooms_keys_with_an_expiry(redis_address: str) -> None:
    async def script() -> None:
        store = RedisStore(redis_address)
        await store.create("EXPIRY", {"room": "r"}, 60)
        await store.change("EXPIRY", {"a": "1"}, "event")
        await store.remove("CLOSED", "event")
        await store.stop()

    run_coroutine(script())
    plain = redis.Redis.from_url(redis_address)
    keys = list(plain.scan_iter("grad2box:*"))
    assert b"grad2box:room:EXPIRY" in keys
    assert all(0 < plain.pttl(key) <= LIFETIME * 1000 for key in keys)  # -1 would be for ever
    assert plain.pttl("grad2box:room:EXPIRY") <= 60_000
    plain.close()


def test_a_redis_that_is_gone_says_so_and_is_heard_again_when_it_is_back(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, keeps=True)

    async def script() -> None:
        store = RedisStore(server.address)
        heard: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        store.listen(lambda code, event: heard.put_nowait((code, event)))
        assert await heard.get() == ("", None)
        await store.create("KILLED", {"room": "r"}, 60)
        server.kill()
        with pytest.raises(StoreGone):
            await store.load("KILLED")
        await store.tell("KILLED", "a hand that moved", {})  # waits for nobody
        server.start()
        assert await asyncio.wait_for(heard.get(), 20) == ("", None)
        assert await store.load("KILLED") == {"room": "r"}
        await store.stop()

    try:
        run_coroutine(script())
    finally:
        server.kill()


@pytest.mark.parametrize("address", ["http://localhost", "localhost:6379", "memory"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="GRAD2BOX_ROOMS"):
        open_store(address)
