"""What is told of a room: to everyone, to its teacher, and afterwards as a table."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from typing import Any

from pages.rooms.limits import HERE_FOR, STUCK_AFTER
from pages.rooms.messages import as_boxes
from pages.rooms.state import Moved, Roll, Student, Worked

_SPREAD_EACH = 30  # ms; sixty pages that rerun at once would hold up the socket, sixty within two seconds do not
_SPREAD_MOST = 2000


def public_state(roll: Roll, now: float) -> dict[str, Any]:
    """What every browser in the room knows: nothing of it belongs to one student.

    Args:
        roll: the room.
        now: seconds since 1970.
    """
    room = roll.room
    present = [student for student in roll.class_ if is_here(student, now)]
    question = room.question
    revealed = question in room.rights
    return {
        "type": "state",
        "code": room.code,
        "title": room.title,
        "view": room.view,
        "link": room.link,
        "step": room.step,
        "links": list(room.links),
        "gathered": room.gathered,
        "paused": room.paused,
        "locked": room.locked,
        "door": room.door,
        "overlay": room.overlay,
        "projecting": bool(room.projected),
        "question": question,
        "answered": len(answers_to(roll, question)),
        "present": len(present),
        "revealed": sorted(room.rights),
        "counts": count_answers(roll, question) if revealed else {},
        "right": room.rights.get(question, ""),
        "spread": min(_SPREAD_MOST, _SPREAD_EACH * len(present)),
    }


def board(roll: Roll, now: float) -> dict[str, Any]:
    """What the teacher sees of everyone."""
    room = roll.room
    answers = roll.answers.get(room.question, {})
    return {
        "type": "board",
        "projected": room.projected,
        "counts": count_answers(roll, room.question),
        "students": [
            {
                "id": student.id,
                "name": student.name,
                "here": is_here(student, now),
                "stuck": is_stuck(roll, student, now),
                "follows": student.follows,
                "concept": student.concept,
                "step": student.step,
                "of": student.of,
                "solved": sum(student.solved.values()),
                "answer": answers.get(student.id),
            }
            for student in roll.class_
        ],
    }


def is_here(student: Student, now: float) -> bool:
    """Whether a student gave a sign of life lately."""
    return now - student.seen < HERE_FOR


def is_stuck(roll: Roll, student: Student, now: float) -> bool:
    """Whether a student who is here has made no progress for two minutes, and does not wait for the class either."""
    answered = student.id in roll.answers.get(roll.room.question, {})
    return is_here(student, now) and now - student.moved >= STUCK_AFTER and not answered and not roll.room.paused


def answers_to(roll: Roll, question: str) -> dict[str, str]:
    """The answers of those who were not put out, by student."""
    return {
        student: value
        for student, value in roll.answers.get(question, {}).items()
        if student in roll.students and student not in roll.kicked
    }


def count_answers(roll: Roll, question: str) -> dict[str, int]:
    """How many gave each answer."""
    return dict(Counter(answers_to(roll, question).values()))


def work_of(work: Worked) -> dict[str, Any]:
    """What a student made of a step, for a miniature or an overlay."""
    return {"place": work.place, "values": dict(work.values), "value": _number_or_none(work.value)}


def hand_of(moved: Moved, work: Worked | None = None) -> dict[str, Any]:
    """One stage, for a miniature or an overlay.

    Args:
        moved: what stands there.
        work: of the same student: its measure stands in where the stage itself has none.
    """
    of_page = work is not None and moved.place.startswith(f"{work.place.partition('.')[0]}_")
    value = work.value if of_page and work is not None and math.isnan(moved.value) else moved.value
    return {
        "place": moved.place,
        "size": list(moved.size),
        "boxes": as_boxes(moved.boxes),
        "value": _number_or_none(value),
    }


def _number_or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def overlay(roll: Roll) -> dict[str, Any]:
    """All students' stages and works without names, or those of the one whom the teacher shows."""
    room = roll.room
    shown = [room.projected] if room.projected else [student.id for student in roll.class_]
    hands = [(roll.hands[who], roll.works.get(who)) for who in shown if who in roll.hands]
    works = [roll.works[who] for who in shown if who in roll.works]
    # Not in the order of coming: that would tell who is who.
    hands.sort(key=lambda pair: (pair[0].place, pair[0].boxes))
    works.sort(key=lambda work: (work.place, work.values))
    return {
        "type": "overlay",
        "to": room.overlay,
        "one": bool(room.projected),
        "hands": [hand_of(*pair) for pair in hands],
        "works": [work_of(work) for work in works],
    }


def results_csv(roll: Roll) -> str:
    """The table of results: a row for each student, a column for each question, and the right answers in a last row."""
    questions = sorted(roll.answers)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["student", "nickname", "lesson", "step", "solved", *questions])
    for number, student in enumerate(roll.class_, start=1):
        answers = [roll.answers[question].get(student.id, "") for question in questions]
        solved = sum(student.solved.values())
        table.writerow([number, _cell(student.name), student.concept, student.step, solved, *map(_cell, answers)])
    table.writerow(["", "(right)", "", "", "", *(_cell(roll.room.rights.get(question, "")) for question in questions)])
    return out.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
    return text
