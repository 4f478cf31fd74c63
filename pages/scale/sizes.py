"""How the sizes of objects are spread: in drawn scenes, in a COCO file, and in the paper."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.kit import language as lang
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import Job, compute, find_job, start_job, watch_job
from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from pages.scale import objects, state, words
from pages.scale.state import View
from vizcore import scale
from vizcore.data.scenes import SCENE_SIZE
from vizcore.figures import scale as figures
from vizcore.figures import theme
from vizcore.scale import script as scripts

MEGABYTES = 500


def sample() -> scale.SizeSample:
    """The objects of the first drawn scenes."""
    found: scale.SizeSample = compute(scale.scene_sample, "validation", state.FEW_SCENES)
    return found


def show(page: Page, view: View) -> Shown:
    """Draws one scene, the histogram with the ranges, and the quantiles beside the paper's."""
    _ = page.translate
    if page.step is None:
        _show_sizes(page, view)
    elif not page.shows("chart"):
        _show_scene(page, view)
    else:
        left, right = st.columns([1, 1.25], gap="medium")
        with left:
            _show_scene(page, view)
        with right:
            _show_sizes(page, view)
    return Shown(scripts.write_sizes_script(state.FEW_SCENES))


def _show_scene(page: Page, view: View) -> None:
    boxes = [
        StageBox(f"t{place}", state.corners(box), color=theme.TARGET, fill=False)
        for place, box in enumerate(view.drawn.boxes)
    ]
    stage(
        page.key("scene"),
        boxes=boxes,
        size=(SCENE_SIZE, SCENE_SIZE),
        photo=view.drawn.pixels,
        mode="select",
        title=page.translate("A drawn scene with its objects"),
        presenter=page.presenting,
    )


def _show_sizes(page: Page, view: View) -> None:
    _ = page.translate
    with st.spinner(_("Drawing scenes…")):
        own = sample()
    samples = {_("drawn scenes"): own}
    if page.step is None:
        objects.draw_ranges(page)
        read = _read_file(page)
        if read is not None:
            samples[_("your file")] = read.sample
    shown = list(samples.values())[-1]
    shares = _(", ").join(f"{100 * shown.share_in(*pair):.0f} %" for pair in view.ranges)
    chart(
        page,
        "sizes",
        figures.plot_sizes(shown, view.ranges, translate=_),
        alt=_("{count} objects; valid at low, middle and high: {shares}.", count=len(shown.sides), shares=shares),
    )
    st.caption(
        _("{count} objects; valid at low, middle and high: {shares}.", count=f"{len(shown.sides):,}", shares=shares)
    )
    if page.step is None:
        words.show_notes(page, view.ranges)
        _show_coverage(page)
    chart(
        page,
        "quantiles",
        figures.plot_quantiles(samples, translate=_),
        alt=_("The object at 90 % is {spread} times as large as the one at 10 %.", spread=f"{shown.spread:.1f}"),
    )
    st.caption(_("Relative size at 10, 50 and 90 % of the objects. ◆: as the paper reports, not computed here."))


def _show_coverage(page: Page) -> None:
    """How many objects have an anchor that fits, at two sizes of the same scenes."""
    _ = page.translate
    for factor in (1.0, 1400 / SCENE_SIZE):
        found = compute(scale.anchor_coverage, "validation", state.FEW_SCENES, factor=factor)
        st.caption(
            _(
                "Scenes at {side} px: {half} % of the objects have an anchor with IoU ≥ 0.5, {most} % with IoU ≥ 0.7 "
                "(one map of stride 16; the paper counts 58 % and 30 % on COCO).",
                side=round(SCENE_SIZE * factor),
                half=f"{100 * found.share(0.5):.0f}",
                most=f"{100 * found.share(0.7):.0f}",
            )
        )


def _read_file(page: Page) -> scale.COCOSizes | None:
    """The sizes in the reader's annotation file: read in the background; what was read before stays."""
    _ = page.translate
    file = st.file_uploader(
        _("A COCO annotation file (instances_….json, up to {limit} MB)", limit=MEGABYTES),
        type="json",
        key=page.key("coco_file"),
        max_upload_size=MEGABYTES,
    )
    progress = _("Reading the annotations")

    if file is not None and page.recall("coco_id") != file.file_id:
        opened = file

        def work(job: Job) -> scale.COCOSizes:
            return scale.read_coco(opened, report=lambda share: job.report(share, progress))

        page.remember("coco_id", file.file_id)
        start_job(page, "coco", work)
    watch_job(page, "coco")
    job = find_job(page, "coco")
    if job is not None and job.error is not None:
        st.error(lang.explain(job.error, _), icon=":material/error:")
    if job is not None and job.result is not None:
        page.remember("coco_sizes", job.result)
    read: Any = page.recall("coco_sizes")
    for odd in read.oddities if read is not None else ():
        if odd.kind == "no_area":
            st.caption(
                _(
                    "{count} boxes without an area were left out; the first has the id {id}.",
                    count=odd.count,
                    id=odd.first,
                )
            )
        else:
            st.caption(_("{count} annotations repeat an id; the first is {id}.", count=odd.count, id=odd.first))
    return read if read is None or len(read.sample.sides) else None
