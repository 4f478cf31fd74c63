"""What is looked at and how: the controls, the classified levels, and the window slid over them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.image_pyramid import state, words
from pages.image_pyramid.state import View
from pages.kit.loaders import compute, load
from pages.kit.page import Page
from pages.kit.pictures import compute_on, pick_photo
from vizcore import image_pyramid
from vizcore.data.photos import encode_jpeg
from vizcore.models.efficientnet_lite import load_efficientnet_lite0


@dataclass(frozen=True, eq=False)
class Search:
    """One class looked for in every window of a photo's pyramid.

    Attributes:
        sizes: (height, width) of the levels in pixels, largest first.
        levels: the levels with what the network says of their windows.
        jpegs: the levels' pictures for the browser.
        label: the class looked for.
        names: of all classes, in the reader's language.
        trace: the window slid.
        packed: the trace for the browser.
        identity: tells this search from any other, so that its stepper begins anew.
        cost: of these levels, and of the alternatives.
    """

    sizes: tuple[tuple[int, int], ...]
    levels: tuple[image_pyramid.WindowLevel, ...]
    jpegs: tuple[bytes, ...]
    label: int
    names: tuple[str, ...]
    trace: image_pyramid.SlidingWindowTrace
    packed: bytes
    identity: str
    cost: image_pyramid.PyramidCost

    @property
    def name(self) -> str:
        """The class looked for, in the reader's language."""
        return self.names[self.label]


def show(page: Page, view: View) -> Search:
    """Draws the controls and slides the window.

    Raises:
        ImagePyramidError: the photo is a strip on which the window does not fit.
    """
    _ = page.translate
    first = st.columns([1.2, 1.6, 1.1, 1.1, 1.1], gap="small")  # from the top, so that the labels line up
    second = st.columns([1.2, 1.2, 1.3, 0.9, 0.9], gap="small", vertical_alignment="bottom")
    with first[0]:
        pick_photo(page, state.PHOTO)
    with first[2]:
        page.slider(state.SCALE_STEP, _("Scale step"), help=_("Each level is smaller by this factor."))
    with first[3]:
        page.slider(state.NUM_LEVELS, _("Levels, at most"))
    with first[4]:
        page.slider(
            state.WINDOW_STRIDE,
            _("Window stride"),
            help=_("In cells of 32 pixels of the level, the network’s own stride."),
        )
    sizes = image_pyramid.sliding_sizes(view.picture.size, scale_step=view.scale_step, num_levels=view.num_levels)
    with st.spinner(_("Classifying every window of every level…"), show_time=True):
        classified = [compute_on(view.picture, classify, size) for size in sizes]
    levels = tuple(level for level, _jpeg in classified)
    surest = image_pyramid.best_label(levels)
    names = words.name_classes(page.language)
    with first[1]:
        page.select(
            state.LABEL,
            _("Class looked for"),
            {state.BEST: _("the surest here: {name}", name=names[surest]), **words.searchable_names(names)},
            help=_("Type to search among 1000 classes."),
        )
    with second[0]:
        page.slider(state.SCORE_THRESHOLD, _("Score threshold"))
    with second[1]:
        page.slider(state.IOU_THRESHOLD, _("IoU threshold of the NMS"))
    with second[2]:
        paces = {"window": _("one window"), "row": _("one row"), "level": _("one level")}
        page.select(state.PACE, _("One step is"), paces)
    with second[3]:
        page.toggle(
            state.FUSION, _("Fusion"), help=_("Before NMS, move each candidate to the average of those that agree.")
        )
    with second[4]:
        page.toggle(state.SHOW_MAP, _("Score map"))
    label = surest if view.label == state.BEST else int(view.label)
    trace = image_pyramid.slide_window(
        view.picture.size,
        levels,
        label=label,
        window_stride=view.window_stride,
        score_threshold=view.score_threshold,
        iou_threshold=view.iou_threshold,
        fusion_steps=view.fusion_steps,
    )
    units = compute(image_pyramid.count_units)
    cost = image_pyramid.pyramid_cost(units, sizes, scale_step=view.scale_step, window_stride=view.window_stride)
    packed = image_pyramid.pack_sliding_window(trace)
    told = f"{view.picture.name}{view.pace}".encode() + packed
    return Search(
        sizes=sizes,
        levels=levels,
        jpegs=tuple(jpeg for _level, jpeg in classified),
        label=label,
        names=names,
        trace=trace,
        packed=packed,
        identity=hashlib.blake2b(told, digest_size=8).hexdigest(),
        cost=cost,
    )


def classify(pixels: np.ndarray, size: tuple[int, int]) -> tuple[image_pyramid.WindowLevel, bytes]:
    """A level with all its classes, and its picture for the browser."""
    level = image_pyramid.classify_level(load(load_efficientnet_lite0), pixels, size)
    return level, encode_jpeg(level.pixels)
