"""What a room is: its own settings, its students, their answers; kept as fields of text that any store can hold.

Nothing here waits and nothing knows of sockets. A store holds ``fields``; what happens is a :class:`Changed` of some of
them, told to every process that has people of the room; :class:`Roll` is the room as one such process knows it. Fields
are set, never added to: hearing of a change twice, or after having read its result already, does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pages.rooms.limits import LONGEST_KEPT
from pages.rooms.messages import Boxes


@dataclass(frozen=True)
class Room:
    """The teacher's part.

    Attributes:
        code: by which it is found.
        seal: of the teacher's key.
        title: of its lesson.
        links: the views of its lesson.
        opened: seconds since 1970.
        expires: likewise.
        view: counts what was shown; another number is another view.
        link: what is shown; empty before the lesson begins.
        step: its place in the lesson, -1 if it has none.
        gathered: counts how often everyone was gathered.
        question: that is asked; empty for none.
        paused: whether the students' pages stand still.
        locked: whether their controls do.
        door: whether nobody new may come in.
        overlay: who sees all students' stages at once: ``nobody``, ``teacher`` or ``all``.
        projected: student whose stage is shown to everyone; empty for none.
        rights: right answers of what was revealed, by question.
    """

    code: str
    seal: str
    title: str
    links: tuple[str, ...]
    opened: float
    expires: float
    view: int = 0
    link: str = ""
    step: int = -1
    gathered: int = 0
    question: str = ""
    paused: bool = False
    locked: bool = False
    door: bool = False
    overlay: str = "nobody"
    projected: str = ""
    rights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Student:
    """One student.

    Attributes:
        id: in this room.
        seal: of the token by which the student comes back.
        name: nickname; empty for none.
        joined: seconds since 1970.
        seen: when there was a sign of life last; 0 after a goodbye.
        moved: when there was progress last.
        concept: of the page that is open.
        step: of its lesson.
        of: steps that it has.
        solved: challenges solved, by concept.
        follows: whether what the teacher shows is shown.
    """

    id: str
    seal: str
    name: str
    joined: float
    seen: float
    moved: float
    concept: str = ""
    step: int = 0
    of: int = 0
    solved: Mapping[str, int] = field(default_factory=dict)
    follows: bool = True


@dataclass(frozen=True)
class Changed:
    """Some fields of a room are others now; None for one that is gone."""

    fields: Mapping[str, str | None]


@dataclass(frozen=True)
class Moved:
    """Something moved under a hand; nobody needs to know once it has moved on.

    Attributes:
        who: the student's id; empty for the teacher.
        place: the stage's key.
        boxes: what stands there, or what was moved.
        size: (height, width) of its picture; zeros where only a part was moved.
        value: what the page's measure says; NaN if nothing.
    """

    who: str
    place: str
    boxes: Boxes
    size: tuple[float, float] = (0.0, 0.0)
    value: float = float("nan")


@dataclass(frozen=True)
class Worked:
    """A student has made something else of a step; see :class:`pages.rooms.messages.Work`."""

    who: str
    place: str
    values: tuple[tuple[str, str], ...]
    value: float = float("nan")


@dataclass(frozen=True)
class Closed:
    """The room is gone."""


Event = Changed | Moved | Worked | Closed
_STAGES: Mapping[type, str] = {Moved: "hand/", Worked: "work/"}
"""How the names of the fields begin that are set when somebody moves something, and may be lost."""


def is_stage(field: str) -> bool:
    """Whether a field is of a student's stage, or of what was made of a step."""
    return field.startswith(tuple(_STAGES.values()))


def barred_by(field: str) -> str:
    """The field that, once it is there, keeps another from being set: nothing is kept of who was put out."""
    return f"kicked/{field.partition('/')[2]}" if is_stage(field) else ""


def write_event(event: Event) -> str:
    """An event as text, for other processes."""
    return json.dumps([type(event).__name__, asdict(event)])


def read_event(text: str) -> Event:
    """Reads what :func:`write_event` wrote; nobody but our own processes writes such texts."""
    kind, values = json.loads(text)
    if kind == "Moved":
        values["boxes"] = tuple((name, tuple(numbers)) for name, numbers in values["boxes"])
        values["size"] = tuple(values["size"])
        return Moved(**values)
    if kind == "Worked":
        values["values"] = tuple((name, text) for name, text in values["values"])
        return Worked(**values)
    return Closed() if kind == "Closed" else Changed(values["fields"])


def write_room(room: Room) -> dict[str, str]:
    """The room's own field."""
    return {"room": json.dumps(asdict(room))}


def write_student(student: Student) -> dict[str, str]:
    """A student's field."""
    return {f"student/{student.id}": json.dumps(asdict(student))}


def write_kick(student: str) -> dict[str, str | None]:
    """That a student was put out; a field of its own, since the student's is written by the student's messages."""
    return {f"kicked/{student}": "1", f"hand/{student}": None, f"work/{student}": None}


def write_answer(student: str, question: str, value: str) -> dict[str, str]:
    """An answer's field."""
    return {f"answer/{question}/{student}": value}


def write_stage(event: Moved | Worked) -> dict[str, str | None]:
    """The field of what stands on a student's stage, or was made of a step; only the newest of each is kept.

    Too long a text takes the field away: who comes later sees nothing there, rather than something old. Nothing is kept
    of the teacher's hand.
    """
    if not event.who:
        return {}
    text = write_event(event)
    return {f"{_STAGES[type(event)]}{event.who}": text if len(text) <= LONGEST_KEPT else None}


class Roll:
    """A room as one process knows it.

    Attributes:
        room: the teacher's part.
        students: by id.
        answers: by question, then by student.
        hands: what stands on the students' stages, by student.
        works: what the students made of their steps, by student.
        kicked: ids of those who were put out.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields: dict[str, str] = {}
        self.students: dict[str, Student] = {}
        self.answers: dict[str, dict[str, str]] = {}
        self.hands: dict[str, Moved] = {}
        self.works: dict[str, Worked] = {}
        self.kicked: set[str] = set()
        self.room: Room = _read_room(fields["room"])
        self.take(fields)

    def take(self, fields: Mapping[str, str | None]) -> None:
        """Takes over fields that changed."""
        for name, text in sorted(fields.items(), key=lambda each: is_stage(each[0])):  # whose a stage is must be known
            kind, _, rest = name.partition("/")
            if is_stage(name):
                event = read_event(text) if text is not None else None
                if isinstance(event, Moved | Worked):
                    self.move(event)
                continue
            if text is None:
                self.fields.pop(name, None)
            else:
                self.fields[name] = text
            if kind == "room" and text is not None:
                self.room = _read_room(text)
            elif kind == "student" and text is not None:
                self.students[rest] = Student(**json.loads(text))
            elif kind == "kicked":
                self.kicked.add(rest)
                self.hands.pop(rest, None)
                self.works.pop(rest, None)
                for stage in _STAGES.values():
                    self.fields.pop(f"{stage}{rest}", None)
            elif kind == "answer" and text is not None:
                question, _, student = rest.partition("/")
                self.answers.setdefault(question, {})[student] = text

    def move(self, event: Moved | Worked) -> None:
        """Takes over what stands on a student's stage now, or what the student made of a step."""
        if event.who not in self.students or event.who in self.kicked:
            return
        for name, text in write_stage(event).items():
            if text is None:
                self.fields.pop(name, None)
            elif self.fields.get(name) == text:
                return
            else:
                self.fields[name] = text
        if isinstance(event, Moved):
            self.hands[event.who] = event
        else:
            self.works[event.who] = event

    def missing_in(self, fields: Mapping[str, str], here: Collection[str] = ()) -> dict[str, str]:
        """What is known here and lost elsewhere: fields that are not there, and a teacher's part that is older.

        Args:
            fields: as a store has them, perhaps after it was killed; of who was put out there, nothing is lost.
            here: students who sit on this process: nobody knows their stages better.
        """
        own = {f"{stage}{student}" for stage in _STAGES.values() for student in here}
        lost = {
            name: text
            for name, text in self.fields.items()
            if barred_by(name) not in fields and (name not in fields or (name in own and text != fields[name]))
        }
        if "room" in fields and _read_room(fields["room"]).view < self.room.view:
            lost["room"] = self.fields["room"]
        return lost

    @property
    def class_(self) -> list[Student]:
        """Everyone who was not put out, in the order of coming."""
        return sorted(
            (student for student in self.students.values() if student.id not in self.kicked),
            key=lambda student: (student.joined, student.id),
        )


def with_solved(student: Student, concept: str, solved: int) -> Student:
    """A student who has solved so many challenges of one concept, and as many of the others as before."""
    if not solved and concept not in student.solved:
        return student
    return replace(student, solved={**student.solved, concept: max(solved, student.solved.get(concept, 0))})


def _read_room(text: str) -> Room:
    values: dict[str, Any] = json.loads(text)
    values["links"] = tuple(values["links"])
    return Room(**values)
