"""Trained models: those that are shipped, and those that a reader trained, found under one name."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from vizcore.autoregressive.orders import pixel_order
from vizcore.autoregressive.training import Recipe, build
from vizcore.data.binary_digits import NUM_CLASSES
from vizcore.errors import ExplainedError
from vizcore.models.autoregressive import PixelModel
from vizcore.weights import weights_folder

SHIPPED_FOLDER: Final = Path(str(resources.files("vizcore") / "assets" / "weights" / "autoregressive"))
NOT_TRAINED: Final = "There are no weights of {name} here; python -m vizcore.training {kind} --data {data} makes some."
UNREADABLE: Final = "The weights in {file_name} do not fit what their card says; train them again."


class NotTrainedError(ExplainedError, LookupError):
    """Weights that are not here, or cannot be read."""


@dataclass(frozen=True)
class PixelCard:
    """What is known about a trained model.

    Attributes:
        kind: one of ``KINDS``.
        data: ``"digits"`` or ``"mnist"``.
        size: (height, width).
        order: one of ``ORDERS``.
        with_labels: whether it learned p(x | label).
        binarisation: ``"fixed"`` or ``"dynamic"``.
        seed: of weights, batches, split and random order.
        recipe: how it was trained.
        test_nats: mean negative log-likelihood of the test pictures, nats for a picture; of a model with labels log
            p(x | its label).
        test_half_width: of the 95 % interval around it.
        num_test: pictures.
        accuracy: of Bayes' rule on the test pictures; None without labels.
        parameters: of the model.
        seconds: of training.
        command: that makes it.
        bytes: of the file.
    """

    kind: str
    data: str
    size: tuple[int, int]
    order: str
    with_labels: bool
    binarisation: str
    seed: int
    recipe: dict[str, Any]
    test_nats: float
    test_half_width: float
    num_test: int
    accuracy: float | None
    parameters: int
    seconds: float
    command: str
    bytes: int = 0

    @property
    def name(self) -> str:
        """Of its files, without the ending."""
        return model_name(self.kind, data=self.data, order=self.order, with_labels=self.with_labels)


def model_name(kind: str, *, data: str = "digits", order: str = "raster", with_labels: bool = False) -> str:
    """The name of a model's files, without the ending."""
    return "_".join([data, kind, *([] if order == "raster" else [order]), *(["labels"] if with_labels else [])])


def trained_folder() -> Path:
    """Where a reader's own trainings go, and are looked for before the shipped ones."""
    return weights_folder() / "autoregressive"


def find_trained(kind: str, *, data: str = "digits", order: str = "raster", with_labels: bool = False) -> Path | None:
    """The weights of a model, or None if there are none here."""
    name = model_name(kind, data=data, order=order, with_labels=with_labels)
    for folder in (trained_folder(), SHIPPED_FOLDER):
        path = folder / f"{name}.safetensors"
        if path.is_file() and path.with_suffix(".json").is_file():
            return path
    return None


def list_trained() -> tuple[PixelCard, ...]:
    """The cards of all models here, a reader's own before the shipped one of that name; by name."""
    found = {path.stem: path for folder in (SHIPPED_FOLDER, trained_folder()) for path in sorted(folder.glob("*.json"))}
    return tuple(read_card(found[name]) for name in sorted(found) if found[name].with_suffix(".safetensors").is_file())


def load_trained(
    kind: str, *, data: str = "digits", order: str = "raster", with_labels: bool = False
) -> tuple[PixelModel, PixelCard]:
    """A trained model in eval mode, in float32, and its card.

    Raises:
        NotTrainedError: if it is not here, or its file is damaged.
    """
    path = find_trained(kind, data=data, order=order, with_labels=with_labels)
    if path is None:
        name = model_name(kind, data=data, order=order, with_labels=with_labels)
        raise NotTrainedError(NOT_TRAINED, name=name, kind=kind, data=data)
    card = read_card(path.with_suffix(".json"))
    try:
        state = load_file(path)
        model = build_from(card)
        model.load_state_dict({name: value.float() for name, value in state.items()})
    except (SafetensorError, RuntimeError, TypeError) as error:
        raise NotTrainedError(UNREADABLE, file_name=path.name) from error
    return model.eval(), card


def build_from(card: PixelCard) -> PixelModel:
    """The model that a card describes, untrained."""
    return build(
        card.kind,
        card.size,
        order=pixel_order(card.order, card.size, seed=card.seed),
        num_classes=NUM_CLASSES if card.with_labels else 0,
        seed=card.seed,
        recipe=Recipe(**card.recipe),
    )


def read_card(path: Path) -> PixelCard:
    """A card.

    Raises:
        NotTrainedError: if it is none.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        return PixelCard(**{**card, "size": tuple(card["size"])})
    except (ValueError, TypeError, KeyError) as error:
        raise NotTrainedError(UNREADABLE, file_name=path.name) from error


def save_trained(model: PixelModel, card: PixelCard, folder: Path) -> Path:
    """Writes weights in half precision and their card; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}.safetensors"
    part = path.with_suffix(".part")
    save_file({name: value.detach().to(torch.float16).contiguous() for name, value in model.state_dict().items()}, part)
    os.replace(part, path)
    card_part = folder / f"{card.name}.json.part"
    written = asdict(card) | {"bytes": path.stat().st_size}
    card_part.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    os.replace(card_part, path.with_suffix(".json"))
    return path
