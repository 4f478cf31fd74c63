"""What the image pyramid page shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page
from pages.kit.pictures import Picture, photo_parameter, read_photo
from vizcore import image_pyramid
from vizcore.models.efficientnet_lite import imagenet_categories

BEST, LAST = "best", -1
CLASSES = imagenet_categories()

PHOTO = photo_parameter("coffee")
SCALE_STEP = link.number("scale_step", *image_pyramid.SCALE_STEPS, 1.41, step=0.01)
NUM_LEVELS = link.number("num_levels", 1, image_pyramid.MOST_LEVELS, 4, step=1)
WINDOW_STRIDE = link.number("window_stride", *image_pyramid.STRIDES, 1, step=1)
LABEL = link.choice("label", (BEST, *map(str, range(len(CLASSES)))), BEST)
SCORE_THRESHOLD = link.number("score_threshold", 0.05, 1.0, 0.3, step=0.01)
IOU_THRESHOLD = link.number("iou_threshold", 0.0, 1.0, 0.3, step=0.05)
PACE = link.choice("pace", ("window", "row", "level"), "row")
FUSION = link.flag("fusion", True)
SHOW_MAP = link.flag("show_map", True)
STEP = link.number("step", LAST, 100_000, 0, step=1)


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        picture: the photo that is searched.
        scale_step: side of a level over the side of the next smaller one.
        num_levels: at most so many levels.
        window_stride: cells of 32 pixels from one window to the next.
        label: the class looked for: ``BEST`` for the surest on this photo, or its number.
        score_threshold: windows above it become candidates.
        iou_threshold: candidates that overlap a better one by more fall.
        pace: what one step is, a window, a row or a level.
        fusion: whether candidates move to the average of those that agree.
        show_map: whether levels show their score maps.
        step: where the stepper stands; ``LAST`` at its end, wherever that is.
    """

    picture: Picture
    scale_step: float
    num_levels: int
    window_stride: int
    label: str
    score_threshold: float
    iou_threshold: float
    pace: str
    fusion: bool
    show_map: bool
    step: int

    @property
    def fusion_steps(self) -> int:
        """How often candidates move to the average of those that agree."""
        return image_pyramid.FUSION_STEPS if self.fusion else 0

    def shows_sample(self, name: str) -> bool:
        """Whether the photo is that sample."""
        return not self.picture.is_own and self.picture.name == name


def read(page: Page) -> View:
    """The view as link and controls have it now."""
    picture = read_photo(page, PHOTO)
    pyramid = (SCALE_STEP, NUM_LEVELS, WINDOW_STRIDE, LABEL, SCORE_THRESHOLD, IOU_THRESHOLD)
    return View(picture, **page.values(*pyramid, PACE, FUSION, SHOW_MAP, STEP))


def view_key(page: Page) -> str:
    """The key of the piece with the levels."""
    return page.key("view")
