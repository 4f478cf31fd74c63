"""A room over its socket: one teacher, some students, and those who mean it harm; in memory and in Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pages.rooms import messages as said
from pages.rooms import secret
from pages.rooms.limits import MISSES_A_MINUTE
from tests.chromium import run_coroutine
from tests.pages.rooms import serving
from tests.pages.rooms.client import Client
from tests.redis_server import RedisServer

OPEN = said.Open(("nms?tour=1", "nms?tour=2", "iou_losses?tour=1"), "Two lessons")
BOX = (("prediction", (1.0, 2.0, 30.0, 40.0)),)


@pytest.fixture(scope="module", params=["memory", "redis"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a server of rooms."""
    rooms = "" if request.param == "memory" else request.getfixturevalue("redis_address")
    process, address = serving.start(rooms=rooms)
    yield address
    serving.stop(process)


class Class:
    """A teacher and the students of one room, closed together."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stack = AsyncExitStack()

    async def client(self, hello: object, url: str = "") -> Client:
        """Somebody who enters, or tries to."""
        client = await Client(url or self.url).enter(hello)
        self.stack.push_async_callback(client.close)
        return client

    async def open(self) -> Client:
        """The teacher of a new room."""
        return await self.client(OPEN)

    async def join(self, teacher: Client, name: str = "", url: str = "") -> Client:
        """A new student."""
        return await self.client(said.Join(teacher.welcome["code"], name), url)


def play(url: str, script: Callable[[Class], Awaitable[None]]) -> None:
    """Runs a scene and closes what it opened."""

    async def whole() -> None:
        room = Class(url)
        async with room.stack:
            await script(room)

    run_coroutine(whole())


def test_a_lesson_from_the_door_to_the_table(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        code = teacher.welcome["code"]
        assert secret.read_code(code) == code
        ann = await room.join(teacher, " Ann\n")
        bob = await room.client(said.Join(code.lower(), "<img src=x onerror=alert(1)>"))
        assert (ann.welcome["name"], bob.welcome["name"]) == ("Ann", "<img src=x onerror=alert")
        assert "key" not in ann.welcome

        assert await teacher.ask(said.Show("nms?tour=2", 1)) == "ack"
        await teacher.ask(said.Ask("nms.pair"))
        for student in (ann, bob):
            await student.sees(link="nms?tour=2", step=1, question="nms.pair", paused=False)
        assert await ann.ask(said.Answer("nms.pair", "kept")) == "ack"
        assert await bob.ask(said.Answer("nms.pair", "removed")) == "ack"
        await teacher.sees(answered=2, counts={})
        assert await ann.ask(said.Reveal("nms.pair", "kept")) == "forbidden"
        await teacher.ask(said.Reveal("nms.pair", "removed"))
        await ann.sees(counts={"kept": 1, "removed": 1}, right="removed", revealed=["nms.pair"])
        assert await bob.ask(said.Answer("nms.pair", "kept")) == "late"

        await teacher.say(said.Drag("nms_view", BOX))
        await ann.until(lambda: ann.heard.get("drag", {}).get("boxes") == {"prediction": [1, 2, 30, 40]})
        await ann.say(said.Hand("nms_view", (240.0, 320.0), BOX, 0.5))
        assert await ann.ask(said.Work("nms.own", (("iou_threshold", "0.7"),), 2.0)) == "ack"
        assert await teacher.ask(said.Work("nms.own", (), 2.0)) == "forbidden"
        await ann.ask(said.Progress("nms", 2, 8, 1, False))
        await teacher.until(lambda: any(heard.get("works") for heard in teacher.all if heard["type"] == "hands"))
        await teacher.until(lambda: len(teacher.heard.get("hands", {}).get("hands", {})) == 1)
        await teacher.until(lambda: [each["solved"] for each in teacher.students] == [1, 0])
        assert not teacher.students[0]["follows"]
        await teacher.ask(said.Overlay("teacher"))
        await teacher.until(lambda: len(teacher.heard["overlay"]["hands"]) == 1)
        assert "overlay" not in bob.heard or bob.heard["overlay"]["hands"] == []
        await teacher.ask(said.Overlay("all"))
        await bob.until(lambda: len(bob.heard["overlay"]["hands"]) == 1)
        assert bob.heard["overlay"]["works"] == [{"place": "nms.own", "values": {"iou_threshold": "0.7"}, "value": 2}]
        await teacher.ask(said.Overlay("nobody"))
        await bob.until(lambda: bob.heard["overlay"]["hands"] == [])

        for message, seen in (
            (said.Gather(), {"gathered": 1}),
            (said.Pause(True), {"paused": True}),
            (said.Lock(True), {"locked": True}),
            (said.Door(True), {"door": True}),
        ):
            await teacher.ask(message)
            await bob.sees(**seen)
        assert (await room.join(teacher)).ended == "locked"
        await teacher.ask(said.Kick(bob.welcome["student"]))
        await bob.until(lambda: bob.ended == "kicked")
        again = await room.client(said.Resume(code, bob.welcome["student"], bob.welcome["token"]))
        assert again.ended == "kicked"

        await teacher.say(said.Results())
        await teacher.until(lambda: "results" in teacher.heard)
        assert "Ann,nms,2,1,kept" in teacher.heard["results"]["csv"]
        await teacher.ask(said.Close())
        await ann.until(lambda: ann.ended == "closed")
        assert (await room.join(teacher)).ended == "unknown"

    play(url, script)


def test_who_loses_the_network_comes_back_to_what_was_said_and_missed(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        ann = await room.join(teacher, "Ann")
        await teacher.ask(said.Show("nms?tour=1", 0))
        await ann.ask(said.Answer("nms.queue", "12"))
        await ann.drop()
        await teacher.sees(present=0)
        await teacher.ask(said.Show("iou_losses?tour=1", 2))
        resume = said.Resume(teacher.welcome["code"], ann.welcome["student"], ann.welcome["token"])
        ann = await room.client(resume)
        assert ann.welcome["answers"] == {"nms.queue": "12"}
        assert (ann.state["link"], ann.welcome["name"]) == ("iou_losses?tour=1", "Ann")
        assert await ann.ask(said.Answer("nms.queue", "12")) == "ack"  # said once more, since the answer was lost
        await teacher.sees(present=1)
        await teacher.drop()
        teacher = await room.client(said.Teach(teacher.welcome["code"], teacher.welcome["key"]))
        assert teacher.welcome["role"] == "teacher"
        await teacher.until(lambda: len(teacher.students) == 1)

    play(url, script)


def test_two_windows_of_one_teacher_and_of_one_student(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        board = await room.client(said.Teach(teacher.welcome["code"], teacher.welcome["key"]))
        ann = await room.join(teacher, "Ann")
        same = await room.client(said.Resume(ann.welcome["code"], ann.welcome["student"], ann.welcome["token"]))
        await board.ask(said.Show("nms?tour=1", 0))
        for client in (teacher, ann, same):
            await client.sees(link="nms?tour=1")
        await same.close()
        await ann.ask(said.Answer("nms.queue", "1"))
        await board.sees(present=1)

    play(url, script)


def test_who_tries_codes_is_shut_out(tmp_path: Path) -> None:
    process, url = serving.start()

    async def script() -> None:
        teacher = await Client(url).enter(OPEN)
        ann = await Client(url).enter(said.Join(teacher.welcome["code"], "Ann"))
        reasons: list[str] = []

        async def guess(number: int) -> None:
            for _ in range(number):
                async with connect(url.replace("http", "ws") + "/api/room", origin=url) as socket:  # type: ignore[arg-type]
                    await socket.send(json.dumps({"type": "join", "code": secret.new_code(), "name": ""}))
                    reasons.append(json.loads(await socket.recv())["reason"])

        await asyncio.gather(*(guess(50) for _ in range(4)))
        assert reasons.count("unknown") == MISSES_A_MINUTE
        assert reasons.count("slow") == 200 - MISSES_A_MINUTE
        assert await teacher.ask(said.Show("nms?tour=1", 0)) == "ack"  # who is in notices nothing
        await ann.sees(link="nms?tour=1")
        assert (await Client(url).enter(said.Join(teacher.welcome["code"], ""))).ended == "slow"  # the right one, late
        for client in (teacher, ann):
            await client.close()

    try:
        run_coroutine(script())
    finally:
        serving.stop(process)


@pytest.mark.parametrize("origin", ["http://evil.example", "", "null"])
def test_a_page_of_another_site_is_not_let_in(url: str, origin: str) -> None:
    async def script(room: Class) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await connect(room.url.replace("http", "ws") + "/api/room", origin=origin or None)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403

    play(url, script)


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        ("x" * 1_000_000, "closed 1009"),
        (b"{}", "closed 1009"),
    ],
)
def test_what_is_too_big_or_no_text_ends_the_connection_and_not_the_room(
    url: str, message: str | bytes, ends: str
) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        ann, bob = await room.join(teacher), await room.join(teacher)
        await ann.say(message)
        await ann.until(lambda: ann.ended == ends)
        assert await bob.ask(said.Answer("nms.pair", "kept")) == "ack"
        await teacher.sees(present=1)

    play(url, script)


@pytest.mark.parametrize("hello", ["x" * 1_000_000, "nonsense", '{"type": "pause", "on": true}', b"\x00"])
def test_a_first_message_that_is_none_lets_nobody_in(url: str, hello: str | bytes) -> None:
    async def script(room: Class) -> None:
        assert (await room.client(hello)).ended in ("closed 1009", "unreadable", "forbidden")

    play(url, script)


def test_forged_messages_of_a_teacher_change_nothing(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        ann, bob = await room.join(teacher, "Ann"), await room.join(teacher, "Bob")
        await teacher.ask(said.Show("nms?tour=1", 0))
        await teacher.ask(said.Ask("nms.pair"))
        for forged in (
            said.Show("iou_losses", -1),
            said.Reveal("nms.pair", "kept"),
            said.Kick(bob.welcome["student"]),
            said.Project(bob.welcome["student"]),
            said.Overlay("all"),
            said.Pause(True),
            said.Lock(True),
            said.Door(True),
            said.Gather(),
            said.Results(),
            said.Drag("nms_view", BOX),
            said.Close(),
        ):
            assert await ann.ask(forged) == "forbidden"
        stolen = said.Teach(teacher.welcome["code"], ann.welcome["token"])
        assert (await room.client(stolen)).ended == "unknown"
        await bob.ask(said.Answer("nms.pair", "kept"))
        await teacher.sees(answered=1, present=2, paused=False, locked=False, door=False, gathered=0, revealed=[])
        assert not {"drag", "results", "board", "hands"} & set(bob.heard)

    play(url, script)


def test_a_flood_ends_the_one_who_makes_it(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        ann, bob = await room.join(teacher), await room.join(teacher)
        text = json.dumps({"type": "alive"})
        while not ann.ended:
            await ann.say(text)
            await asyncio.sleep(0)  # what was said of it is heard in between
        await ann.until(lambda: bool(ann.ended))
        assert ann.ended == "flood"
        assert await bob.ask(said.Answer("nms.pair", "kept")) == "ack"

    play(url, script)


def test_nonsense_is_answered_for_a_while(url: str) -> None:
    async def script(room: Class) -> None:
        teacher = await room.open()
        ann = await room.join(teacher)
        for _ in range(25):
            await ann.say('{"type": "nothing"}')
        await ann.until(lambda: ann.ended == "flood")
        assert sum(heard["type"] == "refused" for heard in ann.all) >= 20

    play(url, script)


def test_one_room_on_two_servers(redis_address: str) -> None:
    one, one_url = serving.start(rooms=redis_address)
    two, two_url = serving.start(rooms=redis_address)

    async def script(room: Class) -> None:
        teacher = await room.open()
        ann, bob = await room.join(teacher, "Ann"), await room.join(teacher, "Bob", two_url)
        await teacher.sees(present=2)
        await teacher.ask(said.Show("nms?tour=2", 1))
        await teacher.ask(said.Ask("nms.pair"))
        await teacher.say(said.Drag("nms_view", BOX))
        for student in (ann, bob):
            await student.sees(link="nms?tour=2")
            await student.until(lambda student=student: "drag" in student.heard)
            assert await student.ask(said.Answer("nms.pair", "kept")) == "ack"
        await bob.say(said.Hand("nms_view", (240.0, 320.0), BOX, 0.5))
        assert await bob.ask(said.Work("nms.own", (("iou_threshold", "0.7"),), 2.0)) == "ack"
        await teacher.sees(answered=2)
        for kind in ("hands", "works"):
            await teacher.until(lambda kind=kind: any(heard[kind] for heard in teacher.all if heard["type"] == "hands"))
        serving.stop(two)  # a replica dies: its student goes on at the other
        await bob.until(lambda: bool(bob.ended))
        bob = await room.client(said.Resume(bob.welcome["code"], bob.welcome["student"], bob.welcome["token"]))
        assert bob.welcome["answers"] == {"nms.pair": "kept"}
        await teacher.ask(said.Reveal("nms.pair", "kept"))
        await bob.sees(counts={"kept": 2})

    try:
        play(one_url, script)
    finally:
        serving.stop(one)
        serving.stop(two)


def test_a_redis_that_loses_everything_is_given_back_what_was_acknowledged(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    process, url = serving.start(rooms=redis.address)

    async def script(room: Class) -> None:
        teacher = await room.open()
        ann = await room.join(teacher, "Ann")
        await teacher.ask(said.Show("nms?tour=1", 0))
        await teacher.ask(said.Ask("nms.queue"))
        assert await ann.ask(said.Answer("nms.queue", "12")) == "ack"
        redis.kill()
        assert await ann.ask(said.Answer("nms.queue", "13")) == "later"
        await teacher.say(said.Drag("nms_view", BOX))  # what nobody keeps goes on meanwhile
        await ann.until(lambda: "drag" in ann.heard)
        redis.start()
        answer = "later"
        while answer == "later" or answer == "unknown":
            await asyncio.sleep(0.2)  # as the browser waits between tries: who asks without a pause is not answered
            answer = await ann.ask(said.Answer("nms.queue", "14"))
        assert answer == "ack"
        await teacher.sees(answered=1)
        late = await room.join(teacher, "Late")
        assert late.state["question"] == "nms.queue"
        await teacher.ask(said.Reveal("nms.queue", "14"))
        await late.sees(counts={"14": 1})

    try:
        play(url, script)
    finally:
        serving.stop(process)
        redis.kill()
