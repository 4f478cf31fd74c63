"""A lesson for a class: an ordered list of views, as links; saved and loaded as a small JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from pages.rooms.limits import LONGEST_NAME, MOST_LINKS
from pages.rooms.reading import MessageError, clean_name, read_link

VERSION = 1
MOST_BYTES = 200_000
_OWN = ("lang", "present", "hide", "lock", "solved", "room", "walk", "v")
"""Parameters of a link that are a reader's own, and no part of a view."""


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        title: one short line.
        links: the views in their order, such as ``nms?tour=3``.
    """

    title: str
    links: tuple[str, ...]


class LessonError(ValueError):
    """A file or a list that is no lesson.

    Attributes:
        line: number of the line that cannot be read, from 1; 0 where the whole cannot be.
    """

    def __init__(self, line: int = 0) -> None:
        super().__init__(f"line {line}" if line else "no lesson")
        self.line = line


def tour_lesson(concept: str, num_steps: int, title: str) -> Lesson:
    """The tour of one page as a lesson."""
    return Lesson(clean_name(title), tuple(f"{concept}?tour={number}" for number in range(1, num_steps + 1)))


def read_lines(text: str, title: str, concepts: tuple[str, ...]) -> Lesson:
    """A lesson from links that were copied from pages, one on each line.

    Args:
        text: the lines; whole addresses, or views such as ``nms?tour=3``.
        title: of the lesson.
        concepts: the pages that there are.

    Raises:
        LessonError: a line is no view of one of the pages, or there are too many or none.
    """
    links: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        link = view_of(line.strip(), concepts)
        if link is None or len(links) == MOST_LINKS:
            raise LessonError(number)
        links.append(link)
    if not links:
        raise LessonError
    return Lesson(clean_name(title), tuple(links))


def view_of(address: str, concepts: tuple[str, ...]) -> str | None:
    """The view that an address shows; None if it is no page of this app. The host does not matter: links travel."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https"):
        return None
    concept = parts.path.rstrip("/").rpartition("/")[2]
    kept = sorted(part for part in parts.query.split("&") if part and part.partition("=")[0] not in _OWN)
    link = "?".join([concept, "&".join(kept)]) if kept else concept
    try:
        return read_link(link) if concept in concepts else None
    except MessageError:
        return None


def write_lesson(lesson: Lesson) -> str:
    """The lesson's file."""
    return json.dumps(
        {"grad2box_lesson": VERSION, "title": lesson.title, "links": list(lesson.links)}, indent=2, ensure_ascii=False
    )


def read_lesson(data: bytes, concepts: tuple[str, ...]) -> Lesson:
    """Reads a lesson's file.

    Raises:
        LessonError: it is none.
    """
    try:
        raw = json.loads(data.decode("utf-8")) if len(data) <= MOST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise LessonError from error
    if not isinstance(raw, dict) or raw.get("grad2box_lesson") != VERSION:
        raise LessonError
    title, links = raw.get("title"), raw.get("links")
    if not isinstance(title, str) or not isinstance(links, list) or not all(isinstance(link, str) for link in links):
        raise LessonError
    return read_lines("\n".join(links), title[: 4 * LONGEST_NAME], concepts)
