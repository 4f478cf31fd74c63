"""A class of sixty on one process: ``python -m tests.benchmarks.rooms [students]``.

Sixty students at the level of the socket's protocol, one teacher. One table holds the figures that decide how it
feels, each beside its bound and as a ratio of it (at most 1 is kept): how long a step takes to reach everyone, how
often a drag is followed and how late, whether sixty answers in one second all count, how often the board is told anew,
what a student costs in memory, how it goes beside somebody hostile; what 500 rooms leave behind, and how long a student
is away whose connection, server or Redis was killed; and the same on two replicas of the whole app behind nginx. A
second table holds what the hostile are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pages.rooms import messages as said
from pages.rooms import secret
from pages.rooms.hub import Hub
from pages.rooms.reading import write_message
from pages.rooms.seats import Seat
from pages.rooms.store import MemoryStore
from tests.pages.rooms import serving
from tests.pages.rooms.client import Client
from tests.redis_server import RedisServer
from tests.replicas import NODES, Reader, Replicas, Student, replicas

OPEN = said.Open(tuple(f"nms?tour={number}" for number in range(1, 9)), "NMS")
NUM_STUDENTS = 60
STEPS = 20
DRAG_SECONDS, DRAG_RATE = 5.0, 20


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        values: all that were; a single one has no percentiles.
        bound: that the 95th percentile may not pass.
        unit: of both.
        at_least: whether the bound is a least value, for rates and counts.
    """

    name: str
    values: tuple[float, ...]
    bound: float
    unit: str
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """How much of the bound is used; at most 1 is kept."""
        worst = percentile(self.values, 0.05 if self.at_least else 0.95)
        if self.at_least:
            return self.bound / worst if worst else math.inf
        return worst / self.bound

    def __str__(self) -> str:
        middle, worst = percentile(self.values, 0.5), percentile(self.values, 0.05 if self.at_least else 0.95)
        bound = f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"
        return f"{self.name:<44}{len(self.values):>6}{middle:>10.3g}{worst:>10.3g}   {bound:<22}{self.ratio:>6.2f}"


def print_table(figures: list[Figure]) -> None:
    """All figures of a run, with the load that they were measured under."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'figure':<44}{'count':>6}{'p50':>10}{'p95':>10}   {'bound':<22}{'ratio':>6}")
    for figure in figures:
        print(figure)


def percentile(values: tuple[float, ...] | list[float], share: float) -> float:
    """A percentile, by rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def memory(process: subprocess.Popen[bytes]) -> float:
    """Resident megabytes of a process."""
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) / 1024


async def fill(url: str, number: int) -> tuple[Client, list[Client]]:
    """A room with so many students."""
    teacher = await Client(url).enter(OPEN)
    hello = said.Join(teacher.welcome["code"], "Student")
    return teacher, [await Client(url).enter(hello) for _ in range(number)]


async def empty(teacher: Client, students: list[Client]) -> None:
    """Everyone goes; the room is closed."""
    await teacher.say(said.Close())
    for client in (teacher, *students):
        await client.close()


async def measure_steps(teacher: Client, students: list[Client]) -> list[float]:
    """Seconds from the teacher's press to each student."""
    taken: list[float] = []
    for number in range(STEPS):
        link, view = OPEN.links[number % 8], teacher.state["view"] + 1
        began = time.perf_counter()

        async def arrives(student: Client, view: int = view, began: float = began) -> None:
            await student.until(lambda: student.state["view"] >= view)
            taken.append(time.perf_counter() - began)

        waiting = [asyncio.create_task(arrives(student)) for student in students]
        await teacher.say(said.Show(link, number % 8))
        await asyncio.gather(*waiting)
    return taken


async def measure_drag(teacher: Client, students: list[Client]) -> tuple[float, list[float]]:
    """Positions a second that the slowest student heard of, and how late each was."""
    late: list[float] = []
    heard = dict.fromkeys(students, 0)
    for student in students:
        student.heard.pop("drag", None)

    async def follow(student: Client) -> None:
        seen = [-1.0]

        def is_news() -> bool:
            drag = student.heard.get("drag")
            return drag is not None and drag["boxes"]["b"][0] != seen[0]

        while True:
            await student.until(is_news)
            seen[0] = student.heard["drag"]["boxes"]["b"][0]
            late.append(time.perf_counter() % 1000 - seen[0])
            heard[student] += 1

    following = [asyncio.create_task(follow(student)) for student in students]
    for _ in range(int(DRAG_SECONDS * DRAG_RATE)):
        await teacher.say(said.Drag("nms_view", (("b", (round(time.perf_counter() % 1000, 3),)),)))
        await asyncio.sleep(1 / DRAG_RATE)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    return min(heard.values()) / DRAG_SECONDS, late


async def measure_answers(teacher: Client, students: list[Client]) -> tuple[int, float, float]:
    """How many of a second's answers were counted, when the last was, and how often the board was told meanwhile."""
    await teacher.ask(said.Ask("nms.pair"))
    boards = sum(heard["type"] == "board" for heard in teacher.all)
    began = time.perf_counter()

    async def give(number: int, student: Client) -> None:
        await asyncio.sleep(number / len(students))
        assert await student.ask(said.Answer("nms.pair", "kept")) == "ack"

    await asyncio.gather(*(give(number, student) for number, student in enumerate(students)))
    await teacher.sees(answered=len(students))
    seconds = time.perf_counter() - began
    await teacher.ask(said.Reveal("nms.pair", "kept"))
    await students[0].until(lambda: bool(students[0].state["counts"]))
    boards = sum(heard["type"] == "board" for heard in teacher.all) - boards
    return students[0].state["counts"]["kept"], seconds, boards / seconds


async def guess(url: str, number: int) -> dict[str, int]:
    """What so many codes are answered."""
    reasons: dict[str, int] = {}

    async def some(count: int) -> None:
        for _ in range(count):
            async with connect(url.replace("http", "ws") + "/api/room", origin=url) as socket:  # type: ignore[arg-type]
                await socket.send(json.dumps({"type": "join", "code": secret.new_code(), "name": ""}))
                reason = json.loads(await socket.recv())["reason"]
                reasons[reason] = reasons.get(reason, 0) + 1

    await asyncio.gather(*(some(number // 20) for _ in range(20)))
    return reasons


async def say_hostile(url: str, text: str, number: int, seconds: float) -> str:
    """What ends somebody who says one thing so many times within so long; the reason, or what is left unsaid."""
    teacher = await Client(url).enter(OPEN)
    student = await Client(url).enter(said.Join(teacher.welcome["code"], "<img src=x onerror=alert(1)>\u202e"))
    assert "\u202e" not in student.welcome["name"]
    began = time.perf_counter()
    with contextlib.suppress(ConnectionClosed):
        for count in range(number):
            await student.socket.send(text)
            await asyncio.sleep(max(0.0, began + seconds * count / number - time.perf_counter()))
        await asyncio.sleep(0.2)
    refused = sum(heard["type"] == "refused" for heard in student.all)
    answer = "; ".join(
        sorted({str(heard.get("reason")) for heard in student.all if heard["type"] in ("refused", "gone")})
    )
    closed = student.socket.close_code
    await empty(teacher, [student])
    return f"{refused} refused, {answer or 'nothing said'}, {f'closed with {closed}' if closed else 'still in'}"


async def hostile(url: str) -> dict[str, str]:
    """What the hostile are answered, by what they do."""
    forged = write_message(said.Reveal("nms.pair", "kept"), id="1")
    cases = {
        "forged teacher's messages, 30": say_hostile(url, forged, 30, 1.0),
        "1 MB messages": say_hostile(url, json.dumps({"type": "answer", "value": "x" * 1_000_000}), 3, 0.1),
        "1,000 messages in one second": say_hostile(url, '{"type": "alive"}', 1000, 1.0),
        "no JSON, 30 times": say_hostile(url, "{", 30, 0.5),
    }
    answers = {name: await case for name, case in cases.items()}
    answers["10,000 codes"] = ", ".join(
        f"{count} {reason}" for reason, count in sorted((await guess(url, 10_000)).items())
    )
    return answers


@contextlib.asynccontextmanager
async def beside(hostile_one: Client) -> AsyncIterator[None]:
    """One student says 1,000 things a second meanwhile, and comes again when thrown out."""

    async def shout() -> None:
        client, code = hostile_one, hostile_one.welcome["code"]
        while True:
            try:
                await client.socket.send('{"type": "alive"}')
                await asyncio.sleep(0.001)
            except ConnectionClosed:
                await asyncio.sleep(0.05)
                client = await Client(client.origin).enter(said.Join(code, "again"))

    task = asyncio.create_task(shout())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def come_back(url: str, student: Client, began: float, *, cookie: str = "") -> float:
    """Seconds until a student who lost the server is in again, with the waits that the browser makes."""
    wait = 0.25
    hello = said.Resume(student.welcome["code"], student.welcome["student"], student.welcome["token"])
    while True:
        try:
            client = await Client(url, cookie=cookie).enter(hello)
            if not client.ended:
                await client.close()
                return time.perf_counter() - began
        except (OSError, InvalidHandshake, EOFError, ConnectionClosed):
            pass
        await asyncio.sleep(wait * 0.75)
        wait = 0.5


async def one_process(num_students: int) -> tuple[list[Figure], dict[str, str]]:
    """The figures of one process in memory, and what the hostile are answered."""
    process, url = serving.start()
    try:
        warm = await fill(url, 5)
        await empty(*warm)
        before = memory(process)
        teacher, students = await fill(url, num_students)
        grown = (memory(process) - before) / num_students
        steps = await measure_steps(teacher, students)
        rate, late = await measure_drag(teacher, students)
        counted, seconds, boards = await measure_answers(teacher, students)
        shouting = await Client(url).enter(said.Join(teacher.welcome["code"], "loud"))
        async with beside(shouting):
            disturbed = await measure_steps(teacher, students)
        await empty(teacher, students)
        blinks = []
        teacher, (ann,) = await fill(url, 1)
        for _ in range(10):
            began = time.perf_counter()
            await ann.socket.close()
            blinks.append(await come_back(url, ann, began))
        await empty(teacher, [])
        answers = await hostile(url)
    finally:
        serving.stop(process)
    return [
        Figure("a step reaches all", tuple(1e3 * value for value in steps), 300, "ms"),
        Figure("the same beside 1,000 messages a second", tuple(1e3 * value for value in disturbed), 300, "ms"),
        Figure("a drag is followed so late", tuple(1e3 * value for value in late), 250, "ms"),
        Figure("a drag is followed so often, the slowest", (rate,), 10, "a second", at_least=True),
        Figure("answers counted of a second's", (counted,), num_students, "", at_least=True),
        Figure("all of them are known after", (seconds,), 2, "s"),
        Figure("the board is told meanwhile", (boards,), 2, "a second", at_least=True),
        Figure("memory of a student", (1024 * grown,), 1024, "kB"),
        Figure("a connection is killed: away", tuple(blinks), 5, "s"),
    ], answers


async def many_rooms() -> Figure:
    """What 500 rooms leave behind. Each address may open so many a minute: the server is told of many addresses."""
    store = MemoryStore()
    hub = Hub(store)
    left = []
    for number in range(500):
        seat: Seat = hub.connect(f"10.0.{number // 250}.{number % 250}")
        await hub.greet(seat, write_message(OPEN))
        await hub.hear(seat, write_message(said.Close()))
        await hub.leave(seat)
        left.append(float(len(hub.rooms) + len(store) + hub.num_seats))
    return Figure("rooms and seats left of 500", tuple(left), 1, "")


def spent(process: subprocess.Popen[bytes]) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def deaths() -> list[Figure]:
    """How long a student is away when a replica, Redis or the only server dies, and what is lost."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder), keeps=True)
        one, url = serving.start(rooms=redis.address)
        two, other = serving.start(rooms=redis.address)
        try:
            teacher = await Client(url).enter(OPEN)
            ann = await Client(other).enter(said.Join(teacher.welcome["code"], "Ann"))
            await teacher.ask(said.Ask("nms.pair"))
            assert await ann.ask(said.Answer("nms.pair", "kept")) == "ack"
            began = time.perf_counter()
            serving.stop(two)
            replica = await come_back(url, ann, began)
            ann = await Client(url).enter(
                said.Resume(ann.welcome["code"], ann.welcome["student"], ann.welcome["token"])
            )
            began = time.perf_counter()
            redis.kill()
            await asyncio.sleep(0.5)
            redis.start()
            while await ann.ask(said.Answer("nms.queue", "12")) != "ack":
                await asyncio.sleep(0.1)
            store = time.perf_counter() - began
            port = int(url.rpartition(":")[2])
            began = time.perf_counter()
            serving.stop(one)
            away = asyncio.create_task(come_back(url, ann, began))  # tries while the server starts, as browsers do
            one, url = await asyncio.to_thread(serving.start, rooms=redis.address, port=port)
            started, cpu = time.perf_counter() - began, spent(one)
            back = await away
            teacher = await Client(url).enter(said.Teach(teacher.welcome["code"], teacher.welcome["key"]))
            await teacher.say(said.Results())
            await teacher.until(lambda: "results" in teacher.heard)
            csv = teacher.heard["results"]["csv"]
            print(f"the only server: its start took {started:.2f} s, of which {cpu:.2f} s were spent on a core;")
            print(f"  a student was back {back - started:+.2f} s after it answered")
            return [
                Figure("a replica is killed: away", (replica,), 5, "s"),
                Figure("Redis is killed: an answer is kept after", (store,), 5, "s"),
                Figure("the only server is killed: away", (back,), 5, "s"),
                Figure("of which after its start", (max(0.0, back - started),), 1, "s"),
                Figure("acknowledged answers that are kept", (("kept" in csv) + ("12" in csv),), 2, "", at_least=True),
            ]
        finally:
            serving.stop(one)
            redis.kill()


async def measure_works(teacher: Client, students: list[Client]) -> tuple[list[float], float]:
    """Seconds until the teacher has each student's hand, and until one who comes anew has all of them."""
    box = (("prediction", (1.0, 2.0, 30.0, 40.0)),)

    def hands(client: Client) -> set[str]:
        return {who for heard in client.all if heard["type"] == "hands" for who in heard["hands"]}

    async def seen(student: Client) -> float:
        began = time.perf_counter()
        await student.say(said.Hand("nms_view", (240.0, 320.0), box, 0.5))
        await student.say(said.Work("nms.own", (("iou_threshold", "0.7"),), 2.0))
        await teacher.until(lambda: student.welcome["student"] in hands(teacher))
        return time.perf_counter() - began

    taken = await asyncio.gather(*(seen(student) for student in students))
    began = time.perf_counter()
    late = await Client(teacher.origin, cookie="b").enter(said.Teach(teacher.welcome["code"], teacher.welcome["key"]))
    await late.until(lambda: len(hands(late)) == len(students))
    seconds = time.perf_counter() - began
    await late.close()
    return list(taken), seconds


async def class_on_replicas(running: Replicas, num_students: int) -> list[Figure]:
    """A class of which each replica has one half, behind the proxy; nobody dies."""
    teacher = await Client(running.url, cookie="a").enter(OPEN)
    hello = said.Join(teacher.welcome["code"], "Student")
    students = [await Client(running.url, cookie=NODES[number % 2]).enter(hello) for number in range(num_students)]
    steps = await measure_steps(teacher, students)
    rate, late = await measure_drag(teacher, students)
    works, again = await measure_works(teacher, students)
    counted, seconds, boards = await measure_answers(teacher, students)
    await empty(teacher, students)
    return [
        Figure("two replicas: a step reaches all", tuple(1e3 * value for value in steps), 300, "ms"),
        Figure("a drag is followed so late", tuple(1e3 * value for value in late), 250, "ms"),
        Figure("a drag is followed so often, the slowest", (rate,), 10, "a second", at_least=True),
        Figure("a student's stage is on the board after", tuple(works), 1, "s"),
        Figure("a teacher who comes anew has all stages after", (again,), 1, "s"),
        Figure("answers counted of a second's", (counted,), num_students, "", at_least=True),
        Figure("all of them are known after", (seconds,), 2, "s"),
        Figure("the board is told meanwhile", (boards,), 2, "a second", at_least=True),
    ]


async def deaths_of_replicas(running: Replicas, num_pages: int = 4) -> list[Figure]:
    """What a death costs students of the whole app: pages, sockets, answers; first of one replica, then of the other.

    The other dies when the first is back, and knows nothing but what Redis has.
    """
    teacher = await Client(running.url, cookie="a").enter(OPEN)
    code = teacher.welcome["code"]
    students = [Student(running.url, "b") for _ in range(num_pages)]
    for student in (Student(running.url, "a"), *students):  # one more, so that each replica has shown a page before
        await student.join(code, OPEN.links[0])
        if student.page.node == "a":
            await student.close()
    away: dict[str, list[float]] = {}
    for dies, lives, question in (("b", "a", "nms.pair"), ("a", "b", "nms.queue")):
        await teacher.ask(said.Ask(question))
        for student in students:
            assert await student.room.ask(said.Answer(question, "kept")) == "ack"
        began = time.perf_counter()

        async def back(student: Student, dies: str = dies, began: float = began) -> None:
            await student.come_back()
            away.setdefault(dies, []).append(time.perf_counter() - began)

        waiting = [asyncio.create_task(back(student)) for student in students]
        await asyncio.to_thread(running.kill, dies)
        await asyncio.gather(*waiting)
        assert {student.page.node for student in students} == {lives}
        assert all("room-bar" in student.page.pieces for student in students)
        await asyncio.to_thread(running.start, dies)
        assert all(student.page.get("/_stcore/health") == (200, b"ok") for student in students)
        assert {student.page.node for student in students} == {lives}  # who moved stays
        if dies == "b":  # opens a page where none was opened yet, as other visitors would
            await Reader(running.url, "b").open_link(OPEN.links[0])
        else:
            teacher = await Client(running.url, cookie="a").enter(said.Teach(code, teacher.welcome["key"]))
    kept = [len(student.room.welcome["answers"]) for student in students]
    for student in students:
        await student.close()
    await empty(teacher, [])
    return [
        Figure("a replica is killed: page and room away", tuple(away["b"]), 5, "s"),
        Figure("the other one, when the first is back", tuple(away["a"]), 5, "s"),
        Figure("acknowledged answers that are kept", (sum(kept),), 2 * num_pages, "", at_least=True),
    ]


async def hang(running: Replicas) -> Figure:
    """How long a student is away whose replica hangs: its process is stopped, and its sockets stay open."""
    student = Student(running.url, "b")
    teacher = await Client(running.url, cookie="a").enter(OPEN)
    await student.join(teacher.welcome["code"], OPEN.links[0])
    began = time.perf_counter()
    running.processes["b"].send_signal(signal.SIGSTOP)
    try:
        await student.come_back()
        seconds = time.perf_counter() - began
        assert student.page.node == "a"
    finally:
        running.processes["b"].send_signal(signal.SIGCONT)
    await student.close()
    await empty(teacher, [])
    return Figure("a replica hangs: page and room away", (seconds,), 150, "s")


async def behind_a_proxy(num_students: int) -> list[Figure]:
    """Two replicas of the whole app behind nginx."""
    with tempfile.TemporaryDirectory() as folder, replicas(Path(folder)) as running:
        figures = await class_on_replicas(running, num_students)
        return [*figures, *await deaths_of_replicas(running), await hang(running)]


async def main() -> None:
    """All of it."""
    num_students = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_STUDENTS
    figures, answers = await one_process(num_students)
    figures += [await many_rooms(), *await deaths()]
    if shutil.which("nginx"):
        figures += await behind_a_proxy(num_students)
    print_table(figures)
    print("what the hostile are answered:")
    for name, answer in answers.items():
        print(f"  {name:<34}{answer}")


if __name__ == "__main__":
    asyncio.run(main())
