"""A decoder's shapes, and what skip connections bring."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from pages.kit import pictures
from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.language import Translate
from pages.kit.loaders import Job, find_job, start_job, watch_job
from pages.kit.page import Page
from pages.upsampling import state
from pages.upsampling.loupe import Tile, show_loupe, write_size
from pages.upsampling.state import View
from vizcore import upsampling
from vizcore.figures import upsampling as figures

JOB = "decoder"
PHOTO = "coins"
NUM_STEPS = 120  # of each of the two trainings


def show(page: Page, view: View) -> Shown:
    """Draws the decoder, and both trainings once they were asked for."""
    _ = page.translate
    page.toggle(state.SKIP, _("Skip connections"))
    picture = pictures.sample(PHOTO)
    untrained = pictures.compute_on(picture, upsampling.run_decoder, skip=view.skip, num_steps=1)
    above = st.container()
    running = find_job(page, JOB)
    busy = running is not None and not running.done.is_set()
    label = _("Train with and without skip connections")
    if page.button("train_decoder", label, type="primary", icon=":material/model_training:", disabled=busy):
        start_job(page, JOB, lambda job: train(job, picture.pixels, _))
    watch_job(page, JOB)
    job = find_job(page, JOB)  # asked last: it may have ended just now, and then nothing is watched any more
    outputs: dict[bool, upsampling.DecoderOutput] = job.result if job is not None and job.result else {}
    shown = outputs.get(view.skip, untrained)
    with above:
        _show_stages(page, shown)
    if job is not None and job.error is not None:
        page.explain(job.error)
    if len(outputs) == 2:
        _show_comparison(page, outputs[True], outputs[False])
    table(
        [
            {_("Tensor"): stage.name, "C": stage.shape[0], "H": stage.shape[1], "W": stage.shape[2]}
            for stage in shown.stages
        ]
    )
    return Shown()


def train(job: Job, pixels: np.ndarray, _: Translate) -> dict[bool, upsampling.DecoderOutput]:
    """Both trainings, with skip connections and without."""
    steps = 2 * NUM_STEPS

    def progress(before: int, step: int, loss: float) -> None:
        done = before + step
        job.report(done / steps, _("Step {step} of {steps}", step=done, steps=steps))

    return {
        skip: upsampling.run_decoder(pixels, skip=skip, num_steps=NUM_STEPS, progress=partial(progress, before))
        for skip, before in ((True, 0), (False, NUM_STEPS))
    }


def _show_stages(page: Page, shown: upsampling.DecoderOutput) -> None:
    _ = page.translate
    bottom = shown.bottom
    chart(
        page,
        "decoder",
        figures.plot_decoder(shown, translate=_),
        alt=_(
            "From {height}×{width} down to {low}×{narrow} and back up by three transposed convolutions.",
            height=shown.picture.shape[0],
            width=shown.picture.shape[1],
            low=bottom.shape[1],
            narrow=bottom.shape[2],
        ),
    )


def _show_comparison(page: Page, with_skip: upsampling.DecoderOutput, without: upsampling.DecoderOutput) -> None:
    _ = page.translate
    st.markdown(
        _(
            "On the unseen right half: IoU **{with_skip}** with skip connections, **{without}** without; within "
            "two pixels of an outline **{edge_with}** and **{edge_without}**.",
            with_skip=f"{with_skip.iou:.3f}",
            without=f"{without.iou:.3f}",
            edge_with=f"{with_skip.boundary_iou:.3f}",
            edge_without=f"{without.boundary_iou:.3f}",
        )
    )
    tiles = [
        Tile(_("Coins, the unseen half"), write_size(with_skip.picture), with_skip.picture),
        Tile(_("Wanted mask"), _("a local threshold, cleaned"), with_skip.target),
        Tile(_("With skip connections"), f"IoU {with_skip.iou:.3f}", with_skip.mask),
        Tile(_("Without"), f"IoU {without.iou:.3f}", without.mask),
    ]
    show_loupe(page, "masks", tiles)
