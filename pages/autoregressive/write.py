"""Write your own: a painted picture, its likelihood under every model pixel by pixel, and the label it gets."""

from __future__ import annotations

import streamlit as st

from pages.autoregressive import source, state, words
from pages.autoregressive.pixels import COLORS, shown_of
from pages.autoregressive.state import View
from pages.kit.ending import Shown
from pages.kit.live import live
from pages.kit.loaders import load
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import theme

BRUSH = {"digits": 1, "mnist": 2}
"""Pixels of a stroke's width."""
MOST = 5.0
"""Nats at the end of the colour scale: a pixel that had one chance in 150."""


def explain(view: View, kind: str) -> autoregressive.PictureLikelihood:
    """The picture under one of the models, in raster order."""
    found: autoregressive.PictureLikelihood = source.ask(view, autoregressive.explain_picture, kind, view.picture)
    return found


def judges(page: Page, view: View) -> tuple[str, ...]:
    """The models that judge the picture: all that were trained on the digits of the view."""
    if not page.shows("models"):
        return (view.model,)
    return tuple(kind for kind in autoregressive.KINDS if autoregressive.find_trained(kind, data=view.data) is not None)


def show(page: Page, view: View) -> Shown:
    """Draws the controls, the two pictures, and what the models say."""
    with st.container(key="picture_first"):
        _show_controls(page, view)
        if not source.has_model(page, view, view.model):
            return Shown()
        with_labels = page.shows("labels") and _has_labels(page, view)
        _show_picture(page, view, labels=_labels(page, view) if with_labels else [])
    if page.shows("labels") and not with_labels and source.has_digits(page, view):
        source.say_command(page, view, view.model, with_labels=True)
    return shown_of(view, view.picture, None)


def _show_controls(page: Page, view: View) -> None:
    _ = page.translate
    columns = st.columns([1, 1.4, 1, 1.4], vertical_alignment="bottom", gap="small")
    with columns[0]:
        source.show_switch(page)
    with columns[1]:
        names = {kind: words.name_of(_, kind) for kind in autoregressive.KINDS}
        page.select(state.MODEL, _("Model"), names)
    with columns[2]:
        page.number(state.DIGIT, _("Test digit number"))
    with columns[3], st.container(horizontal=True):
        real, blank = state.test_picture(view.data, view.digit), "0" * view.num_pixels
        page.button("clear", _("Clear"), icon=":material/ink_eraser:", on_click=page.set, kwargs={"picture": blank})
        if source.are_here(page, view.data):
            page.button("real", _("Show the test digit"), on_click=page.set, kwargs={"picture": real})


def _show_picture(page: Page, view: View, *, labels: list[dict[str, object]]) -> None:
    _ = page.translate
    chosen = explain(view, view.model)
    live(
        "autoregressive/paint",
        key=page.key("paint"),
        data={
            "picture": view.picture,
            "version": state.picture_version(page, view.data, view.digit),
            "size": list(view.size),
            "brush": BRUSH[view.data],
            "models": [
                {
                    "name": kind,
                    "title": words.name_of(_, kind),
                    "nats": explain(view, kind).log_likelihood,
                    "chosen": kind == view.model,
                }
                for kind in judges(page, view)
            ],
            "costs": [round(-float(value), 4) for value in chosen.log_probabilities],
            "most": MOST,
            "labels": labels,
            "scale": list(theme.SCALE),
            "halo": list(theme.HALO),
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.paint_words(_, words.name_of(_, view.model), alone=not page.shows("models")),
        },
    )


def classify(view: View) -> tuple[list[float], list[float]]:
    """p(label | picture) by Bayes' rule over the model's likelihoods, and by logistic regression."""
    generative = source.ask(view, autoregressive.classify_picture, view.model, view.picture, with_labels=True)
    reference = load(autoregressive.fit_reference, view.data)
    return generative.posterior[0].tolist(), reference.posterior(view.picture)


def _has_labels(page: Page, view: View) -> bool:
    """Whether a digit can be named: by a model of labels, and by their frequencies and a regression on the digits."""
    trained = autoregressive.find_trained(view.model, data=view.data, with_labels=True)
    return trained is not None and source.are_here(page, view.data)


def _labels(page: Page, view: View) -> list[dict[str, object]]:
    _ = page.translate
    with st.spinner(_("Fitting the logistic regression…")):
        generative, discriminative = classify(view)
    accuracy = source.ask(view, autoregressive.card_of, view.model, with_labels=True).accuracy
    reference = load(autoregressive.fit_reference, view.data)
    other = reference.accuracy
    st.caption(
        _(
            "Of test digits, Bayes’ rule over ten likelihoods of {model} names {generative} rightly, logistic "
            "regression of {learned} digits, which models labels alone and can draw nothing, {discriminative}.",
            learned=f"{reference.num_train:,}",
            model=words.name_of(_, view.model),
            generative=f"{accuracy:.1%}",
            discriminative=f"{other:.1%}",
        )
    )
    return [
        {"title": words.name_of(_, view.model), "values": [round(value, 5) for value in generative]},
        {"title": _("Logistic regression"), "values": [round(value, 5) for value in discriminative]},
    ]
