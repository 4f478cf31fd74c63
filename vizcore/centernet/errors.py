"""What cannot be computed with, in one sentence."""

from __future__ import annotations

from vizcore.errors import ExplainedError


class CenterNetError(ExplainedError, ValueError):
    """A box, a map or a number that CenterNet's formulas have no answer for."""
