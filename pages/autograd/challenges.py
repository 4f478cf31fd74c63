"""The challenges of the autograd lab: each preset has one, marked from the present run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from pages.autograd.editor import preset_titles
from pages.autograd.state import View
from pages.kit.challenges import Challenge
from pages.kit.language import Translate
from pages.kit.page import Page
from vizcore.autograd import ProgramRun, ProgramTrace, list_rows
from vizcore.autograd.presets import PRESETS


@dataclass(eq=False)
class Outcome:
    """What a run of the page computed, for the lesson's questions and the challenges.

    Attributes:
        view: what the page shows.
        ran: the run of its program.
    """

    view: View
    ran: ProgramRun

    @property
    def trace(self) -> ProgramTrace:
        """Everything that the run recorded."""
        return self.ran.trace

    def rows(self) -> list[dict[str, Any]]:
        """The numbers to take away."""
        return list_rows(self.ran)


def change(name: str, view: View, trace: ProgramTrace, _: Translate) -> str | None:
    """A preset's program, changed as its challenge asks.

    Args:
        name: of the preset.
        view: what the page shows.
        trace: the present run.
        _: says a sentence in the reader's language.

    Returns:
        None where the run meets the challenge, else a hint that fits it.
    """
    if name != view.preset.name:
        return _("Begin with “{title}”, then change its program.", title=_(PRESETS[name].title))
    if PRESETS[name].is_solved(trace):
        return None
    if trace.error is not None:
        return _("The program stops at line {line}.", line=trace.error.line)
    return _("Not yet. Step through it, and look at the ledger where the gradient is not what you want.")


def _marked(name: str, outcome: Outcome, _: Translate) -> str | None:
    return change(name, outcome.view, outcome.trace, _)


def of(page: Page, outcome: Outcome) -> list[Challenge]:
    """The challenges in the order shown, marked from the outcome as it is when they are asked."""
    _ = page.translate
    return [
        Challenge(name, title, _(PRESETS[name].challenge), partial(_marked, name, outcome, _))
        for name, title in preset_titles(_).items()
    ]
