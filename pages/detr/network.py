"""The networks: the DETR that was trained here, where it was shipped, and the authors' own, once it was downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.detr import state
from pages.kit.loaders import compute, load
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on, compute_with
from vizcore import detection, detr
from vizcore.data.scenes import CLASSES, Scene, draw_scene
from vizcore.models import detr as models
from vizcore.models.detr_masks import MaskHead, load_mask_head
from vizcore.training import detr_shipping
from vizcore.training.detr import DETR_RECIPES

OURS, PAPER = state.NETWORK.options
PAPER_DETECTOR = "detr_resnet50"
"""What the detection page calls the authors' own."""
MASK_HEAD = "detr_masks"
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


def has_masks() -> bool:
    """Whether there is a mask head of our own."""
    return all((FOLDER / f"{MASK_HEAD}.{kind}").is_file() for kind in ("safetensors", "json"))


def progress() -> tuple[int, int]:
    """Training steps that were made of the network, and those that its recipe plans."""
    return compute(detr_shipping.load_detr_card).steps, DETR_RECIPES["detr"].schedule.steps


def info() -> detection.DetectorInfo:
    """What is said of the authors' own network, and whether its weights are here."""
    return next(each for each in detection.list_detectors() if each.name == PAPER_DETECTOR)


def run(page: Page, picture: Picture, name: str = OURS) -> Run:
    """Runs a network over a picture."""
    with st.spinner(page.translate("Running the network…"), show_time=name == PAPER):
        recorded = trace(picture, name)
    drawn = compute(draw_scene, "validation", int(picture.name)) if picture.kind == "scene" else None
    return Run(picture, drawn, recorded)


def trace(picture: Picture, name: str = OURS) -> detr.DETRTrace:
    """A network's way over a picture."""
    recorded: detr.DETRTrace = compute_on(picture, _trace, name)
    return recorded


def detector(name: str = OURS) -> models.Detector | models.DETR:
    """A network."""
    loaded: models.Detector | models.DETR = load(models.load_detr if name == OURS else detr.load_official)
    return loaded


def packed(picture: Picture, name: str = OURS) -> detr.PackedTrace:
    """The recorded picture for the browser."""
    found: detr.PackedTrace = compute_with(picture, _packed, name)
    return found


def asked(picture: Picture, chosen: Sequence[int], name: str = OURS) -> detr.QueriesOutput:
    """What some of the queries say when the others are not there."""
    output: detr.QueriesOutput = compute_with(picture, _asked, tuple(chosen), name)
    return output


def masks(page: Page, picture: Picture) -> detr.MaskOutput:
    """The mask of every query of our own network."""
    with st.spinner(page.translate("Drawing the masks…")):
        packed_masks(picture)  # what is sent of them takes as long again
        return drawn(picture)


def drawn(picture: Picture) -> detr.MaskOutput:
    """The mask of every query of our own network, without a word meanwhile."""
    output: detr.MaskOutput = compute_with(picture, _masks)
    return output


def kept(picture: Picture) -> detr.KeepTrace | None:
    """How good the merged picture is at every keep threshold; None for a photo, where nobody knows."""
    if picture.kind != "scene":
        return None
    found: detr.KeepTrace = compute_with(picture, _kept)
    return found


def packed_masks(picture: Picture) -> bytes:
    """All masks, and what is known of them, for the browser."""
    content: bytes = compute_with(picture, _packed_masks)
    return content


def class_names(name: str = OURS) -> tuple[str, ...]:
    """The English names of a network's classes, by label."""
    names: tuple[str, ...] = CLASSES if name == OURS else compute(detr.official_classes)
    return names


def _trace(pixels: np.ndarray, name: str) -> detr.DETRTrace:
    return detr.trace_detr(detector(name), pixels)


def _packed(picture: Picture, name: str) -> detr.PackedTrace:
    return detr.pack_trace(trace(picture, name))


def _asked(picture: Picture, chosen: tuple[int, ...], name: str) -> detr.QueriesOutput:
    return detr.run_queries(detector(name), trace(picture, name), chosen)


def _masks(picture: Picture) -> detr.MaskOutput:
    return detr.run_masks(load(_mask_head), load(models.load_detr), trace(picture), picture.pixels)


def _kept(picture: Picture) -> detr.KeepTrace:
    scene = compute(draw_scene, "validation", int(picture.name))
    return detr.trace_keep(drawn(picture), scene.owner, scene.labels)


def _packed_masks(picture: Picture) -> bytes:
    truth = compute(draw_scene, "validation", int(picture.name)).owner if picture.kind == "scene" else None
    return detr.pack_masks(drawn(picture), picture.pixels, truth=truth, keep=kept(picture))


def _mask_head() -> MaskHead:
    return load_mask_head(MASK_HEAD, folder=FOLDER)
