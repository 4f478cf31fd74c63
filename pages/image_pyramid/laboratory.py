"""What stands below the pyramid: its levels, its cost, who else looked for faces; and of these what a lesson shows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.image_pyramid import challenges, costs, faces, finders, levels, myths, state
from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.kit.ending import Shown, end_page
from pages.kit.page import Page
from vizcore import image_pyramid
from vizcore.data.script import write_photo
from vizcore.image_pyramid.script import write_sliding_window_script


def show(page: Page, view: View, found: Search, step: int) -> None:
    """Draws everything, and ends the page."""
    levels.show(page, found)
    measured_place = costs.show(page, view, found)
    searched = finders.show(page, view)
    myths.show(page, view, found)
    # What takes time comes last, in the places left for it: everything else is on the screen by then.
    measured = costs.measure(page, view, found, measured_place)
    finders.show_cards(page, found, searched, measured)
    faces.show(page, view, found, searched)
    finders.show_shared(page, view, searched)
    cascade, hog = searched.cascade.boxes, searched.hog[1].boxes if searched.hog is not None else None
    outcome = challenges.Outcome(view, found.trace, found.cost.ratios["counted"], step, cascade, hog)
    end_page(
        page,
        Shown(
            script=write_sliding_window_script(
                write_photo(None if view.picture.is_own else view.picture.name),
                label=found.label,
                class_name=state.CLASSES[found.label],
                scale_step=view.scale_step,
                num_levels=view.num_levels,
                window_stride=view.window_stride,
                score_threshold=view.score_threshold,
                iou_threshold=view.iou_threshold,
                fusion_steps=view.fusion_steps,
            ),
            rows=lambda: image_pyramid.level_rows(found.trace, found.cost, measured.seconds),
            name="grad2box-image-pyramid",
        ),
        challenges=challenges.of(page, outcome),
        sections={"dense": page.translate("One pass for all windows of a level")},
        outcome=outcome,
    )


def show_lesson(page: Page, view: View, found: Search, step: int) -> None:
    """Draws what the step shows, and ends the page."""
    cascade = np.zeros((0, 4))
    if page.shows("cost_line") and page.controls_place is not None:
        with page.controls_place:
            st.markdown(
                page.translate(
                    "Levels: {levels}. Together they cost **{ratio}** times the largest.",
                    levels=len(found.sizes),
                    ratio=f"{found.cost.ratios['counted']:.2f}",
                )
            )
    if page.shows("faces"):
        searched = finders.show(page, view)
        faces.show(page, view, found, searched)
        cascade = searched.cascade.boxes
    end_page(
        page,
        Shown(),
        outcome=challenges.Outcome(view, found.trace, found.cost.ratios["counted"], step, cascade, None),
    )
