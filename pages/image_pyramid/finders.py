"""Five ways to look at every place and size, from 2001 to 2017: two face finders, and the cards of all five."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.image_pyramid.costs import Measured
from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.image_pyramid.words import milliseconds
from pages.kit.chart import chart
from pages.kit.language import translator
from pages.kit.loaders import Job, find_job
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on
from vizcore import image_pyramid
from vizcore.figures import image_pyramid as figures

HogSearch = tuple[image_pyramid.HogClassifier, image_pyramid.FaceSearch]


@dataclass(frozen=True, eq=False)
class Finders:
    """What the face finders found, and the places for what is shown of it.

    Attributes:
        cascade: by the cascade of 2001.
        hog: the classifier that the reader had trained, and what it found; None before that.
        cards: place for the cards of all five detectors.
        photo: place for the photo with their boxes.
        shared: place for what the classical ones compute once.
    """

    cascade: image_pyramid.FaceSearch
    hog: HogSearch | None
    cards: DeltaGenerator
    photo: DeltaGenerator
    shared: DeltaGenerator


def show(page: Page, view: View) -> Finders:
    """Draws the heading, and runs the cascade."""
    st.subheader(page.translate("Five ways to look at every place and size"), anchor=False)
    page.lesson("history")
    cascade = compute_on(view.picture, image_pyramid.find_faces_by_cascade)
    job = find_job(page, job_name(view.picture))
    return Finders(cascade, job.result if job is not None else None, st.container(), st.container(), st.container())


def job_name(picture: Picture) -> str:
    """The training for one photo."""
    return f"hog_{picture.name[:12]}"


def train(page: Page, picture: Picture) -> Callable[[Job], HogSearch]:
    """Work that trains where the reader sits, then searches; the photo itself is never trained on."""
    training, searching = page.translate("Training on 100 faces…"), page.translate("Searching the photo…")

    def work(job: Job) -> HogSearch:
        job.report(0.05, training)
        classifier = image_pyramid.train_hog_classifier(without="" if picture.is_own else picture.name)
        job.report(0.9, searching)
        return classifier, image_pyramid.find_faces_by_hog(picture.pixels, classifier)

    return work


def show_cards(page: Page, found: Search, finders: Finders, measured: Measured) -> None:
    """Draws a card for each detector: what it found, where it looked, how long, and what it shares."""
    _ = page.translate
    cascade, hog = finders.cascade, finders.hog[1] if finders.hog is not None else None
    cards = (
        (
            _("2001 · Cascade"),
            _("integral image: any rectangle’s sum in four look-ups"),
            _("faces: {count}", count=len(cascade.boxes)),
            _("windows: {count}", count=f"{cascade.num_windows:,}"),
            milliseconds(cascade.seconds),
        ),
        (
            _("2005 · HOG + SVM"),
            _("cells of gradients, shared by all windows over them"),
            _("faces: {count}", count=len(hog.boxes)) if hog is not None else _("not run yet"),
            _("windows: {count}", count=f"{hog.num_windows:,}") if hog is not None else "–",
            milliseconds(hog.seconds) if hog is not None else "–",
        ),
        (
            _("2014 · Sliding network"),
            _("convolutions of one level; each level anew"),
            _("boxes for “{name}”: {count}", name=found.name, count=len(found.trace.keep)),
            _("windows: {count}", count=f"{found.trace.num_windows:,}"),
            milliseconds(measured.pyramid),
        ),
        (
            _("2016 · SSD"),
            _("one pass: its maps are the levels, coarse and fine"),
            _("not run: its weights are a download"),
            _("default boxes: {count}", count=f"{sum(image_pyramid.ssd_default_boxes()):,}"),
            "–",
        ),
        (
            _("2017 · Feature pyramid"),
            _("one pass, and the meaning of coarse maps carried down to the fine ones"),
            _("drawn shapes: {count}", count=measured.num_shapes),
            _("points: {count}", count=f"{image_pyramid.count_points(found.sizes[0]):,}"),
            milliseconds(measured.single),
        ),
    )
    with finders.cards:
        for column, (title, reuse, boxes, looked, time) in zip(st.columns(len(cards)), cards, strict=True):
            with column, st.container(border=True, height="stretch"):
                st.markdown(f"**{title}**")
                st.markdown(f"{boxes}  \n{looked}  \n{time}")
                st.caption(_("Computed once: {what}", what=reuse))


def show_shared(page: Page, view: View, finders: Finders) -> None:
    """Draws what the classical detectors compute once: an integral image, and cells of edge directions."""
    _ = page.translate
    with finders.shared, st.expander(_("What the classical ones compute once"), icon=":material/grid_on:"):
        faces, side = finders.cascade.boxes, min(view.picture.size)
        box = tuple(faces[0].tolist()) if len(faces) else (0, 0, side, side)
        haar, shared = compute_on(view.picture, draw_shared, box, page.language)
        chart(
            page,
            "shared",
            shared,
            alt=_("A Haar feature on a patch has the value {value}.", value=f"{haar.value:.2f}"),
            exports=False,
        )
        st.markdown(
            _(
                "The feature’s value is **{value}**: {lookups} numbers of the integral image, or {pixels} pixels added "
                "up ({same}). A window of 24 × 24 pixels holds {count} such features of five kinds.",
                value=f"{haar.value:.3f}",
                lookups=haar.num_lookups,
                pixels=haar.num_pixels,
                same=f"{haar.value_by_pixels:.3f}",
                count=f"{sum(image_pyramid.count_haar_features().values()):,}",
            )
        )


def draw_shared(
    pixels: np.ndarray, box: tuple[float, ...], language: str
) -> tuple[image_pyramid.HaarFeature, go.Figure]:
    """A Haar feature at a box, and the picture of what is computed once."""
    haar = image_pyramid.measure_haar_feature(pixels, box)
    say = translator("image_pyramid", language)
    return haar, figures.plot_shared(haar, *image_pyramid.draw_shared(pixels), translate=say)
