"""What to look at: photo, detectors, what is drawn; and detectors that are not on this computer yet."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.detection import state
from pages.detection.state import View
from pages.kit.language import Translate
from pages.kit.offers import MEGABYTE, offer_download
from pages.kit.page import Page
from pages.kit.pictures import pick_photo
from vizcore import detection

MOST_DRAWN = 100


@dataclass(frozen=True)
class Places:
    """Where the thresholds stand, and what is said about the run.

    Attributes:
        thresholds: the column of the two sliders.
        status: below the button that sets them.
    """

    thresholds: DeltaGenerator
    status: DeltaGenerator


def show(page: Page, view: View) -> Places:
    """Draws the row of controls, and offers the weights that are missing."""
    _ = page.translate
    infos = {info.name: info for info in detection.list_detectors()}
    titles = {name: detector_words(info, _) for name, info in infos.items()}
    columns = st.columns([1.15, 1.35, 1.35, 1.45, 1.4], gap="small")
    with columns[0]:
        pick_photo(page, state.PHOTO)
    with columns[1]:
        page.select(state.DETECTOR, _("Detector"), titles)
        page.select(state.BESIDE, _("Side by side with"), {state.NONE: _("no other"), **titles})
    with columns[3]:
        page.toggle(
            state.SHOW_SUPPRESSED,
            _("Suppressed boxes"),
            help=_("Show what NMS removed: at most {count} boxes, the best of them.", count=MOST_DRAWN),
        )
        page.toggle(state.SHOW_TRUTH, _("Hand-drawn boxes"), help=_("Some of the sample photos have them."))
        page.toggle(state.GALLERY, _("All detectors"), help=_("What each finds, what it costs, how good it is."))
        page.toggle(state.LIVE, _("Live camera"), help=_("Faces found in your camera, frame by frame."))
    with columns[4]:
        own = infos[view.detector]
        page.button(
            "own_thresholds",
            _("Own thresholds"),
            on_click=page.set,
            kwargs={"score_threshold": own.score_threshold, "iou_threshold": own.iou_threshold},
            help=_(
                "Set both thresholds to what this detector was tuned or published with: score {score}, IoU {iou}.",
                score=own.score_threshold,
                iou=own.iou_threshold,
            ),
            width="stretch",
            disabled=bool({"score_threshold", "iou_threshold"} & (page.locked | page.hidden)),
        )
        status = st.container()
    for name in dict.fromkeys((view.detector, view.beside)):
        if name in infos and not infos[name].available and page.shows("offers"):
            offer_download(page, infos[name], until_then=_("Until then the sliding windows stand in."))
    return Places(columns[2], status)


def detector_words(info: detection.DetectorInfo, _: Translate) -> str:
    """A detector in the list, with what it would cost."""
    if info.available:
        return _(info.title)
    return _("{title} (download of {size} MB)", title=_(info.title), size=round(info.download_bytes / MEGABYTE))
