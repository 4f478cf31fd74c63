"""The tour of a page: an ordered list of steps, each a view of the page, a few words, and a question before its answer.

States and answers stand in ``pages/<concept>/tour.py``, the words of both languages in the lesson files, one section
``tour_<name>`` a step::

    ## Title of the step
    At most sixty words.

    ? The question
    - kept: One answer, by its value
    - removed: Another one
    ! kept: Why this answer is right or wrong; {numbers} are filled in.
    ~ A hint, where something is to be brought about
    > What the learner should see now, with the page's own {numbers}.

A number that is asked for has its reasons under ``right``, ``low`` and ``high``.

Of a wrong answer's reason its first sentence is said at once, before another try, unless it holds {numbers} or says the
right answer; the rest is kept until the answer is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pages.kit import language as lang

LABORATORY = 0
"""Value of the link's ``tour`` where a page shows everything; steps count from 1."""
WAIVED = ""
"""What is noted as the answer of a reader who asked to be shown."""
DONE = "done"
"""What is noted once something was brought about."""

_FIELD = re.compile(r"\{([a-z_0-9]+)\}")
_SENTENCE = re.compile(r".*?(?:[。！？]|[.!?](?=\s|$)|$)", re.DOTALL)
_MARKED = re.compile(r"^([-!]) ([a-z0-9_]+): (.*)$", re.DOTALL)


@dataclass(frozen=True)
class Choose:
    """One of the answers that the lesson file lists.

    Attributes:
        right: the value of the right answer, from what the page computed in this run.
    """

    right: Callable[[Any], str]


@dataclass(frozen=True)
class Estimate:
    """A number.

    Attributes:
        right: the number, from what the page computed in this run.
        tolerance: how far off is still right.
        low: least number that can be typed.
        high: largest.
        step: of the field's buttons.
    """

    right: Callable[[Any], float]
    tolerance: float
    low: float = 0.0
    high: float = 1.0
    step: float = 0.1


@dataclass(frozen=True)
class BringAbout:
    """Something to be done on the stage or with the controls.

    Attributes:
        done: whether what the page computed in this run is it.
    """

    done: Callable[[Any], bool]


Question = Choose | Estimate | BringAbout


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a tour.

    Attributes:
        name: of its words: section ``tour_<name>`` of the lesson.
        state: link parameters that it sets, by name, beside those that the steps before it set; all others are left.
        controls: names of the controls, buttons and fields that are drawn.
        shows: names of the page's blocks that are drawn beside its picture, see :meth:`Page.shows`.
        reveals: further blocks, drawn once the question is answered.
        look_at: what is ringed: a control's name, or ``piece:mark`` for an element with ``data-mark`` in a piece.
        plays: whether the picture moves by itself when the step opens.
        question: asked before the answer is shown.
        then: link parameters that are set once the question is answered.
        numbers: what fills the {names} in its reasons and in what is seen now.
        measure: what it says of the answer that stands on the page, less is better: a class room's best and worst go by
            it. Without one they go by what the stage says of itself, if it does.
        minutes: that it takes.
    """

    name: str
    state: Mapping[str, Any] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    reveals: tuple[str, ...] = ()
    look_at: str = ""
    plays: bool = False
    question: Question | None = None
    then: Mapping[str, Any] = field(default_factory=dict)
    numbers: Callable[[Any], Mapping[str, object]] = lambda _outcome: {}
    measure: Callable[[Any], float] | None = None
    minutes: float = 1.5


@dataclass(frozen=True)
class StepWords:
    """The words of a step in one language, Markdown.

    Attributes:
        title: its heading.
        text: what it says before anything is asked.
        question: what it asks; empty if nothing.
        answers: value → words, in the order shown.
        reasons: value → why this answer is right or wrong.
        hint: on the way to what is to be brought about.
        seen: what the learner should see now.
    """

    title: str
    text: str
    question: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    seen: str = ""


def state_at(steps: Sequence[Step], number: int) -> dict[str, Any]:
    """Everything that the steps up to one set: a step opens alike, whichever way the reader came.

    Args:
        steps: the tour.
        number: of the step, from 1.
    """
    merged: dict[str, Any] = {}
    for step in steps[:number]:
        merged |= step.state
        if step is not steps[number - 1]:
            merged |= step.then
    return merged


def words_of(concept: str, step: Step, language: str) -> StepWords:
    """A step's words.

    Raises:
        KeyError: the lesson has no such section.
        ValueError: a line of the section begins with a mark and cannot be read.
    """
    return read_words(lang.lesson_sections(concept, language)[f"tour_{step.name}"])


def read_words(section: str) -> StepWords:
    """Reads the section of a lesson that holds one step.

    Args:
        section: its text.

    Raises:
        ValueError: no title, or an answer or reason without a value.
    """
    title, _line, rest = section.strip().partition("\n")
    if not title.startswith("## "):
        raise ValueError(f"A step begins with “## title”, not with {title[:40]!r}.")
    blocks: list[str] = [""]
    for line in rest.strip().split("\n"):
        if line[:2] in ("? ", "- ", "! ", "~ ", "> "):
            blocks.append(line)
        else:
            blocks[-1] += f"\n{line}"
    single = {"? ": "", "~ ": "", "> ": ""}
    answers: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for block in blocks[1:]:
        text = block.strip()
        if block[:2] in single:
            single[block[:2]] = text[2:].strip()
            continue
        found = _MARKED.match(text)
        if found is None:
            raise ValueError(f"No value in {text[:60]!r}.")
        (answers if found[1] == "-" else reasons)[found[2]] = found[3].strip()
    return StepWords(title[3:].strip(), blocks[0].strip(), single["? "], answers, reasons, single["~ "], single["> "])


def fill(words: str, numbers: Mapping[str, object]) -> str:
    """Puts numbers into their {names}; other braces, as formulas have them, stay.

    Args:
        words: Markdown.
        numbers: by name; floats are written with three significant digits, texts are quoted, never interpreted.
    """

    def value_of(found: re.Match[str]) -> str:
        value = numbers.get(found[1], found[0])
        if isinstance(value, float):
            return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        return str(value) if value == found[0] or not isinstance(value, str) else lang.escape_markdown(value)

    return _FIELD.sub(value_of, words)


def right_of(question: Question, outcome: Any) -> Any:
    """What is right.

    Args:
        question: what is asked.
        outcome: what the page computed in this run.
    """
    return DONE if isinstance(question, BringAbout) else question.right(outcome)


def judge(question: Question, told: Any, right: Any) -> tuple[bool, str]:
    """Whether an answer is right, and the name of the reason that fits it.

    Args:
        question: what was asked.
        told: the answer; ``WAIVED`` is never right.
        right: what is.
    """
    if isinstance(question, BringAbout):
        return told == DONE, "right" if told == DONE else WAIVED
    if isinstance(question, Choose):
        return told == right, str(right if told == WAIVED else told)
    if told == WAIVED:
        return False, "right"
    if abs(float(told) - float(right)) <= question.tolerance:
        return True, "right"
    return False, "low" if float(told) < float(right) else "high"


def first_reason(reason: str, secret: str) -> str:
    """What may be said of a wrong answer while the right one is not known: the reason's first sentence, or nothing.

    Args:
        reason: as the lesson has it, its {names} not filled.
        secret: words of the right answer; empty if it is a number.
    """
    found = _SENTENCE.match(reason.strip())
    sentence = found[0].strip() if found else ""
    begins = re.split(r"[,.:;，。：；]", secret, maxsplit=1)[0].strip()
    words = rf"(?<![^\W\u4e00-\u9fff]){re.escape(begins)}(?![^\W\u4e00-\u9fff])"
    names = bool(begins) and re.search(words, sentence, re.IGNORECASE) is not None
    return "" if names or _FIELD.search(sentence) else sentence


def minutes_left(steps: Sequence[Step], number: int) -> int:
    """Whole minutes from the beginning of a step to the end of the tour."""
    return max(1, round(sum(step.minutes for step in steps[number - 1 :])))
