"""What detectors found on photos, kept: each forward pass is run once, and other pages open with its candidates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from pages.kit.loaders import compute, load
from vizcore import detection
from vizcore.data import photos

_MOST_OWN = 6


@dataclass(frozen=True, eq=False)
class Recording:
    """A photo and a detector's candidates on it.

    Attributes:
        photo: the photo.
        is_sample: whether it is one of the sample photos (else it belongs to this session alone).
        output: what the detector found, at the thresholds it was last shown with.
    """

    photo: photos.Photo
    is_sample: bool
    output: detection.DetectorOutput


def record_photo(detector: str, photo: photos.Photo, *, is_sample: bool) -> detection.DetectorOutput:
    """Runs a detector on a photo, or answers from an earlier run.

    Samples are shared by all sessions; what was found on someone's own photo stays in their session.
    """
    if is_sample:
        return compute(_run_on_sample, detector, photo.name)
    digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    kept: dict[tuple[str, str], detection.DetectorOutput] = st.session_state.setdefault("own_recordings", {})
    key = (detector, digest)
    if key not in kept:
        while len(kept) >= _MOST_OWN:
            kept.pop(next(iter(kept)))
        kept[key] = _run(detector, photo)
    return kept[key]


def keep_recording(recording: Recording) -> None:
    """Makes a recording the one that other pages of this session open with."""
    st.session_state["recording"] = recording


def photo_recording() -> Recording | None:
    """What the detection page showed last in this session; None if it has not been opened."""
    return st.session_state.get("recording")


def sample_recording(name: str) -> Recording:
    """The offline detector on a sample photo, for a page that is opened before the detection page."""
    photo = compute(photos.load_sample, name)
    return Recording(photo, True, record_photo(detection.list_detectors()[0].name, photo, is_sample=True))


def _run_on_sample(detector: str, sample: str) -> detection.DetectorOutput:
    return _run(detector, photos.load_sample(sample))


def _run(detector: str, photo: photos.Photo) -> detection.DetectorOutput:
    loaded = load(detection.load_detector, detector)
    return detection.run_detector(
        loaded,
        photo.pixels,
        score_threshold=loaded.info.score_threshold,
        iou_threshold=loaded.info.iou_threshold,
    )
