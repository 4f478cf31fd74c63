"""The live socket as a browser, a crowd and strangers meet it; one server, without pages."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pages.live.frames import LONGEST_FRAME
from pages.live.socket import MOST_SESSIONS
from tests.chromium import run_coroutine
from tests.pages.live.test_frames import picture
from tests.pages.rooms import serving
from vizcore.data.photos import load_sample

WITHIN = 60.0  # seconds for anything on a busy machine


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process, address = serving.start()
    yield address
    serving.stop(process)


def enter(url: str, *, origin: str | None = None) -> Any:
    return connect(f"{url.replace('http', 'ws', 1)}/api/live", origin=origin or url, open_timeout=WITHIN)  # type: ignore[arg-type]


async def hear(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(socket.recv(), WITHIN))  # type: ignore[no-any-return]


def portrait() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(load_sample("astronaut").pixels[:300, :400]).resize((320, 240)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def test_frames_are_answered_one_by_one_while_the_server_answers_others(url: str) -> None:
    async def play() -> None:
        async with enter(url) as socket:
            await socket.send(json.dumps({"detector": "mtcnn"}))
            assert await hear(socket) == {"type": "ready", "detector": "mtcnn"}
            for content, faces in ((portrait(), 1), (picture(), 0)):
                await socket.send(content)
                found = await hear(socket)
                assert found["type"] == "found"
                assert found["size"] == [240, 320]
                assert len(found["scores"]) == faces
                assert [stage["name"] for stage in found["stages"]] == ["P-Net", "R-Net", "O-Net"]
                assert len(found["landmarks"]) == faces
                assert found["windows"] > 1000

    run_coroutine(play())


def test_the_cascade_of_opencv_answers_too(url: str) -> None:
    async def play() -> None:
        async with enter(url) as socket:
            await socket.send(json.dumps({"detector": "haar_face"}))
            await hear(socket)
            await socket.send(portrait())
            found = await hear(socket)
            windows, faces = (stage["count"] for stage in found["stages"])
            assert windows > faces >= 1
            assert set(found["scores"]) == {None}

    run_coroutine(play())


def test_so_many_cameras_and_no_more(url: str) -> None:
    async def play() -> None:
        sockets = []
        for _ in range(MOST_SESSIONS):
            sockets.append(await enter(url))
            await sockets[-1].send(json.dumps({"detector": "mtcnn"}))
            assert (await hear(sockets[-1]))["type"] == "ready"
        async with enter(url) as late:
            assert await hear(late) == {"type": "gone", "reason": "full", "most": MOST_SESSIONS}
        await sockets[0].close()
        async with enter(url) as next_:  # a place that was left is free
            await next_.send(json.dumps({"detector": "mtcnn"}))
            assert (await hear(next_))["type"] == "ready"
        for socket in sockets:
            await socket.close()

    run_coroutine(play())


def test_pages_of_others_are_refused(url: str) -> None:
    async def play() -> None:
        with pytest.raises(InvalidStatus) as refused:
            await enter(url, origin="https://elsewhere.example")
        assert refused.value.response.status_code == 403

    run_coroutine(play())


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["hello"], 1003),
        ([b"\xff\xd8"], 1003),
        (['{"detector": "mtcnn"}', "a text"], 1003),
        (['{"detector": "mtcnn"}', picture((400, 300))], 1003),
        (['{"detector": "mtcnn"}', b"\0" * (LONGEST_FRAME + 1)], 1003),
        (['{"detector": "mtcnn"}', *[picture((16, 16))] * 80], 1008),
    ],
    ids=["no-json", "frame-first", "text", "large", "long", "flood"],
)
def test_what_our_pages_do_not_send_ends_the_session(url: str, messages: list[str | bytes], code: int) -> None:
    async def play() -> None:
        async with enter(url) as socket:
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    await socket.send(message)
                while True:
                    await hear(socket)
            assert socket.close_code == code

    run_coroutine(play())
