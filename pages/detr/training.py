"""The training, seen: one scene as it was answered at several times, and who got whom."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.detr import network, state
from pages.detr.state import ModelView, corners
from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.language import translator
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.pictures import scene
from pages.kit.stage import StageBox, stage
from vizcore import detr
from vizcore.data.scenes import CLASSES
from vizcore.figures import detr as figures
from vizcore.figures import theme


def show(page: Page, view: ModelView) -> Shown:
    """Draws a scene's pairs at one time of the training, the owner of each object over all of it, and its losses."""
    _ = page.translate
    strip = compute(detr.load_strip, folder=network.FOLDER)
    row = st.columns([1, 2.4], vertical_alignment="bottom")
    with row[0]:
        page.number(state.STRIP_SCENE, _("Scene"))
    place = min(view.strip_scene, len(strip.scenes) - 1)
    with row[1]:
        steps = {str(number + 1): f"{step:,}" for number, step in enumerate(strip.steps.tolist())}
        page.select(state.SNAPSHOT, _("Training steps made"), steps, few=True)
    when = min(view.snapshot, len(strip.steps)) - 1
    matched = compute(detr.match_strip, strip, place)
    picture = scene(int(strip.scenes[place]))
    page.lesson("training")
    left, right = st.columns([1.2, 1])
    with left:
        _show_scene(page, picture.pixels, matched, when)
    with right:
        _show_owners(page, strip, matched)
    rows = compute(detr.load_training_log, folder=network.FOLDER)
    chart(
        page,
        "losses",
        figures.plot_training(rows, translate=_),
        alt=_(
            "Loss over {steps} steps, from {first} to {last}.",
            steps=rows[-1]["step"],
            first=f"{rows[0]['loss']:.1f}",
            last=f"{rows[-1]['loss']:.1f}",
        ),
    )
    rises = figures.rate_rises(rows)
    if rises:
        st.caption(
            _(
                "Dotted: here the learning rate, which falls along a curve, rose once more (after {steps} steps).",
                steps=", ".join(f"{step:,}" for step in rises),
            )
        )
    with st.expander(_("What helped it learn")):
        page.lesson("helps")
    return Shown(detr.write_strip_script(place, when), name="grad2box-detr-training")


def _show_scene(page: Page, pixels: np.ndarray, matched: detr.StripMatching, when: int) -> None:
    _ = page.translate
    say = translator("classes")
    stood = []
    for index, (box, label) in enumerate(zip(matched.targets, matched.labels, strict=True)):
        owner = int(matched.owners[when, index])
        stood.append(StageBox(f"t{index}", corners(box), state.letter(index), theme.TARGET, dash="7 4", fill=False))
        if owner >= 0:
            stood.append(
                StageBox(
                    f"q{owner}",
                    corners(matched.boxes[when, index]),
                    f"{owner} → {state.letter(index)}",
                    theme.PREDICTION,
                    fill=False,
                    detail=_(
                        "says {name} with {p}",
                        name=say(CLASSES[int(label)]),
                        p=f"{matched.probabilities[when, index]:.2f}",
                    ),
                )
            )
    stage(
        page.key("training"),
        boxes=stood,
        size=(pixels.shape[0], pixels.shape[1]),
        photo=pixels,
        mode="select",
        version=f"{when}",
        title=_("Objects (dashed) and the queries that were matched to them"),
        presenter=page.presenting,
    )


def _show_owners(page: Page, strip: detr.TrainingStrip, matched: detr.StripMatching) -> None:
    _ = page.translate
    flips = ["–", *map(str, matched.flips.tolist())]
    table(
        [
            {
                _("steps"): f"{step:,}",
                _("changed"): flips[number],
                **{
                    state.letter(index): "–" if owner < 0 else str(owner)
                    for index, owner in enumerate(matched.owners[number])
                },
            }
            for number, step in enumerate(strip.steps.tolist())
        ]
    )
    st.caption(_("Which query each object had, and how many objects had changed theirs since the time before."))
