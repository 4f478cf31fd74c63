"""What the detection page shows: every link parameter once, and the frozen view that is read from them.

The thresholds and the boxes that are looked at are no part of the view: they move in the part of the page that runs
alone (:mod:`pages.detection.results`), which reads them when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page
from pages.kit.pictures import PEOPLE, SCENE, Picture, photo_parameter, read_photo
from pages.live.frames import DETECTORS as LIVE_DETECTORS
from vizcore import detection
from vizcore.data.photos import sample_file
from vizcore.detection.truth import MATCH_THRESHOLDS

OFFLINE = "sliding_windows"
"""The detector that stands in for one whose weights are not on this computer."""
NONE = "none"
DETECTORS = tuple(info.name for info in detection.list_detectors())

PART = link.choice("part", ("photo", "truth"), "photo")
PHOTO = photo_parameter("chelsea", SCENE, *PEOPLE)
DETECTOR = link.choice("detector", DETECTORS, OFFLINE)
BESIDE = link.choice("beside", (NONE, *DETECTORS), NONE)
SHOW_SUPPRESSED = link.flag("show_suppressed", False)
GALLERY = link.flag("gallery", False)
LIVE = link.flag("live", False)
LIVE_DETECTOR = link.choice("live_detector", LIVE_DETECTORS, "mtcnn")
SHOW_TRUTH = link.flag("show_truth", False)
LEAST_SCORE = 0.05
"""The lowest score threshold."""
SCORE_THRESHOLD = link.number("score_threshold", LEAST_SCORE, 1.0, 0.6, step=0.01)
IOU_THRESHOLD = link.number("iou_threshold", 0.0, 1.0, 0.3, step=0.01)
MOST_TRUTHS = 120
LONGEST_NAME = 40
BETWEEN_NAMES = ";"
TRUTHS = link.numbers("truths", (None, 4), [], limit=1e5, most=MOST_TRUTHS)
"""Boxes that the reader drew, on the picture that ``DRAWN_ON`` names; on any other, its own stand."""
TRUTH_NAMES = link.text("truth_names", "", max_length=MOST_TRUTHS * (LONGEST_NAME + 1))
DRAWN_ON = link.text("drawn_on", "", max_length=40)
JUDGED = link.choices("judged", DETECTORS, [name for name in (OFFLINE, "mtcnn", "haar_face") if name in DETECTORS])
LOOKED_AT = link.choice("looked_at", DETECTORS, None)
MATCH_THRESHOLD = link.number("match_threshold", MATCH_THRESHOLDS[0], MATCH_THRESHOLDS[-1], 0.5, step=0.05)
CANDIDATES = tuple(link.number(name, -1, 1_000_000, -1, step=1) for name in ("candidate", "candidate_beside"))


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        part: the open part.
        picture: the photo.
        detector: the one asked for.
        beside: the one to show beside it, or ``NONE``.
        show_suppressed: whether boxes that NMS removed are drawn.
        show_truth: whether hand-drawn boxes are drawn.
        gallery: whether all detectors are shown on one shelf.
        live: whether the live camera is shown.
    """

    part: str
    picture: Picture
    detector: str
    beside: str
    show_suppressed: bool
    show_truth: bool
    gallery: bool
    live: bool

    @property
    def sample(self) -> str | None:
        """Name of the sample photo; None for someone's own and for a drawn scene."""
        return self.picture.name if self.picture.kind == "sample" else None

    @property
    def scene(self) -> int | None:
        """Index of the drawn scene; None for photos."""
        return int(self.picture.name) if self.picture.kind == "scene" else None

    @property
    def photo_name(self) -> str:
        """The name of the file that the picture is in, for those who look for it."""
        return sample_file(self.picture.name) if self.picture.kind == "sample" else self.file_name

    @property
    def file_name(self) -> str:
        """The own file's name, or the sample's."""
        if self.scene is not None:
            return f"scene-{self.scene}.png"
        return self.picture.title if self.picture.is_own else self.picture.name


def read(page: Page) -> View:
    """The view as link and controls have it now."""
    part = page.value(PART)
    picture = read_photo(page, PHOTO)
    view = View(part, picture, **page.values(DETECTOR, BESIDE, SHOW_SUPPRESSED, SHOW_TRUTH, GALLERY, LIVE))
    page.values(SCORE_THRESHOLD, IOU_THRESHOLD, *CANDIDATES, LIVE_DETECTOR)  # part of the link from here on
    page.values(TRUTHS, TRUTH_NAMES, DRAWN_ON, JUDGED, LOOKED_AT, MATCH_THRESHOLD)
    return view


def thresholds(page: Page) -> dict[str, float]:
    """The thresholds as they stand now, by the name they have in ``detection.refilter``."""
    return page.values(SCORE_THRESHOLD, IOU_THRESHOLD)
