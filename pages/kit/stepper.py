"""The stepper: an index into a recorded run, scrubbed in the browser, known to Python once it rests.

A page component that draws the steps itself puts ``Transport`` of ``assets/components/shared/stepper.js`` beside its
picture, gets ``data.stepper`` from :func:`step_spec`, and the page reads the step with :func:`step_from`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pages.kit.language import translator
from pages.kit.live import live, said

NAME = "step"


def stepper(
    key: str,
    num_steps: int,
    *,
    start: int = 0,
    version: int | str = 0,
    captions: Sequence[str] | None = None,
    speed: float = 2,
    presenter: bool = False,
    component: str = "shared/stepper",
    extra: Mapping[str, Any] | None = None,
    payload: bytes | None = None,
    most: int | None = None,
) -> int:
    """Shows a stepper and returns where it stands.

    Args:
        key: identity in session and browser.
        num_steps: how many positions there are: 0 … num_steps - 1.
        start: position at first and whenever ``version`` or ``num_steps`` changes.
        version: another value brings the stepper back to ``start``.
        captions: translated words for each position.
        speed: steps a second when played: 0.5, 1, 2, 5 or 10, and 60 for a run of hundreds of steps.
        presenter: larger controls.
        component: piece to mount; it gets ``data.stepper`` beside ``extra``.
        extra: more data for that piece.
        payload: large constant bytes for that piece.
        most: as for :func:`step_spec`.
    """
    if component == "shared/stepper" and captions is not None:
        payload = json.dumps({"captions": list(captions)}).encode()
    spec = step_spec(num_steps, start=start, version=version, speed=speed, state=said(key), most=most)
    data = {**(extra or {}), "stepper": spec, "presenter": presenter}
    return step_from(live(component, key=key, data=data, payload=payload), num_steps, start=start, version=version)


def step_state(key: str, num_steps: int, *, start: int = 0, version: int | str = 0) -> int:
    """Where the stepper ``key`` stands now, before it is shown in this run."""
    return step_from(said(key), num_steps, start=start, version=version)


def step_from(
    state: Mapping[str, Any], num_steps: int, *, start: int = 0, version: int | str = 0, name: str = NAME
) -> int:
    """The step in what a piece said, if it can be believed; else the start, kept within bounds.

    Args:
        state: what ``live`` or ``said`` returned, or ``StageState.said``.
        num_steps: how many positions there are.
        start: position where the browser has said nothing usable.
        version: as given to the piece; an answer to another version is void.
        name: the name the ``Transport`` was made with.
    """
    value = state.get(name)
    if isinstance(value, Mapping) and value.get("version") == _token(version, num_steps):
        step = value.get("step")
        if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < num_steps:
            return step
    return max(0, min(start, num_steps - 1))


def step_spec(
    num_steps: int,
    *,
    start: int = 0,
    version: int | str = 0,
    speed: float = 2,
    state: Mapping[str, Any] | None = None,
    name: str = NAME,
    most: int | None = None,
) -> dict[str, Any]:
    """What ``Transport.update`` takes.

    Args:
        num_steps: as for :func:`stepper`.
        start: as for :func:`stepper`.
        version: as for :func:`stepper`.
        speed: as for :func:`stepper`.
        state: what the piece said last, so that a new instance begins where the old one stood.
        name: the name the ``Transport`` is made with.
        most: the last step that can be gone to, while a lesson's question about what follows is not answered.
    """
    translate = translator("stepper")
    return {
        "numSteps": max(1, num_steps),
        "step": step_from(state or {}, num_steps, start=start, version=version, name=name),
        "version": _token(version, num_steps),
        "speed": speed,
        "most": most,
        "text": {
            "stepper": translate("Steps"),
            "first": translate("First step (Home)"),
            "back": translate("Step back (←)"),
            "play": translate("Play (space)"),
            "pause": translate("Pause (space)"),
            "forward": translate("Step forward (→)"),
            "last": translate("Last step (End)"),
            "position": translate("Position"),
            "speed": translate("Steps per second"),
            "step_of": translate("Step {step} of {last}."),
        },
    }


def _token(version: int | str, num_steps: int) -> str:
    return f"{version}/{num_steps}"
