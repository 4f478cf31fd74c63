"""The picture: editor, graph and ledger under one stepper; and what another seed would make of the program.

It runs alone: a number that is dragged in the program runs it many times a second, and the rest of the page can wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pages.autograd import editor, state
from pages.autograd.challenges import Outcome
from pages.autograd.state import View
from pages.kit.graph import count_positions, traced_graph
from pages.kit.live import media_url, said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.programs import pack_program, pack_slope, pack_words, run_program
from vizcore.autograd import write_program_script

MOST_ELEMENTS = 256
"""Of a leaf, for its slope picture."""


def compute_outcome(page: Page) -> Outcome:
    """Takes over what was typed, reads the view, and runs its program."""
    editor.hear(page)
    view = state.read(page)
    return Outcome(view, run_program(view.program, view.seed, view.opened))


def drawing(page: Page, outcome: Outcome) -> Callable[[], str]:
    """What draws the picture, in each run of the page or of the picture alone.

    Args:
        page: the open page.
        outcome: brought up to date in place by each later run.

    Returns:
        A function that draws, and returns the program that reproduces the numbers.
    """
    first = True

    def draw() -> str:
        nonlocal first
        if not first:
            now = compute_outcome(page)
            outcome.view, outcome.ran = now.view, now.ran
        first = False
        show(page, outcome)
        return write_program_script(outcome.view.program, outcome.view.seed, outcome.ran)

    return draw


def show(page: Page, outcome: Outcome) -> None:
    """Draws the program, its graph and its numbers: one piece."""
    view, ran = outcome.view, outcome.ran
    num_positions = count_positions(len(ran.trace.steps))
    start = min(view.step, num_positions - 1)
    position = traced_graph(
        page.key("graph"),
        pack_program(ran, page.language, explained=editor.may_explain(page, view), opened=view.opened),
        num_positions,
        start=start,
        version=f"{view.seed}/{page.version('step')}",
        presenter=page.presenting,
        program=editor.spec(page, view),
        most=None if page.revealed else start,
        extra={
            "laboratory": page.step is None,
            "runs": {"seed": view.seed, "opened": view.opened, "language": page.language},
            "asks": not editor.may_explain(page, view),
            "slope": _slope(page, view),
            "words": media_url(compute(pack_words), "application/json", page.key("words")),
        },
    )
    page.store(state.STEP, position)


def _slope(page: Page, view: View) -> str:
    """The slope picture that the browser asks for once the leaf's gradient is on the screen; JSON, ``null`` if none."""
    asked = said(page.key("graph")).get("slope")
    if not isinstance(asked, Mapping) or asked.get("source") != view.program or not page.revealed:
        return "null"
    name, index = asked.get("name"), asked.get("index")
    if not isinstance(name, str) or not name.isidentifier() or type(index) is not int or not 0 <= index < MOST_ELEMENTS:
        return "null"
    return str(compute(pack_slope, view.program, view.seed, name, index))


def show_counts(page: Page, outcome: Outcome) -> None:
    """Says how large the graph is, and how large another seed would make it."""
    view, ran = outcome.view, outcome.ran
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
