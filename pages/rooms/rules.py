"""Who may do what in a room, and what becomes of it: plain functions from a room and a message to what changes.

Each returns the fields that change, or raises :class:`Refused`. Time comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pages.rooms import messages as said
from pages.rooms import secret
from pages.rooms.limits import LIFETIME, MOST_ANSWERS, MOST_STUDENTS
from pages.rooms.state import Roll, Room, Student, with_solved, write_answer, write_kick, write_room, write_student

Fields = Mapping[str, str | None]

_SEEN_EVERY = 15.0  # seconds between two signs of life that are worth a write


class Refused(Exception):  # noqa: N818 - it is an answer, and no fault
    """What was asked for is not done.

    Attributes:
        reason: one of a few words that the browser turns into a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_room(message: said.Open, code: str, key: str, now: float) -> Room:
    """A new room.

    Args:
        message: what the teacher asked for.
        code: its code, which no other room has.
        key: the teacher's.
        now: seconds since 1970.
    """
    return Room(code, secret.sealed(key), message.title, message.links, opened=now, expires=now + LIFETIME)


def teach(room: Room, message: said.Teach) -> None:
    """Lets the teacher in.

    Raises:
        Refused: the key is another.
    """
    if not secret.opens(message.key, room.seal):
        raise Refused("unknown")


def join(roll: Roll, message: said.Join, token: str, now: float) -> tuple[Student, Fields]:
    """Lets a new student in.

    Raises:
        Refused: ``locked`` or ``full``.
    """
    if roll.room.door:
        raise Refused("locked")
    if len(roll.students) >= MOST_STUDENTS:
        raise Refused("full")
    student = Student(secret.new_id(), secret.sealed(token), message.name, joined=now, seen=now, moved=now)
    return student, write_student(student)


def resume(roll: Roll, message: said.Resume, now: float) -> tuple[Student, Fields]:
    """Lets a student in again, also through a locked door.

    Raises:
        Refused: ``unknown``, or ``kicked``.
    """
    student = roll.students.get(message.student)
    if student is None or not secret.opens(message.token, student.seal):
        raise Refused("unknown")
    if student.id in roll.kicked:
        raise Refused("kicked")
    student = replace(student, seen=now)
    return student, write_student(student)


def teachers(roll: Roll, message: Any) -> Fields:
    """What changes by a teacher's message.

    Raises:
        Refused: it means something that is not there, or it is no teacher's message.
    """
    room = roll.room
    if isinstance(message, said.Kick):
        student = roll.students.get(message.student)
        if student is None:
            raise Refused("nobody")
        changed = write_kick(student.id)
        return changed | (write_room(replace(room, projected="")) if room.projected == student.id else {})
    if isinstance(message, said.Project) and message.student and message.student not in roll.students:
        raise Refused("nobody")
    if isinstance(message, said.Show) and message.step >= len(room.links):
        raise Refused("nothing")
    changes: dict[type, Any] = {
        said.Show: lambda: {
            "link": message.link,
            "step": message.step,
            "view": room.view + 1,
            "question": "",
            **({"overlay": "nobody", "projected": ""} if message.step != room.step else {}),
        },
        said.Ask: lambda: {"question": message.question},
        said.Reveal: lambda: {"rights": {**room.rights, message.question: message.right}},
        said.Gather: lambda: {"gathered": room.gathered + 1},
        said.Pause: lambda: {"paused": message.on},
        said.Lock: lambda: {"locked": message.on},
        said.Door: lambda: {"door": message.on},
        said.Overlay: lambda: {"overlay": message.to},
        said.Project: lambda: {"projected": message.student},
        said.Alive: dict,
    }
    if type(message) not in changes:
        raise Refused("forbidden")
    changed_room = replace(room, **changes[type(message)]())
    return {} if changed_room == room else write_room(changed_room)


def students(roll: Roll, student: str, message: Any, now: float) -> Fields:
    """What changes by a student's message.

    Raises:
        Refused: it came too late or too often, or it is no student's message.
    """
    room, who = roll.room, roll.students.get(student)
    if who is None or student in roll.kicked:
        raise Refused("kicked")
    if isinstance(message, said.Answer):
        if message.question in room.rights:
            raise Refused("late")
        given = roll.answers.get(message.question, {})
        if student not in given and sum(student in each for each in roll.answers.values()) >= MOST_ANSWERS:
            raise Refused("full")
        return write_answer(student, message.question, message.value) | write_student(replace(who, seen=now, moved=now))
    if isinstance(message, said.Progress):
        there = replace(who, concept=message.concept, step=message.step, of=message.of, follows=message.follows)
        there = with_solved(there, message.concept, message.solved)
        if there == who:
            return {}
        ahead = (there.concept, there.step, there.solved) != (who.concept, who.step, who.solved)
        return write_student(replace(there, seen=now, moved=now if ahead else who.moved))
    if isinstance(message, said.Alive):
        return write_student(replace(who, seen=now)) if now - who.seen >= _SEEN_EVERY else {}
    raise Refused("forbidden")


def leave(roll: Roll, student: str) -> Fields:
    """What changes when a student's last connection ends."""
    who = roll.students.get(student)
    return {} if who is None or student in roll.kicked or not who.seen else write_student(replace(who, seen=0.0))
