"""The sizes of the objects in a COCO annotation file, read as a stream.

A file of half a gigabyte never stands in memory: the reader passes over it twice, once for the pictures' sizes and
once for the boxes, and keeps four numbers for each box. Masks are skipped.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import ijson
import numpy as np

from vizcore.scale.errors import ScaleError
from vizcore.scale.sizes import SizeSample

_REPORT_EVERY: Final = 2000  # objects


@dataclass(frozen=True)
class Oddity:
    """Boxes that were left out, all for one reason.

    Attributes:
        kind: ``"no_area"`` (a side that is zero, negative or not a number) or ``"repeated"`` (an id a second time).
        count: of them.
        first: id of the first annotation of the kind, as text.
    """

    kind: str
    count: int
    first: str


@dataclass(frozen=True, eq=False)
class COCOSizes:
    """What a file says of its objects.

    Attributes:
        sample: the objects' sizes; crowds are objects too.
        num_annotations: all of them, with those that were left out.
        oddities: what was left out.
    """

    sample: SizeSample
    num_annotations: int
    oddities: tuple[Oddity, ...]


def read_coco(file: IO[bytes] | str | Path, *, report: Callable[[float], None] | None = None) -> COCOSizes:
    """Reads the sizes of all objects.

    Args:
        file: an open binary file that can be rewound, or a path.
        report: called now and then with the share that is done.

    Raises:
        ScaleError: If the file is not JSON, is cut short, is no COCO annotation file, or contradicts itself (two
            pictures with one id, a box in a picture that it does not list). The sentence names the first such place.
    """
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            return read_coco(opened, report=report)
    whole = file.seek(0, 2) or 1

    def tell(part: int) -> None:
        if report is not None:
            report(min(1.0, (part + file.tell() / whole) / 2))

    pictures = _read_pictures(file, tell)
    return _read_boxes(file, pictures, tell)


def _objects(file: IO[bytes], name: str) -> Any:
    """The members of one of the file's lists, one after another."""
    file.seek(0)
    try:
        yield from ijson.items(file, f"{name}.item", use_float=True)
    except ijson.IncompleteJSONError as error:
        raise ScaleError("The file is cut short, or no JSON, at byte {byte}.", byte=file.tell()) from error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise ScaleError("The file is no JSON: it cannot be read near byte {byte}.", byte=file.tell()) from error


def _read_pictures(file: IO[bytes], tell: Callable[[int], None]) -> dict[int, tuple[float, float]]:
    """(height, width) of each picture, by its id."""
    pictures: dict[int, tuple[float, float]] = {}
    for place, entry in enumerate(_objects(file, "images")):
        try:
            key, size = int(entry["id"]), (float(entry["height"]), float(entry["width"]))
        except (TypeError, KeyError, ValueError) as error:
            raise ScaleError(
                "Entry {place} of “images” has no id, height and width, as COCO’s have.", place=place
            ) from error
        if key in pictures:
            raise ScaleError("Two pictures have the id {id}; the second is entry {place}.", id=key, place=place)
        if not all(math.isfinite(side) and side > 0 for side in size):
            raise ScaleError("Picture {id} has the size {size}.", id=key, size=size)
        pictures[key] = size
        if not place % _REPORT_EVERY:
            tell(0)
    if not pictures:
        raise ScaleError("This is no COCO annotation file: it has no “images” with anything in it.")
    return pictures


def _read_boxes(file: IO[bytes], pictures: dict[int, tuple[float, float]], tell: Callable[[int], None]) -> COCOSizes:
    sides, relative, seen = array("d"), array("d"), set()
    left_out: dict[str, tuple[int, str]] = {}
    number = 0
    for place, entry in enumerate(_objects(file, "annotations")):
        number += 1
        try:
            key, picture = entry["id"], pictures.get(int(entry["image_id"]))
            _x, _y, width, height = (float(side) for side in entry["bbox"])
        except (TypeError, KeyError, ValueError) as error:
            raise ScaleError(
                "Entry {place} of “annotations” has no id, image_id and bbox of four numbers, as COCO’s have.",
                place=place,
            ) from error
        if picture is None:
            raise ScaleError(
                "Annotation {id} belongs to picture {picture}, which the file does not list.",
                id=key,
                picture=entry["image_id"],
            )
        odd = "repeated" if key in seen else ""
        if not (width > 0 and height > 0 and math.isfinite(width * height)):
            odd = odd or "no_area"
        if odd:
            count, first = left_out.get(odd, (0, str(key)))
            left_out[odd] = (count + 1, first)
        else:
            side = math.sqrt(width * height)
            sides.append(side)
            relative.append(side / math.sqrt(picture[0] * picture[1]))
        seen.add(key)
        if not place % _REPORT_EVERY:
            tell(1)
    if not number:
        raise ScaleError("This is no COCO annotation file: it has no “annotations” with anything in it.")
    tell(1)
    oddities = tuple(Oddity(kind, count, first) for kind, (count, first) in left_out.items())
    return COCOSizes(SizeSample(np.array(sides), np.array(relative), len(pictures)), number, oddities)
