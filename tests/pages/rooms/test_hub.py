"""What a class has made outlives its pages and servers: several hubs of one store, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import redis

from pages.rooms import messages as said
from pages.rooms.hub import Hub
from pages.rooms.limits import LONGEST_KEPT
from pages.rooms.reading import write_message
from pages.rooms.seats import Seat
from pages.rooms.state import Moved, Roll, Worked, write_event
from pages.rooms.store import MemoryStore, StoreGone, open_store
from tests.chromium import run_coroutine

OPEN = said.Open(("nms?tour=1", "nms?tour=2"), "A lesson")
WORK = said.Work("nms.own", (("iou_threshold", "0.7"),), 2.0)


def hand(left: float) -> said.Hand:
    """A stage with one box."""
    return said.Hand("nms_view", (240.0, 320.0), (("prediction", (left, 2.0, 30.0, 40.0)),), 0.5)


class Person:
    """A seat, and all that it was told."""

    def __init__(self, hub: Hub, seat: Seat) -> None:
        self.hub, self.seat = hub, seat
        self.welcome: dict[str, Any] = {}

    async def say(self, message: object) -> None:
        """Says something, as a browser writes it: letters are letters."""
        text = json.dumps(json.loads(write_message(message, id="1")), ensure_ascii=False)
        await self.hub.hear(self.seat, text)

    async def hears(self, kind: str, holds: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """Waits for news of a kind of which something holds."""
        while True:
            text = await asyncio.wait_for(self.seat.next(), 20)
            assert text is not None
            news = json.loads(text)
            if news["type"] == kind and holds(news):
                return news


async def enter(hub: Hub, hello: object) -> Person:
    """Somebody in a room."""
    person = Person(hub, hub.connect("10.0.0.1"))
    await hub.greet(person.seat, write_message(hello))
    person.welcome = await person.hears("welcome")
    return person


@asynccontextmanager
async def hubs(address: str, number: int) -> AsyncIterator[list[Hub]]:
    """So many processes' hubs."""
    async with AsyncExitStack() as stack:
        made = [Hub(open_store(address)) for _ in range(number)]
        for hub in made:
            stack.push_async_callback(hub.stop)
        yield made


def play(script: Callable[[], Awaitable[None]]) -> None:
    """Runs a scene."""

    async def whole() -> None:
        await script()

    run_coroutine(whole())


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_teacher_who_comes_late_sees_what_the_class_has_made_elsewhere(
    kind: str, request: pytest.FixtureRequest
) -> None:
    address = "" if kind == "memory" else request.getfixturevalue("redis_address")

    async def script() -> None:
        async with hubs(address, 1 if kind == "memory" else 3) as made:
            one, two, three = made * 3 if kind == "memory" else made
            teacher = await enter(one, OPEN)
            code = teacher.welcome["code"]
            back = said.Teach(code, teacher.welcome["key"])
            ann, bob = await enter(three, said.Join(code, "Ann")), await enter(two, said.Join(code, "Bob"))
            eve = await enter(two, said.Join(code, "Eve"))
            await teacher.say(said.Overlay("all"))
            await one.leave(teacher.seat)  # the page is closed: its server has nobody of the room any more
            await eve.say(hand(7.0))
            for left in range(20):
                await bob.say(hand(float(left)))
            await bob.say(WORK)
            shown = await ann.hears("overlay", lambda news: len(news["hands"]) == 2 and bool(news["works"]))
            assert [each["boxes"]["prediction"][0] for each in shown["hands"]] == [7.0, 19.0]
            if kind == "memory":  # everyone goes; the room stays with its store
                for person in (ann, bob, eve):
                    await two.leave(person.seat)
            assert code not in one.rooms
            teacher = await enter(one, back)
            news = await teacher.hears("hands")
            who = bob.welcome["student"]
            assert news["hands"][who]["boxes"]["prediction"][0] == 19.0
            assert news["works"] == {who: {"place": "nms.own", "values": {"iou_threshold": "0.7"}, "value": 2.0}}
            await teacher.say(said.Kick(eve.welcome["student"]))
            await one.leave(teacher.seat)
            teacher = await enter(one, back)
            assert set((await teacher.hears("hands"))["hands"]) == {who}

    play(script)


def test_what_redis_has_lost_or_missed_is_put_back_by_the_server_where_the_student_sits(redis_address: str) -> None:
    plain = redis.Redis.from_url(redis_address, decode_responses=True)

    async def kept(code: str, field: str, text: str | None) -> None:
        async with asyncio.timeout(20):
            while plain.hget(f"grad2box:room:{code}", field) != text:
                await asyncio.sleep(0.01)

    async def script() -> None:
        async with hubs(redis_address, 2) as (one, two):
            teacher = await enter(one, OPEN)
            code = teacher.welcome["code"]
            bob = await enter(two, said.Join(code, "Bob"))
            who = bob.welcome["student"]
            moved = hand(1.0)
            now, old = (
                write_event(Moved(who, moved.place, boxes, moved.size, moved.value))
                for boxes in (moved.boxes, hand(5.0).boxes)
            )
            await bob.say(moved)
            await kept(code, f"hand/{who}", now)
            plain.hset(f"grad2box:room:{code}", f"hand/{who}", old)
            plain.client_kill_filter(_type="pubsub")  # all servers listen again, and ask what they have missed
            await kept(code, f"hand/{who}", now)
            plain.delete(f"grad2box:room:{code}")
            plain.client_kill_filter(_type="pubsub")
            await kept(code, f"hand/{who}", now)
            assert 0 < plain.pttl(f"grad2box:room:{code}") <= 12 * 3600 * 1000
            await teacher.say(said.Kick(who))
            await kept(code, f"hand/{who}", None)  # nothing is left of who was put out
            assert plain.hget(f"grad2box:room:{code}", f"kicked/{who}") == "1"

    play(script)
    plain.close()


def test_a_store_that_does_not_answer_in_time_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(MemoryStore):
        """Twice it does not answer in time."""

        left = 2

        async def load(self, code: str) -> dict[str, str] | None:
            if self.left:
                self.left -= 1
                raise StoreGone("too slow")
            return await super().load(code)

    monkeypatch.setattr("pages.rooms.hub._WAIT", 0.01)

    async def script() -> None:
        store = Slow()
        hub = Hub(store)
        store.left = 0
        teacher = await enter(hub, OPEN)
        code = teacher.welcome["code"]
        room = hub.rooms[code].roll.fields["room"]
        store.left = 2
        assert store._set(code, {"room": json.dumps({**json.loads(room), "view": 7})})  # another process did it
        assert store._heard is not None
        store._heard("", None)
        async with asyncio.timeout(20):
            await teacher.hears("state", lambda news: hub.rooms[code].roll.room.view == 7)
        assert store.left == 0
        await hub.stop()

    play(script)


def test_too_long_a_work_takes_the_one_before_away_for_who_comes_later() -> None:
    async def script() -> None:
        async with hubs("", 1) as (hub,):
            teacher = await enter(hub, OPEN)
            code = teacher.welcome["code"]
            bob = await enter(hub, said.Join(code, "Bob"))
            who = bob.welcome["student"]
            long = said.Work("nms.own", tuple((f"v{number}", "的" * 800) for number in range(12)), 1.0)
            assert len(write_event(Worked(who, long.place, long.values))) > LONGEST_KEPT
            await bob.say(WORK)
            assert f"work/{who}" in hub.rooms[code].roll.fields
            await bob.say(long)
            assert hub.rooms[code].roll.works[who].values == long.values  # who is here sees it
            assert f"work/{who}" not in hub.rooms[code].roll.fields
            for person in (teacher, bob):
                await hub.leave(person.seat)
            late = await enter(hub, said.Teach(code, teacher.welcome["key"]))
            assert hub.rooms[code].roll.works == {}
            await late.hears("board")

    play(script)


def test_a_stage_of_nobody_in_the_room_is_not_taken_over() -> None:
    async def script() -> None:
        async with hubs("", 1) as (hub,):
            teacher = await enter(hub, OPEN)
            fields = hub.rooms[teacher.welcome["code"]].roll.fields
            stranger = write_event(Moved("stranger", "nms_view", hand(1.0).boxes))
            roll = Roll({"hand/stranger": stranger, **fields})
            assert (roll.hands, roll.fields) == ({}, fields)

    play(script)
