"""What resolution does to a classifier: a trained one on a photo, and three small ones trained while one watches."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.loaders import Job, find_job, load, start_job, watch_job
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on, pick_photo
from pages.kit.stage import stage
from pages.scale import state
from pages.scale.state import View
from vizcore import scale
from vizcore.figures import scale as figures
from vizcore.models import efficientnet_lite


def on_photo(picture: Picture) -> scale.PhotoResolution:
    """The trained classifier on a photo at falling resolutions."""
    found: scale.PhotoResolution = compute_on(picture, _by_resolution)
    return found


def smaller(picture: Picture, factor: int) -> np.ndarray:
    """The photo's middle square as the classifier is shown it."""
    pixels: np.ndarray = compute_on(picture, scale.lowered_photo, factor)
    return pixels


def name_of(page: Page, label: int) -> str:
    """An ImageNet class in the reader's language."""
    say = translator("classes")
    name = efficientnet_lite.imagenet_categories()[label]
    return say(name) if page.language == "zh" else name


def show_photo(page: Page, view: View) -> Shown:
    """Draws the photo as the classifier sees it, and how sure it stays."""
    _ = page.translate
    columns = st.columns([1.2, 1.6], vertical_alignment="bottom")
    with columns[0]:
        pick_photo(page, state.PHOTO)
    with columns[1]:
        names = {factor: f"1/{factor}" if factor != "1" else _("full") for factor in state.FACTORS}
        page.select(state.FACTOR, _("Size before it is enlarged again"), names, few=True)
    with st.spinner(_("Running the network…")):
        run = on_photo(view.picture)
    left, right = st.columns([1, 1.2], gap="medium")
    with left:
        stage(
            page.key("photo_stage"),
            boxes=[],
            size=(224, 224),
            photo=smaller(view.picture, view.factor),
            mode="select",
            title=_("The photo as the network sees it"),
            presenter=page.presenting,
        )
    with right:
        if page.shows("chart"):
            named = name_of(page, run.best[1])
            words = _("“{name}” at full resolution.", name=named)
            if view.factor != 1:
                words = _(
                    "“{name}” at full resolution; at 1/{factor} the network names “{now}”.",
                    name=named,
                    factor=view.factor,
                    now=name_of(page, run.best[view.factor]),
                )
            chart(page, "photo", figures.plot_photo(run, translate=_), alt=words)
            st.caption(words)
    return Shown()


def show_training(page: Page, view: View) -> Shown:
    """Trains the three networks in the background, and draws their accuracies."""
    _ = page.translate
    page.lesson("about_train")
    progress = _("Seven small networks learn six shapes")
    job = find_job(page, "resolution")

    def work(job: Job) -> scale.ResolutionRun:
        return scale.train_by_resolution(report=lambda share: job.report(share, progress))

    page.button(
        "train",
        _("Train"),
        type="primary",
        icon=":material/model_training:",
        on_click=start_job,
        args=(page, "resolution", work),
        disabled=job is not None and not job.done.is_set(),
    )
    watch_job(page, "resolution")
    if job is None or not job.done.is_set():
        st.info(_("Press Train: it takes about a quarter of a minute here, and can be canceled."))
    elif job.error is not None:
        page.explain(job.error)
    elif job.result is not None:
        run = job.result
        order = " > ".join(figures.NETWORK_NAMES[name] for name in run.order(4))
        sentence = _(
            "Measured just now ({seconds} s): at a quarter of the size {order}. CNN-B falls from {best} % to "
            "{worst} %.",
            seconds=f"{run.seconds:.0f}",
            order=order,
            best=f"{100 * run.base[1]:.0f}",
            worst=f"{100 * run.base[8]:.0f}",
        )
        chart(page, "run", figures.plot_run(run, translate=_), alt=sentence)
        st.markdown(f"**{sentence}**")
    return Shown()


def _by_resolution(pixels: np.ndarray) -> scale.PhotoResolution:
    return scale.photo_by_resolution(load(efficientnet_lite.load_efficientnet_lite0), pixels)
