"""The DETR that was trained here, where it was shipped: its way over a picture, and what was recorded of it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.kit.loaders import compute, load
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on, compute_with
from vizcore import detr
from vizcore.data.scenes import CLASSES, Scene, draw_scene
from vizcore.models import detr as models
from vizcore.training import detr_shipping
from vizcore.training.detr import DETR_RECIPES

FOLDER = models.WEIGHTS_FOLDER
"""Holds what was shipped: weights, card, log, and what was recorded of them."""


@dataclass(frozen=True, eq=False)
class Run:
    """The detector over a picture.

    Attributes:
        picture: what is looked at.
        drawn: the scene with its objects; None for a photo, where nobody knows what is there.
        trace: the detector's way over it, with all attention.
    """

    picture: Picture
    drawn: Scene | None
    trace: detr.DETRTrace


def is_shipped() -> bool:
    """Whether there are weights of our own."""
    return (FOLDER / "detr.safetensors").is_file()


def progress() -> tuple[int, int]:
    """Training steps that were made of the network, and those that its recipe plans."""
    return compute(detr_shipping.load_detr_card).steps, DETR_RECIPES["detr"].schedule.steps


def run(page: Page, picture: Picture) -> Run:
    """Runs the detector over a picture."""
    with st.spinner(page.translate("Running the network…")):
        recorded = trace(picture)
    drawn = compute(draw_scene, "validation", int(picture.name)) if picture.kind == "scene" else None
    return Run(picture, drawn, recorded)


def trace(picture: Picture) -> detr.DETRTrace:
    """The detector's way over a picture."""
    recorded: detr.DETRTrace = compute_on(picture, _trace)
    return recorded


def detector() -> models.Detector:
    """The detector."""
    loaded: models.Detector = load(models.load_detr)
    return loaded


def packed(picture: Picture) -> detr.PackedTrace:
    """The recorded picture for the browser."""
    found: detr.PackedTrace = compute_with(picture, _packed)
    return found


def asked(picture: Picture, chosen: Sequence[int]) -> detr.QueriesOutput:
    """What some of the queries say when the others are not there."""
    output: detr.QueriesOutput = compute_with(picture, _asked, tuple(chosen))
    return output


def class_name(label: int) -> str:
    """The English name of a class."""
    return CLASSES[label]


def _trace(pixels: np.ndarray) -> detr.DETRTrace:
    return detr.trace_detr(detector(), pixels)


def _packed(picture: Picture) -> detr.PackedTrace:
    return detr.pack_trace(trace(picture))


def _asked(picture: Picture, chosen: tuple[int, ...]) -> detr.QueriesOutput:
    return detr.run_queries(detector(), trace(picture), chosen)
