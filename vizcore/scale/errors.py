"""What cannot be used of boxes, ranges and annotation files, in sentences."""

from vizcore.errors import ExplainedError


class ScaleError(ExplainedError, ValueError):
    """A refused range, box, chip or file, in one sentence that a page can translate."""
