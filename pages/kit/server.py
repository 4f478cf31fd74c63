"""What the server does before and around every page: no visitor is needed for it, and no page can change it."""

from __future__ import annotations

import os
from typing import Any

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse

from pages.kit import platform
from pages.live.programs import ROUTES as PROGRAM_ROUTES
from pages.live.socket import ROUTES as LIVE_ROUTES
from pages.rooms.socket import ROUTES as ROOM_ROUTES

__all__ = ["MIDDLEWARE", "ROUTES", "prepare"]

FRAMES = os.environ.get("GRAD2BOX_FRAME_ANCESTORS", "'self'")
"""Who may show the app in a frame; a teacher who embeds it in a course page names that page's address here."""

NODE = os.environ.get("GRAD2BOX_NODE", "")
"""Name of this replica where a proxy keeps sessions apart by a cookie ``node``; empty where there is only one."""

_HOME = "/home"
_CLOSED = ("/_stcore/metrics",)


class Guard:
    """Closes what tells strangers about the server, and says in each answer what a browser may do with it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request; see the ASGI specification for the arguments."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith(_HOME):  # Streamlit knows the first page by the bare address alone
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"./?{query}" if query else "./")(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith(_CLOSED):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def headers_of(node: str) -> list[tuple[bytes, bytes]]:
    """What every answer carries.

    Args:
        node: name of this replica; with none there is no cookie.
    """
    cookie = [(b"set-cookie", f"node={node}; Path=/; HttpOnly; SameSite=Lax".encode())] if node.isalnum() else []
    return [
        (b"content-security-policy", f"frame-ancestors {FRAMES}".encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        *cookie,
    ]


_HEADERS = headers_of(NODE)
MIDDLEWARE = [Middleware(Guard)]
ROUTES = [*ROOM_ROUTES, *LIVE_ROUTES, *PROGRAM_ROUTES]


def prepare() -> None:
    """To be called once, when the server begins."""
    platform.ignore_pages_folder()
