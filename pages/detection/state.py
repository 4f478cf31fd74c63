"""What the detection page shows: every link parameter once, and the frozen view that is read from them.

The thresholds and the boxes that are looked at are no part of the view: they move in the part of the page that runs
alone (:mod:`pages.detection.results`), which reads them when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page
from pages.kit.pictures import SCENE, Picture, photo_parameter, read_photo
from pages.live.frames import DETECTORS as LIVE_DETECTORS
from vizcore import detection
from vizcore.data.photos import sample_file

OFFLINE = "sliding_windows"
"""The detector that stands in for one whose weights are not on this computer."""
NONE = "none"
DETECTORS = tuple(info.name for info in detection.list_detectors())

PHOTO = photo_parameter("chelsea", SCENE)
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
CANDIDATES = tuple(link.number(name, -1, 1_000_000, -1, step=1) for name in ("candidate", "candidate_beside"))


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        picture: the photo.
        detector: the one asked for.
        beside: the one to show beside it, or ``NONE``.
        show_suppressed: whether boxes that NMS removed are drawn.
        show_truth: whether hand-drawn boxes are drawn.
        gallery: whether all detectors are shown on one shelf.
        live: whether the live camera is shown.
    """

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
    picture = read_photo(page, PHOTO)
    view = View(picture, **page.values(DETECTOR, BESIDE, SHOW_SUPPRESSED, SHOW_TRUTH, GALLERY, LIVE))
    page.values(SCORE_THRESHOLD, IOU_THRESHOLD, *CANDIDATES, LIVE_DETECTOR)  # part of the link from here on
    return view


def thresholds(page: Page) -> dict[str, float]:
    """The thresholds as they stand now, by the name they have in ``detection.refilter``."""
    return page.values(SCORE_THRESHOLD, IOU_THRESHOLD)
