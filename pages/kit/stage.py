"""The drag stage: boxes over a photo or a grid, moved in the browser, known to Python on release.

The picture is ``assets/components/shared/stage.js``. A page component that draws more (losses, an algorithm's steps)
builds on the same stage and is mounted through :func:`stage` too, with ``component=`` its name.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import streamlit as st
from PIL import Image

from pages.kit.language import Translate, translator
from pages.kit.live import live, media_url, said

MAX_BOXES = 20_000
MAX_EDITABLE = 200
MAX_COORDINATE = 1e6
_INLINE = 100  # more boxes than this travel once, by URL
_PARTS = ("nw", "n", "ne", "e", "se", "s", "sw", "w")

Color = str | tuple[str, str]


@dataclass(frozen=True)
class StageBox:
    """One box on the stage.

    Attributes:
        id: what marks, selection and results call it; unique on its stage.
        xyxy: corners in pixels of the picture.
        label: short name beside the box.
        color: CSS colour, or one for light and one for dark grounds; the theme's primary colour if empty.
        dash: dash pattern in CSS pixels, such as ``"6 4"``; a second cue beside colour.
        fill: whether a tint fills the box.
        movable: whether it can be moved.
        resizable: whether it can be resized.
        score: shown behind the label.
        detail: more lines for the tip and the screen reader.
    """

    id: str
    xyxy: tuple[float, float, float, float]
    label: str = ""
    color: Color = ""
    dash: str = ""
    fill: bool = True
    movable: bool = True
    resizable: bool = True
    score: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class StageState:
    """What stands on a stage.

    Attributes:
        boxes: as given, with the learner's geometry.
        selected: id of the selected box.
        said: everything the browser said, unchecked: what a page component put into its channel.
    """

    boxes: tuple[StageBox, ...]
    selected: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def xyxy(self) -> list[list[float]]:
        """The boxes' corners, in the order given."""
        return [list(box.xyxy) for box in self.boxes]


def stage(
    key: str,
    *,
    boxes: Sequence[StageBox],
    size: tuple[int, int],
    photo: str | bytes | np.ndarray | None = None,
    grid: int | None = None,
    mode: Literal["edit", "select"] = "edit",
    version: int | str = 0,
    snap: float = 1,
    min_size: float = 1,
    bounds: bool = True,
    selected: str | None = None,
    title: str = "",
    presenter: bool = False,
    component: str = "shared/stage",
    crowd: bool = False,
    extra: Mapping[str, Any] | None = None,
    payload: bytes | None = None,
) -> StageState:
    """Shows a stage and returns what stands on it.

    The boxes given are where it starts. What the learner makes of them stands until ``version`` or the ids change.

    Args:
        key: identity in session and browser.
        boxes: at most ``MAX_BOXES``; at most ``MAX_EDITABLE`` if they can be edited.
        size: (height, width) of the picture in pixels.
        photo: URL, encoded file or uint8 ``[H, W, 3]``, shown behind the boxes.
        grid: spacing of grid lines in pixels.
        mode: ``edit`` to move and resize, ``select`` to look and choose.
        version: another value restarts the stage from ``boxes``.
        snap: coordinates are multiples of it; 0 for hundredths of a pixel.
        min_size: least width and height that a resize leaves.
        bounds: whether boxes stay in the picture.
        selected: id selected at the start and after a restart.
        title: what the picture is, for a screen reader.
        presenter: larger handles and type.
        component: piece to mount; it gets ``data.stage`` and ``data.text`` beside ``extra``.
        crowd: whether that piece, as the plain stage does, reads its boxes from ``data.payload`` where they are many.
        extra: more data for that piece.
        payload: large constant bytes for that piece.
    """
    state = stage_state(key, boxes=boxes, size=size, mode=mode, version=version, bounds=bounds, selected=selected)
    translate = translator("stage")
    spec: dict[str, Any] = {
        "token": _token(boxes, version, mode),
        "size": [int(size[0]), int(size[1])],
        "mode": mode,
        "grid": grid,
        "snap": snap,
        "min_size": min_size,
        "bounds": bounds,
        "selected": state.selected,
        "presenter": presenter,
        "photo": photo_url(photo, key),
        "text": {**_text(translate), "title": title},
    }
    rows = [vars(box) for box in state.boxes]
    if (crowd or component == "shared/stage") and len(rows) > _INLINE:
        payload = json.dumps(rows).encode()
        spec["boxes"] = []
    else:
        spec["boxes"] = rows
    live(component, key=key, data={**(extra or {}), "stage": spec, "presenter": presenter}, payload=payload)
    return state


def stage_state(
    key: str,
    *,
    boxes: Sequence[StageBox],
    size: tuple[int, int],
    mode: Literal["edit", "select"] = "edit",
    version: int | str = 0,
    bounds: bool = True,
    selected: str | None = None,
) -> StageState:
    """What stands on the stage ``key`` now, before it is shown in this run; the arguments as for :func:`stage`.

    Raises:
        ValueError: too many boxes, an id twice, or a coordinate that is not a finite number.
    """
    _check(boxes, mode)
    value = said(key)
    ids = {box.id for box in boxes}
    heard = value.get("stage")
    if not isinstance(heard, Mapping) or heard.get("token") != _token(boxes, version, mode):
        heard = {}
    chosen = heard.get("selected", selected)
    current = tuple(boxes)
    if mode == "edit":
        geometry = _geometry(heard.get("boxes"), current, size if bounds else None)
        current = tuple(replace(box, xyxy=geometry.get(box.id, box.xyxy)) for box in boxes)
    return StageState(current, chosen if isinstance(chosen, str) and chosen in ids else None, value)


def photo_url(photo: str | bytes | np.ndarray | None, key: str) -> str | None:
    """The URL of a photo for the stage ``key``; a page that shows one photo many times asks for it once.

    Args:
        photo: as for :func:`stage`; a URL is handed through.
        key: the stage's.
    """
    if photo is None or isinstance(photo, str):
        return photo
    content = _encode(photo) if isinstance(photo, np.ndarray) else photo
    mimetype = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return media_url(content, mimetype, f"{key}-photo")


def _check(boxes: Sequence[StageBox], mode: str) -> None:
    most = MAX_EDITABLE if mode == "edit" else MAX_BOXES
    if len(boxes) > most:
        raise ValueError(f"A stage in {mode!r} mode takes at most {most} boxes, not {len(boxes)}.")
    if len({box.id for box in boxes}) != len(boxes):
        raise ValueError("Two boxes of a stage have the same id.")
    if not all(math.isfinite(value) for box in boxes for value in box.xyxy):
        raise ValueError("A box of a stage has a coordinate that is not a finite number.")


def _geometry(
    sent: object, boxes: Sequence[StageBox], size: tuple[int, int] | None
) -> dict[str, tuple[float, float, float, float]]:
    """The geometry that the browser sent, if all of it can be believed; else nothing."""
    if not isinstance(sent, Mapping) or len(sent) != len(boxes):
        return {}
    geometry = {}
    for box in boxes:
        corners = sent.get(box.id)
        if corners is None or not _believable(corners):
            return {}
        x1, y1, x2, y2 = (float(corner) for corner in corners)
        inside = size is None or (x1 >= 0 and y1 >= 0 and x2 <= size[1] and y2 <= size[0])
        # A start that already reaches over the edge may stay where it is.
        if not inside and (x1, y1, x2, y2) != tuple(box.xyxy):
            return {}
        geometry[box.id] = (x1, y1, x2, y2)
    return geometry


def _believable(corners: object) -> bool:
    if not isinstance(corners, list | tuple) or len(corners) != 4:
        return False
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in corners)
    if not numbers or not all(abs(value) <= MAX_COORDINATE for value in corners):  # NaN fails the comparison too
        return False
    return corners[0] <= corners[2] and corners[1] <= corners[3]


def _token(boxes: Sequence[StageBox], version: int | str, mode: str) -> str:
    """What an answer from the browser must refer to. A selection outlives a change of the boxes, geometry does not."""
    if mode == "select":
        return f"{version}"
    ids = "\0".join(box.id for box in boxes)
    return f"{version}.{hashlib.blake2b(ids.encode(), digest_size=6).hexdigest()}"


@st.cache_data(max_entries=16, show_spinner=False)
def _encode(pixels: np.ndarray) -> bytes:
    """A photo as JPEG: a tenth of its PNG, and what stands behind boxes need not be exact."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _text(translate: Translate) -> dict[str, str]:
    """What the stage says, translated; braces are filled by JavaScript."""
    names = {
        "nw": translate("top left corner"),
        "n": translate("top edge"),
        "ne": translate("top right corner"),
        "e": translate("right edge"),
        "se": translate("bottom right corner"),
        "s": translate("bottom edge"),
        "sw": translate("bottom left corner"),
        "w": translate("left edge"),
    }
    return {
        "stage": translate("Stage with boxes"),
        "undo": translate("Undo"),
        "redo": translate("Redo"),
        "undone": translate("Undone."),
        "redone": translate("Redone."),
        "hint": translate("Drag a box, or Tab to it and use the arrow keys."),
        "box": translate("{label}: left {x1}, top {y1}, right {x2}, bottom {y2}; {width} × {height}."),
        "readout": translate("{label}: ({x1}, {y1}) to ({x2}, {y2}), {width} × {height}"),
        "handle": translate("{label}, {part}"),
        "role_box": translate("movable box"),
        "help_edit": translate(
            "Tab goes to a box and to its corners and edges. Arrow keys move it by 1 pixel, with Shift by 10. "
            "Control Z undoes, Control Shift Z redoes. Enter goes to a box's corners, Escape back to the box."
        ),
        "help_select": translate("Arrow keys go through the boxes, Home and End to the first and last, Enter selects."),
        **{f"part_{part}": names[part] for part in _PARTS},
    }
