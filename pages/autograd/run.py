"""The run: why it stopped if it did, its graph step by step, and what another seed would make of it."""

from __future__ import annotations

import streamlit as st

from pages.autograd import state
from pages.autograd.state import View
from pages.kit.graph import count_positions, traced_graph
from pages.kit.page import Page
from pages.kit.programs import in_markdown, pack_program, run_program
from vizcore.autograd import ProgramError, ProgramRun


def show(page: Page, view: View, ran: ProgramRun) -> None:
    """Draws the error, the graph, and the counts of this run and of another seed's."""
    if ran.error is not None:
        _show_error(page, ran.error)
    _show_graph(page, view, ran)
    page.lesson("claim")
    again, counts = st.columns([1, 3], vertical_alignment="center")
    with again:
        page.button(
            "again",
            page.translate("Run with another seed"),
            icon=":material/replay:",
            on_click=page.set,
            kwargs={"seed": view.next_seed, "step": 0},
            help=page.translate("A program that draws random numbers may take another branch: define by run."),
        )
    with counts:
        _show_counts(page, view, ran)


def _show_error(page: Page, error: ProgramError) -> None:
    _ = page.translate
    where = _("Line {line}, column {column}:", line=error.line, column=error.column)
    st.warning(f"**{where}** {in_markdown(error.message, _)}", icon=":material/error:")
    if error.explanation is not None:
        st.caption(in_markdown(error.explanation, _))


def _show_graph(page: Page, view: View, ran: ProgramRun) -> None:
    num_positions = count_positions(len(ran.trace.steps))
    position = traced_graph(
        page.key("graph"),
        pack_program(ran, page.language),
        num_positions,
        start=min(view.step, num_positions - 1),
        version=f"{hash((view.program, view.seed))}/{page.version('step')}",
        presenter=page.presenting,
    )
    page.store(state.STEP, position)


def _show_counts(page: Page, view: View, ran: ProgramRun) -> None:
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
