"""Everything that a browser may say to a room: frozen, and read by :mod:`pages.rooms.reading` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Boxes = tuple[tuple[str, tuple[float, ...]], ...]
"""What stands on a stage: an id and its numbers, for a box xyxy in pixels of the picture."""


@dataclass(frozen=True)
class Open:
    """Opens a room.

    Attributes:
        links: the views of its lesson, in order.
        title: of the lesson.
    """

    links: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class Teach:
    """Enters a room as its teacher."""

    code: str
    key: str


@dataclass(frozen=True)
class Join:
    """Enters a room as a new student, with a nickname or without."""

    code: str
    name: str


@dataclass(frozen=True)
class Resume:
    """Enters a room again, as the student that one was."""

    code: str
    student: str
    token: str


@dataclass(frozen=True)
class Show:
    """The teacher shows a view.

    Attributes:
        link: its page and parameters, such as ``nms?tour=3``.
        step: its place in the lesson, -1 for a view that is none of it.
    """

    link: str
    step: int


@dataclass(frozen=True)
class Ask:
    """The question that the teacher's page shows; empty for none."""

    question: str


@dataclass(frozen=True)
class Reveal:
    """The teacher shows everyone what was answered, and what is right (empty if the page cannot say)."""

    question: str
    right: str


@dataclass(frozen=True)
class Gather:
    """Brings everyone to what the teacher shows."""


@dataclass(frozen=True)
class Pause:
    """Stops every student's page, or lets them go on."""

    on: bool


@dataclass(frozen=True)
class Lock:
    """Locks every student's controls, or unlocks them."""

    on: bool


@dataclass(frozen=True)
class Door:
    """Lets nobody new in, or lets them in again."""

    on: bool


@dataclass(frozen=True)
class Kick:
    """Puts a student out."""

    student: str


@dataclass(frozen=True)
class Overlay:
    """Lays what all students have on their stages over the stage: for nobody, the teacher, or everyone."""

    to: str


@dataclass(frozen=True)
class Project:
    """Shows one student's stage to everyone, without a name; an empty id ends it."""

    student: str


@dataclass(frozen=True)
class Results:
    """Asks for the table of results."""


@dataclass(frozen=True)
class Close:
    """Closes the room."""


@dataclass(frozen=True)
class Drag:
    """What the teacher's hand has just moved.

    Attributes:
        place: the stage's key.
        boxes: what was moved.
    """

    place: str
    boxes: Boxes


@dataclass(frozen=True)
class Hand:
    """What stands on a student's stage.

    Attributes:
        place: the stage's key.
        size: (height, width) of its picture.
        boxes: what stands there.
        value: what the page's own measure says of it, if it has one; NaN if not.
    """

    place: str
    size: tuple[float, float]
    boxes: Boxes
    value: float


@dataclass(frozen=True)
class Work:
    """What a student has made of a step, stage or no stage.

    Attributes:
        place: ``<concept>.<step>``.
        values: link parameters that the student set: name and text; a picture's text is ``8x8:0110…``.
        value: what the step's own measure says of it, less is better; NaN if it has none.
    """

    place: str
    values: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True)
class Answer:
    """A student's answer; it may be changed until it is revealed.

    Attributes:
        question: ``<concept>.<step>``.
        value: what was chosen, or the number.
    """

    question: str
    value: str


@dataclass(frozen=True)
class Progress:
    """How far a student is.

    Attributes:
        concept: the page.
        step: of its lesson, 0 in the laboratory.
        of: steps that the lesson has.
        solved: challenges of this page that are solved.
        follows: whether the student sees what the teacher shows.
    """

    concept: str
    step: int
    of: int
    solved: int
    follows: bool


@dataclass(frozen=True)
class Alive:
    """A sign of life."""


Message = (
    Open | Teach | Join | Resume | Show | Ask | Reveal | Gather | Pause | Lock | Door | Kick | Overlay | Project
    | Results | Close | Drag | Hand | Work | Answer | Progress | Alive
)  # fmt: skip
HELLO = (Open, Teach, Join, Resume)
TEACHERS = (Show, Ask, Reveal, Gather, Pause, Lock, Door, Kick, Overlay, Project, Results, Close, Drag, Alive)
STUDENTS = (Hand, Work, Answer, Progress, Alive)


@dataclass(frozen=True)
class Said:
    """A message and the number under which its sender remembers it; empty if no answer is wanted."""

    id: str
    message: Message


def as_boxes(boxes: Boxes) -> Mapping[str, list[float]]:
    """Boxes as JSON has them."""
    return {name: list(numbers) for name, numbers in boxes}
