"""Drawn scenes with perfect ground truth: objects of six classes on crops of real photos.

A scene is a function of ``(split, index, size)`` alone. Training and validation stand on different photos, so that a
detector cannot learn the backgrounds it is judged on. Boxes are exact: tight to the pixels of an object that can be
seen, after everything in front of it has been drawn.

The numbers of objects and their sizes follow one rule at every picture size: the same density, sizes log-uniform from
``MIN_SIZE`` to ``MAX_SIZE`` pixels. An object of which less than ``MIN_VISIBLE`` would be left to see is not drawn, so
nobody is asked to find what is not there.

There are two kinds. In ``"shapes"`` a class can be told from an outline, on any map of a network. In ``"digits"`` each
of the ten digits is a class of its own, and the shapes lie among them as clutter that nobody is asked for: what an
object is takes a look at its strokes, and a ring is no zero.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32, Int16, Int64, UInt8
from PIL import Image, ImageDraw, ImageFilter

from vizcore.data.digits import load_digit_labels, load_digits
from vizcore.data.photos import load_sample

CLASSES: Final = ("circle", "square", "triangle", "star", "ring", "digit")
DIGITS: Final = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
KINDS: Final = {"shapes": CLASSES, "digits": DIGITS}
"""What can be asked for in a scene, by the kind of scene."""
BACKGROUNDS: Final = {
    "train": ("astronaut", "coffee", "motorcycle", "china", "rocket"),
    "validation": ("chelsea", "flower", "coins"),
}
SCENE_SIZE: Final = 512
MIN_SIZE, MAX_SIZE = 8, 200
MIN_DIGIT: Final = 14
"""Side of the smallest digit where digits are told apart, pixels; they were scanned with eight."""
MAX_OBJECTS: Final = 30
"""Objects in a scene of ``SCENE_SIZE``; a smaller scene holds as many to the area."""
MIN_VISIBLE: Final = 0.4
"""Share of an object's pixels that must remain visible."""
CROWD_PROBABILITY: Final = 0.3
SYMMETRIES: Final = {"square": 4, "triangle": 3, "star": 5}
"""Turns by a full circle over this number leave the shape as it was; of the other classes no angle is told."""

_TRIES: Final = 12
_OVERSAMPLING: Final = 4
_MIN_CONTRAST: Final = 70.0  # between an object's colour and what lies behind it, Euclidean in RGB
_DIGIT_SPLIT: Final = 1200  # digits before this one are for training, the rest for validation


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is on it.

    Attributes:
        pixels: ``[H, W, 3]`` uint8, RGB.
        boxes: ``[M, 4]`` float32, xyxy in pixels, tight to the visible part of each object; whole numbers.
        labels: ``[M]`` int64, index into ``CLASSES`` or, where digits are told apart, ``DIGITS``.
        sizes: ``[M]`` float32, the size each object was drawn with, in pixels: its longer side before rotation.
        visible: ``[M]`` float32 in (0, 1], share of the object's pixels that can be seen.
        owner: ``[H, W]`` int16, the object that is seen at each pixel; -1 for the background.
        angles: ``[M]`` float32, radians clockwise from straight up to a corner of a square or triangle or to a tip of a
            star, in [0, 2π / ``SYMMETRIES``); NaN for classes without one.
        background: name of the sample photo behind the objects.
        name: ``split`` and index.
    """

    pixels: UInt8[np.ndarray, "H W 3"]
    boxes: Float32[np.ndarray, "M 4"]
    labels: Int64[np.ndarray, " M"]
    sizes: Float32[np.ndarray, " M"]
    visible: Float32[np.ndarray, " M"]
    owner: Int16[np.ndarray, "H W"]
    angles: Float32[np.ndarray, " M"]
    background: str
    name: str


def draw_scene(split: str, index: int, *, size: int = SCENE_SIZE, kind: str = "shapes") -> Scene:
    """Draws one scene.

    Args:
        split: ``"train"`` or ``"validation"``.
        index: which scene of the split, from 0 on.
        size: side of the square picture, in pixels, at least 64.
        kind: one of ``KINDS``: which objects are asked for.

    Returns:
        The scene, with at least one object.

    Raises:
        ValueError: If there is no such split or kind, or the index or the size cannot be used.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if split not in BACKGROUNDS:
        raise ValueError(f"split must be one of {', '.join(BACKGROUNDS)}, not {split!r}")
    if index < 0 or size < 64:
        raise ValueError(f"index must not be negative and size at least 64; got {index} and {size}")
    generator = torch.Generator().manual_seed(_seed(kind, split, size, index))
    draw = _Draw(generator)
    background = BACKGROUNDS[split][draw.integer(len(BACKGROUNDS[split]))]
    canvas = _background(load_background(background), size, draw)
    owner = np.full((size, size), -1, dtype=np.int64)
    labels: list[int] = []
    sizes: list[float] = []
    areas: list[int] = []
    angles: list[float] = []

    most = max(1, round(MAX_OBJECTS * (size / SCENE_SIZE) ** 2))
    smallest = MIN_DIGIT if kind == "digits" else MIN_SIZE
    if kind == "digits":
        _scatter_clutter(canvas, int(most * draw.number()), split, draw)
    number = 1 + int(most * draw.number() ** 1.5)
    crowd = _Crowd.draw(draw, size, len(KINDS[kind])) if draw.number() < CROWD_PROBABILITY else None
    for _ in range(min(number, most)):
        in_crowd = crowd is not None and draw.number() < 0.7
        label = crowd.label if crowd and in_crowd else draw.integer(len(KINDS[kind]))
        for _ in range(_TRIES):
            side = crowd.side * draw.between(0.75, 1.33) if crowd and in_crowd else draw.log_between(smallest, MAX_SIZE)
            side = min(max(side, smallest), MAX_SIZE, 0.8 * size)
            if kind == "digits":
                alpha, turn = _draw_digit(_pick_digit(split, draw, label), side, draw), 0.0
            else:
                alpha, turn = _SHAPES[CLASSES[label]](side, split, draw)
            near = crowd if in_crowd else None
            placed = _place(alpha, owner, areas, near, draw)
            if placed is not None:
                top, left, mask, alpha = placed
                _paint(canvas, top, left, alpha, draw)
                owner[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = len(labels)
                labels.append(label)
                sizes.append(side)
                angles.append(_angle(KINDS[kind][label], turn))
                areas.append(int(mask.sum()))
                break

    boxes = np.zeros((len(labels), 4), dtype=np.float32)
    visible = np.zeros(len(labels), dtype=np.float32)
    for place in range(len(labels)):
        rows, columns = np.nonzero(owner == place)
        boxes[place] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        visible[place] = len(rows) / areas[place]
    return Scene(
        pixels=_finish(canvas, draw),
        boxes=boxes,
        labels=np.asarray(labels, dtype=np.int64),
        sizes=np.asarray(sizes, dtype=np.float32),
        visible=visible,
        owner=owner.astype(np.int16),
        angles=np.asarray(angles, dtype=np.float32),
        background=background,
        name=f"{split} {index}" if kind == "shapes" else f"{kind} {split} {index}",
    )


def scenes_hash(split: str, indices: Iterable[int], *, size: int = SCENE_SIZE, kind: str = "shapes") -> str:
    """SHA-256 of the boxes and labels of scenes, to tell whether two machines drew the same ones.

    Pixels are left out: resizing and blurring may round differently from one build of Pillow to the next.
    """
    digest = hashlib.sha256()
    for index in indices:
        scene = draw_scene(split, index, size=size, kind=kind)
        digest.update(np.concatenate([scene.boxes, scene.labels[:, None]], axis=1).astype("<i4").tobytes())
    return digest.hexdigest()


def to_coco(scenes: Iterable[Scene], kind: str = "shapes") -> dict[str, Any]:
    """Scenes as a COCO data set: images, annotations with ``xywh`` boxes, categories numbered from 1.

    ``area`` is the box's, as in data sets without masks; the size classes of COCO's evaluation go by it.
    """
    images: list[dict[str, Any]] = []
    targets: list[tuple[np.ndarray, np.ndarray]] = []
    for number, scene in enumerate(scenes, start=1):
        height, width = scene.pixels.shape[:2]
        images.append(
            {"id": number, "file_name": f"{scene.name.replace(' ', '_')}.png", "height": height, "width": width}
        )
        targets.append((scene.boxes, scene.labels))
    return {"images": images, "annotations": coco_annotations(targets), "categories": coco_categories(kind)}


def coco_annotations(targets: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[dict[str, Any]]:
    """COCO's annotations of pictures numbered from 1.

    Args:
        targets: of each picture the boxes ``[M, 4]`` xyxy and labels ``[M]``.
    """
    annotations: list[dict[str, Any]] = []
    for number, (boxes, labels) in enumerate(targets, start=1):
        for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    return annotations


def coco_categories(kind: str = "shapes") -> list[dict[str, Any]]:
    """COCO's categories: the classes of a kind of scene, numbered from 1."""
    return [{"id": place, "name": name} for place, name in enumerate(KINDS[kind], start=1)]


@lru_cache(maxsize=len(CLASSES) + 2)
def load_background(name: str) -> Image.Image:
    """A sample photo, kept because a data set asks for it thousands of times."""
    return Image.fromarray(load_sample(name).pixels)


def _seed(kind: str, split: str, size: int, index: int) -> int:
    """Where a scene's random numbers begin; torch's generator looks at 32 bits of it.

    The split of the shapes' seeds lies above these bits, so scenes of one index and size begin with the same numbers in
    both splits: the same objects in about the same places, before other photos and contrasts lead them apart. What
    was trained and judged on them stays as it was.
    """
    if kind == "shapes":
        return ({"train": 1, "validation": 2}[split] << 40) + (size << 24) + index
    return int.from_bytes(hashlib.sha256(f"{kind} {split} {size} {index}".encode()).digest()[:4], "big")


class _Draw:
    """Numbers from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self._numbers: list[float] = []

    def number(self) -> float:
        """Uniform in [0, 1)."""
        if not self._numbers:
            self._numbers = torch.rand(256, generator=self.generator, dtype=torch.float64).tolist()
        return self._numbers.pop()

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.number()

    def log_between(self, low: float, high: float) -> float:
        """Log-uniform in [low, high)."""
        return low * (high / low) ** self.number()

    def integer(self, count: int) -> int:
        """One of 0 … count - 1."""
        return int(self.number() * count)

    def colour(self) -> np.ndarray:
        """Any colour, float64 ``[3]`` in 0..255."""
        return np.array([255 * self.number() for _ in range(3)])


@dataclass(frozen=True)
class _Crowd:
    """Where many objects of one class and of about one size stand together: centre, spread and size in pixels."""

    label: int
    x: float
    y: float
    spread: float
    side: float

    @classmethod
    def draw(cls, draw: _Draw, size: int, num_classes: int) -> _Crowd:
        side = draw.log_between(12, 72)
        return cls(
            draw.integer(num_classes),
            draw.between(0.25, 0.75) * size,
            draw.between(0.25, 0.75) * size,
            min(2.2 * side, size / 4),
            side,
        )


def _background(photo: Image.Image, size: int, draw: _Draw) -> np.ndarray:
    """A square crop of the photo at a random scale, maybe mirrored, its brightness and contrast changed a little."""
    side = min(photo.size) * draw.between(0.45, 1.0)
    left, top = draw.number() * (photo.width - side), draw.number() * (photo.height - side)
    crop = photo.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    if draw.number() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(crop, dtype=np.float32)
    return (pixels - 128) * np.float32(draw.between(0.7, 1.2)) + np.float32(128 + draw.between(-25, 25))


def _scatter_clutter(canvas: np.ndarray, number: int, split: str, draw: _Draw) -> None:
    """Shapes that nobody is asked for, behind all objects."""
    size = canvas.shape[0]
    nobody = np.full((size, size), -1, dtype=np.int64)
    near = [name for name in CLASSES if name != "digit"]
    for _ in range(number):
        side = min(draw.log_between(MIN_SIZE, MAX_SIZE), 0.8 * size)
        alpha, _turn = _SHAPES[near[draw.integer(len(near))]](side, split, draw)
        placed = _place(alpha, nobody, [], None, draw)
        if placed is not None:
            top, left, _mask, alpha = placed
            _paint(canvas, top, left, alpha, draw)


def _place(
    alpha: np.ndarray, owner: np.ndarray, areas: list[int], crowd: _Crowd | None, draw: _Draw
) -> tuple[int, int, np.ndarray, np.ndarray] | None:
    """A place for an object where enough of everything stays visible: (top, left, mask, alpha) cut to the picture."""
    size = owner.shape[0]
    height, width = alpha.shape
    if crowd is None:
        x, y = draw.number() * size, draw.number() * size
    else:
        x = crowd.x + crowd.spread * (draw.number() + draw.number() - 1)
        y = crowd.y + crowd.spread * (draw.number() + draw.number() - 1)
    left, top = round(x - width / 2), round(y - height / 2)
    whole = int((alpha >= 0.5).sum())
    from_row, from_column = max(-top, 0), max(-left, 0)
    alpha = alpha[from_row : max(size - top, 0), from_column : max(size - left, 0)]
    top, left = max(top, 0), max(left, 0)
    mask = alpha >= 0.5
    area = int(mask.sum())
    if area < max(12, 0.7 * whole):  # cut off by the picture's edge
        return None
    covered = owner[top : top + mask.shape[0], left : left + mask.shape[1]][mask]
    touched = covered[covered >= 0]
    if len(touched):
        hidden = np.bincount(touched, minlength=len(areas))
        for place in np.nonzero(hidden)[0]:
            seen = int((owner == place).sum()) - int(hidden[place])
            if seen < max(12, MIN_VISIBLE * areas[place]):
                return None
        if len(touched) > 0.95 * area and len(np.unique(touched)) == 1 and hidden.max() > 0.5 * areas[int(touched[0])]:
            return None
    return top, left, mask, alpha


def _paint(canvas: np.ndarray, top: int, left: int, alpha: np.ndarray, draw: _Draw) -> None:
    """Lays an object's colour and texture over the canvas."""
    height, width = alpha.shape
    target = canvas[top : top + height, left : left + width]
    behind = target[alpha >= 0.5].mean(axis=0)
    colour = draw.colour()
    for _ in range(8):
        if np.linalg.norm(colour - behind) >= _MIN_CONTRAST:
            break
        colour = draw.colour()
    else:
        colour = np.where(behind > 127, 20.0, 235.0)
    fill = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    kind = draw.number()
    if kind < 0.5 and min(height, width) >= 12:
        second = colour + np.array([draw.between(-60, 60) for _ in range(3)])
        angle = draw.between(0, math.pi)
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        along = rows * math.sin(angle) + columns * math.cos(angle)
        if kind < 0.25:  # stripes
            period = draw.between(4, max(6.0, 0.4 * max(height, width)))
            share = 0.5 + 0.5 * np.sin(2 * math.pi * along / period)
        else:  # from one colour into another
            share = (along - along.min()) / max(float(np.ptp(along)), 1.0)
        fill = fill * (1 - share[..., None]) + second.astype(np.float32) * share[..., None]
    opacity = alpha[..., None].astype(np.float32)
    target *= 1 - opacity
    target += opacity * fill


def _finish(canvas: np.ndarray, draw: _Draw) -> np.ndarray:
    """Blur for some scenes, noise for most, and whole numbers."""
    if draw.number() < 0.3:
        blurred = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(draw.between(0.3, 1.1))
        )
        canvas = np.asarray(blurred, dtype=np.float32)
    strength = draw.between(0, 10)
    noise = torch.randn(canvas.shape, generator=draw.generator).numpy()
    return np.clip(np.rint(canvas + strength * noise), 0, 255).astype(np.uint8)


# -- shapes: each gives the share of every pixel that it covers, in a picture just large enough ------------------------


def _polygon(points: list[tuple[float, float]], holes: list[tuple[float, float]] | None = None) -> np.ndarray:
    """Coverage of a polygon given by its corners (x, y) around the origin."""
    extent = max(max(abs(x), abs(y)) for x, y in points)
    half = math.ceil(extent) + 1
    side = 2 * half * _OVERSAMPLING
    # Corners are put on a sixteenth of a pixel: the last digit of a sine must not decide about a pixel.
    picture = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(picture)
    pen.polygon([_corner(x, y, half) for x, y in points], fill=255)
    if holes:
        pen.polygon([_corner(x, y, half) for x, y in holes], fill=0)
    coverage = np.asarray(picture, dtype=np.float32).reshape(2 * half, _OVERSAMPLING, 2 * half, _OVERSAMPLING)
    return coverage.mean(axis=(1, 3)) / 255


def _corner(x: float, y: float, half: int) -> tuple[float, float]:
    return tuple((round(16 * value) / 16 + half) * _OVERSAMPLING - 0.5 for value in (x, y))  # type: ignore[return-value]


def _around(radii: list[float], turn: float) -> list[tuple[float, float]]:
    """Corners at equal angles, their distances from the origin given in turn."""
    return [
        (
            radius * math.sin(turn + 2 * math.pi * place / len(radii)),
            -radius * math.cos(turn + 2 * math.pi * place / len(radii)),
        )
        for place, radius in enumerate(radii)
    ]


def _angle(name: str, turn: float) -> float:
    """The turn that is told of a shape: within its symmetry, NaN where there is none."""
    if name not in SYMMETRIES:
        return math.nan
    period = 2 * math.pi / SYMMETRIES[name]
    return turn % period


def _circle(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    return _polygon(_around([side / 2] * 64, 0.0)), 0.0


def _ring(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    hole = draw.between(0.45, 0.65)
    return _polygon(_around([side / 2] * 64, 0.0), _around([hole * side / 2] * 64, 0.0)), 0.0


def _square(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    turn = math.pi / 4 + draw.between(-math.pi / 4, math.pi / 4)
    return _polygon(_around([side / math.sqrt(2)] * 4, turn)), turn


def _triangle(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    turn = draw.between(0, 2 * math.pi)
    return _polygon(_around([side / math.sqrt(3)] * 3, turn)), turn


def _star(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    turn = draw.between(0, 2 * math.pi)
    return _polygon(_around([side / 2, 0.42 * side / 2] * 5, turn)), turn


def _digit(side: float, split: str, draw: _Draw) -> tuple[np.ndarray, float]:
    count = len(load_digits())
    place = draw.integer(_DIGIT_SPLIT) if split == "train" else _DIGIT_SPLIT + draw.integer(count - _DIGIT_SPLIT)
    return _draw_digit(place, side, draw), 0.0


def _pick_digit(split: str, draw: _Draw, label: int) -> int:
    """Place in the file of some digit of a class."""
    places = _digit_places(split)[label]
    return places[draw.integer(len(places))]


@lru_cache(maxsize=2)
def _digit_places(split: str) -> tuple[tuple[int, ...], ...]:
    """Of each digit its places in the file within a split."""
    labels = load_digit_labels()
    places = np.arange(len(labels))
    own = places < _DIGIT_SPLIT if split == "train" else places >= _DIGIT_SPLIT
    return tuple(tuple(places[own & (labels == digit)].tolist()) for digit in range(len(DIGITS)))


def _draw_digit(place: int, side: float, draw: _Draw) -> np.ndarray:
    ink = load_digits()[place] / 16
    rows, columns = np.nonzero(ink > 0.3)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(3, round(length * side / max(ink.shape))) for length in ink.shape)
    picture = Image.fromarray((255 * np.pad(ink, 1)).astype(np.uint8))
    margin = (height / ink.shape[0], width / ink.shape[1])
    picture = picture.resize(
        (round(width + 2 * margin[1]), round(height + 2 * margin[0])), Image.Resampling.BICUBIC
    ).rotate(round(draw.between(-20, 20)), Image.Resampling.BILINEAR, expand=True)
    # Ink is soft at a stroke's edge: sharpened, so that the visible mask and the eye agree.
    return np.clip((np.asarray(picture, dtype=np.float32) / 255 - 0.45) * 6 + 0.5, 0, 1)


_SHAPES: Final[dict[str, Callable[[float, str, _Draw], tuple[np.ndarray, float]]]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "digit": _digit,
}
