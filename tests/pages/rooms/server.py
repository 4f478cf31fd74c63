"""A server of rooms without pages: ``python -m tests.pages.rooms.server PORT``."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.rooms.socket import ROUTES

app = Starlette(routes=[*ROUTES, Route("/_stcore/health", lambda _request: PlainTextResponse("ok"))])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
