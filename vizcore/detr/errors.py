"""What is refused at the door, in one sentence each."""

from __future__ import annotations

from typing import Final

from vizcore.errors import ExplainedError

# Templates of the sentences: the catalogues translate these.
BAD_SHAPE: Final = "{name} must have the shape {wanted}, not {found}."
NOT_FINITE: Final = "{name} holds a number that is not finite; nothing can be matched with it."
NEGATIVE_SIZE: Final = "Box {row} of {name} has a negative width or height; a box must not be inside out."
BAD_LABEL: Final = 'There is no class {label}: classes run from 0 to {last}, and {none} is "no object".'
BAD_COST: Final = "The cost of query {row} and target {column} is {value}; a cost must be a finite number."
BAD_PHOTO: Final = "A photo must be an array of uint8 with the shape [H, W, 3] and at least one pixel."
BAD_QUERIES: Final = "Choose at least one query, each once, from 0 to {last}."
OTHER_HEAD: Final = "This mask head was trained on a detector with {head} channels, not {detector}."
MESSAGES: Final = (
    BAD_SHAPE,
    NOT_FINITE,
    NEGATIVE_SIZE,
    BAD_LABEL,
    BAD_COST,
    BAD_PHOTO,
    BAD_QUERIES,
    OTHER_HEAD,
)


class DETRError(ExplainedError, ValueError):
    """Predictions, targets or costs that cannot be matched; the sentence says why."""
