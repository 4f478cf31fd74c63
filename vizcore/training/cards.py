"""A card for each shipped file: what it is, how it was made, how good it is, what it costs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from vizcore.models.centernet import POINT_WEIGHTS
from vizcore.models.weight_files import WEIGHTS_FOLDER


@dataclass(frozen=True)
class Card:
    """What is known about a shipped detector.

    Attributes:
        name: of the card, without its ending.
        weights: name of the file with the weights, without its ending.
        pyramid: whether it is shown the picture at ``PYRAMID_SCALES`` (design (a) of Lin et al.).
        title: for people.
        config: the arguments of its ``FCOSConfig``.
        seed: of weights and batches.
        data: what it was trained on, in words and numbers.
        steps: made.
        batch_size: scenes a step.
        hours: of training.
        command: that makes it.
        num_scenes: of the validation split that it was judged on.
        quality: the shipped (half precision) weights' figures there, from scenes to boxes.
        parameters: of neck and head; the backbone has its own.
        multiply_adds: of a scene of 512 pixels, backbone included.
        milliseconds: median for such a scene on the machine it was judged on, one thread, from pixels to boxes.
        bytes: of the file.
    """

    name: str
    weights: str
    pyramid: bool
    title: str
    config: dict[str, Any]
    seed: int
    data: dict[str, Any]
    steps: int
    batch_size: int
    hours: float
    command: str
    num_scenes: int
    quality: dict[str, float]
    parameters: int
    multiply_adds: int
    milliseconds: float
    bytes: int


def load_card(name: str) -> Card:
    """The card of a shipped detector."""
    return Card(**json.loads((WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def list_cards() -> tuple[Card, ...]:
    """The cards of all shipped detectors, by name."""
    return tuple(load_card(path.stem) for path in sorted(WEIGHTS_FOLDER.glob("*.json")))


def write_card(card: Card) -> None:
    """Writes a card beside its weights."""
    path = WEIGHTS_FOLDER / f"{card.name}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def load_point_card(name: str) -> dict[str, Any] | None:
    """The card of CenterNet, of a VarifocalNet or of one that it is compared with; None if it was not shipped.

    Args:
        name: of the card, without its ending.
    """
    path = POINT_WEIGHTS / f"{name}.json"
    if not path.is_file():
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card
