"""What the autograd lab's link holds, and the frozen view that is read from it."""

from __future__ import annotations

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page
from pages.live.programs import LARGEST_SEED, LONGEST_PROGRAM, MOST_OPENED
from vizcore.autograd.networks import NETWORKS
from vizcore.autograd.presets import PRESETS, Preset

MAX_LENGTH = LONGEST_PROGRAM
"""Characters of a program."""

MAX_OPENED = MOST_OPENED
"""The largest number of an iteration that can be asked for."""

PRESET = link.choice("preset", list(PRESETS), "scalar")
SEED = link.number("seed", 0, LARGEST_SEED, 0, step=1)
STEP = link.number("step", 0, 10_000, 0)
OPENED = link.number("opened", 0, MAX_OPENED, 0)
"""Of a folded loop's iterations, the one that is recorded whole besides the first and the last; 0 for none."""
REAL = link.flag("real", False)
NETWORK = link.choice("network", list(NETWORKS), "resnet18")


def program_of(preset: Preset) -> link.Parameter:
    """The learner's program: where the link is silent, the preset's own."""
    return link.text("program", preset.source, max_length=MAX_LENGTH)


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        preset: the example that was begun with; it asks the question.
        seed: of the program's random numbers.
        program: the learner's own, or still the preset's.
        step: where the stepper was left.
        real: whether the graph of a real network is shown too.
        network: which one.
        opened: the iteration of folded loops that is recorded whole besides, 0 for none.
    """

    preset: Preset
    seed: int
    program: str
    step: int
    real: bool
    network: str
    opened: int = 0

    @property
    def is_presets_own(self) -> bool:
        """Whether the program is still the preset's, so that the preset's question is about it."""
        return self.program.strip() == self.preset.source.strip()

    @property
    def next_seed(self) -> int:
        """The seed that “run with another seed” takes."""
        return (self.seed + 1) % 1000


def read(page: Page) -> View:
    """The view as link, controls and graph have it now."""
    preset = PRESETS[page.value(PRESET)]
    return View(
        preset,
        seed=page.value(SEED),
        program=page.value(program_of(preset)),
        **page.values(STEP, REAL, NETWORK, OPENED),
    )
