"""Where the network looks, as the lesson asks it: from a place on an object, and from the query that found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pages.detr import network, state
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import detr
from vizcore.data.scenes import draw_scene

SCENE: Final = 2
PLACE: Final = (282, 74)
"""The place that looks, x and y in pixels: the middle of the upper square."""
ANOTHER_QUERY: Final = 34
"""Who is asked before the learner clicks; on another object."""
NEARLY_ALL, SEVERAL = 0.9, 2
"""Share of an attention that is nearly all of it; how many times an object's share of the picture is more than fair."""
FOUND: Final = 0.5
"""IoU from which on a query has found the object."""


@dataclass(frozen=True)
class Looked:
    """Where the network looks, mean of all heads of the last layer.

    Attributes:
        own: share of the place's attention on the object that it lies on, where that can be seen.
        area: that object's share of the picture's tokens.
        query: that is asked.
        is_asked: whether it is one that found that object.
        shares: of the query's attention, on its own box.
    """

    own: float
    area: float
    query: int
    is_asked: bool
    shares: detr.AttentionShares

    @property
    def verdict(self) -> str:
        """The right answer about the place."""
        if self.own >= NEARLY_ALL:
            return "all"
        return "more" if self.own >= SEVERAL * self.area else "fair"


def look(page: Page) -> Looked | None:
    """What the lesson's steps about attention ask; None in all others, and where no network was shipped."""
    if page.step is None or page.step.name not in ("encoder", "decoder") or not network.is_shipped():
        return None
    view = state.read_model(page)
    trace = network.run(page, view.picture).trace
    scene = compute(draw_scene, "validation", SCENE)
    return measure(trace, scene.boxes, scene.owner, min(view.query, trace.num_queries - 1))


def measure(trace: detr.DETRTrace, objects: np.ndarray, owner: np.ndarray, query: int) -> Looked:
    """Measures a recorded picture.

    Args:
        trace: of the picture, with attention.
        objects: ``[T, 4]`` xyxy, pixels.
        owner: ``[H, W]`` the object that is seen at each pixel, -1 for none.
        query: that is asked.
    """
    if trace.encoder is None or trace.decoder_cross is None:
        raise ValueError("where a network looks needs a trace with attention")
    x, y = PLACE
    own = objects[owner[y, x]]
    on_it = detr.tokens_under(trace, owner == owner[y, x])
    row = trace.encoder[-1, :, trace.token_at(x, y)].mean(0)
    box = trace.boxes[-1, query]
    return Looked(
        own=float(row[on_it].sum()),
        area=float(on_it.mean()),
        query=query,
        is_asked=_iou(box, own) >= FOUND,
        shares=detr.attention_shares(trace, trace.decoder_cross[-1, :, query].mean(0), box),
    )


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    shared = np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None).prod()
    return float(shared / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - shared))
