"""The autograd lab: a program of the learner's own, run on real torch, stepped forward and backward."""

import streamlit as st

from pages.autograd import challenges, editor, network, run, state
from pages.kit.challenges import show_challenges
from pages.kit.ending import Shown, end_page
from pages.kit.page import open_page
from pages.kit.programs import run_program
from vizcore.autograd import list_rows, write_program_script

page = open_page(
    "autograd",
    title="Autograd lab",
    tagline="Type a PyTorch program, step through it, and watch its gradients flow back.",
)
_ = page.translate
with page.explained():
    view = state.read(page)
    st.html(editor.STYLE)
    written, asked = st.columns([3, 2], gap="medium")
    with written:
        editor.show(page, view)
    ran = run_program(view.program, view.seed)
    with asked:
        editor.show_question(page, view)
    run.show(page, view, ran)
    network.show(page, view)
    st.page_link("pages/modules/page.py", label=_("nn.Module beside nn.functional"), icon=":material/compare_arrows:")
    with st.container(height=460):
        show_challenges(page, challenges.of(page, view, ran.trace))
    end_page(
        page,
        Shown(
            script=write_program_script(view.program, view.seed, ran),
            rows=lambda: list_rows(ran),
            name="autograd",
        ),
        sections={
            "engine": _("How the engine walks"),
            "misconceptions": _("Misconceptions"),
            "limits": _("What the lab can run"),
        },
    )
