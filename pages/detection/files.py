"""What can be taken away: the photo with its boxes, the boxes for annotation tools and as a table."""

from __future__ import annotations

import json

import streamlit as st

from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.exports import download_numbers
from pages.kit.page import Page
from vizcore.data.photos import encode_png
from vizcore.detection.export import detection_rows, to_coco
from vizcore.figures.detection import draw_detections


def show(page: Page, view: View, found: Found) -> None:
    """Draws the buttons; a file is made of the outputs as they stand when its button is pressed."""
    _ = page.translate
    with st.expander(_("Take it away"), icon=":material/download:"):
        stem = view.file_name.rsplit(".", 1)[0] or "photo"
        size = view.picture.original_size
        if size != view.picture.size:
            st.caption(
                _(
                    "Boxes, width and height are those of {name}, {width} × {height} pixels; the detector saw a copy "
                    "of {copy_width} × {copy_height}.",
                    name=view.photo_name,
                    width=size[1],
                    height=size[0],
                    copy_width=view.picture.size[1],
                    copy_height=view.picture.size[0],
                )
            )
        columns = st.columns(2)
        columns[0].download_button(
            _("Photo with boxes (PNG)"),
            lambda: encode_png(draw_detections(view.picture.pixels, found.outputs[0])),
            f"{stem}-boxes.png",
            "image/png",
            key=page.key("picture"),
            on_click="ignore",
            icon=":material/image:",
            width="stretch",
        )
        columns[1].download_button(
            _("Boxes as a COCO file (JSON)"),
            lambda: json.dumps(to_coco(found.outputs[0], file_name=view.photo_name, original_size=size), indent=1),
            f"{stem}-coco.json",
            "application/json",
            key=page.key("coco"),
            on_click="ignore",
            icon=":material/data_object:",
            width="stretch",
        )
        download_numbers(
            page, f"{stem}-boxes", lambda: detection_rows(found.outputs, file_name=view.photo_name, original_size=size)
        )
