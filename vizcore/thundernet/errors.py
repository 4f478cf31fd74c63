"""What cannot be shown of ThunderNet, in sentences."""

from vizcore.errors import ExplainedError


class ThunderNetError(ExplainedError, ValueError):
    """A refused design, map, cell or region, in one sentence that a page can translate."""
