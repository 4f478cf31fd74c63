"""One server for all browser tests of a process; their Chromium is the process's (tests/chromium.py).

In CI a test with many variants (concepts, widths, languages, methods) runs a quarter of them, drawn by the seed of the
run; ``make test`` elsewhere runs them all.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect

from tests.chromium import open_profile

expect.set_options(timeout=30_000)  # what a busy machine may need; a condition that holds is met at once

ROOT = Path(__file__).resolve().parents[2]
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Draws the variants that CI runs."""
    if not os.environ.get("CI") or os.environ.get("WALK_SEEDS"):
        return
    families: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    seed = config.getoption("randomly_seed", default=0)
    left: set[pytest.Item] = set()
    for name, family in families.items():
        drawn = random.Random(f"{seed} {name}").sample(family, k=ceil(len(family) / 4))
        left.update(set(family) - set(drawn))
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=sorted(left, key=lambda item: item.nodeid))


def free_port() -> int:
    """A port nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    script: Path, *, environment: dict[str, str] | None = None, port: int | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """Starts Streamlit on a script, at a free port if none is named, and waits until it is healthy."""
    port = port or free_port()
    options = {"port": str(port), "address": "127.0.0.1", "headless": "true"}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [word for name, value in options.items() for word in (f"--server.{name}", value)]
    log = subprocess.DEVNULL if os.environ.get("QUIET_SERVER") else None
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=log,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).read() == b"ok":
                return process, url
        except OSError:
            time.sleep(0.1)
        if process.poll() is not None:
            raise RuntimeError("the server ended before it was healthy")
    process.terminate()
    raise RuntimeError("the server did not become healthy within a minute")


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """Stops the server that this process started."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """Address of the running app."""
    process, url = start_server(ROOT / "app.py")
    yield url
    stop_server(process)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a small script of tests/browser/apps and returns its address; stopped at the end."""
    running: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def start(script: Path) -> str:
        if script not in running:
            running[script] = start_server(script)
        return running[script][1]

    yield start
    for process, _ in running.values():
        stop_server(process)


@dataclass
class Traffic:
    """WebSocket frames that a page sent, newest last."""

    sent: list[bytes | str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Counts from now on."""

        def opened(socket_: WebSocket) -> None:
            socket_.on("framesent", lambda payload: self.sent.append(payload))

        page.on("websocket", opened)


@pytest.fixture
def new_context(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes fresh contexts (no cookies, no session): ``new_context(width=390, height=844, dark=True, touch=True,
    locale="zh-CN")``."""
    made: list[BrowserContext] = []

    def make(
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        touch: bool = False,
        locale: str = "en-US",
        **options: object,
    ) -> BrowserContext:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            locale=locale,
            **options,
        )
        context.set_default_timeout(30_000)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page, English and light, that knows nothing of those before; a JavaScript error in it fails the test."""
    profile = open_profile()
    opened = profile.new_page()
    yield opened
    for one in profile.pages[1:]:  # a profile without a page closes
        if one.url.startswith("http"):
            one.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        one.close()
    profile.clear_cookies()


@pytest.fixture(autouse=True)
def no_javascript_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test whose ``page`` raised an uncaught error."""
    errors: list[str] = []
    if "page" in request.fixturenames:
        request.getfixturevalue("page").on("pageerror", lambda error: errors.append(str(error)))
    yield
    assert not errors, errors


# The server has nothing left to do, and nothing stands for a piece of the front end that is still being fetched.
SETTLED = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
  && ![...document.querySelectorAll('[data-testid=stSkeleton]')].some((each) => each.checkVisibility())"""


def settled(page: Page) -> None:
    """Waits until the page is drawn and the server has nothing left to do for it."""
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_function(SETTLED, timeout=90_000)


def idle(page: Page) -> None:
    """Waits until no run is going on and what came of the last one is drawn."""
    page.wait_for_function("() => !document.querySelector('[data-testid=stApp][data-test-script-state=running]')")
    page.evaluate(TWO_FRAMES)
