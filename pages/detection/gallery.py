"""All detectors on one shelf: what each finds, where it comes from, what it costs, how good it is; a click shows it."""

from __future__ import annotations

import streamlit as st

from pages.detection import state
from pages.detection.controls import MEGABYTE
from pages.detection.detectors import Found
from pages.detection.state import View
from pages.kit.language import Translate, escape_markdown
from pages.kit.page import Page
from vizcore import detection
from vizcore.detection.published import reported_ap
from vizcore.figures.detection import milliseconds

FINDS = {
    "mtcnn": "faces, with eyes, nose and mouth",
    "haar_face": "faces from the front",
    "hog_people": "people who stand upright",
}
MESSAGES = tuple(FINDS.values())
_MEASURED = "measured"


def show(page: Page, view: View, found: Found) -> None:
    """Draws one row a detector."""
    _ = page.translate
    measured: dict[str, float] = page.recall(_MEASURED, {}) | {
        each.name: each.network_seconds for each in found.recorded
    }
    page.remember(_MEASURED, measured)
    with st.container(border=True):
        st.caption(
            _(
                "Times were measured on this server, on the photo that was shown; a detector that has not run yet has "
                "none. AP of different data cannot be compared."
            )
        )
        for info in detection.list_detectors():
            words, button = st.columns([5, 1.2], vertical_alignment="center")
            words.markdown(f"**{_(info.title)}** · {_finds(info, _)}  \n{_facts(info, measured.get(info.name), _)}")
            with button:
                page.button(
                    f"show_{info.name}",
                    _("Shown") if view.detector == info.name else _("Show it"),
                    on_click=page.set,
                    kwargs={
                        "detector": info.name,
                        "score_threshold": info.score_threshold,
                        "iou_threshold": info.iou_threshold,
                    },
                    disabled=view.detector == info.name or state.DETECTOR.name in page.locked,
                    width="stretch",
                )


def _finds(info: detection.DetectorInfo, _: Translate) -> str:
    if info.name in FINDS:
        return _(FINDS[info.name])
    return _("{classes} classes of {data}", classes=info.num_classes, data=_(info.trained_on))


def _facts(info: detection.DetectorInfo, seconds: float | None, _: Translate) -> str:
    """Source, size, time and AP, as far as they are known."""
    facts = [escape_markdown(info.source)]
    if info.download_bytes:
        facts.append(_("download of {size} MB", size=round(info.download_bytes / MEGABYTE)))
    facts.append(_("no time yet") if seconds is None else milliseconds(seconds))
    reported = reported_ap(info.name)
    if reported is None:
        facts.append(_("no AP published"))
    else:
        facts.append(
            _("AP {ap} on {data} ({by})", ap=f"{100 * reported.ap:.1f}", data=_(reported.data), by=_(reported.by))
        )
    return " · ".join(facts)
