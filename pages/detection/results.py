"""What the thresholds change: they, the boxes on the photo, the box in hand, the funnel, the ranks, the program.

This part runs alone (:mod:`pages.kit.alone`): what stands around it is drawn once, and leaves places for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.detection import boxes, state, words
from pages.detection.detectors import Found
from pages.detection.moving import PIECE, candidates_url, moving
from pages.detection.state import View
from pages.kit.candidates import Recording, keep_recording
from pages.kit.chart import chart
from pages.kit.language import translator
from pages.kit.page import Page
from pages.kit.pictures import SCENE
from pages.kit.stage import photo_url, stage, stage_state
from vizcore import detection
from vizcore.data.script import write_photo, write_scene
from vizcore.detection.evaluation import match_annotations
from vizcore.detection.script import write_detection_script
from vizcore.figures.detection import milliseconds, plot_funnel, plot_scores

ABOUT = {
    "sliding_windows": "claim",
    "sliding_windows_unfused": "claim",
    "mtcnn": "about_mtcnn",
    "haar_face": "about_haar",
    "hog_people": "about_hog",
    "fcos_lite0_fpn": "about_shapes",
    "detr_lite0": "about_shapes",
    "centernet_lite0": "about_shapes",
    "vfnet_lite0": "about_shapes",
    "thundernet_lite0": "about_shapes",
}
"""Section of the lesson that is about a detector."""
SHAPES_THRESHOLD = 0.3


@dataclass(frozen=True)
class Side:
    """The places of one detector, and what its pieces are called.

    Attributes:
        suffix: of their names.
        photo: URL of the photo.
        candidates: URL of what the detector left, for the browser.
        picture: place of the photo with its boxes.
        numbers: place of the box in hand and of the funnel.
    """

    suffix: str
    photo: str | None
    candidates: str
    picture: DeltaGenerator
    numbers: DeltaGenerator

    @property
    def apart(self) -> str:
        """Name of the place of what shows another state while a slider moves."""
        return f"detection_apart{self.suffix}"


def lay_out(page: Page, view: View, found: Found) -> tuple[list[Side], DeltaGenerator]:
    """Draws what stands around the results.

    Returns:
        The places of each detector, and the place of the ranks.
    """
    suffixes = ["", "_beside"][: len(found.titles)]
    keys = [page.key(f"stage{suffix}") for suffix in suffixes]
    urls = [photo_url(view.picture.pixels, key) for key in keys]
    packed = [candidates_url(output, key) for output, key in zip(found.recorded, keys, strict=True)]
    if page.step is not None:
        beside = page.shows("box") or page.shows("funnel")
        left, right = st.columns([3, 2], gap="medium") if beside else (st.container(), st.container())
        return [Side("", urls[0], packed[0], left.container(), right)], st.container()
    if len(suffixes) == 1:
        left, right = st.columns([3, 2], gap="medium")
        pictures, numbers = [left.container()], [right.container(key="detection_apart")]
        with left:
            show_words(page, view, found)
    else:
        columns = st.columns(2, gap="medium")
        for title, column in zip(found.titles, columns, strict=True):
            column.markdown(f"**{title}**")
        pictures = [column.container() for column in columns]
        numbers = [
            column.container(key=f"detection_apart{suffix}") for suffix, column in zip(suffixes, columns, strict=True)
        ]
        show_words(page, view, found)
    with st.expander(
        page.translate("Every candidate by rank and score"), icon=":material/scatter_plot:", expanded=True
    ):
        ranks = st.container()
    return [Side(*places) for places in zip(suffixes, urls, packed, pictures, numbers, strict=True)], ranks


def show_words(page: Page, view: View, found: Found) -> None:
    """What is to be known of the detectors shown; where one is shown what it never saw, a way to what it knows."""
    for section in dict.fromkeys(ABOUT[each.name] for each in found.recorded if each.name in ABOUT):
        page.lesson(section)
    if view.scene is None and any(ABOUT.get(each.name) == "about_shapes" for each in found.recorded):
        page.button(
            "to_scene",
            page.translate("Show it a drawn scene"),
            icon=":material/draw:",
            on_click=page.set,
            kwargs={"photo": SCENE, "show_truth": True, "score_threshold": SHAPES_THRESHOLD},
        )


def drawing(page: Page, view: View, found: Found, sides: list[Side], ranks: DeltaGenerator) -> Callable[[], str]:
    """What runs alone: draws the thresholds and what they change, and returns the program."""
    _ = page.translate

    def draw() -> str:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
        page.slider(state.IOU_THRESHOLD, _("IoU threshold of the NMS"))
        found.refilter(state.thresholds(page))
        keep_recording(Recording(view.picture, found.outputs[0]))
        for index, side in enumerate(sides):
            _show_side(page, view, found, index, side)
        if page.shows("ranks"):
            with ranks:
                _show_ranks(page, found)
        photo = write_photo(view.sample) if view.scene is None else write_scene(view.scene, variable="photo")
        return write_detection_script(photo, found.outputs[0])

    return draw


def _show_side(page: Page, view: View, found: Found, index: int, side: Side) -> None:
    """One detector: the photo with its boxes, the selected box, the funnel."""
    _, say_class = page.translate, translator("classes", page.language)
    output, parameter = found.outputs[index], state.CANDIDATES[index]
    below = boxes.suppressed(output, _, say_class) if view.show_suppressed else []
    below += boxes.drawn_by_hand(found.truths, _) if view.show_truth else []
    # What a network says of a photo is not shown while a lesson asks for it.
    finals = boxes.final(output, _, say_class) if page.shows("finals") else []
    key = page.key(f"stage{side.suffix}")
    asked = page.value(parameter)
    version, chosen = f"{view.picture.name}.{page.version(parameter.name)}", f"c{asked}"
    pressed = stage_state(
        key, boxes=finals, size=output.image_size, mode="select", version=version, selected=chosen
    ).selected
    if pressed is not None:
        asked = int(pressed[1:])
        page.store(parameter, asked)
    selected = asked if asked in output.origins else int(output.origins[0]) if len(output) else -1
    summary = words.summary(output, _, say_class)
    live = moving(page, view, output, url=side.candidates, apart=side.apart, selected=asked, say_class=say_class)
    if page.step is not None and view.live:  # a lesson has one picture, and now it is the camera's
        return
    with side.picture:
        stage(
            key,
            boxes=[
                *below,
                *(boxes.prior(output, selected, _) if page.shows("box") else ()),
                *(boxes.landmarks(output, _) if finals else ()),
                *finals,
            ],
            photo=side.photo,
            title=summary if page.shows("summary") else _("The photo with its boxes"),
            presenter=page.presenting,
            size=output.image_size,
            mode="select",
            version=version,
            selected=chosen,
            component=PIECE,
            crowd=True,
            extra={"live": live if finals or page.shows("finals") else None},
        )
        if page.shows("summary"):
            st.caption(summary)
    with side.numbers:
        if selected >= 0 and page.shows("box"):
            _show_box(page, found, output, selected)
        if not page.shows("funnel"):
            return
        chart(
            page,
            f"funnel{side.suffix}",
            plot_funnel(output, translate=_),
            alt=_(
                "{candidates} candidates, {passed} above the score threshold, {kept} after NMS; {time} in all.",
                candidates=f"{len(output.candidates):,}",
                passed=f"{output.num_passed:,}",
                kept=len(output),
                time=milliseconds(output.seconds),
            ),
            exports=False,
        )


def _show_box(page: Page, found: Found, output: detection.DetectorOutput, selected: int) -> None:
    """What is known about the selected box."""
    _, say_class = page.translate, translator("classes", page.language)
    index = output.origins.tolist().index(selected)
    victims = output.suppressed(index)
    left, top, right, bottom = output.boxes[index].tolist()
    lines = [
        f"##### {say_class(output.label_names[output.labels[index]])} · {output.scores[index]:.3f}",
        "- "
        + _(
            "Box: ({left}, {top}) to ({right}, {bottom}), in pixels of the photo",
            left=f"{left:.0f}",
            top=f"{top:.0f}",
            right=f"{right:.0f}",
            bottom=f"{bottom:.0f}",
        ),
        "- " + _("Made by (dotted): {origin}", origin=words.origin(output, selected, _)),
    ]
    if len(victims):
        lines.append(
            "- "
            + _(
                "Suppressed {count} candidates of its class; the best of them had {best}",
                count=len(victims),
                best=f"{output.candidates.scores[victims[0]]:.3f}",
            )
        )
    else:
        lines.append("- " + _("Suppressed nobody: no other candidate of its class overlaps it enough"))
    for match in match_annotations(output, found.truths):
        if match.index == index:
            lines.append("- " + _("IoU with the hand-drawn box: **{iou}**", iou=f"{match.iou:.2f}"))
    st.markdown("\n".join(lines))


def _show_ranks(page: Page, found: Found) -> None:
    """Every candidate by rank and score."""
    _ = page.translate
    for title, output in zip(found.titles, found.outputs, strict=True):
        if len(found.outputs) > 1:
            st.markdown(f"**{title}**")
        chart(
            page,
            f"scores_{output.name}",
            plot_scores(output, translate=_),
            alt=_(
                "Of {count} candidates {below} are below the score threshold, {suppressed} are suppressed and {kept} "
                "are final boxes.",
                count=f"{len(output.candidates):,}",
                below=f"{output.count_fate('below_threshold'):,}",
                suppressed=f"{output.count_fate('suppressed'):,}",
                kept=len(output),
            ),
        )
