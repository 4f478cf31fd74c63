"""Who sits in a room on this process, and what each of them must hear.

What a seat has not taken yet is kept by its kind alone, the newest of each, so that a slow reader costs nothing and
loses nothing but what is past.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pages.rooms import reports
from pages.rooms.limits import Bucket
from pages.rooms.messages import as_boxes
from pages.rooms.state import Closed, Event, Moved, Roll, Worked, is_stage

COUNTS_EVERY = 0.3
"""Seconds between two reports of how many have answered, and between two boards."""
LOOK_EVERY = 5.0
"""Seconds between two looks at who is stuck or gone."""
_MOST_REPLIES = 256
Kind = TypeVar("Kind", Moved, Worked)


class Seat:
    """One connection.

    Attributes:
        address: where it comes from.
        live: its room.
        student: id; empty for the teacher.
        ended: why it was taken away, once it was.
    """

    def __init__(self, address: str, now: Callable[[], float]) -> None:
        self.address = address
        self.live: Live | None = None
        self.student = ""
        self.ended = ""
        self.faults = 0
        self.bucket = Bucket(rate=40, most=80)
        self.seen_hands: dict[str, Moved | Worked] = {}
        self._now = now
        self._replies: deque[str] = deque(maxlen=_MOST_REPLIES)
        self._due: dict[str, None] = {}
        self._wake = asyncio.Event()

    @property
    def teaches(self) -> bool:
        """Whether it is the teacher's."""
        return self.live is not None and not self.student

    def reply(self, **words: Any) -> None:
        """Something for this seat alone, all of which is delivered, in order."""
        self._replies.append(json.dumps(words))
        self._wake.set()

    def offer(self, kind: str) -> None:
        """Something of this kind is news; the seat gets the newest when it comes to it."""
        self._due[kind] = None
        self._wake.set()

    def end(self, reason: str) -> None:
        """Takes the seat away, once its replies are delivered."""
        if not self.ended:
            self.ended = reason
            self.reply(type="gone", reason=reason)

    async def next(self) -> str | None:
        """The next text to send; None when the seat is taken away."""
        while True:
            if self._replies:
                return self._replies.popleft()
            if self.ended:
                return None
            if self._due and self.live is not None:
                kind = next(iter(self._due))
                del self._due[kind]
                text = self.live.text_for(self, kind)
                if text:
                    return text
                continue
            self._wake.clear()
            await self._wake.wait()


class Live:
    """One room, while it has people here.

    Attributes:
        roll: what is known of it.
        seats: the connections in it.
        guests: connections on their way in.
    """

    def __init__(self, fields: Mapping[str, str], now: Callable[[], float]) -> None:
        self.roll = Roll(fields)
        self.seats: set[Seat] = set()
        self.guests = 0
        self._now = now
        self._texts: dict[str, str] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def sit(self, seat: Seat, student: str) -> None:
        """Gives a connection its seat."""
        seat.live, seat.student = self, student
        self.seats.add(seat)
        for kind in ("state", "overlay", *(("board", "hands") if seat.teaches else ())):
            self.news(kind)
            seat.offer(kind)
        self._look()

    def hear(self, event: Event) -> None:
        """Takes over what happened, and lets those know whom it concerns."""
        if isinstance(event, Closed):
            for seat in list(self.seats):
                seat.end("closed")
        elif isinstance(event, Moved | Worked):
            self._hear_hand(event)
        else:
            before = self.roll.room
            self.roll.take(event.fields)
            if self.roll.room != before:
                self.news("state")
                self.news("overlay")
            self.news("state", after=COUNTS_EVERY)
            self.news("board", after=COUNTS_EVERY)
            if any(is_stage(name) for name in event.fields):
                self._stages_are_news()
            for seat in [seat for seat in self.seats if seat.student in self.roll.kicked]:
                seat.end("kicked")

    def _hear_hand(self, event: Moved | Worked) -> None:
        if event.who:
            self.roll.move(event)
            self._stages_are_news()
            return
        if isinstance(event, Worked):
            return  # nobody's
        drag = {"type": "drag", "place": event.place, "boxes": as_boxes(event.boxes)}
        self._texts["drag"] = json.dumps(drag)
        for seat in self.seats:
            if seat.student:
                seat.offer("drag")

    def _stages_are_news(self) -> None:
        self.news("hands", after=COUNTS_EVERY)
        if self.roll.room.overlay != "nobody" or self.roll.room.projected:
            self.news("overlay", after=COUNTS_EVERY)

    def news(self, kind: str, *, after: float = 0.0) -> None:
        """Something of a kind has changed; told at once, or together with what else changes within a moment."""
        if after:
            if kind not in self._timers:
                self._timers[kind] = asyncio.get_running_loop().call_later(after, self._tell_late, kind)
            return
        text = self._write(kind)
        if text and text == self._texts.get(kind):
            return
        self._texts[kind] = text
        for seat in self.seats:
            if kind in ("state", "overlay") or seat.teaches:
                seat.offer(kind)

    def text_for(self, seat: Seat, kind: str) -> str:
        """The newest of a kind for one seat; empty if it has it already."""
        room = self.roll.room
        if kind == "hands":
            hands, works = self._unseen(seat, "hand", self.roll.hands), self._unseen(seat, "work", self.roll.works)
            if not hands and not works:
                return ""
            moved = {who: reports.hand_of(hand) for who, hand in hands.items()}
            made = {who: reports.work_of(work) for who, work in works.items()}
            return json.dumps({"type": "hands", "hands": moved, "works": made})
        if kind == "overlay" and not (
            room.projected or room.overlay == "all" or (seat.teaches and room.overlay != "nobody")
        ):
            return json.dumps({"type": "overlay", "to": "nobody", "one": False, "hands": [], "works": []})
        return self._texts.get(kind, "")

    @staticmethod
    def _unseen(seat: Seat, name: str, all_: Mapping[str, Kind]) -> dict[str, Kind]:
        """What of all students the seat was not told yet."""
        news = {who: event for who, event in all_.items() if seat.seen_hands.get(f"{name}/{who}") is not event}
        seat.seen_hands.update({f"{name}/{who}": event for who, event in news.items()})
        return news

    def stop(self) -> None:
        """Forgets its timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _tell_late(self, kind: str) -> None:
        self._timers.pop(kind, None)
        if self.seats:
            self.news(kind)

    def _look(self) -> None:
        """Looks from time to time at who is stuck, who is gone, and whether the room's time is over."""

        def look() -> None:
            self._timers.pop("look", None)
            if self._now() >= self.roll.room.expires:
                self.hear(Closed())
            elif self.seats:
                self.news("board")
                self.news("state")
                self._look()

        if "look" not in self._timers:
            self._timers["look"] = asyncio.get_running_loop().call_later(LOOK_EVERY, look)

    def _write(self, kind: str) -> str:
        if kind == "state":
            return json.dumps(reports.public_state(self.roll, self._now()))
        if kind == "board":
            return json.dumps(reports.board(self.roll, self._now()))
        if kind == "overlay":
            room = self.roll.room
            wanted = room.projected or room.overlay != "nobody"
            return json.dumps(reports.overlay(self.roll)) if wanted else ""
        return ""
