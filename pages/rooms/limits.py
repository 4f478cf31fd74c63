"""How much of anything a class room takes: sizes, counts, rates and times, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

LIFETIME = 12 * 3600.0
"""Seconds after which a room is gone, whatever happens in it."""
STUCK_AFTER = 120.0
"""Seconds without progress after which the teacher is told."""
HERE_FOR = 50.0
"""Seconds that a student counts as present after the last sign of life; the browser gives one every twenty."""

MOST_ROOMS = 1000
MOST_STUDENTS = 200
MOST_SOCKETS = 2000
MOST_LINKS = 60
"""Views in a lesson."""
MOST_ANSWERS = 64
"""Questions that one student may answer."""
MOST_BOXES = 200
"""Boxes of one stage, or points of one hand."""

MOST_VALUES = 12
"""Link parameters of one student's work."""
LONGEST_VALUE = 800
LONGEST_KEPT = 16_384
"""Characters of a student's stage, or of what was made of a step, that a store keeps: one of each for each student."""

LONGEST_MESSAGE = 16_384
"""Characters of one message; a lesson of its own is the longest there is."""
LONGEST_LINK = 8000
LONGEST_NAME = 24

HELLO_WITHIN = 10.0
"""Seconds in which a new connection must say what it wants."""
MISSES_A_MINUTE = 30
"""Wrong codes and keys from one address; a class behind one address mistypes less often."""
ROOMS_A_MINUTE = 20
"""Rooms opened from one address."""


@dataclass
class Bucket:
    """A rate limit: so many a second, and so many at once.

    Attributes:
        rate: allowed a second.
        most: allowed at once, after a rest.
        excess: how many more were refused than allowed.
    """

    rate: float
    most: float
    excess: int = 0
    _level: float = field(default=-1.0)
    _at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more is allowed.

        Args:
            now: seconds of any clock that does not run backwards.
        """
        if self._level < 0:
            self._level, self._at = self.most, now
        self._level = min(self.most, self._level + max(0.0, now - self._at) * self.rate)
        self._at = now
        if self._level < 1:
            self.excess += 1
            return False
        self._level -= 1
        self.excess = max(0, self.excess - 1)
        return True


class Tally:
    """How often something happened within a minute, by name; forgets the names of past minutes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}
        self._began = 0.0

    def is_full(self, name: str, now: float) -> bool:
        """Whether it has happened too often for a name."""
        if now - self._began >= 60:
            self._counts.clear()
            self._began = now
        return self._counts.get(name, 0) >= self._most

    def add(self, name: str, now: float) -> None:
        """Notes that it happened once more."""
        self.is_full(name, now)
        self._counts[name] = self._counts.get(name, 0) + 1
