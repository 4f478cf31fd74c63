"""What each detector misses: boxes that the reader draws, and which of them the detectors find."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from pages.detection import challenges, controls, drawn, state
from pages.detection.drawn import Drawn
from pages.detection.state import View
from pages.kit.candidates import record_photo
from pages.kit.chart import chart
from pages.kit.ending import Shown, end_page
from pages.kit.live import said
from pages.kit.page import Page
from pages.kit.pictures import Picture, compute_with, pick_photo
from pages.kit.stage import stage
from vizcore import detection
from vizcore.data.script import write_photo, write_scene
from vizcore.detection.script import write_truth_script
from vizcore.detection.truth import LEAST_SCORE, Verdict, judge
from vizcore.figures import theme
from vizcore.figures.detection import plot_truth_curves
from vizcore.nms.coco import MAX_DETECTIONS

PIECE = "detection/truth"
COLORS = {"found": theme.TARGET, "missed": theme.ERROR, "hit": theme.PREDICTION, "false": theme.ERROR}
# A preset sets the photo and the detectors, and nothing else.
PRESETS = {
    "crowd": ("portraits", ("mtcnn", "haar_face")),
    "profile": ("camera", ("mtcnn", "haar_face", "hog_people")),
    "motorcycle": ("motorcycle", ("sliding_windows", "sliding_windows_unfused", "mtcnn")),
    "scene": ("scene", ("fcos_lite0_fpn", "detr_lite0", "centernet_lite0")),
}


def show(page: Page, view: View) -> None:
    """Draws the part, and ends the page."""
    _ = page.translate
    truths = drawn.read(page, view.picture)
    judged = _show_controls(page, view, truths)
    titles = {info.name: _(info.title) for info in detection.list_detectors()}
    with st.spinner(_("Looking for objects…"), show_time=True):
        verdicts = {name: _judged(page, view, truths, name) for name in judged}
    _show_stage(page, view, truths, verdicts, titles)
    _show_curves(page, verdicts, titles)
    photo = write_photo(view.sample) if view.scene is None else write_scene(view.scene, variable="photo")
    outcome = challenges.Outcome(view.sample, [], (), own=truths.own, verdicts=tuple(verdicts.values()))
    end_page(
        page,
        Shown(
            write_truth_script(photo, tuple(verdicts.values())) if verdicts else "",
            (lambda: _rows(truths, verdicts)) if verdicts and truths.boxes else None,
            "grad2box-truth",
        ),
        challenges=challenges.of(page, outcome),
        sections={"truth": _("How this is counted")},
        outcome=outcome,
    )


def judge_recorded(picture: Picture, name: str, boxes: tuple[drawn.Box, ...], match_threshold: float) -> Verdict:
    """A detector at its own thresholds, against boxes."""
    return judge(record_photo(name, picture), boxes, match_threshold=match_threshold)


def _judged(page: Page, view: View, truths: Drawn, name: str) -> Verdict:
    verdict: Verdict = compute_with(view.picture, judge_recorded, name, truths.boxes, page.value(state.MATCH_THRESHOLD))
    return verdict


def _show_controls(page: Page, view: View, truths: Drawn) -> list[str]:
    """Draws the row above the stage; returns the detectors to judge."""
    _ = page.translate
    infos = detection.list_detectors()
    at_hand = {info.name: controls.detector_words(info, _) for info in infos if info.available}
    left, right = st.columns([1.3, 4], gap="small")
    with left:
        pick_photo(page, state.PHOTO)
    names = {
        "crowd": _("A crowd, far and near"),
        "profile": _("From the side"),
        "motorcycle": _("Windows fused or not"),
        "scene": _("A drawn scene"),
    }
    with right:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for name, (photo, asked) in PRESETS.items():
                page.button(
                    f"preset_{name}",
                    names[name],
                    on_click=page.set,
                    kwargs={"photo": photo, "judged": [each for each in asked if each in at_hand]},
                )
        columns = st.columns([1.5, 1.3, 1.2], vertical_alignment="bottom", gap="small")
    with columns[0], page.popover(_("Detectors"), icon=":material/checklist:", width="stretch"):
        judged = page.select_several(state.JUDGED, _("Detectors that are judged"), at_hand)
    with columns[1]:
        page.slider(state.MATCH_THRESHOLD, _("An object is found from IoU"))
    with columns[2]:
        page.button(
            "forget_truths",
            _("Boxes as at first"),
            icon=":material/restart_alt:",
            on_click=drawn.forget,
            args=(page,),
            disabled=not truths.own,
            width="stretch",
        )
    return [name for name in judged if name in at_hand]


def _show_stage(
    page: Page, view: View, truths: Drawn, verdicts: Mapping[str, Verdict], titles: Mapping[str, str]
) -> None:
    """The photo with the true boxes, and the table whose cells lead to them."""
    _ = page.translate
    key, now = drawn.stage_key(page), drawn.version(page, view.picture)
    heard, asked = said(key).get("looked_at"), f"{now}.{page.version(state.LOOKED_AT.name)}"
    if isinstance(heard, Mapping) and heard.get("version") == asked and heard.get("name") in verdicts:
        page.store(state.LOOKED_AT, heard["name"])
    looked_at = page.value(state.LOOKED_AT)
    stage(
        key,
        **drawn.arrangement(page, view.picture, truths),
        photo=view.picture.pixels,
        snap=1,
        min_size=4,
        title=_("The photo with the true boxes; draw more where something is missing"),
        presenter=page.presenting,
        component=PIECE,
        extra={
            "version": now,
            "look_version": asked,
            "names": list(truths.names),
            "most": state.MOST_TRUTHS,
            "detectors": [_told(page, verdict, titles[name]) for name, verdict in verdicts.items()],
            "looked_at": looked_at if looked_at in verdicts else next(iter(verdicts), None),
            "colors": COLORS,
            "text": {
                "draw": _("Draw a box"),
                "add": _("Add one in the middle"),
                "delete": _("Delete"),
                "name": _("Name"),
                "object": _("object"),
                "table": _("What each detector finds and misses"),
                "caption": _("Press a name, a number, or a detector: the photo shows its boxes."),
                "row": "{number} · {name}",
                "missed": _("missed"),
                "missed_near": _("missed ({iou})"),
                "missed_box": _("{name}: missed"),
                "missed_told": _("{detector} misses {name}: the largest IoU of any of its boxes is {iou}"),
                "found_told": _("{detector} finds {name} with an IoU of {iou}"),
                "false_row": _("false boxes"),
            },
        },
    )


def _told(page: Page, verdict: Verdict, title: str) -> dict[str, object]:
    """A verdict as the browser takes it."""
    _ = page.translate
    facts = [
        (_("found"), _("{found} of {all}", found=verdict.num_found, all=len(verdict.truths))),
        (_("precision"), _number(verdict.precision)),
        (_("recall"), _number(verdict.recall)),
        ("AP", _number(verdict.ap, 3)),
        ("AP50", _number(verdict.ap50, 3)),
    ]
    return {
        "name": verdict.output.name,
        "title": title,
        "boxes": verdict.output.boxes.round(2).tolist(),
        "scores": verdict.output.scores.round(4).tolist(),
        "matched": verdict.matched.tolist(),
        "ious": verdict.pair_ious.round(4).tolist(),
        "found_by": verdict.found_by.tolist(),
        "best": verdict.best_ious.round(4).tolist(),
        "facts": facts,
    }


def _number(value: float, digits: int = 2) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _show_curves(page: Page, verdicts: Mapping[str, Verdict], titles: Mapping[str, str]) -> None:
    """Precision over recall, and how it is counted."""
    _ = page.translate
    if not verdicts:
        st.caption(_("Choose a detector first."))
        return
    if not len(next(iter(verdicts.values())).truths):
        st.caption(_("No box is drawn on this photo yet. Draw one round each object that should be found."))
        return
    st.caption(
        _(
            "AP is COCO’s, counted by its authors’ pycocotools over all boxes with a score above {score}, at most "
            "{most}. Found, precision and recall are those at each detector’s own score threshold, the star on its "
            "curve. Places alone count, whatever name a detector gives them.",
            score=LEAST_SCORE,
            most=MAX_DETECTIONS,
        )
    )
    named = {titles[name]: verdict for name, verdict in verdicts.items()}
    chart(
        page,
        "truth_curves",
        plot_truth_curves(named, translate=_),
        alt=_(
            "Precision over recall at IoU {iou}: {aps}.",
            iou=f"{next(iter(verdicts.values())).match_threshold:g}",
            aps=_(", ").join(f"{title} AP {_number(verdict.ap, 3)}" for title, verdict in named.items()),
        ),
    )


def _rows(truths: Drawn, verdicts: Mapping[str, Verdict]) -> list[dict[str, object]]:
    """What became of each true box, detector by detector."""
    return [
        {
            "detector": name,
            "object": truths.names[index],
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "found": bool(verdict.found_by[index] >= 0),
            "iou": round(float(verdict.best_ious[index]), 6),
            "match_threshold": verdict.match_threshold,
            "ap": round(verdict.ap, 6),
        }
        for name, verdict in verdicts.items()
        for index, box in enumerate(truths.boxes)
    ]
