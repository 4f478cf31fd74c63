"""The compiled losses and the race, as the browser takes them."""

from __future__ import annotations

import json
import math
from typing import Any

from vizcore.iou_losses.descent import DescentTrace

RACE_POSITIONS = 50
"""A race is played in at most so many moves."""


def race_steps(race: DescentTrace | None) -> list[int]:
    """The steps of a race that are sent: evenly spaced, the first and the last among them; ``[0]`` without a race."""
    if race is None:
        return [0]
    last = race.boxes.shape[1] - 1
    return sorted({round(last * position / RACE_POSITIONS) for position in range(RACE_POSITIONS + 1)})


def pack_playground(source: str, race: DescentTrace | None) -> bytes:
    """Writes the program that the browser runs, and the race over its stage.

    Args:
        source: JavaScript, see :mod:`vizcore.iou_losses.javascript`.
        race: of some losses; None for none.

    Returns:
        JSON with ``source`` and ``race``: its ``kinds``, the ``steps`` that are sent, ``boxes`` (None where a NaN
        gradient has carried one away) and ``iou``.
    """
    payload: dict[str, Any] = {"source": source, "race": None}
    if race is not None:
        steps = race_steps(race)
        payload["race"] = {
            "kinds": race.kinds,
            "steps": steps,
            "boxes": [
                [[round(float(x), 3) for x in row] if all(map(math.isfinite, row)) else None for row in track[steps]]
                for track in race.boxes
            ],
            "iou": race.iou[:, steps].round(4).tolist(),
        }
    return json.dumps(payload).encode()
