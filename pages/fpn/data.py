"""The drawn scenes, and how large their objects are."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.fpn import state, words
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.fpn.truth import show_truth
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from vizcore import fpn
from vizcore.data import scenes
from vizcore.data.photos import encode_png
from vizcore.figures import fpn as figures
from vizcore.fpn import script as scripts


def show(page: Page, view: View, run: Run, places: Sequence[DeltaGenerator]) -> Shown:
    """Draws the scene's true objects, and the sizes in many scenes."""
    _ = page.translate
    page.lesson("data")
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        if run.drawn is None:
            text = _("Choose a drawn scene above to see its objects.")
            st.info(text, icon=":material/shapes:")
        else:
            title = _(
                "{count} drawn objects on a crop of “{photo}”", count=len(run.drawn.boxes), photo=run.drawn.background
            )
            show_truth(page, "truth", run.drawn, words.class_names(), title=title)
            _show_files(page, run.drawn, view.scene)
    with right:
        sizes = _show_sizes(page, view)
    return Shown(scripts.write_sizes_script(view.split, len(sizes.counts)))


def _show_files(page: Page, scene: scenes.Scene, index: int) -> None:
    _ = page.translate
    files = st.columns(2)
    files[0].download_button(
        _("Boxes (COCO)"),
        lambda: json.dumps(scenes.to_coco([scene]), indent=1),
        f"scene-{index}.json",
        "application/json",
        key=page.key("coco"),
        on_click="ignore",
        icon=":material/data_object:",
        width="stretch",
    )
    files[1].download_button(
        _("Scene (PNG)"),
        lambda: encode_png(scene.pixels),
        f"scene-{index}.png",
        "image/png",
        key=page.key("png"),
        on_click="ignore",
        icon=":material/image:",
        width="stretch",
    )


def _show_sizes(page: Page, view: View) -> fpn.SceneSizes:
    _ = page.translate
    columns = st.columns([1.2, 1.4, 1.2], vertical_alignment="bottom")
    with columns[0]:
        page.select(state.SPLIT, _("Split"), {"train": _("training"), "validation": _("validation")})
    with columns[1]:
        page.slider(state.NUM_COUNTED, _("Scenes"))
    sizes = _counted(page, view, columns[2])
    classes = sizes.size_classes
    total = len(sizes.counts)
    chart(
        page,
        "sizes",
        figures.plot_scene_sizes(sizes, translate=_, say_class=translator("classes")),
        alt=_(
            "{objects} objects in {scenes} scenes: {small} small, {medium} medium, {large} large.",
            objects=len(sizes.sizes),
            scenes=total,
            **classes,
        ),
    )
    st.caption(
        _(
            "{objects} objects in the first {scenes} scenes of the split: {small} small (up to 32² pixels), {medium} "
            "medium, {large} large (from 96²).",
            objects=len(sizes.sizes),
            scenes=total,
            **classes,
        )
    )
    return sizes


def _counted(page: Page, view: View, place: DeltaGenerator) -> fpn.SceneSizes:
    """Sizes of so many scenes: a few at once, more in the background."""
    _ = page.translate
    split, count = view.split, view.num_scenes
    if count > state.FEW_SCENES:
        progress = _("Drawing {count} scenes", count=count)

        def work(job: Job) -> tuple[str, fpn.SceneSizes]:
            return split, fpn.scene_sizes(split, count, report=lambda share: job.report(share, progress))

        with place:
            page.button(
                "count",
                _("Count them"),
                icon=":material/bar_chart:",
                on_click=start_job,
                args=(page, "sizes", work),
                width="stretch",
            )
        watch_job(page, "sizes")
        job = find_job(page, "sizes")
        if job is not None and job.result is not None and job.result[0] == split:
            counted: fpn.SceneSizes = job.result[1]
            return counted
    with st.spinner(_("Drawing scenes…")):
        few: fpn.SceneSizes = compute(fpn.scene_sizes, split, state.FEW_SCENES)
    return few
