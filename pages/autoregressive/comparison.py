"""Side by side: what each model reaches on unseen digits and what it pays; MADE's masks with the paths through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from pages.autoregressive import source, words
from pages.autoregressive.state import View
from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.language import Translate
from pages.kit.live import live
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import autoregressive as figures
from vizcore.figures import theme

MEASURED, COUNTED = "measured", "counted"
"""Names of the jobs: milliseconds, and what 28×28 digits take too long for to be had at once."""
NUM_SAMPLES = 4
COLORS = {"allowed": theme.PREDICTION, "lit": theme.CURRENT, "chosen": theme.TARGET}


def rows_of(page: Page, view: View, kinds: tuple[str, ...]) -> tuple[autoregressive.ModelRow, ...] | None:
    """The models' figures, with milliseconds once they were measured in this session; None while they are made."""
    job = find_job(page, job_of(view, kinds))
    if job is not None and job.result is not None:
        measured: tuple[autoregressive.ModelRow, ...] = job.result
        return measured
    if view.data == "digits":
        return tuple(compute(autoregressive.compare_model, kind, num=NUM_SAMPLES, timed=False) for kind in kinds)
    wanted = tuple(source.stamp(view, kind) for kind in kinds)
    counted: tuple[autoregressive.ModelRow, ...] | None = source.in_background(
        page, COUNTED, (kinds, wanted), lambda job: measure(job, page.translate, view.data, kinds, timed=False)
    )
    return counted


def job_of(view: View, kinds: tuple[str, ...]) -> str:
    """The name of the job that measures the models of the view's digits; another where a model has been added."""
    return MEASURED if view.data == "digits" else "_".join((MEASURED, view.data, *kinds))


def show(page: Page, view: View) -> Shown:
    """Draws table, figures, samples and masks."""
    _ = page.translate
    with st.columns([1, 3])[0]:
        source.show_switch(page)
    kinds = tuple(
        kind for kind in autoregressive.KINDS if autoregressive.find_trained(kind, data=view.data) is not None
    )
    lacking = [kind for kind in autoregressive.KINDS if kind not in kinds]
    if lacking:
        source.say_command(page, view, lacking[-1])
    rows = rows_of(page, view, kinds) if kinds else None
    if rows is None:
        return Shown()
    timed = not np.isnan(rows[0].costs.sample_milliseconds)
    listed = [_row(page, row, timed=timed) for row in rows]
    whole = [name for name, value in listed[0].items() if isinstance(value, int)]
    table(listed, column_config={name: st.column_config.NumberColumn(format="localized") for name in whole})
    name = job_of(view, kinds)
    job = find_job(page, name)
    busy = job is not None and not job.done.is_set()
    if page.button("measure", _("Measure the milliseconds here"), icon=":material/timer:", disabled=busy):
        start_job(page, name, lambda job: measure(job, _, view.data, kinds))
    watch_job(page, name)
    if job is not None and job.error is not None:
        page.explain(job.error)
    best = min(rows, key=lambda row: row.card.test_nats)
    sentence = _(
        "Least on these {count} unseen digits: {model} with {nats} ± {half} nats. Intervals that overlap decide "
        "nothing.",
        model=words.name_of(_, best.card.kind),
        count=f"{best.card.num_test:,}",
        nats=f"{best.card.test_nats:.2f}",
        half=f"{best.card.test_half_width:.2f}",
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chart(page, "evaluations", figures.plot_evaluations(_evaluations(rows), translate=_), alt=sentence)
        st.caption(sentence)
    with right:
        pictures = np.concatenate([row.samples.pictures for row in rows]).reshape(-1, *view.size)
        st.markdown(_("**Samples**, one row a model, in the order of the table"))
        chart(
            page,
            "samples",
            figures.plot_pictures(pictures, columns=NUM_SAMPLES),
            alt=_("{count} pictures of each model, drawn with the same random numbers.", count=NUM_SAMPLES),
        )
    st.subheader(_("MADE’s masks"), anchor=False)
    show_masks(page, view)
    return Shown(rows=lambda: [_row(page, row, timed=timed) for row in rows], name="models")


def show_masks(page: Page, view: View) -> None:
    """The two masks of a small MADE, lit by pointing."""
    _ = page.translate
    live(
        "autoregressive/masks",
        key=page.key("masks"),
        data={
            "size": list(view.size),
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.mask_words(_),
        },
        payload=compute(autoregressive.pack_masks, size=view.size, order=view.order),
    )


def measure(
    job: Job, _: Translate, data: str, kinds: tuple[str, ...], *, timed: bool = True
) -> tuple[autoregressive.ModelRow, ...]:
    """Every model's figures, one after the other; cancelled between two pixels of a sample."""
    found = []
    for index, kind in enumerate(kinds):
        job.report(index / len(kinds), words.name_of(_, kind))
        found.append(
            autoregressive.compare_model(kind, data=data, num=NUM_SAMPLES, timed=timed, is_cancelled=job.cancel.is_set)
        )
    return tuple(found)


def _evaluations(rows: tuple[autoregressive.ModelRow, ...]) -> dict[str, autoregressive.Evaluation]:
    return {
        row.card.kind: autoregressive.Evaluation(
            row.card.test_nats,
            row.card.test_half_width,
            autoregressive.bits_per_pixel(row.card.test_nats, num_pixels_of(row.card)),
            row.card.num_test,
        )
        for row in rows
    }


def num_pixels_of(card: autoregressive.PixelCard) -> int:
    """Of the pictures that a model was trained on."""
    return card.size[0] * card.size[1]


def _row(page: Page, row: autoregressive.ModelRow, *, timed: bool) -> dict[str, Any]:
    _, card, costs = page.translate, row.card, row.costs
    known = {
        _("Model"): words.name_of(_, card.kind),
        _("nats a picture"): f"{card.test_nats:.2f} ± {card.test_half_width:.2f}",
        _("bits a pixel"): round(autoregressive.bits_per_pixel(card.test_nats, num_pixels_of(card)), 3),
        _("Parameters"): costs.parameters,
        _("multiply-adds, likelihood"): costs.likelihood_multiply_adds,
        _("… sample, plain loop"): costs.naive_multiply_adds,
        _("… sample, nothing twice"): costs.sample_multiply_adds,
    }
    if not timed:
        return known
    return known | {
        _("ms, likelihood"): round(costs.likelihood_milliseconds, 2),
        _("ms, sample, plain loop"): round(costs.naive_milliseconds, 1),
        _("ms, sample, nothing twice"): round(costs.sample_milliseconds, 1),
    }
