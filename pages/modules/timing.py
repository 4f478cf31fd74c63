"""Which of the two is faster, timed when asked."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.page import Page
from pages.modules.state import View
from vizcore.figures.modules import plot_timing
from vizcore.modules import NetworkTiming, time_networks


def show(page: Page, view: View) -> None:
    """The button, and the last measurement of this session."""
    _ = page.translate
    with st.expander(_("Which is faster?"), icon=":material/timer:"):
        if page.button("time", _("Time both now"), icon=":material/play_arrow:"):
            st.session_state[page.key("timed")] = time_networks(view.choice, seed=view.seed)
        timing = st.session_state.get(page.key("timed"))
        if timing is not None:
            _show_timing(page, timing)


def _show_timing(page: Page, timing: NetworkTiming) -> None:
    _ = page.translate
    low, median, high = timing.quartiles("module")
    low_f, median_f, high_f = timing.quartiles("functional")
    sentence = _(
        "Of 200 passes each, in turn, the middle half took {low} to {high} µs with modules (median {median})"
        " and {low_f} to {high_f} µs with functions (median {median_f}).",
        low=f"{low:.1f}",
        median=f"{median:.1f}",
        high=f"{high:.1f}",
        low_f=f"{low_f:.1f}",
        median_f=f"{median_f:.1f}",
        high_f=f"{high_f:.1f}",
    )
    chart(page, "timing", plot_timing(timing, translate=_), alt=sentence)
    st.markdown(sentence)
    st.caption(
        _(
            "A module’s call looks for hooks before it calls the same function: that costs the same"
            " for a small layer and a large one, so in a network that does real work it is lost in the noise."
        )
    )
