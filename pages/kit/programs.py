"""Learners' programs: each runs in a process of its own, and what came back is kept for all sessions.

Texts of a program and of its errors are a stranger's: they become Markdown only through ``in_markdown``.
"""

from __future__ import annotations

import json

import streamlit as st

from pages.kit.language import Translate, escaped, translator
from pages.kit.loaders import compute
from vizcore.autograd import Message, ProgramRun, programs_sandbox, run_in_worker, worker
from vizcore.autograd.completion import list_words
from vizcore.autograd.worker import slope_in_worker


class _NotKept(Exception):  # noqa: N818  (it carries a result past the cache)
    """A run that may go better another time."""

    def __init__(self, run: ProgramRun) -> None:
        super().__init__()
        self.run = run


def run_program(source: str, seed: int, opened: int = 0) -> ProgramRun:
    """Runs a program, or answers from an earlier run by any session; says when others go first.

    Args:
        source: the program.
        seed: seed of its random numbers.
        opened: the iteration of its folded loops that is recorded whole besides, 0 for none.
    """
    say = translator("autograd")
    words = st.empty()
    place = programs_sandbox().next_place()
    if place:
        words.caption(say("Other programs are running; yours is number {place} in the queue.", place=place))
    try:
        run = compute(_run, source, seed, opened)
    except _NotKept as other:
        run = other.run
    if place:
        words.empty()
    return run


def answer_program(source: str, seed: int, opened: int, language: str) -> bytes:
    """Runs a program outside of any page, and packs the run; what lies behind an error is left to the page.

    Args:
        source: as for :func:`run_program`.
        seed: as for :func:`run_program`.
        opened: as for :func:`run_program`.
        language: ``en`` or ``zh``.
    """
    try:
        run = compute(_run, source, seed, opened)
    except _NotKept as other:
        run = other.run
    return pack_program(run, language, explained=False, opened=opened)


def put_behind(source: str, seed: int, opened: int) -> None:
    """Lets all other programs go before one whose number was moved on meanwhile.

    Args:
        source: as for :func:`answer_program`, and so are the others.
        seed: of its random numbers.
        opened: the iteration that is recorded whole.
    """
    worker.put_behind(source, seed, opened=_numbers(opened))


def _numbers(opened: int) -> tuple[int, ...]:
    return (opened,) if opened else ()


def pack_program(run: ProgramRun, language: str, *, explained: bool = True, opened: int = 0) -> bytes:
    """A run as the browser takes it, with every sentence in the reader's language.

    Args:
        run: what came back.
        language: ``en`` or ``zh``.
        explained: whether what lies behind an error is said too; not while a question about it is open.
        opened: as for :func:`run_program`.
    """
    if not run.may_differ:
        try:
            return compute(_pack, run.trace.source, run.trace.seed, language, explained, opened)
        except _NotKept as other:
            run = other.run
    return _translated(run, language, explained)


def _translated(run: ProgramRun, language: str, explained: bool) -> bytes:
    say = translator("autograd", language)
    sent = json.loads(run.packed)
    for node in sent["nodes"]:
        for part in ("formula", "explanation"):
            node["rule"][part] = say(node["rule"][part])
    error = run.trace.error
    if error is not None:
        sent["error"]["text"] = in_words(error.message, say)
        sent["error"]["explanation_text"] = in_words(error.explanation, say) if error.explanation and explained else ""
        if not explained:
            sent["error"]["explanation"], sent["error"]["suggestion"] = None, ""
    return json.dumps(sent, allow_nan=False).encode()


def in_words(message: Message, say: Translate) -> str:
    """A message of vizcore in the reader's language, as plain text; torch's own text stays torch's own."""
    return say(message.template, **message.values) if message.values else say(message.template)


def in_markdown(message: Message, say: Translate) -> str:
    """The same as Markdown: what fills the sentence is quoted, never interpreted."""
    if not message.values:
        return say(message.template)
    return say(message.template, **escaped(message.values))


def _run(source: str, seed: int, opened: int) -> ProgramRun:
    run = run_in_worker(source, seed, opened=_numbers(opened))
    if run.may_differ:
        raise _NotKept(run)
    return run


def pack_words() -> bytes:
    """What the editor may complete, as JSON."""
    return json.dumps(list_words()).encode()


def pack_slope(source: str, seed: int, name: str, index: int) -> str:
    """The loss over one number of one leaf as JSON, ``null`` where it cannot be had."""
    return slope_in_worker(source, seed, name, index).decode()


def _pack(source: str, seed: int, language: str, explained: bool, opened: int) -> bytes:
    return _translated(compute(_run, source, seed, opened), language, explained)
