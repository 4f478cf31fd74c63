"""A server of rooms without pages: ``python -m tests.pages.rooms.server PORT``."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.kit.server import MIDDLEWARE, ROUTES

HEALTH = Route("/_stcore/health", lambda _request: PlainTextResponse("ok"))
app = Starlette(routes=[*ROUTES, HEALTH], middleware=MIDDLEWARE)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
