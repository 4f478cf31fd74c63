"""The photo with what each face finder and the network found, and the training of the second finder."""

from __future__ import annotations

import streamlit as st

from pages.image_pyramid.finders import Finders, job_name, train
from pages.image_pyramid.search import Search
from pages.image_pyramid.state import View
from pages.image_pyramid.words import milliseconds
from pages.kit.loaders import start_job, watch_job
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore.figures import theme

FACE = "astronaut"


def show(page: Page, view: View, found: Search, finders: Finders) -> None:
    """Draws the photo with the boxes, and what can be done about faces."""
    with finders.photo:
        left, right = st.columns([1.2, 1], gap="large")
        with left:
            _show_photo(page, view, found, finders)
        with right:
            _show_training(page, view, finders)


def _show_photo(page: Page, view: View, found: Search, finders: Finders) -> None:
    boxes = boxes_of(page, found, finders)
    summary = page.translate(
        "Faces by the cascade: {cascade}; by HOG + SVM: {hog}; boxes of the network: {network}.",
        cascade=len(finders.cascade.boxes),
        hog=len(finders.hog[1].boxes) if finders.hog is not None else "–",
        network=len(found.trace.keep),
    )
    stage(
        page.key("faces"),
        boxes=boxes,
        size=view.picture.size,
        photo=view.picture.pixels,
        mode="select",
        version=f"{view.picture.name}.{len(boxes)}.{found.identity}",
        title=summary,
        presenter=page.presenting,
    )
    st.caption(summary)


def boxes_of(page: Page, found: Search, finders: Finders) -> list[StageBox]:
    """What each finder found, in its own color and dash."""
    boxes = [
        StageBox(f"cascade {index}", tuple(box), label=page.translate("cascade"), color=theme.CURRENT, fill=False)
        for index, box in enumerate(finders.cascade.boxes.tolist())
    ]
    if finders.hog is not None:
        boxes += [
            StageBox(f"hog {index}", tuple(box), label="HOG", color=theme.PREDICTION, dash="9 4", fill=False)
            for index, box in enumerate(finders.hog[1].boxes.tolist())
        ]
    trace = found.trace
    boxes += [
        StageBox(
            f"network {index}",
            tuple(trace.candidate_boxes[kept].tolist()),
            label=found.name,
            color=theme.KEPT,
            dash="3 4",
            fill=False,
            score=float(trace.scores[trace.candidates[kept]]),
        )
        for index, kept in enumerate(trace.keep.tolist())
    ]
    return boxes


def _show_training(page: Page, view: View, finders: Finders) -> None:
    _ = page.translate
    if not view.shows_sample(FACE):
        page.button(
            "face_photo",
            _("Take the photo with a face"),
            icon=":material/face:",
            on_click=page.set,
            kwargs={"photo": FACE},
        )
    if finders.hog is None:
        page.button(
            "train_hog",
            _("Train HOG + SVM here, and search"),
            icon=":material/model_training:",
            on_click=start_job,
            args=(page, job_name(view.picture), train(page, view.picture)),
        )
    else:
        classifier, faces = finders.hog
        st.markdown(
            _(
                "Trained in {time} on {faces} views of 100 faces and {others} other patches, this photo not among "
                "them. On 60 patches that a first training did not see it was right in {accuracy}; on the photo "
                "{accepted} windows of {windows} said yes.",
                time=milliseconds(classifier.seconds),
                faces=classifier.num_faces,
                others=f"{classifier.num_others:,}",
                accuracy=f"{classifier.accuracy:.0%}",
                accepted=faces.num_accepted,
                windows=f"{faces.num_windows:,}",
            )
        )
    watch_job(page, job_name(view.picture))
    page.lesson("faces")
