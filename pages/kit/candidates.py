"""What detectors found on photos: each forward pass is run once, and other pages open with its candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.kit import pictures
from pages.kit.loaders import load
from pages.kit.pictures import Picture, compute_on
from vizcore import detection


@dataclass(frozen=True, eq=False)
class Recording:
    """A photo and a detector's candidates on it.

    Attributes:
        picture: the photo.
        output: what the detector found, at the thresholds it was last shown with.
    """

    picture: Picture
    output: detection.DetectorOutput


def record_photo(detector: str, picture: Picture) -> detection.DetectorOutput:
    """Runs a detector on a photo with its own thresholds, or answers from an earlier run."""
    output: detection.DetectorOutput = compute_on(picture, run_detector, detector)
    return output


def keep_recording(recording: Recording) -> None:
    """Makes a recording the one that other pages of this session open with."""
    st.session_state["recording"] = recording


def photo_recording() -> Recording | None:
    """What the detection page showed last in this session; None if it has not been opened."""
    return st.session_state.get("recording")


def sample_recording(name: str) -> Recording:
    """The offline detector on a sample photo, for a page that is opened before the detection page."""
    picture = pictures.sample(name)
    return Recording(picture, record_photo(detection.list_detectors()[0].name, picture))


def run_detector(pixels: np.ndarray, detector: str) -> detection.DetectorOutput:
    """A detector that is loaded once, on a photo."""
    loaded = load(detection.load_detector, detector)
    return detection.run_detector(
        loaded, pixels, score_threshold=loaded.info.score_threshold, iou_threshold=loaded.info.iou_threshold
    )
