"""Train, live: any model on the 8×8 digits, with its curve, its samples, and a way to stop."""

from __future__ import annotations

import streamlit as st

from pages.autoregressive import source, state, words
from pages.autoregressive.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.language import Translate
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import autoregressive as figures

TRAINING = "training"
"""Name of the job, with the digits' after it where they are not 8×8."""


def show(page: Page, view: View) -> Shown:
    """Draws the controls, the training while it runs, and what it came to."""
    _ = page.translate
    columns = st.columns([1, 1.3, 1.5, 1, 1], vertical_alignment="bottom", gap="small")
    with columns[0]:
        source.show_switch(page)
    name = TRAINING if view.data == "digits" else f"{TRAINING}_{view.data}"
    job = find_job(page, name)
    busy = job is not None and not job.done.is_set()
    with columns[1]:
        page.select(state.LEARNER, _("Model"), {kind: words.name_of(_, kind) for kind in state.LEARNER.options})
    with columns[2]:
        page.select(state.BINARISATION, _("Binarization"), words.binarisation_words(_))
    with columns[3]:
        page.number(state.SEED, _("Random seed"))
    if not source.has_digits(page, view):
        return Shown()
    with columns[4]:
        if page.button("train", _("Train"), type="primary", icon=":material/model_training:", disabled=busy):
            start_job(page, name, lambda job: train(job, view, _))
            st.rerun()
    watch_job(page, name, draw=lambda job: _show_view(page, job.snapshot))
    if job is None:
        st.info(
            _("Press Train: it takes some ten to thirty seconds here, and can be canceled."), icon=":material/timer:"
        )
    elif job.error is not None:
        page.explain(job.error)
    elif job.result is not None:
        _show_end(page, job.result)
    if page.shows("figures"):
        page.lesson("figures", title=_("Published figures on MNIST, for comparison"))
    return Shown()


def train(job: Job, view: View, _: Translate) -> autoregressive.TrainingView:
    """The training itself; every epoch reaches the page."""

    def told(seen: autoregressive.TrainingView) -> None:
        # Cancelling is asked for through is_cancelled, so that what was learned until then stays.
        if not job.cancel.is_set():
            last = seen.reports[-1]
            words_ = _("Epoch {epoch} of {epochs}", epoch=last.epoch, epochs=last.epochs)
            job.report(last.epoch / last.epochs, words_, seen)

    return autoregressive.watch_training(
        view.learner,
        data=view.data,
        binarisation=view.binarisation,
        seed=view.seed,
        on_view=told,
        is_cancelled=job.cancel.is_set,
    )


def _show_view(page: Page, seen: autoregressive.TrainingView | None) -> None:
    """Curve and samples of the newest epoch."""
    if seen is None or not seen.reports:
        return
    _, last = page.translate, seen.reports[-1]
    sentence = _(
        "Epoch {epoch}: {train} nats on the training pictures, {validation} on those kept back.",
        epoch=last.epoch,
        train=f"{last.train_nats:.2f}",
        validation=f"{last.validation_nats:.2f}",
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chart(page, "curve", figures.plot_training({seen.kind: seen.reports}, translate=_), alt=sentence)
    with right:
        chart(
            page,
            "learned",
            figures.plot_samples(seen.samples, size=seen.size, columns=4),
            alt=_("Pictures that the model draws now, always with the same random numbers."),
        )
    st.caption(sentence)


def _show_end(page: Page, seen: autoregressive.TrainingView) -> None:
    """What the training came to, beside the shipped model."""
    _ = page.translate
    if seen.cancelled:
        st.warning(_("Canceled: this is the best that was learned until then."), icon=":material/stop:")
    assert seen.test is not None  # a training that ended was tested
    values = {
        "model": words.name_of(_, seen.kind),
        "nats": f"{seen.test.nats:.2f}",
        "half": f"{seen.test.half_width:.2f}",
        "seconds": f"{seen.seconds:.1f}",
    }
    if seen.size != state.SIZE:
        sentence = _(
            "{model}: {nats} ± {half} nats on {count} unseen digits after {seconds} s. It learned from {learned} of "
            "60,000 digits; `{command}` takes them all.",
            **values,
            count=seen.test.num_pictures,
            learned=f"{seen.num_train:,}",
            command=f"python -m vizcore.training {seen.kind} --data mnist",
        )
    elif seen.binarisation == "fixed":
        card = compute(autoregressive.card_of, seen.kind)
        sentence = _(
            "{model}: {nats} ± {half} nats on 360 unseen digits after {seconds} s; the shipped one has {shipped}.",
            **values,
            shipped=f"{card.test_nats:.2f}",
        )
    else:
        sentence = _(
            "{model}: {nats} ± {half} nats on 360 unseen digits of dynamic binarization after {seconds} s. Figures of "
            "fixed binarization cannot be compared with it.",
            **values,
        )
    st.markdown(f"**{sentence}**")
    _show_view(page, seen)
