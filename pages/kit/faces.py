"""The two faces of a page: the lesson, which shows one step of its tour, and the laboratory, which shows everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamlit.delta_generator import DeltaGenerator

from pages.kit import tour
from pages.kit.widgets import Widgets


@dataclass(kw_only=True)
class Faces(Widgets):
    """One run of one page, as far as its face goes.

    Attributes:
        steps: of its tour; none where a page has none.
        tour_number: of the step that is shown, from 1; 0 in the laboratory.
        verdict_place: where the lesson says what became of an answer.
    """

    steps: tuple[tour.Step, ...] = ()
    tour_number: int = tour.LABORATORY
    verdict_place: DeltaGenerator | None = None

    @property
    def step(self) -> tour.Step | None:
        """The step of the tour that is shown; None in the laboratory."""
        return self.steps[self.tour_number - 1] if self.tour_number else None

    @property
    def told(self) -> Any:
        """What the reader answered in this step (``tour.WAIVED``: was shown); None before, and in the laboratory."""
        return None if self.step is None else self.recall(f"told_{self.step.name}")

    @property
    def revealed(self) -> bool:
        """Whether answers may be shown: in the laboratory, and in a step that asks nothing any more."""
        return self.step is None or self.step.question is None or self.told is not None

    @property
    def asks(self) -> bool:
        """Whether the picture must not show what is asked for; what is to be brought about has to be seen."""
        return self.step is not None and not self.revealed and not isinstance(self.step.question, tour.BringAbout)

    def shows(self, block: str) -> bool:
        """Whether a block of the page is drawn: all of them in the laboratory, those that a step names in the lesson.

        Args:
            block: any name; a tour's ``shows`` and ``reveals`` speak of it.
        """
        step = self.step
        return step is None or block in step.shows or (block in step.reveals and self.revealed)
