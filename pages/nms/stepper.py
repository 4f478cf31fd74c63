"""The stepper: every decision of one suppression, over the picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.stage import stage
from pages.kit.stepper import step_from, step_spec
from pages.nms import state, tour, words
from pages.nms.candidates import Candidates, evaluate
from pages.nms.state import View
from vizcore import nms
from vizcore.figures import theme

COLORS = {
    "kept": theme.KEPT,
    "out": theme.SUPPRESSED,
    "current": theme.CURRENT,
    "waiting": theme.PREDICTION,
    "compared": theme.INTERSECTION,
    "error": theme.ERROR,
    "scale": theme.sequential_colors(33),
}


def show(page: Page, view: View, found: Candidates, trace: nms.NMSTrace) -> Mapping[str, Any]:
    """Draws the stage with its steps.

    Returns:
        What the browser said last, unchecked: the step, and how many decisions were predicted.
    """
    packed = compute(nms.pack_trace, trace, labels=found.labels)
    num_positions = (packed.num_steps if view.pace == "pick" else packed.num_steps + packed.num_events) + 2
    identity = hashlib.blake2b(packed.content + view.pace.encode(), digest_size=8).hexdigest()
    told = page.is_told("step")  # by a link, or by the lesson
    start = 0 if page.is_new("trace", identity) and not told else view.step  # another trace: from its beginning
    if page.step is not None and page.step.name == tour.SHOWS_THE_END:
        start = num_positions - 1
    version = f"{identity}.{page.version('step')}"
    own = view.source == "own"
    key = state.view_key(page)
    shown = stage(
        key,
        boxes=state.own_boxes(view.boxes) if own else (),
        size=found.size,
        photo=found.photo,
        grid=40 if found.photo is None else None,
        mode="edit" if own else "select",
        version=page.version("boxes") if own else f"{view.source}.{identity}",
        presenter=page.presenting,
        title=page.translate("Candidates and what became of them"),
        component="nms/suppression",
        extra={
            "stepper": step_spec(
                num_positions, start=start, version=version, state=said(key), most=start if page.asks else None
            ),
            "pace": view.pace,
            "predict": view.predict and view.pace == "comparison",
            "targets": found.targets.tolist() if view.show_targets else [],
            "sketches": _sketches(view.source, found),
            "named": list(tour.NAMED.get("" if page.step is None else page.step.name, ())),
            "lost": evaluate(view, found, trace).lost.tolist() if view.show_targets and len(found.targets) else [],
            "labels": {str(label): found.label_names[label] for label in sorted(set(found.labels.tolist()))},
            "colors": COLORS,
            "text": words.component_words(page.translate, view.method, suppress_equal=view.suppress_equal),
        },
        payload=packed.content,
    )
    page.store(state.STEP, step_from(shown.said, num_positions, start=start, version=version))
    if page.shows("claim"):
        page.lesson("claim")
    return shown.said


def _sketches(source: str, found: Candidates) -> list[tuple[str, list[float]]]:
    """Who is drawn in a generated picture, and in which box."""
    if source not in ("crowd", "two_classes"):
        return []
    kinds = ("person",) if source == "crowd" else ("rider", "horse")
    return [
        (kinds[label], box) for label, box in zip(found.target_labels.tolist(), found.targets.tolist(), strict=True)
    ]
