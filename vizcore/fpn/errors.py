"""What cannot be shown of a feature pyramid, in sentences."""

from vizcore.errors import ExplainedError


class FPNError(ExplainedError, ValueError):
    """A refused photo, map, cut or number, in one sentence that a page can translate."""
