"""Which digits the page is about: the switch, what is not on this computer and how to get it, and long work for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from pages.autoregressive import state, words
from pages.autoregressive.state import View
from pages.kit.language import Translate
from pages.kit.loaders import Job, compute_named, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.data import mnist

DOWNLOAD = "mnist"
"""Name of the job."""
MEGABYTE = 1_000_000
AT_ONCE = 0.7
"""Seconds that a run waits for long work before it shows how far it is."""


def show_switch(page: Page) -> None:
    """The control between the two sets of digits."""
    _ = page.translate
    page.select(state.DATA, _("Digits"), words.data_words(_))


def are_here(page: Page, data: str) -> bool:
    """Whether digits are on this computer, all of them."""
    return data == "digits" or (mnist.mnist_available() and not _is_busy(page))


def has_digits(page: Page, view: View) -> bool:
    """Whether the digits of the view are here; where they are not, MNIST is offered."""
    if are_here(page, view.data):
        return True
    _ = page.translate
    offer(
        page,
        _(
            "MNIST’s 70,000 digits of 28×28 are not on this computer: download them here ({size} MB). Everything with "
            "8×8 digits works without them.",
            size=f"{mnist.DOWNLOAD_BYTES / MEGABYTE:.1f}",
        ),
    )
    return False


def has_model(page: Page, view: View, kind: str, *, order: str = "raster", with_labels: bool = False) -> bool:
    """Whether a model trained on the digits of the view is here; where it is not, one sentence says how to get it."""
    if autoregressive.find_trained(kind, data=view.data, order=order, with_labels=with_labels) is not None:
        return True
    say_command(page, view, kind, order=order, with_labels=with_labels)
    return False


def ask(view: View, function: Callable[..., Any], kind: str, *args: Any, with_labels: bool = False) -> Any:
    """What a function says of a trained model, kept until another training of it takes its place."""
    options: dict[str, Any] = {"data": view.data}
    if function is autoregressive.card_of:
        options["with_labels"] = with_labels
    name = f"{function.__qualname__} {stamp(view, kind, with_labels=with_labels)}"
    return compute_named(name, function, (kind, *args), options)


def stamp(view: View, kind: str, *, order: str = "raster", with_labels: bool = False) -> int:
    """Tells a trained model from one that was trained later; 0 where there is none."""
    path = autoregressive.find_trained(kind, data=view.data, order=order, with_labels=with_labels)
    return 0 if path is None else path.stat().st_mtime_ns


def say_command(page: Page, view: View, kind: str, *, order: str = "raster", with_labels: bool = False) -> None:
    """The command that trains a model, after the offer of the digits where they are missing too."""
    _ = page.translate
    command = f"python -m vizcore.training {kind} --data {view.data}"
    command += f" --order {order}" if order != "raster" else ""
    command += " --labels" if with_labels else ""
    name = words.name_of(_, kind)
    if are_here(page, view.data):
        st.info(
            _(
                "No {model} that learned the labels of 28×28 digits is here: `{command}` trains one (it can be "
                "stopped and goes on where it was), and this page finds it.",
                model=name,
                command=command,
            )
            if with_labels
            else _(
                "No such {model} for 28×28 digits is here: `{command}` trains one (it can be stopped and goes on where "
                "it was), and this page finds it.",
                model=name,
                command=command,
            ),
            icon=":material/terminal:",
        )
        return
    offer(
        page,
        _(
            "Neither MNIST nor a {model} trained on it is here: download the digits ({size} MB), then `{command}` "
            "trains one, and this page finds it.",
            model=name,
            size=f"{mnist.DOWNLOAD_BYTES / MEGABYTE:.1f}",
            command=command,
        ),
    )


def offer(page: Page, sentence: str) -> None:
    """MNIST as an offer: its size and a button, then progress and a way to stop, then what went wrong if anything."""
    _ = page.translate
    job = find_job(page, DOWNLOAD)
    if not _is_busy(page):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(sentence)
            if page.button("download_mnist", _("Download"), icon=":material/download:"):
                start_job(page, DOWNLOAD, lambda job: fetch(job, _))
                st.rerun()
    watch_job(page, DOWNLOAD)
    if job is not None and job.error is not None:
        page.explain(job.error)


def fetch(job: Job, _: Translate) -> str:
    """The download, with what has arrived."""

    def told(done: int, total: int) -> None:
        if not job.cancel.is_set():
            words_ = _("{done} of {all} MB", done=f"{done / MEGABYTE:.1f}", all=f"{total / MEGABYTE:.1f}")
            job.report(done / total, words_)

    return str(mnist.download_mnist(on_progress=told, is_cancelled=job.cancel.is_set))


def in_background(page: Page, name: str, wanted: Hashable, work: Callable[[Job], Any]) -> Any:
    """The result of long work; None while it is not there, with progress, or what stopped it, in its place.

    Args:
        page: that shows it.
        name: of the job.
        wanted: what the result depends on; for another one the work begins anew.
        work: see :func:`start_job`.
    """
    job = find_job(page, name)
    if job is None or page.recall(f"{name}_for") != wanted:
        job = start_job(page, name, work)
        page.remember(f"{name}_for", wanted)
    if not job.done.wait(AT_ONCE):
        watch_job(page, name)
        return None
    if job.error is not None:
        page.explain(job.error)
    if job.result is None and page.button(f"{name}_again", page.translate("Once more"), icon=":material/replay:"):
        start_job(page, name, work)
        st.rerun()
    return job.result


def report_pixels(job: Job, _: Translate) -> Callable[[int, int], None]:
    """Tells a job how many pixels are drawn; cancelling is asked for elsewhere, so that a sentence says how far."""

    def told(done: int, total: int) -> None:
        if not job.cancel.is_set():
            job.report(done / total, _("{at} of {count} pixels are drawn.", at=done, count=total))

    return told


def _is_busy(page: Page) -> bool:
    job = find_job(page, DOWNLOAD)
    return job is not None and not job.done.is_set()
