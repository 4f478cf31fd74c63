"""Opens the feature pyramid page, and runs its detector as the page does."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.opening import open_page
from vizcore import fpn
from vizcore.data.photos import Photo
from vizcore.data.scenes import draw_scene
from vizcore.models import fcos

PARTS = ("maps", "designs", "owner", "cell", "data")


def open_fpn(**query: str) -> AppTest:
    """The page, opened with a link."""
    return open_page("fpn", **query)


def open_with(photo: Photo, **query: str) -> AppTest:
    """The page with the reader's own photo, of which nothing has to be said."""
    app = open_page("fpn", state={"own_photo": photo}, **{"source": "photo", "photo": "own", **query})
    assert not app.warning
    return app


def script_of(app: AppTest) -> str:
    """The program that the page hands out."""
    return next(code.value for code in app.code if "import" in code.value)


def trace_scene(index: int = 0, **options: object) -> fpn.FPNTrace:
    """A scene through the shipped detector, at the page's thresholds."""
    options = {"score_threshold": 0.4, "iou_threshold": 0.6, **options}
    return fpn.trace_fpn(fcos.load_fcos("fcos_fpn"), draw_scene("validation", index).pixels, **options)
