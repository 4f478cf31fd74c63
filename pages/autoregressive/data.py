"""The data: ink, fixed and dynamic binarisation, why their figures cannot be compared, and MNIST as an offer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.autoregressive import source, state, words
from pages.autoregressive.state import View
from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import autoregressive as figures

JUDGED = "judged"
"""Name of the job that finds the figures of 28×28 digits."""
MOST_JUDGED = 500
"""Of MNIST's 10,000 test digits."""


def show(page: Page, view: View) -> Shown:
    """Draws a digit in all its versions, the two figures, and the offer of MNIST."""
    _ = page.translate
    columns = st.columns([1, 1, 1.4, 2], vertical_alignment="bottom", gap="small")
    with columns[0]:
        source.show_switch(page)
    with columns[1]:
        page.number(state.DIGIT, _("Test digit number"))
    with columns[2]:
        page.select(state.MODEL, _("Model"), {kind: words.name_of(_, kind) for kind in autoregressive.KINDS})
    if not source.has_digits(page, view):
        return Shown()
    ink, drawn = compute(autoregressive.look_at_digit, view.digit, data=view.data)
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
    _show_figures(page, view)
    if view.data == "digits":
        st.subheader("MNIST", anchor=False)
        if source.has_digits(page, replace(view, data="mnist")):
            st.success(_("MNIST is on this computer: choose 28×28 above, in any part."), icon=":material/check_circle:")
    return Shown()


def _show_figures(page: Page, view: View) -> None:
    """The same model's figures on both binarisations."""
    _ = page.translate
    if not source.has_model(page, view, view.model):
        return
    if view.data == "digits":
        both = compute(autoregressive.evaluate_both, view.model)
    else:
        both = source.in_background(
            page,
            JUDGED,
            (view.model, source.stamp(view, view.model)),
            lambda job: autoregressive.evaluate_both(view.model, data=view.data, num_test=MOST_JUDGED),
        )
        if both is None:
            return
    names = words.binarisation_words(_)
    table(
        [
            {
                _("Binarization"): names[name],
                _("nats a picture"): f"{found.nats:.2f} ± {found.half_width:.2f}",
                _("bits a pixel"): round(found.bits_per_pixel, 3),
            }
            for name, found in both.items()
        ]
    )
    st.caption(
        _(
            "The same {model}, trained on fixed pictures, on the same {count} digits: only the binarization differs, "
            "and so do the figures, by {nats} nats. A figure without its binarization says nothing.",
            model=words.name_of(_, view.model),
            count=both["fixed"].num_pictures,
            nats=f"{abs(both['fixed'].nats - both['dynamic'].nats):.1f}",
        )
    )
