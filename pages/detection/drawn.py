"""The boxes that the reader draws on the photo: read from the link and from the stage, or the picture's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.detection import state
from pages.detection.state import BETWEEN_NAMES, LONGEST_NAME, MOST_TRUTHS
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.pictures import Picture
from pages.kit.stage import StageBox, stage_state
from vizcore.boxes import BoxError, check_box
from vizcore.data.annotations import Annotation, annotate_scene, load_annotations
from vizcore.figures import theme

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """True boxes on a picture.

    Attributes:
        boxes: xyxy, pixels.
        names: what each is, in the reader's words.
        own: whether the reader drew or moved one of them.
    """

    boxes: tuple[Box, ...]
    names: tuple[str, ...]
    own: bool


def stage_key(page: Page) -> str:
    """The stage's key."""
    return page.key("truth_stage")


def mark(picture: Picture) -> str:
    """What the link calls the picture that was drawn on."""
    return f"{picture.kind}.{picture.name[:16]}"


def version(page: Page, picture: Picture) -> str:
    """What an answer of the stage must refer to."""
    return f"{mark(picture)}.{page.version(state.TRUTHS.name)}"


def arrangement(page: Page, picture: Picture, drawn: Drawn) -> dict[str, Any]:
    """What stands on the stage, as ``stage`` and ``stage_state`` take it."""
    boxes = [
        StageBox(str(index), box, label=name, color=theme.TARGET, fill=False)
        for index, (box, name) in enumerate(zip(drawn.boxes, drawn.names, strict=True))
    ]
    return {"boxes": boxes, "size": picture.size, "version": version(page, picture)}


def known(picture: Picture) -> tuple[Annotation, ...]:
    """The objects that a picture comes with: boxed by a person, or known since they were drawn."""
    if picture.kind == "scene":
        return compute(annotate_scene, int(picture.name))  # type: ignore[no-any-return]
    return () if picture.is_own else load_annotations(picture.name)


def read(page: Page, picture: Picture) -> Drawn:
    """The true boxes as link and stage have them now."""
    key = stage_key(page)
    if (edit := _edit(said(key).get("edit"), version(page, picture), picture.size)) is not None:
        _keep(page, picture, *edit)
    drawn = _standing(page, picture)
    moved = stage_state(key, **arrangement(page, picture, drawn)).boxes
    boxes = tuple(box.xyxy for box in moved)
    if boxes == drawn.boxes:
        return drawn
    for parameter, value in zip(_PARAMETERS, _written(picture, boxes, drawn.names), strict=True):
        page.store(parameter, value)
    return _standing(page, picture)


def forget(page: Page) -> None:
    """Brings back what the picture comes with."""
    page.set(**{parameter.name: parameter.default for parameter in _PARAMETERS})


_PARAMETERS = (state.TRUTHS, state.TRUTH_NAMES, state.DRAWN_ON)


def _standing(page: Page, picture: Picture) -> Drawn:
    """What link and session say, in order and on the picture; what had to be changed is told."""
    rows, names, drawn_on = (page.value(parameter) for parameter in _PARAMETERS)
    if drawn_on != mark(picture):
        objects = known(picture)
        return Drawn(
            tuple((*map(float, each.box),) for each in objects),  # type: ignore[misc]
            tuple(page.translate(each.title) for each in objects),
            own=False,
        )
    checked = [check_box(row, size=picture.size) for row in rows]
    boxes = tuple(_within(each.box, picture.size) for each in checked)
    words = names.split(BETWEEN_NAMES)[: len(boxes)] if names else []
    fitting = tuple(_name(word) for word in (*words, *[""] * (len(boxes) - len(words))))
    if boxes != tuple(tuple(row) for row in rows):
        for each in checked:
            page.notices.extend(page.translate(note.template, **note.values) for note in each.corrections)
        if any(box != each.box for box, each in zip(boxes, checked, strict=True)):
            page.notices.append(page.translate("A box reached beyond the picture; it was cut at the edge."))
        _keep(page, picture, boxes, fitting)
        for parameter in _PARAMETERS:
            page.value(parameter)
    return Drawn(boxes, fitting, own=True)


def _keep(page: Page, picture: Picture, boxes: Sequence[Box], names: Sequence[str]) -> None:
    """Sets what stands on the picture; the stage begins anew with it."""
    values = _written(picture, boxes, names)
    page.set(**{parameter.name: value for parameter, value in zip(_PARAMETERS, values, strict=True)})


def _written(picture: Picture, boxes: Sequence[Box], names: Sequence[str]) -> tuple[list[list[float]], str, str]:
    return [list(box) for box in boxes], BETWEEN_NAMES.join(names), mark(picture)


def _within(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box that lies on the picture."""
    x1, y1, x2, y2 = box
    height, width = map(float, size)
    return min(max(x1, 0.0), width), min(max(y1, 0.0), height), min(max(x2, 0.0), width), min(max(y2, 0.0), height)


def _name(words: str) -> str:
    """A name that the link can carry."""
    return " ".join(words.replace(BETWEEN_NAMES, ",").replace("\x00", "").split())[:LONGEST_NAME]


def _edit(heard: object, now: str, size: tuple[int, int]) -> tuple[list[Box], list[str]] | None:
    """The boxes and names that the browser asks for, if they belong to what stands there and can be believed."""
    if not isinstance(heard, Mapping) or heard.get("version") != now:
        return None
    boxes, names = heard.get("boxes"), heard.get("names")
    if not isinstance(boxes, list) or not isinstance(names, list) or not len(boxes) == len(names) <= MOST_TRUTHS:
        return None
    if not all(isinstance(name, str) for name in names):
        return None
    try:
        table = np.array(boxes, dtype=np.float64).reshape(len(boxes), 4)
        checked = [_within(check_box(row, size=size).box, size) for row in table.tolist()]
    except (BoxError, TypeError, ValueError):
        return None
    return checked, [_name(name) for name in names]
