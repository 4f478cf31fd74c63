"""The detectors that are shown, run once on the photo; any thresholds only filter what they left."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from pages.detection import state
from pages.detection.state import View
from pages.kit.candidates import record_photo
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import detection
from vizcore.data.annotations import Annotation, annotate_scene, load_annotations


@dataclass(eq=False)
class Found:
    """What the detectors shown found.

    Attributes:
        titles: of the detectors shown, one or two, translated.
        recorded: what each left, at thresholds of its own.
        truths: the objects of a sample photo that a person boxed, or those of a drawn scene.
        outputs: what each found at the thresholds of now; renewed by each run of the part that runs alone.
    """

    titles: list[str]
    recorded: list[detection.DetectorOutput]
    truths: tuple[Annotation, ...]
    outputs: list[detection.DetectorOutput] = field(default_factory=list)

    @property
    def has_windows(self) -> bool:
        """Whether one of the detectors shown slides windows."""
        return any(each.name.startswith("sliding_windows") for each in self.recorded)

    def refilter(self, thresholds: dict[str, float]) -> None:
        """Brings the outputs to other thresholds."""
        self.outputs[:] = [detection.refilter(each, **thresholds) for each in self.recorded]


def run(page: Page, view: View) -> Found:
    """Runs the detectors shown, or answers from earlier runs."""
    infos = {info.name: info for info in detection.list_detectors()}
    asked = [name for name in (view.detector, view.beside) if name != state.NONE]
    shown = list(dict.fromkeys(name if infos[name].available else state.OFFLINE for name in asked))
    with st.spinner(page.translate("Looking for objects…"), show_time=True):
        recorded = [record_photo(name, view.picture) for name in shown]
    truths = compute(annotate_scene, view.scene) if view.scene is not None else load_annotations(view.sample or "")
    return Found([page.translate(infos[name].title) for name in shown], recorded, truths)
