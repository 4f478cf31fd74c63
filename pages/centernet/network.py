"""The trained detector on the drawn scenes: run once a scene, decoded as the learner likes, compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pages.centernet.state import View
from pages.kit.loaders import compute, load
from vizcore import centernet
from vizcore.data.scenes import CLASSES, SYMMETRIES, Scene, draw_scene
from vizcore.models.centernet import POINT_WEIGHTS, CenterNetDetector, load_centernet
from vizcore.training import cards

SYMMETRY_OF = centernet.symmetries_of(CLASSES, SYMMETRIES)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A scene, and what the detector makes of it.

    Attributes:
        scene: the picture and the truth.
        trace: its decoding.
        angles: ``[k]`` radians, NaN where the class has none.
        shown: peaks whose score reaches the threshold.
        matches: what was said of each object that has an angle.
    """

    scene: Scene
    trace: centernet.DecodeTrace
    angles: np.ndarray
    shown: int
    matches: tuple[centernet.AngleMatch, ...]


def is_shipped() -> bool:
    """Whether the trained detector lies where it belongs."""
    return (POINT_WEIGHTS / "centernet.safetensors").is_file()


def is_measured() -> bool:
    """Whether it was judged on the validation scenes: whether there is a card beside it."""
    return is_shipped() and card() is not None


def card() -> dict[str, object] | None:
    """What is known of the trained detector."""
    found: dict[str, object] | None = cards.load_point_card("centernet")
    return found


def decode(view: View, **changed: object) -> Decoded:
    """The view's scene, decoded under its rules, or under others where ``changed`` names them."""
    scene: Scene = compute(draw_scene, "validation", view.scene)
    run = compute(_run, view.scene)
    trace = compute(_decode, view.scene, **{**view.decoding, **changed})
    angles = centernet.read_angles(run, trace, SYMMETRY_OF)
    matches = centernet.match_angles(
        trace,
        angles,
        scene.boxes,
        scene.labels,
        scene.angles,
        SYMMETRY_OF,
        score_threshold=view.score_threshold,
    )
    shown = int((trace.chosen & (trace.scores >= view.score_threshold)).sum())
    return Decoded(scene, trace, angles, shown, matches)


def _run(scene: int) -> centernet.CenterNetRun:
    detector: CenterNetDetector = load(load_centernet)
    return centernet.run_centernet(detector, draw_scene("validation", scene).pixels)


def _decode(scene: int, *, k: int, kernel: int, use_offsets: bool) -> centernet.DecodeTrace:
    run = compute(_run, scene)
    return centernet.decode_run(run, k=k, kernel=kernel, use_offsets=use_offsets)
