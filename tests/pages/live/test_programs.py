"""The short way to what a program computes, as a browser, a crowd and strangers meet it; one server, without pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pages.autograd import state
from pages.kit import programs as kit_programs
from pages.kit.language import LANGUAGES
from pages.kit.programs import pack_program
from pages.live import programs
from pages.live.programs import LONGEST_MESSAGE, LONGEST_PROGRAM, RUNS_A_SECOND, Request, RequestError, read_request
from tests.chromium import run_coroutine
from tests.pages.rooms import serving
from vizcore.autograd.worker import run_in_worker

WITHIN = 60.0  # seconds for anything on a busy machine
SQUARE = "x = torch.tensor(3., requires_grad=True)\ny = x * x\ny.backward()\nprint(x.grad)"
ASKED = {"number": 7, "source": SQUARE, "seed": 3, "opened": 0, "language": "en"}


def written(**changes: object) -> str:
    return json.dumps({**ASKED, **changes})


def test_a_request_is_read() -> None:
    asked = read_request(written(source="a = 1\r\nb = 2", opened=5, language="zh"))
    assert (asked.number, asked.source, asked.seed, asked.opened, asked.language) == (7, "a = 1\nb = 2", 3, 5, "zh")
    read_request(written(source="\x00" * LONGEST_PROGRAM))  # each is written as six characters


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "1" * 5000,
        "[" * (LONGEST_MESSAGE - 1),
        written(source=["print(1)"]),
        written(source="x" * (LONGEST_PROGRAM + 1)),
        written(source="\ud800"),
        written(language="fr"),
        written(language=["en"]),
        written(seed=-1),
        written(seed=1000),
        written(seed=1.0),
        written(seed=True),
        written(seed=float("nan")),
        written(opened=10**6),
        written(opened=None),
        written(number=2**32),
        written(number="7"),
        written(source="x" * LONGEST_PROGRAM, other="x" * LONGEST_MESSAGE),
    ],
)
def test_anything_else_is_refused(text: str | None) -> None:
    with pytest.raises(RequestError):
        read_request(text)


def test_the_page_takes_what_the_short_way_takes() -> None:
    assert (state.MAX_LENGTH, state.MAX_OPENED) == (LONGEST_PROGRAM, programs.MOST_OPENED)
    assert state.SEED.read(str(programs.LARGEST_SEED)) == programs.LARGEST_SEED
    assert set(programs.LANGUAGES) == set(LANGUAGES)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process, address = serving.start()
    yield address
    serving.stop(process)


def enter(url: str, *, origin: str | None = None) -> Any:
    return connect(f"{url.replace('http', 'ws', 1)}/api/program", origin=origin or url, open_timeout=WITHIN)  # type: ignore[arg-type]


async def ask(socket: Any, **changes: object) -> tuple[int, bytes]:
    await socket.send(written(**changes))
    answer = await asyncio.wait_for(socket.recv(), WITHIN)
    return int.from_bytes(answer[:4], "little"), answer[4:]


def test_an_answer_is_what_the_page_would_send(url: str) -> None:
    noisy = "x = torch.randn(2, requires_grad=True)\nx.sum().backward()\nfor i in range(9):\n    y = x * i"

    async def play() -> None:
        async with enter(url) as socket:
            for number, source, opened in ((7, SQUARE, 0), (8, noisy, 5), (2**32 - 1, noisy, 0)):
                run = run_in_worker(source, 3, opened=(opened,) if opened else ())
                answer = await ask(socket, number=number, source=source, opened=opened)
                assert answer == (number, pack_program(run, "en", opened=opened))

    run_coroutine(play())


def test_an_error_is_said_in_the_readers_language_and_explained_by_the_page_alone(url: str) -> None:
    async def play() -> None:
        async with enter(url) as socket:
            twice = f"{SQUARE}\ny.backward()"
            _, packed = await ask(socket, source=twice)
            error = json.loads(packed)["error"]
            assert "a second time" in error["text"]
            assert error["explanation_text"] == ""
            assert error["explanation"] is None
            _, packed = await ask(socket, source="open('x')", language="zh")
            assert any("\u4e00" <= letter <= "\u9fff" for letter in json.loads(packed)["error"]["text"])

    run_coroutine(play())


def test_a_runaway_program_ends_and_another_socket_is_answered_meanwhile(url: str) -> None:
    async def play() -> None:
        async with enter(url) as bad, enter(url) as good:
            await bad.send(written(source="x = torch.ones(64, 64)\nwhile True: x = torch.matrix_exp(x * 0)"))
            _, packed = await ask(good)
            assert json.loads(packed)["error"] is None
            stopped = await asyncio.wait_for(bad.recv(), WITHIN)
            assert json.loads(stopped[4:])["error"]["kind"] == "limit"
            assert (await ask(bad, number=9))[0] == 9

    run_coroutine(play())


def test_a_question_that_was_overtaken_goes_behind_the_newest(monkeypatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(kit_programs, "put_behind", lambda *asked: calls.append(("behind", *asked)))
    monkeypatch.setattr(kit_programs, "answer_program", lambda *asked: calls.append(("answer", *asked)) or b"")
    first, newest = (read_request(written(source=f"w = {number}", opened=5)) for number in (1, 2))
    programs._answer(newest, (first, newest))
    assert calls == [("behind", "w = 1", 3, 5), ("answer", "w = 2", 3, 5, "en")]


def test_the_newest_question_knows_which_it_overtakes(monkeypatch) -> None:
    overtakes: dict[str, list[str]] = {}
    newest_came = threading.Event()
    messages = iter([written(source="w = 1"), written(source="w = 2")])

    def answer(asked: Request, overtaken: tuple[Request, ...]) -> bytes:
        overtakes[asked.source] = [other.source for other in overtaken]
        if asked.source == "w = 2":
            newest_came.set()
        assert newest_came.wait(WITHIN)
        return b""

    async def receive(socket: object, seconds: float) -> dict[str, str]:
        text = next(messages, None)
        if text is None:
            await asyncio.to_thread(newest_came.wait, WITHIN)
            raise WebSocketDisconnect
        return {"text": text}

    async def play() -> None:
        with contextlib.suppress(ExceptionGroup):
            await programs._serve(AsyncMock())

    monkeypatch.setattr(programs, "_answer", answer)
    monkeypatch.setattr(programs, "receive_message", receive)
    run_coroutine(play())
    assert overtakes == {"w = 1": [], "w = 2": ["w = 1"]}


def test_pages_of_others_are_refused(url: str) -> None:
    async def play() -> None:
        with pytest.raises(InvalidStatus) as refused:
            await enter(url, origin="https://elsewhere.example")
        assert refused.value.response.status_code == 403

    run_coroutine(play())


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["run"], 1003),
        ([b"\0"], 1003),
        ([written(seed=-1)], 1003),
        ([written(), written(language="")], 1003),
        (["x" * (LONGEST_MESSAGE + 1)], 1003),
        ([written()] * (3 * int(RUNS_A_SECOND)), 1008),
    ],
    ids=["no-json", "bytes", "seed", "later", "long", "flood"],
)
def test_what_our_page_does_not_send_ends_the_socket(url: str, messages: list[str | bytes], code: int) -> None:
    async def play() -> None:
        async with enter(url) as socket:
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    await socket.send(message)
                while True:
                    await asyncio.wait_for(socket.recv(), WITHIN)
            assert socket.close_code == code

    run_coroutine(play())
