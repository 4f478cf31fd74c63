"""The rooms that have people on this process: who is let in, and what becomes of what each says.

It knows no sockets: a connection is a :class:`pages.rooms.seats.Seat`, which is given texts and hands out texts.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from pages.rooms import messages as said
from pages.rooms import reading, reports, rules, secret
from pages.rooms.limits import MISSES_A_MINUTE, MOST_SOCKETS, ROOMS_A_MINUTE, Tally
from pages.rooms.rules import Refused
from pages.rooms.seats import Live, Seat
from pages.rooms.state import Changed, Closed, Event, Moved, Worked, read_event, write_event, write_room, write_stage
from pages.rooms.store import Store, StoreGone

_FAULTS = 20  # unreadable messages after which a seat is taken away
_EXCESS = 400  # messages over the rate
_TRIES = 5  # for a code that nobody has
_WAIT = 2.0  # seconds until a store that did not answer is asked again
_ECHO_WITHIN = 2.0  # seconds in which a change is heard of by those who made it


class Hub:
    """All rooms that have people on this process.

    Attributes:
        rooms: by code.
    """

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self.rooms: dict[str, Live] = {}
        self.num_seats = 0
        self._store = store
        self._now = now
        self._id = secrets.token_hex(4)
        self._numbers = itertools.count()
        self._echoes: dict[str, asyncio.Future[None]] = {}
        self._arriving: dict[str, list[Event]] = {}
        self._misses = Tally(MISSES_A_MINUTE)
        self._opened = Tally(ROOMS_A_MINUTE)
        self._tasks: set[asyncio.Task[None]] = set()
        store.listen(self._heard)

    def connect(self, address: str) -> Seat:
        """A new connection, not in any room yet.

        Raises:
            Refused: ``full``.
        """
        if self.num_seats >= MOST_SOCKETS:
            raise Refused("full")
        self.num_seats += 1
        return Seat(address, self._now)

    async def greet(self, seat: Seat, text: object) -> None:
        """The first message of a connection: what it wants.

        Raises:
            Refused: it is not let in.
        """
        try:
            hello = reading.read_message(text).message
        except reading.MessageError as error:
            raise Refused("unreadable") from error
        if not isinstance(hello, said.HELLO):
            raise Refused("forbidden")
        now = self._now()
        if self._misses.is_full(seat.address, now):
            raise Refused("slow")
        try:
            if isinstance(hello, said.Open):
                await self._open(seat, hello, now)
            else:
                await self._enter(seat, hello, now)
        except Refused as refused:
            if refused.reason == "unknown":
                self._misses.add(seat.address, now)
            raise

    async def leave(self, seat: Seat) -> None:
        """The end of a connection."""
        self.num_seats -= 1
        live = seat.live
        if live is None:
            return
        live.seats.discard(seat)
        last = not any(other.student == seat.student for other in live.seats)
        if seat.student and last and (fields := rules.leave(live.roll, seat.student)):
            with contextlib.suppress(Refused, StoreGone):  # without a sign of life the student is soon gone anyway
                await self._change(live, fields)
        self._release(live)

    async def stop(self) -> None:
        """The end of the server."""
        for live in self.rooms.values():
            live.stop()
        for task in self._tasks:
            task.cancel()
        await self._store.stop()

    async def _open(self, seat: Seat, hello: said.Open, now: float) -> None:
        if self._opened.is_full(seat.address, now):
            raise Refused("slow")
        self._opened.add(seat.address, now)
        key = secret.new_key()
        for _ in range(_TRIES):
            room = rules.open_room(hello, secret.new_code(), key, now)
            if await self._store.create(room.code, write_room(room), room.expires - now):
                async with self._visit(room.code) as live:
                    seat.reply(type="welcome", role="teacher", code=room.code, key=key)
                    live.sit(seat, "")
                return
        raise Refused("full")

    async def _enter(self, seat: Seat, hello: said.Teach | said.Join | said.Resume, now: float) -> None:
        code = hello.code
        async with self._visit(code) as live:
            roll = live.roll
            if isinstance(hello, said.Teach):
                rules.teach(roll.room, hello)
                seat.reply(type="welcome", role="teacher", code=code, key=hello.key)
                live.sit(seat, "")
                return
            if isinstance(hello, said.Join):
                token = secret.new_key()
                student, fields = rules.join(roll, hello, token, now)
            else:
                token = hello.token
                student, fields = rules.resume(roll, hello, now)
            await self._change(live, fields)
            mine = {question: given[student.id] for question, given in roll.answers.items() if student.id in given}
            who = {"student": student.id, "token": token, "name": student.name}
            seat.reply(type="welcome", role="student", code=code, **who, answers=mine)
            live.sit(seat, student.id)

    @contextlib.asynccontextmanager
    async def _visit(self, code: str) -> AsyncIterator[Live]:
        """A room that stays at least as long as somebody is on the way in."""
        live = await self._find(code)
        live.guests += 1
        try:
            yield live
        finally:
            live.guests -= 1
            self._release(live)

    def _release(self, live: Live) -> None:
        code = live.roll.room.code
        if not live.seats and not live.guests and self.rooms.get(code) is live:
            live.stop()
            del self.rooms[code]

    async def _find(self, code: str) -> Live:
        """The room of a code, read from the store if nobody is in it here."""
        if code in self.rooms:
            return self.rooms[code]
        missed = self._arriving.setdefault(code, [])
        try:
            fields = await self._store.load(code)
        finally:
            self._arriving.pop(code, None)
        if code in self.rooms:  # somebody else was faster
            return self.rooms[code]
        if fields is None or "room" not in fields:
            raise Refused("unknown")
        live = Live(fields, self._now)
        if live.roll.room.expires <= self._now():
            raise Refused("unknown")
        for event in missed:
            live.hear(event)
        self.rooms[code] = live
        return live

    async def hear(self, seat: Seat, text: object) -> None:
        """One message of somebody in a room."""
        live = seat.live
        if live is None or seat.ended:
            return
        if not seat.bucket.take(self._now()):
            if seat.bucket.excess > _EXCESS:
                seat.end("flood")
            return  # what must arrive was not acknowledged, and comes again
        try:
            message = reading.read_message(text)
        except reading.MessageError:
            seat.faults += 1
            seat.reply(type="refused", id="", reason="unreadable")
            if seat.faults > _FAULTS:
                seat.end("flood")
            return
        try:
            await self._obey(seat, live, message.message)
        except Refused as refused:
            seat.reply(type="refused", id=message.id, reason=refused.reason)
        except StoreGone:
            seat.reply(type="refused", id=message.id, reason="later")
        else:
            if message.id:
                seat.reply(type="ack", id=message.id)

    async def _obey(self, seat: Seat, live: Live, message: Any) -> None:
        if not isinstance(message, said.TEACHERS if seat.teaches else said.STUDENTS):
            raise Refused("forbidden")
        if isinstance(message, said.Drag):
            await self._move(live, Moved("", message.place, message.boxes))
        elif isinstance(message, said.Hand):
            await self._move(live, Moved(seat.student, message.place, message.boxes, message.size, message.value))
        elif isinstance(message, said.Work):
            await self._move(live, Worked(seat.student, message.place, message.values, message.value))
        elif isinstance(message, said.Results):
            seat.reply(type="results", csv=reports.results_csv(live.roll))
        elif isinstance(message, said.Close):
            await self._store.remove(live.roll.room.code, self._mark(Closed()))
        elif seat.teaches:
            await self._change(live, rules.teachers(live.roll, message))
        else:
            await self._change(live, rules.students(live.roll, seat.student, message, self._now()))

    async def _change(self, live: Live, fields: Mapping[str, str | None]) -> None:
        """Changes a room, and waits until it is so here: rules are asked with what was said before.

        Changes are taken over as they are heard, in one order for all processes.
        """
        if not fields:
            return
        text = self._mark(Changed(fields))
        name = text.partition("\n")[0]
        heard = self._echoes[name] = asyncio.get_running_loop().create_future()
        try:
            if not await self._store.change(live.roll.room.code, fields, text):
                raise Refused("unknown")
            await asyncio.wait_for(heard, _ECHO_WITHIN)
        except TimeoutError:
            live.hear(Changed(fields))
        finally:
            self._echoes.pop(name, None)

    async def _move(self, live: Live, event: Moved | Worked) -> None:
        live.hear(event)
        await self._store.tell(live.roll.room.code, self._mark(event), write_stage(event))

    def _mark(self, event: Event) -> str:
        return f"{self._id}.{next(self._numbers)}\n{write_event(event)}"

    def _heard(self, code: str, text: str | None) -> None:
        if text is None:
            for each in list(self.rooms.values()):
                task = asyncio.get_running_loop().create_task(self._read_again(each))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return
        sender, _, event_text = text.partition("\n")
        live, missed = self.rooms.get(code), self._arriving.get(code)
        if live is None and missed is None:
            return
        event = read_event(event_text)
        if sender.startswith(f"{self._id}.") and isinstance(event, Moved | Worked):
            return  # told here when it came in; an echo would bring a hand back to where it was
        if live is not None:
            live.hear(event)
        if missed is not None:
            missed.append(event)
        echo = self._echoes.get(sender)
        if echo is not None and not echo.done():
            echo.set_result(None)

    async def _read_again(self, live: Live) -> None:
        """After a time without news: takes over what is kept, and puts back what the store has lost.

        A store that was killed may have forgotten a second, or everything. What was acknowledged stands here.
        """
        while self.rooms.get(live.roll.room.code) is live:
            with contextlib.suppress(StoreGone):
                await self._compare(live)
                return
            await asyncio.sleep(_WAIT)  # it listens, and yet does not answer in time: nobody else will ask again

    async def _compare(self, live: Live) -> None:
        code = live.roll.room.code
        fields = await self._store.load(code)
        if fields is None:
            left = live.roll.room.expires - self._now()
            if left <= 0 or await self._store.was_removed(code):
                live.hear(Closed())
                return
            if await self._store.create(code, live.roll.fields, left):
                return
            fields = await self._store.load(code) or {}
        lost = live.roll.missing_in(fields, {seat.student for seat in live.seats})
        live.hear(Changed({name: text for name, text in fields.items() if name not in lost}))
        if lost:
            await self._store.change(code, lost, self._mark(Changed(lost)))
