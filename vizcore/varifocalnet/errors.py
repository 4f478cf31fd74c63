"""What cannot be computed with, in one sentence."""

from __future__ import annotations

from vizcore.errors import ExplainedError


class VarifocalNetError(ExplainedError, ValueError):
    """A box, a score or a number that VarifocalNet's formulas have no answer for."""
