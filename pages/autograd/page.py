"""The autograd lab: a program of the learner's own, run on real torch, stepped forward and backward."""

import streamlit as st

from pages.autograd import challenges, editor, myth, network, run, tour
from pages.kit.ending import Alone, Shown, end_page
from pages.kit.page import open_page
from pages.kit.ways import link_to

page = open_page(
    "autograd",
    title="Autograd lab",
    tagline="Step through a PyTorch program, change its numbers, and watch its gradients flow back.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    outcome = run.compute_outcome(page)
    editor.show(page, outcome.view)
    picture = st.container()
    if page.shows("claim"):
        page.lesson("claim")
        run.show_counts(page, outcome)
    if page.shows("network"):
        network.show(page, outcome.view)
        link_to(page, "modules", _("nn.Module beside nn.functional"), icon="compare_arrows")
    if page.shows("myth"):
        myth.show(page)
    end_page(
        page,
        Shown(rows=outcome.rows, name="autograd"),
        challenges=challenges.of(page, outcome),
        sections={
            "engine": _("How the engine walks"),
            "misconceptions": _("Misconceptions"),
            "limits": _("What the lab can run"),
        },
        alone=Alone(run.drawing(page, outcome), picture),
        outcome=outcome,
    )
