"""What a name of the vocabulary stands for: a function, or a name with words behind its dot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, eq=False, repr=False)
class Word:
    """A function of the vocabulary, as a value of the program.

    Attributes:
        path: how it is written (``torch.exp``).
        function: what it calls.
        shape_options: whether its whole numbers are sizes, strides or counts, and therefore small.
        grows: whether its result may have more elements than the product of its inputs' elements.
        is_random: whether it draws random numbers.
    """

    path: str
    function: Callable[..., Any]
    shape_options: bool = False
    grows: bool = False
    is_random: bool = False

    def __repr__(self) -> str:
        """As it is written."""
        return self.path


@dataclass(frozen=True, eq=False, repr=False)
class Namespace:
    """A name with words behind its dot.

    Attributes:
        path: how it is written (``torch.nn``).
        words: what stands behind the dot.
    """

    path: str
    words: MappingProxyType[str, Any]

    def __repr__(self) -> str:
        """As it is written."""
        return self.path
