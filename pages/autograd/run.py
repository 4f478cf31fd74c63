"""The picture: editor, graph and ledger under one stepper; and what another seed would make of the program."""

from __future__ import annotations

import streamlit as st

from pages.autograd import editor, state
from pages.autograd.state import View
from pages.kit.graph import count_positions, traced_graph
from pages.kit.live import media_url
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.programs import pack_program, pack_words, run_program
from vizcore.autograd import ProgramRun


def show(page: Page, view: View, ran: ProgramRun) -> None:
    """Draws the program, its graph and its numbers: one piece."""
    num_positions = count_positions(len(ran.trace.steps))
    start = min(view.step, num_positions - 1)
    position = traced_graph(
        page.key("graph"),
        pack_program(ran, page.language, explained=editor.may_explain(page, view)),
        num_positions,
        start=start,
        version=f"{view.seed}/{page.version('step')}",
        presenter=page.presenting,
        program=editor.spec(page, view),
        most=None if page.revealed else start,
        extra={"words": media_url(compute(pack_words), "application/json", page.key("words"))},
    )
    page.store(state.STEP, position)


def show_counts(page: Page, view: View, ran: ProgramRun) -> None:
    """Says how large the graph is, and how large another seed would make it."""
    other = ran if ran.stopped else run_program(view.program, view.next_seed)
    st.caption(
        page.translate(
            "Seed {seed}: {nodes} nodes, {visits} visits of the engine."
            " Seed {next_seed} would give {next_nodes} and {next_visits}.",
            seed=view.seed,
            nodes=len(ran.trace.nodes),
            visits=len(ran.trace.visits),
            next_seed=view.next_seed,
            next_nodes=len(other.trace.nodes),
            next_visits=len(other.trace.visits),
        )
    )
