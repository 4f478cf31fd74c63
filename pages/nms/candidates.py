"""What is suppressed: the candidates of a photo, of a generated crowd, or the learner's own boxes, and their rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.kit.candidates import photo_recording, sample_recording
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.nms import state
from pages.nms.state import View
from vizcore import nms
from vizcore.data import crowds, photos
from vizcore.data.annotations import load_annotations
from vizcore.figures import nms as figures

MOST_OF_A_PHOTO = 2000  # candidates taken from a detector, best first
NEW_BOX = (240.0, 130.0, 400.0, 250.0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes before any suppression, and the objects they are about.

    Attributes:
        size: (height, width) of the picture, pixels.
        photo: the picture, uint8 ``[H, W, 3]``; None where there is a grid.
        boxes: ``[N, 4]`` xyxy, pixels.
        scores: ``[N]`` in [0, 1].
        labels: ``[N]`` class of each, from 0.
        label_names: the classes.
        targets: ``[M, 4]`` true objects, xyxy, pixels; M = 0 if there is no ground truth.
        target_labels: ``[M]`` their classes.
    """

    size: tuple[int, int]
    photo: np.ndarray | None
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    targets: np.ndarray
    target_labels: np.ndarray


def gather(page: Page, view: View) -> Candidates:
    """The candidates of the chosen source."""
    if view.source == "own":
        number = len(view.boxes)
        boxes = np.asarray(view.boxes, dtype=np.float64).reshape(-1, 4)
        labels = np.zeros(number, dtype=np.int64)
        return Candidates(
            state.OWN_SIZE, None, boxes, np.asarray(view.scores), labels, ("",), np.zeros((0, 4)), labels[:0]
        )
    if view.source == "photo":
        return _of_photo(page, view)
    crowd = compute(crowds.make_crowd, view.source, seed=view.seed)
    return Candidates(
        crowd.size,
        None,
        crowd.boxes,
        crowd.scores,
        crowd.labels,
        crowd.label_names,
        crowd.targets,
        crowd.target_labels,
    )


def _of_photo(page: Page, view: View) -> Candidates:
    recorded = photo_recording() if view.photo == state.SESSION else None
    if recorded is None:
        with st.spinner(page.translate("Running the detector…")):
            recorded = sample_recording(view.photo)
    found = recorded.output.candidates
    ids = nms.best_first(found.scores, most=MOST_OF_A_PHOTO)
    known = () if recorded.picture.is_own else load_annotations(recorded.picture.name)
    targets = np.asarray([note.box for note in known], dtype=np.float64).reshape(-1, 4)
    return Candidates(
        recorded.output.image_size,
        recorded.picture.pixels,
        found.boxes[ids],
        found.scores[ids],
        found.labels[ids],
        recorded.output.label_names,
        targets,
        np.zeros(len(targets), dtype=np.int64),
    )


def suppress(view: View, found: Candidates, **changed: object) -> nms.NMSTrace:
    """The suppression under the view's rules, or under others where ``changed`` names them."""
    options = {"method": view.method, "labels": found.labels if view.class_aware else None, **view.rules, **changed}
    trace: nms.NMSTrace = compute(nms.trace_nms, found.boxes, found.scores, **options)
    return trace


def evaluate(view: View, found: Candidates, kept: nms.NMSTrace) -> nms.Evaluation:
    """How a suppression did against the true objects."""
    # A photo's annotation accepts any of a detector's names for the object, so only the places are compared there.
    labels = np.zeros_like(found.labels) if view.source == "photo" else found.labels
    evaluation: nms.Evaluation = compute(
        nms.summarise_kept, kept, found.targets, labels=labels, target_labels=found.target_labels
    )
    return evaluation


def show(page: Page, view: View) -> None:
    """The controls above the stage."""
    _ = page.translate
    sources = {
        "photo": _("A photo’s candidates (detection)"),
        "crowd": _("Crowd: two people in one another’s way"),
        "two_classes": _("Two classes on one spot"),
        "chain": _("Chain A–B–C"),
        "ties": _("Ties and exact halves"),
        "random": _("2,000 random boxes"),
        "own": _("My own boxes"),
    }
    first = st.columns([1.5, 1.1, 1.1, 1.1, 0.9], vertical_alignment="bottom", gap="small")
    with first[0]:
        page.select(state.SOURCE, _("Candidates"), sources)
    with first[1]:
        page.select(state.METHOD, _("Method"), {name: _(words) for name, words in figures.METHOD_NAMES.items()})
    with first[2]:
        page.slider(state.IOU_THRESHOLD, _("IoU threshold"))
    with first[3]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    with first[4], page.popover(_("More rules"), icon=":material/tune:", width="stretch"):
        _show_rules(page)
    second = st.columns([1.6, 0.9, 1.1, 1.2], vertical_alignment="bottom", gap="small")
    with second[0]:
        paces = {"comparison": _("one comparison"), "pick": _("one box in hand")}
        page.select(state.PACE, _("One step is"), paces, few=True)
    with second[1]:
        page.toggle(state.PREDICT, _("Predict first"))
    if view.source in ("crowd", "two_classes", "photo"):
        with second[2]:
            page.toggle(state.SHOW_TARGETS, _("Show true objects"))
    if view.source == "own":
        with second[3], page.popover(_("Boxes and scores"), icon=":material/add_box:", width="stretch"):
            _show_own(page, view)
    if view.source == "photo":
        with second[3]:
            page.select(state.PHOTO, _("Photo"), _photo_words(page))


def _show_rules(page: Page) -> None:
    _ = page.translate
    page.toggle(state.CLASS_AWARE, _("Classes never meet (class-aware)"))
    page.slider(state.SIGMA, _("σ of the Gaussian decay"))
    kernels = {"gaussian": _("Gaussian"), "linear": _("linear")}
    page.select(state.MATRIX_KERNEL, _("Decay of Matrix NMS"), kernels, few=True)
    page.slider(state.DISTANCE_POWER, _("β of DIoU-NMS"))
    page.toggle(state.SUPPRESS_EQUAL, _("An overlap exactly on the threshold suppresses (≥)"))
    page.select(state.TIES, _("Of equal scores"), {"first": _("the first"), "last": _("the last")}, few=True)
    page.toggle(state.PIXEL_INCLUSIVE, _("Count the last pixel (+1, before 2018)"))
    page.number(state.SEED, _("Seed of the crowd"))


def _show_own(page: Page, view: View) -> None:
    _ = page.translate
    for index in range(len(view.boxes)):
        page.slider(state.SCORES[index], _("Score of box {index}", index=index))
    more, fewer = st.columns(2)
    with more:
        page.button(
            "add",
            _("Add a box"),
            on_click=page.set,
            kwargs={"boxes": [*map(list, view.boxes), list(NEW_BOX)]},
            disabled=len(view.boxes) >= state.MAX_OWN,
            width="stretch",
        )
    with fewer:
        page.button(
            "remove",
            _("Remove the last"),
            on_click=page.set,
            kwargs={"boxes": [*map(list, view.boxes[:-1])]},
            disabled=not view.boxes,
            width="stretch",
        )


def _photo_words(page: Page) -> dict[str, str]:
    samples = {sample.name: page.translate(sample.title) for sample in photos.list_samples()}
    return (
        samples if photo_recording() is None else {state.SESSION: page.translate("From the detection page"), **samples}
    )
