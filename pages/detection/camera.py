"""The live camera: frames go over a socket (:mod:`pages.live`), what each stage of the cascade left comes back."""

from __future__ import annotations

import streamlit as st

from pages.detection import state
from pages.detection.state import View
from pages.kit.language import Translate
from pages.kit.live import live
from pages.kit.page import Page
from pages.kit.pictures import sample
from pages.kit.stage import photo_url
from pages.live.frames import LONGEST_SIDE
from vizcore.figures import theme

PIECE = "detection/camera"
PANNED = "astronaut"
"""The sample photo that pans where there is no camera."""
COLORS = (theme.SUPPRESSED, theme.PREDICTION, theme.KEPT)
"""Of the boxes that P-Net, R-Net and O-Net leave; of a shorter cascade, the last ones."""


def show(page: Page, view: View) -> None:
    """Draws the camera with its controls."""
    _ = page.translate
    key = page.key("camera_live")
    with st.container(border=True):
        page.select(
            state.LIVE_DETECTOR,
            _("Live detector"),
            {"mtcnn": "MTCNN", "haar_face": _("Viola–Jones (OpenCV)")},
            few=True,
        )
        live(
            PIECE,
            key=key,
            data={
                "detector": page.value(state.LIVE_DETECTOR),
                "photo": photo_url(sample(PANNED).pixels, key),
                "colors": list(COLORS),
                "mark": theme.CURRENT,
                "presenter": page.presenting,
                "text": _text(_),
                "stages": {
                    "P-Net": _("after P-Net: proposals"),
                    "R-Net": _("after R-Net"),
                    "O-Net": _("after O-Net: faces"),
                    "windows that pass all stages": _("windows that pass all 25 stages"),
                    "faces: windows that agree": _("faces: windows that agree"),
                },
            },
        )


def _text(_: Translate) -> dict[str, str]:
    """What the piece says; braces are filled by JavaScript."""
    return {
        "start": _("Start the camera"),
        "pan": _("Pan over a photo instead"),
        "stop": _("Stop"),
        "picture": _("The frame that was looked at, with the boxes of each stage"),
        "leave": _(
            "With your leave, frames of at most {side} pixels go to this server, are looked at, and forgotten at once. "
            "Nothing is stored.",
            side=LONGEST_SIDE,
        ),
        "asking": _("Your browser asks you now."),
        "loading": _("The detector is being made ready…"),
        "running": _("Running. The boxes belong to the frame they are drawn on."),
        "stopped": _("Stopped."),
        "hidden": _("Stopped, since this page was out of sight."),
        "insecure": _("Browsers open a camera only on https pages and on localhost. The photo pans anywhere."),
        "none": _("There is no camera here. The photo pans instead, if you like."),
        "refused": _("The camera was not opened. The photo pans instead, if you like."),
        "full": _("{most} cameras are being looked at already, as many as this server takes. Try again in a while."),
        "silent": _("Stopped: no frame came for half a minute."),
        "long": _("Stopped after a quarter of an hour, so that others get a turn."),
        "failed": _("The detector failed on this frame; the page is untouched."),
        "lost": _("The connection was lost. Start again."),
        "pyramid": _("image pyramid"),
        "levels": _("{levels} levels, {windows} windows"),
        "fps": _("frames a second"),
        "latency": _("from frame to boxes"),
        "server": _("of it on the server"),
    }
