"""What the detection page shows: every link parameter once, and the frozen view that is read from them.

The thresholds and the boxes that are looked at are no part of the view: they move in the part of the page that runs
alone (:mod:`pages.detection.results`), which reads them when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page
from pages.kit.pictures import Picture, photo_parameter, read_photo
from vizcore import detection
from vizcore.data.photos import sample_file

OFFLINE = "sliding_windows"
"""The detector that stands in for one whose weights are not on this computer."""
NONE = "none"
DETECTORS = tuple(info.name for info in detection.list_detectors())

PHOTO = photo_parameter("chelsea")
DETECTOR = link.choice("detector", DETECTORS, OFFLINE)
BESIDE = link.choice("beside", (NONE, *DETECTORS), NONE)
SHOW_SUPPRESSED = link.flag("show_suppressed", False)
SHOW_TRUTH = link.flag("show_truth", False)
SCORE_THRESHOLD = link.number("score_threshold", 0.05, 1.0, 0.6, step=0.01)
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
    """

    picture: Picture
    detector: str
    beside: str
    show_suppressed: bool
    show_truth: bool

    @property
    def sample(self) -> str | None:
        """Name of the sample photo; None for someone's own."""
        return None if self.picture.is_own else self.picture.name

    @property
    def photo_name(self) -> str:
        """The name of the file that the picture is in, for those who look for it."""
        return self.picture.title if self.picture.is_own else sample_file(self.picture.name)

    @property
    def file_name(self) -> str:
        """The own file's name, or the sample's."""
        return self.picture.title if self.picture.is_own else self.picture.name


def read(page: Page) -> View:
    """The view as link and controls have it now."""
    picture = read_photo(page, PHOTO)
    view = View(picture, **page.values(DETECTOR, BESIDE, SHOW_SUPPRESSED, SHOW_TRUTH))
    page.values(SCORE_THRESHOLD, IOU_THRESHOLD, *CANDIDATES)  # part of the link from here on
    return view


def thresholds(page: Page) -> dict[str, float]:
    """The thresholds as they stand now, by the name they have in ``detection.refilter``."""
    return page.values(SCORE_THRESHOLD, IOU_THRESHOLD)
