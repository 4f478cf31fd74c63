"""A detector whose weights are not on this computer: what the download costs, a button, progress and cancel."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.kit.loaders import Job, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import detection
from vizcore.weights import download_weights

MEGABYTE = 2**20


def offer_download(page: Page, info: detection.DetectorInfo, *, until_then: str = "") -> None:
    """Offers the weights of a detector; while they come, how far they are; what went wrong, if it did.

    Args:
        page: that shows the offer.
        info: of the detector.
        until_then: what the page shows meanwhile, a sentence that is translated already.
    """
    _ = page.translate
    job_name = f"download_{info.name}"
    job = find_job(page, job_name)
    if job is not None and not job.done.is_set():
        st.markdown(_("Downloading **{title}**. You can go on meanwhile.", title=_(info.title)))
        watch_job(page, job_name)
        return
    sentence = _(
        "**{title}** knows {classes} kinds of objects from {data}. Its weights are not on this computer: "
        "{size} MB from {host}.",
        title=_(info.title),
        classes=info.num_classes,
        data=info.trained_on,
        size=round(info.download_bytes / MEGABYTE),
        host=detection.weights_source(info.name).host,
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(filter(None, (sentence, until_then))))
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
