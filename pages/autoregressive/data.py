"""The data: ink, fixed and dynamic binarisation, why their figures cannot be compared, and MNIST as an offer."""

from __future__ import annotations

import hashlib

import numpy as np
import streamlit as st

from pages.autoregressive import state, words
from pages.autoregressive.state import View
from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.language import Translate
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.data import mnist
from vizcore.figures import autoregressive as figures

MNIST, BIG = "mnist", "big"
"""Names of the jobs: the download, and the sampling of one 28×28 picture."""
MEGABYTE = 1_000_000


def show(page: Page, view: View) -> Shown:
    """Draws a digit in all its versions, the two figures, and the offer."""
    _ = page.translate
    columns = st.columns([1, 1.4, 2], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.number(state.DIGIT, _("Test digit number"))
    with columns[1]:
        page.select(state.MODEL, _("Model"), {kind: words.name_of(_, kind) for kind in autoregressive.KINDS})
    ink, drawn = compute(autoregressive.look_at_digit, view.digit)
    st.markdown(_("From left to right: **ink**, **fixed** (1 from half the ink on), and three **dynamic** draws"))
    pixels = [int((picture != drawn[1]).sum()) for picture in drawn[2:]]
    chart(
        page,
        "binarisations",
        figures.plot_pictures(np.stack([ink, *drawn]), columns=5),
        alt=_(
            "The second and third dynamic draw differ from the first in {a} and {b} pixels.", a=pixels[0], b=pixels[1]
        ),
    )
    both = compute(autoregressive.evaluate_both, view.model)
    names = words.binarisation_words(_)
    table(
        [
            {
                _("Binarisation"): names[name],
                _("nats a picture"): f"{found.nats:.2f} ± {found.half_width:.2f}",
                _("bits a pixel"): round(found.bits_per_pixel, 3),
            }
            for name, found in both.items()
        ]
    )
    st.caption(
        _(
            "The same {model}, trained on fixed pictures, on the same 360 digits: only the binarisation differs, and "
            "so do the figures, by {nats} nats. A figure without its binarisation says nothing.",
            model=words.name_of(_, view.model),
            nats=f"{abs(both['fixed'].nats - both['dynamic'].nats):.1f}",
        )
    )
    st.subheader("MNIST", anchor=False)
    _show_mnist(page, view)
    return Shown()


def _show_mnist(page: Page, view: View) -> None:
    _ = page.translate
    job = find_job(page, MNIST)
    busy = job is not None and not job.done.is_set()
    if not mnist.mnist_available() and not busy:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                _(
                    "70,000 digits of 28×28 are a download of {size} MB. Everything on this page works without them.",
                    size=f"{mnist.DOWNLOAD_BYTES / MEGABYTE:.1f}",
                )
            )
            if page.button("download_mnist", _("Download"), icon=":material/download:"):
                start_job(page, MNIST, lambda job: fetch(job, _))
                st.rerun()
    watch_job(page, MNIST)
    if job is not None and job.error is not None:
        page.explain(job.error)
    if mnist.mnist_available():
        st.success(_("MNIST is on this computer."), icon=":material/check_circle:")
    _show_big(page, view)


def fetch(job: Job, _: Translate) -> str:
    """The download, with what has arrived."""

    def told(done: int, total: int) -> None:
        if not job.cancel.is_set():
            words_ = _("{done} of {all} MB", done=f"{done / MEGABYTE:.1f}", all=f"{total / MEGABYTE:.1f}")
            job.report(done / total, words_)

    return str(mnist.download_mnist(on_progress=told, is_cancelled=job.cancel.is_set))


def _show_big(page: Page, view: View) -> None:
    """A 28×28 picture of a model that the reader trained; drawn in the background, with progress."""
    _ = page.translate
    trained = sorted({card.kind for card in autoregressive.list_trained() if card.data == "mnist"})
    if view.model not in trained:
        st.caption(
            _(
                "No {model} trained on MNIST is here. `{command}` trains one (it can be stopped and goes on where it "
                "was), and this page finds it.",
                model=words.name_of(_, view.model),
                command=f"python -m vizcore.training {view.model} --data mnist",
            )
        )
        return
    job = find_job(page, BIG)
    busy = job is not None and not job.done.is_set()
    if page.button("draw_big", _("Draw a 28×28 digit"), icon=":material/draw:", disabled=busy):
        start_job(page, BIG, lambda job: draw_big(job, view, _))
        st.rerun()
    watch_job(page, BIG)
    if job is None:
        return
    if job.error is not None:
        page.explain(job.error)
    elif job.result is not None:
        picture = job.result.trace.picture.reshape(job.result.trace.size)
        name = hashlib.blake2b(picture.tobytes(), digest_size=3).hexdigest()
        chart(
            page,
            "big",
            figures.plot_pictures(picture[None], columns=1).update_layout(height=320),
            alt=_("A digit of 28×28 pixels, drawn one after another ({name}).", name=name),
        )


def draw_big(job: Job, view: View, _: Translate) -> autoregressive.Drawing:
    """One 28×28 picture, pixel by pixel."""

    def told(done: int, total: int) -> None:
        if not job.cancel.is_set():
            job.report(done / total, _("{at} of {count} pixels are drawn.", at=done, count=total))

    return autoregressive.draw_picture(
        view.model, data="mnist", seed=view.seed, on_progress=told, is_cancelled=job.cancel.is_set
    )
