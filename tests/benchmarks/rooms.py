"""A class of sixty on one process: ``python -m tests.benchmarks.rooms [students]``.

Sixty students at the level of the socket's protocol, one teacher. One table holds the figures that decide how it
feels, each beside its bound and as a ratio of it (at most 1 is kept): how long a step takes to reach everyone, how
often a drag is followed and how late, whether sixty answers in one second all count, how often the board is told anew,
what a student costs in memory, how it goes beside somebody hostile; what 500 rooms leave behind, and how long a student
is away whose connection, server or Redis was killed. A second table holds what the hostile are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
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
from tests.browser.conftest import ROOT, free_port
from tests.pages.rooms import serving
from tests.pages.rooms.client import Client
from tests.redis_server import RedisServer

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


async def hostile(url: str) -> None:
    """The second table."""
    forged = write_message(said.Reveal("nms.pair", "kept"), id="1")
    cases = {
        "forged teacher's messages, 30": say_hostile(url, forged, 30, 1.0),
        "1 MB messages": say_hostile(url, json.dumps({"type": "answer", "value": "x" * 1_000_000}), 3, 0.1),
        "1,000 messages in one second": say_hostile(url, '{"type": "alive"}', 1000, 1.0),
        "no JSON, 30 times": say_hostile(url, "{", 30, 0.5),
    }
    for name, case in cases.items():
        print(f"  {name:<34}{await case}")


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


async def one_process(num_students: int) -> list[Figure]:
    """The figures of one process in memory."""
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
        print("what the hostile are answered:")
        await hostile(url)
        print(f"  {'10,000 codes':<34}{await guess(url, 10_000)}")
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
    ]


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


def node_of(url: str, cookie: str = "") -> str:
    """Which replica answers at an address."""
    request = urllib.request.Request(f"{url}/_stcore/health", headers={"Cookie": f"node={cookie}"} if cookie else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.headers["Set-Cookie"]).partition("=")[2].partition(";")[0]


async def behind_a_proxy() -> None:
    """Two replicas behind nginx as ``deploy/nginx.conf`` sets it up: who is sent where, and what a death costs."""
    nginx = shutil.which("nginx")
    if nginx is None:
        print("no nginx here: the proxy is not tried")
        return
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder), keeps=True)
        a, a_url = serving.start(rooms=redis.address, node="a")
        b, b_url = serving.start(rooms=redis.address, node="b")
        port = free_port()
        text = (
            (ROOT / "deploy" / "nginx.conf")
            .read_text(encoding="utf-8")
            .replace("listen 8080", f"listen 127.0.0.1:{port}")
        )
        for name, address in (("a", a_url), ("b", b_url)):
            text = text.replace(f"server {name}:8501", f"server {address.removeprefix('http://')}")
        conf = Path(folder) / "nginx.conf"
        conf.write_text(f"pid {folder}/nginx.pid; error_log stderr; daemon off;\n{text}", encoding="utf-8")
        proxy = subprocess.Popen([nginx, "-p", folder, "-c", str(conf)], stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        try:
            while proxy.poll() is None:
                with contextlib.suppress(OSError):
                    node_of(url)
                    break
                await asyncio.sleep(0.05)
            kept = {cookie: {node_of(url, cookie) for _ in range(20)} for cookie in ("a", "b")}
            print(f"behind nginx: by cookie {kept}, without one {sorted({node_of(url) for _ in range(20)})}")
            teacher = await Client(url, cookie="b").enter(OPEN)
            ann = await Client(url, cookie="a").enter(said.Join(teacher.welcome["code"], "Ann"))
            await teacher.ask(said.Show("nms?tour=2", 1))
            await ann.sees(link="nms?tour=2")
            assert await ann.ask(said.Answer("nms.pair", "kept")) == "ack"
            began = time.perf_counter()
            serving.stop(a)
            away = await come_back(url, ann, began, cookie="a")
            taken = node_of(url, "a")
            a, _ = serving.start(rooms=redis.address, node="a", port=int(a_url.rpartition(":")[2]))
            stays = {node_of(url, taken) for _ in range(20)}
            print(f"  replica a is killed: back after {away:.2f} s, on {taken}")
            print(f"  when a is there again, the session stays on {stays}")
            await teacher.close()
        finally:
            proxy.terminate()
            proxy.wait()
            serving.stop(a)
            serving.stop(b)
            redis.kill()


async def main() -> None:
    """All of it."""
    figures = await one_process(int(sys.argv[1]) if len(sys.argv) > 1 else NUM_STUDENTS)
    figures += [await many_rooms(), *await deaths()]
    await behind_a_proxy()
    print_table(figures)


if __name__ == "__main__":
    asyncio.run(main())
