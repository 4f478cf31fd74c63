"""One class on two replicas of the whole app behind the shipped nginx file: pages, uploads, a room, and a death."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.kit import tour
from pages.nms.tour import STEPS
from pages.rooms import messages as said
from tests.chromium import run_coroutine
from tests.pages.rooms.client import Client
from tests.replicas import Proxy, Reader, Replicas, Student, replicas

LINKS = tuple(f"nms?tour={number}" for number in range(1, len(STEPS) + 1))
BOX = (("prediction", (1.0, 2.0, 30.0, 40.0)),)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Two replicas behind a proxy."""
    with replicas(tmp_path_factory.mktemp("replicas")) as running:
        yield running


def title(number: int) -> str:
    """The heading of a step of the lesson."""
    return tour.words_of("nms", STEPS[number - 1], "en").title


def test_nginx_takes_the_shipped_file_without_a_remark(tmp_path: Path) -> None:
    assert Proxy(tmp_path, {"a": "127.0.0.1:8001", "b": "127.0.0.1:8002"}).check() == ""


@pytest.mark.timeout(600)
def test_a_class_on_two_replicas_goes_on_when_one_of_them_dies(running: Replicas) -> None:
    url = running.url

    def each_browser_stays_where_it_came_first() -> None:
        new = Reader(url)
        nodes = []
        for _ in range(10):
            assert new.get("/_stcore/health") == (200, b"ok")
            nodes.append(new.node)
        assert set(nodes) in ({"a"}, {"b"})
        assert {Reader(url).get("/_stcore/health")[0] for _ in range(4)} == {200}
        assert new.get("/_stcore/metrics")[0] == 404
        assert new.get(f"/nms?scene={'a' * 24_000}")[0] == 200  # an own lesson stands in its address

    async def script() -> None:
        teacher = await Client(url, cookie="a").enter(said.Open(LINKS, "NMS"))
        code = teacher.welcome["code"]
        ann, bob = Student(url, "a"), Student(url, "b")
        for student, node, other in ((ann, "a", "b"), (bob, "b", "a")):
            await student.join(code, LINKS[0])
            assert student.page.node == node
            assert student.page.pieces["room-bar"][1]["code"] == code
            photo = b"\x89PNG" + bytes(3_000_000)
            assert await student.page.upload("photo.png", photo) == 204
            assert await student.page.upload("photo.png", photo, node=other) == 400  # there the session is unknown
            _, data = student.page.pieces["nms-suppression"]
            assert student.page.get(data["payload"])[0] == 200
        await teacher.sees(present=2)

        await teacher.ask(said.Show(LINKS[2], 2))
        await teacher.ask(said.Ask("nms.pair"))
        for student, answer in ((ann, "kept"), (bob, "removed")):
            await student.follow(LINKS[2])
            assert f"#### {title(3)}" in student.page.texts
            assert await student.room.ask(said.Answer("nms.pair", answer)) == "ack"
        await teacher.sees(answered=2)
        await bob.room.say(said.Hand("nms_view", (240.0, 320.0), BOX, 0.5))
        await teacher.until(lambda: bob.room.welcome["student"] in teacher.heard.get("hands", {}).get("hands", {}))

        running.kill("b")
        for _ in range(4):  # whoever comes for the first time
            assert Reader(url).get("/_stcore/health") == (200, b"ok")
        await bob.come_back()
        assert bob.page.node == "a"
        assert f"#### {title(3)}" in bob.page.texts  # from the link that stood in the browser
        assert bob.page.pieces["room-bar"][1]["code"] == code
        assert bob.room.welcome["answers"] == {"nms.pair": "removed"}
        assert await bob.page.upload("photo.png", b"photo") == 204
        await teacher.ask(said.Reveal("nms.pair", "removed"))
        for student in (ann, bob):
            await student.room.sees(counts={"kept": 1, "removed": 1}, right="removed")
        await teacher.ask(said.Show(LINKS[3], 3))
        for student in (ann, bob):
            await student.follow(LINKS[3])
            assert f"#### {title(4)}" in student.page.texts
        again = await Client(url, cookie="b").enter(said.Teach(code, teacher.welcome["key"]))  # its replica is dead
        await again.until(lambda: bob.room.welcome["student"] in again.heard.get("hands", {}).get("hands", {}))
        for person in (teacher, again, ann, bob):
            await person.close()

    each_browser_stays_where_it_came_first()
    run_coroutine(script())
