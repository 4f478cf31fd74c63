"""Four layers learn to enlarge while one watches."""

from __future__ import annotations

from collections.abc import Sequence

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
from pages.upsampling.words import name_of
from vizcore import upsampling
from vizcore.figures import upsampling as figures

NUM_SNAPSHOTS = 15  # about as many pictures of a training, but none nearer than
LEAST_BETWEEN = 10  # steps


def show(page: Page, view: View) -> Shown:
    """Draws the controls, the training while it runs, and what it came to."""
    _ = page.translate
    _show_controls(page)
    st.caption(
        _(
            "Four small networks with the same features and the same crops differ only in their last layer. They "
            "learn on the other sample photos; the photo chosen here is never trained on and judges them."
        )
    )
    try:
        pictures.compute_on(view.picture, upsampling.view_of)
    except upsampling.UpsamplingError as error:
        page.explain(error)
        return Shown()
    running = find_job(page, state.TRAINING)
    busy = running is not None and not running.done.is_set()
    if page.button("train", _("Train"), type="primary", icon=":material/model_training:", disabled=busy):
        start(page, view)
    watch_job(page, state.TRAINING, draw=lambda job: _show_snapshots(page, job.snapshot))
    job = find_job(page, state.TRAINING)
    if job is not None and job.done.is_set():
        if job.error is not None:
            page.explain(job.error)
        elif job.result is not None:
            _show_run(page, job.result)
    elif job is None:
        st.info(_("Press Train: it takes a few seconds here, and can be canceled."), icon=":material/timer:")
    return Shown()


def _show_controls(page: Page) -> None:
    _ = page.translate
    columns = st.columns([2, 2, 2], vertical_alignment="bottom")
    with columns[0]:
        pictures.pick_photo(page, state.PHOTO)
    with columns[1]:
        page.slider(state.NUM_STEPS, _("Steps"))
    with columns[2]:
        page.toggle(state.RESIDUAL, _("Learn only what bicubic misses"))


def start(page: Page, view: View) -> None:
    """Trains in the background, on the samples but the one that judges."""
    say = page.translate
    photos = [pictures.sample(name).pixels for name in pictures.SAMPLES if name != view.picture.name]
    start_job(page, state.TRAINING, lambda job: train(job, view, photos, say))


def train(job: Job, view: View, photos: Sequence[np.ndarray], _: Translate) -> upsampling.TrainingRun:
    """The training itself; every snapshot reaches the page."""
    seen: list[upsampling.TrainingSnapshot] = []

    def progress(snapshot: upsampling.TrainingSnapshot) -> None:
        seen.append(snapshot)
        # Cancelling is asked for through should_stop, so that what was learned until then stays.
        if not job.cancel.is_set():
            words = _("Step {step} of {steps}", step=snapshot.step, steps=snapshot.num_steps)
            job.report(snapshot.step / snapshot.num_steps, words, tuple(seen))

    return upsampling.train_upscalers(
        photos,
        view.picture.pixels,
        num_steps=view.num_steps,
        residual=view.residual,
        seed=view.seed,
        snapshot_every=max(LEAST_BETWEEN, view.num_steps // NUM_SNAPSHOTS),
        progress=progress,
        should_stop=job.cancel.is_set,
    )


def _show_snapshots(page: Page, snapshots: Sequence[upsampling.TrainingSnapshot] | None) -> None:
    """The newest pictures while the networks learn."""
    if snapshots:
        show_loupe(page, "learning", _tiles_of(page, snapshots[-1]))


def _tiles_of(page: Page, snapshot: upsampling.TrainingSnapshot) -> list[Tile]:
    """Each network's picture with its figures."""
    return [
        Tile(name_of(page.translate, head), f"PSNR {snapshot.psnr[head]:.2f} dB", picture)
        for head, picture in snapshot.pictures.items()
    ]


def _show_run(page: Page, run: upsampling.TrainingRun) -> None:
    """Curves and pictures of a training that ended."""
    _ = page.translate
    if run.stopped:
        st.warning(
            _("Canceled after {steps} steps; this is how far it came.", steps=run.snapshots[-1].step),
            icon=":material/stop:",
        )
    sentence = _sentence(page, run)
    st.markdown(f"**{sentence}**")
    shown = run.snapshots[-1]
    if len(run.snapshots) > 1:
        shown = run.snapshots[page.slider(state.snapshot(run), _("Snapshot"))]
    st.caption(_("Step {step} of {steps}", step=shown.step, steps=shown.num_steps))
    note = f"PSNR {run.bicubic_psnr:.2f} dB · SSIM {run.bicubic_ssim:.3f}"
    tiles = [
        Tile(_("Original"), write_size(run.original), run.original),
        Tile(name_of(_, "bicubic"), note, run.bicubic),
        *_tiles_of(page, shown),
    ]
    show_loupe(page, "learned", tiles)
    chart(page, "training", figures.plot_training(run.snapshots, run.bicubic_psnr, translate=_), alt=sentence)
    st.caption(
        _(
            "Checkerboard: strength of the patterns of period 2 after averaging over 8×8 pixels. The photo itself has "
            "{original} gray levels; what an untrained layer adds is seen at step 0.",
            original=f"{upsampling.checkerboard_energy(run.original):.2f}",
        )
    )
    _show_table(page, run)


def _sentence(page: Page, run: upsampling.TrainingRun) -> str:
    """How far it came, in one sentence."""
    _ = page.translate
    last = run.snapshots[-1]
    best = max(last.psnr, key=lambda head: last.psnr[head])
    words = {"steps": last.step, "seconds": f"{run.seconds:.1f}", "name": name_of(_, best)}
    words |= {"psnr": f"{last.psnr[best]:.2f}", "bicubic": f"{run.bicubic_psnr:.2f}"}
    if last.psnr[best] > run.bicubic_psnr:
        return _(
            "After {steps} steps ({seconds} s) the best is {name} with {psnr} dB, above bicubic’s {bicubic} dB.",
            **words,
        )
    return _(
        "After {steps} steps ({seconds} s) the best is {name} with {psnr} dB, still below bicubic’s {bicubic} dB.",
        **words,
    )


def _show_table(page: Page, run: upsampling.TrainingRun) -> None:
    _ = page.translate
    first, last = run.snapshots[0], run.snapshots[-1]
    table(
        [
            {
                _("Layer"): name_of(_, head),
                _("Parameters"): run.num_parameters[head],
                "PSNR": round(last.psnr[head], 3),
                "SSIM": round(run.ssim[head], 4),
                _("Checkerboard at step 0"): round(first.checkerboard[head], 2),
                _("at the end"): round(last.checkerboard[head], 2),
            }
            for head in run.heads
        ]
    )
