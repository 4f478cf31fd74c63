"""The image pyramid page on photos of the reader's own: odd shapes, grey ones, and what another page was given."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.pages.image_pyramid.reading import open_pyramid, sent_trace, sound
from tests.pages.opening import go_to, open_page
from tests.pages.pieces import link
from vizcore.data.photos import decode_photo


@pytest.mark.parametrize(("shape", "levels"), [((16, 16), 1), ((20, 400), 1), ((1, 1), 1), ((90, 120), 1)])
def test_odd_photos(payloads, shape, levels):
    own = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    app = open_pyramid(own=own)
    sound(app)
    assert len(sent_trace(payloads)["level_sizes"]) == levels


def test_a_strip_is_explained():
    app = open_pyramid(own=np.zeros((10, 800, 3), np.uint8), broken=True)
    assert not app.exception
    (error,) = app.error
    assert "80 times as long as it is wide" in error.value


def test_grey_and_transparent_files_arrive_as_colours(payloads):
    for mode, color in (("L", 90), ("RGBA", (200, 10, 10, 60))):
        buffer = io.BytesIO()
        Image.new(mode, (300, 240), color).save(buffer, "PNG")
        app = open_pyramid(own=decode_photo(buffer.getvalue(), name="x.png").pixels)
        sound(app)
        assert sent_trace(payloads)["image_size"] == [240, 300]


def test_a_photo_that_was_uploaded_on_the_detection_page_is_searched_here(payloads):
    buffer = io.BytesIO()
    Image.new("RGB", (310, 250), (120, 60, 30)).save(buffer, "PNG")
    app = open_page("detection")
    app.file_uploader(key="detection_upload").upload("mine.png", buffer.getvalue(), "image/png").run()
    sound(app)
    assert link(app)["photo"] == "own"
    go_to(app, "image_pyramid")
    app.run()
    sound(app)
    assert link(app)["photo"] == "own"
    assert app.selectbox(key="image_pyramid_photo").value == "own"
    assert sent_trace(payloads)["image_size"] == [250, 310]
    # It is taken up once: who then chooses a sample keeps it.
    app.selectbox(key="image_pyramid_photo").set_value("coins").run()
    app.run()
    sound(app)
    assert link(app)["photo"] == "coins"


def test_results_on_an_own_photo_stay_in_its_session(payloads):
    own = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    kept = open_pyramid(own=own).session_state["own_results"]
    assert {name.rpartition(".")[2] for name, *_ in kept} == {
        "classify",
        "draw_shared",
        "find_faces_by_cascade",
        "time_pass",
    }
    assert "own_results" not in open_pyramid(photo="coins").session_state
