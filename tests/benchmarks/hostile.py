"""One learner steps on while others open hostile programs through a link, on a running server.

``python -m tests.benchmarks.hostile [programs]`` starts the app. One session opens the lab and asks for its picture
again and again, as a step that is stored does; meanwhile a second one opens each of the hostile programs of the tests
by its link, one after the other (a number takes so many of them, evenly spread). It prints p50 and p95 of the first
session's steps, with and without the hostile links, and the hostile link during which the slowest step fell.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from urllib.parse import urlencode

from tests.benchmarks.load import Session, memory_of
from tests.browser.conftest import ROOT, start_server, stop_server
from tests.vizcore.autograd import test_hostile_language, test_hostile_words
from tests.vizcore.test_autograd_holes import HOLES
from tests.vizcore.test_autograd_security import HOSTILE

PAGE = "autograd"
LONGEST_LINK = 3_000
MOST_SECONDS = 30.0
QUIET_STEPS = 40
PAUSE = 0.1


def hostile_programs() -> list[str]:
    """The programs of the tests that a link can carry, each once; the issue's own lines first."""
    words = test_hostile_words
    programs = [*(source for source, _ in HOLES), *HOSTILE, *test_hostile_language.REFUSED]
    programs += [*words.REFUSED, *(source for source, _ in words.HELD), *words.SLOW]
    # A lone surrogate is no text that an address can hold.
    carried = [program for program in programs if len(program.encode("utf-8", "ignore").decode()) == len(program)]
    return list(dict.fromkeys(program for program in carried if len(program) <= LONGEST_LINK))


async def step(session: Session) -> float:
    """One run of the page by the session that steps; seconds from asking to the end of the answer."""
    began = time.perf_counter()
    await session.run()
    return time.perf_counter() - began


async def drive(url: str, process_id: int, programs: list[str]) -> None:
    """Steps in one session, opens links in another, and prints."""
    learner, other = Session(url, 1), Session(url, 2)
    for session in (learner, other):
        await session.open_home()
        await session.visit(PAGE)
    quiet = [await step(learner) for _ in range(QUIET_STEPS)]
    at_work = [""]
    done = asyncio.Event()
    disturbed: list[tuple[float, str]] = []

    async def step_on() -> None:
        while not done.is_set():
            disturbed.append((await step(learner), at_work[0]))
            await asyncio.sleep(PAUSE)

    stepping = asyncio.create_task(step_on())
    unanswered = 0
    began = time.perf_counter()
    for program in programs:
        at_work[0] = program
        other.query = urlencode({"program": program})
        try:
            await asyncio.wait_for(other.run(), MOST_SECONDS)
        except TimeoutError:
            unanswered += 1
    done.set()
    await stepping
    took = time.perf_counter() - began
    for name, times in (("alone", quiet), ("beside the links", [seconds for seconds, _ in disturbed])):
        cuts = statistics.quantiles(times, n=100)
        worst = max(times) * 1000
        print(f"a step {name}: p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, worst {worst:.0f} ms")
    print(
        f"{len(programs)} links in {took:.0f} s, {unanswered} without an answer; server {memory_of(process_id):.0f} MB"
    )
    print(f"during the slowest step: {max(disturbed)[1]!r:.200}")
    for session in (learner, other):
        await session.close()


def main() -> None:
    """Reads the command line and prints."""
    programs = hostile_programs()
    if len(sys.argv) > 1:
        programs = programs[:: max(1, len(programs) // int(sys.argv[1]))]
    server, url = start_server(ROOT / "app.py")
    try:
        asyncio.run(drive(url, server.pid, programs))
    finally:
        stop_server(server)


if __name__ == "__main__":
    main()
