"""What the server answers before any page runs: the first page's other address, and what strangers may not read."""

from __future__ import annotations

from typing import Any

import pytest

from pages.kit.server import Guard, headers_of


def ask(path: str, query: bytes = b"") -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of an answer; 299 where the request reached the app."""
    sent: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}
    with pytest.raises(StopIteration):  # nothing in it waits: one step leads to its end
        Guard(app)(scope, receive, send).send(None)
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/home", b"", b"./"),
        ("/course/home", b"lang=zh&present=1", b"./?lang=zh&present=1"),
    ],
)
def test_home_leads_to_the_first_page(path: str, query: bytes, location: bytes) -> None:
    status, headers = ask(path, query)
    assert (status, headers[b"location"]) == (307, location)


@pytest.mark.parametrize("path", ["/", "/nms", "/home/_stcore/health", "/fpn/home.png"])
def test_other_addresses_reach_the_app(path: str) -> None:
    status, headers = ask(path)
    assert status == 299
    assert b"content-security-policy" in headers


def test_measurements_are_closed() -> None:
    assert ask("/_stcore/metrics")[0] == 404


def test_a_replica_writes_its_name_into_a_cookie_for_the_proxy_and_an_only_server_writes_none() -> None:
    assert dict(headers_of("a"))[b"set-cookie"] == b"node=a; Path=/; HttpOnly; SameSite=Lax"
    assert b"set-cookie" not in dict(headers_of(""))
    assert b"set-cookie" not in dict(headers_of("a; Domain=evil.example"))
