"""What to look at: photo, detectors, what is drawn; and detectors that are not on this computer yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.detection import state
from pages.detection.state import View
from pages.kit.language import Translate
from pages.kit.loaders import Job, find_job, start_job, watch_job
from pages.kit.page import Page
from pages.kit.pictures import pick_photo
from vizcore import detection
from vizcore.weights import download_weights

MOST_DRAWN = 100
MEGABYTE = 2**20


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
            offer_download(page, infos[name])
    return Places(columns[2], status)


def detector_words(info: detection.DetectorInfo, _: Translate) -> str:
    """A detector in the list, with what it would cost."""
    if info.available:
        return _(info.title)
    return _("{title} (download of {size} MB)", title=_(info.title), size=round(info.download_bytes / MEGABYTE))


def offer_download(page: Page, info: detection.DetectorInfo) -> None:
    """What the download costs, a button, progress and cancel; what went wrong, if it did."""
    _ = page.translate
    job_name = f"download_{info.name}"
    job = find_job(page, job_name)
    if job is not None and not job.done.is_set():
        st.markdown(_("Downloading **{title}**. You can go on meanwhile.", title=_(info.title)))
        watch_job(page, job_name)
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            _(
                "**{title}** knows {classes} kinds of objects from {data}. Its weights are not on this computer: "
                "{size} MB from {host}. Until then the sliding windows stand in.",
                title=_(info.title),
                classes=info.num_classes,
                data=info.trained_on,
                size=round(info.download_bytes / MEGABYTE),
                host=detection.weights_source(info.name).host,
            )
        )
        page.button(
            f"start_{job_name}",
            _("Download"),
            icon=":material/download:",
            on_click=start_job,
            args=(page, job_name, _fetch(info, _("{done} of {all} MB"))),
        )
    if job is not None and job.error is not None:
        page.explain(job.error)


def _fetch(info: detection.DetectorInfo, words: str) -> Callable[[Job], str]:
    def work(job: Job) -> str:
        def report(done: int, total: int | None) -> None:
            total = total or info.download_bytes
            job.report(done / total, words.format(done=done // MEGABYTE, all=round(total / MEGABYTE)))

        return str(
            download_weights(detection.weights_source(info.name), on_progress=report, is_cancelled=job.cancel.is_set)
        )

    return work
