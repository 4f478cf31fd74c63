"""What the pyramid costs beside one pass of a detector with a feature pyramid: counted, and measured here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.image_pyramid.words import milliseconds
from pages.kit.chart import chart, table
from pages.kit.language import translator
from pages.kit.loaders import Job, compute, find_job, load, start_job, watch_job
from pages.kit.page import Page
from pages.kit.pictures import compute_on
from pages.kit.ways import link_to
from vizcore import costs, image_pyramid
from vizcore.figures import image_pyramid as figures
from vizcore.models.efficientnet_lite import load_efficientnet_lite0

MEGA, GIGA = 1e6, 1e9


@dataclass(frozen=True)
class Measured:
    """What the passes took, and what the detector with a feature pyramid says.

    Attributes:
        seconds: of each level's pass, and last of one pass with a feature pyramid.
        num_shapes: drawn shapes that this pass reports.
    """

    seconds: tuple[float, ...]
    num_shapes: int

    @property
    def pyramid(self) -> float:
        """Seconds of all levels together."""
        return sum(self.seconds[:-1])

    @property
    def single(self) -> float:
        """Seconds of one pass with a feature pyramid."""
        return self.seconds[-1]


def show(page: Page, view: View, found: Search) -> DeltaGenerator:
    """Draws what is counted.

    Returns:
        The place for what is measured, see :func:`measure`.
    """
    _ = page.translate
    st.subheader(_("What it costs"), anchor=False)
    with st.container(horizontal=True):
        for concept, label, query in (
            (
                "scale",
                _("Train for each size at one resolution, and cut out chips: SNIP and SNIPER"),
                {"part": "answers"},
            ),
            ("thundernet", _("Where a detector’s multiply-adds go, block by block: ThunderNet"), {"part": "budget"}),
        ):
            link_to(page, concept, label, tour="0", **query)
    cost = found.cost
    level_costs, alternatives = compute(draw_costs, found.sizes, view.scale_step, page.language)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        chart(
            page,
            "cost",
            level_costs,
            alt=_(
                "Multiply-adds by level over those of the largest; their sum is {sum}.",
                sum=f"{cost.ratios['counted']:.2f}",
            ),
        )
        st.markdown(
            _(
                "All levels together cost **{counted}** × the largest one. The geometric sum (levels: {levels}) "
                "says {sum}, and for endlessly many f²/(f² − 1) = {limit}. (Sides are rounded to whole cells; "
                "that is the difference.)",
                counted=f"{cost.ratios['counted']:.2f}",
                levels=len(found.levels),
                sum=f"{cost.ratios['sum']:.2f}",
                limit=f"{cost.ratios['limit']:.2f}",
            )
        )
    with right:
        chart(
            page,
            "alternatives",
            alternatives,
            alt=_(
                "The image pyramid takes {pyramid} billion multiply-adds, one pass of a detector with a feature "
                "pyramid {single}.",
                pyramid=f"{costs.total(cost.image_pyramid).multiply_adds / GIGA:.1f}",
                single=f"{costs.total(cost.feature_pyramid).multiply_adds / GIGA:.1f}",
            ),
        )
    return st.container()


def draw_costs(sizes: tuple[tuple[int, int], ...], scale_step: float, language: str) -> tuple[go.Figure, go.Figure]:
    """The levels' costs, and the alternatives': drawn once for all readers, as each takes some thirty milliseconds."""
    say = translator("image_pyramid", language)
    cost = image_pyramid.pyramid_cost(compute(image_pyramid.count_units), sizes, scale_step=scale_step)
    return (
        figures.plot_level_costs(cost, scale_step=scale_step, translate=say),
        figures.plot_alternatives(cost, translate=say),
    )


def measure(page: Page, view: View, found: Search, place: DeltaGenerator) -> Measured:
    """Runs one pass with a feature pyramid, and fills the table of what was measured.

    It takes time: a page does this last, when everything else is on the screen.
    """
    shapes = compute_on(view.picture, time_pass, found.sizes[0])
    name = f"measure_{hashlib.sha256(repr(found.sizes).encode()).hexdigest()[:12]}"
    job = find_job(page, name)
    again = job.result if job is not None else None
    seconds = again if again is not None else (*(level.seconds for level in found.levels), shapes.seconds)
    measured = Measured(seconds, shapes.num_boxes)
    with place:
        table(_rows(page, found, measured))
        left, right = st.columns([1, 3], gap="medium")
        with left:
            page.button(
                "measure",
                page.translate("Measure again, in turns"),
                icon=":material/timer:",
                on_click=start_job,
                args=(page, name, _measure_in_turns(found.sizes, page.translate("Measuring each pass three times…"))),
                width="stretch",
            )
            watch_job(page, name)
        with right:
            page.lesson("costs")
    return measured


def time_pass(pixels: np.ndarray, size: tuple[int, int]) -> image_pyramid.FeaturePyramidPass:
    """One pass of the detector with a feature pyramid over the photo at the size of the largest level."""
    return image_pyramid.run_feature_pyramid(pixels, load(load_efficientnet_lite0), size)


def _measure_in_turns(sizes: tuple[tuple[int, int], ...], words: str) -> Callable[[Job], tuple[float, ...]]:
    """The same passes again, in turns, the least of three."""
    model = load(load_efficientnet_lite0)

    def work(job: Job) -> tuple[float, ...]:
        return image_pyramid.measure_passes(model, sizes, repeats=3, report=lambda share: job.report(share, words))

    return work


def _rows(page: Page, found: Search, measured: Measured) -> list[dict[str, str]]:
    _ = page.translate

    def row(title: str, looks: int, time: str, cost: costs.Cost) -> dict[str, str]:
        return {
            "": title,
            _("windows or points"): f"{looks:,}",
            _("time"): time,
            _("multiply-adds"): f"{cost.multiply_adds / GIGA:.1f} G",
            _("activations"): f"{cost.activation_bytes / MEGA:,.0f} MB",
        }

    windows = found.trace.num_windows
    return [
        row(
            _("image pyramid (levels: {count})", count=len(found.levels)),
            windows,
            milliseconds(measured.pyramid),
            costs.total(found.cost.image_pyramid),
        ),
        row(
            _("feature pyramid, one pass"),
            image_pyramid.count_points(found.sizes[0]),
            milliseconds(measured.single),
            costs.total(found.cost.feature_pyramid),
        ),
        row(_("every window cut out"), windows, _("not run"), costs.total(found.cost.crops)),
    ]
