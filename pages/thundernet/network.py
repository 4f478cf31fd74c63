"""What is computed once and kept: budgets, fields, and the detection part on a picture."""

from __future__ import annotations

import numpy as np

from pages.kit.loaders import compute, load
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_on
from pages.thundernet import state
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.data.script import write_photo, write_scene
from vizcore.models import efficientnet_lite


def counted(design: thundernet.Design) -> thundernet.Budget:
    """What a design costs, without times."""
    budget: thundernet.Budget = compute(thundernet.count_budget, design)
    return budget


def measured(design: thundernet.Design) -> tuple[thundernet.Budget, ...]:
    """What a design costs, with milliseconds of this machine, measured once; then the paper's, if it is another."""
    paper = reference(design)
    budgets: tuple[thundernet.Budget, ...] = compute(
        thundernet.measure_budgets, (design,) if design == paper else (design, paper)
    )
    return budgets


def reference(design: thundernet.Design) -> thundernet.Design:
    """The paper's detector with the same backbone, at its 320 pixels."""
    return thundernet.Design(design.backbone)


def fields_of(design: thundernet.Design, level: str) -> tuple[thundernet.EffectiveField, ...]:
    """What a cell sees with 3 × 3 and with 5 × 5 kernels."""
    return tuple(compute(thundernet.effective_field, design.backbone, level, kernel=kernel) for kernel in (3, 5))


def trace_of(picture: Picture) -> thundernet.ThunderNetTrace:
    """The untrained detection part on a picture."""
    trace: thundernet.ThunderNetTrace = compute_on(picture, _trace, state.SEED)
    return trace


def pooled(view: View) -> thundernet.PooledRegion:
    """The page's region."""
    return thundernet.pool_region(trace_of(view.picture).attended, view.box, convention=view.convention)


def maps_of(view: View) -> dict[str, np.ndarray]:
    """The maps that the part shows, by name."""
    trace = trace_of(view.picture)
    return trace.term_maps(view.channel) if view.look == "context" else trace.attention_maps(view.channel)


def write_source(page: Page, view: View) -> str:
    """How a script gets the picture."""
    if view.source == "scene":
        return write_scene(page.value(state.SCENE))
    return write_photo(None if view.picture.is_own else view.picture.name, variable="picture")


def _trace(pixels: np.ndarray, seed: int) -> thundernet.ThunderNetTrace:
    return thundernet.trace_thundernet(load(efficientnet_lite.load_efficientnet_lite0), pixels, seed=seed)
