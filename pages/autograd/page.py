"""The autograd lab: a program of the learner's own, run on real torch, stepped forward and backward."""

import streamlit as st

from pages.autograd import challenges, editor, network, run, state, tour
from pages.kit.ending import Shown, end_page
from pages.kit.page import open_page
from pages.kit.programs import run_program
from vizcore.autograd import list_rows, write_program_script

page = open_page(
    "autograd",
    title="Autograd lab",
    tagline="Type a PyTorch program, step through it, and watch its gradients flow back.",
    tour=tour.STEPS,
)
_ = page.translate
with page.explained():
    moving = editor.hear(page)
    view = state.read(page)
    editor.show(page, view)
    ran = run_program(view.program, view.seed)
    run.show(page, view, ran)
    outcome = challenges.Outcome(view, ran.trace)
    if page.shows("claim"):
        page.lesson("claim")
        if not moving:
            run.show_counts(page, view, ran)
    if page.shows("network"):
        network.show(page, view)
        st.page_link(
            "pages/modules/page.py", label=_("nn.Module beside nn.functional"), icon=":material/compare_arrows:"
        )
    end_page(
        page,
        Shown(
            script=write_program_script(view.program, view.seed, ran),
            rows=lambda: list_rows(ran),
            name="autograd",
        ),
        challenges=challenges.of(page, view, ran.trace),
        sections={
            "engine": _("How the engine walks"),
            "misconceptions": _("Misconceptions"),
            "limits": _("What the lab can run"),
        },
        outcome=outcome,
    )
