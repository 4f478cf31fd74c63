"""A page with one control of each kind, to test the furniture on."""

import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.page import close_page, failure_of, open_page, show_failure

st.session_state.setdefault("shell", {"lang": "en", "present": False})
if (failure := failure_of("demo")) is not None:  # as the shell does
    show_failure(failure, "demo")
    st.stop()
page = open_page("demo", title="Demo", tagline="Try.")
threshold = page.slider("threshold", "Threshold", 0.0, 1.0, 0.5)
count = page.number("count", "Count", 1, 9, 3)
method = page.select("method", "Method", {"hard": "Hard", "soft": "Soft"}, "hard")
losses = page.select_several("losses", "Losses", {"iou": "IoU", "giou": "GIoU", "diou": "DIoU"}, ["iou"])
shown = page.toggle("shown", "Shown", True)
program = page.text("program", "Program", "x = 1", max_length=500, area=True)
BOXES = link.numbers("boxes", (None, 4), [[0, 0, 1, 1]], limit=1e4, most=5)
boxes = page.value(BOXES)
page.button("preset", "Preset", on_click=page.set, kwargs={"threshold": 0.25, "boxes": [[1.0, 2.0, 3.0, 4.0]]})
page.button("broken", "Broken", on_click=lambda: {}["no such preset"])
st.text(repr([threshold, count, method, losses, shown, program, boxes, page.version("boxes")]))
show_challenges(
    page,
    [
        Challenge("low", "Low", "Go below 0.3", lambda: None if threshold < 0.3 else "Lower."),
        Challenge("never", "Never", "…", lambda: "No."),
    ],
)
close_page(page)
