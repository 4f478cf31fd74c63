"""The live camera in Chromium: a face in front of it is found, frame after frame; without one a photo pans."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.chromium import chromium_with_camera
from vizcore.data.photos import load_sample


def opened(page: Page, url: str) -> None:
    page.goto(f"{url}/detection?tour=0&photo=coffee&live=1")
    settled(page)
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible(timeout=90_000)
    settled(page)


def moving_face(path: Path) -> Path:
    """A camera's picture as MJPEG: the astronaut, a little to the left and to the right."""
    photo = np.pad(load_sample("astronaut").pixels[:480], ((0, 0), (80, 80), (0, 0)), mode="edge")
    with path.open("wb") as file:
        for shift in (0, 8, 16, 8):
            frame = io.BytesIO()
            Image.fromarray(photo[:, shift : shift + 640]).save(frame, "JPEG", quality=85)
            file.write(frame.getvalue())
    return path


def test_the_camera_finds_the_face_and_stops_when_told(app_url: str, tmp_path: Path) -> None:
    with chromium_with_camera(moving_face(tmp_path / "face.mjpeg")) as page:
        opened(page, app_url)
        page.get_by_role("button", name="Start the camera").click()
        camera = page.locator(".camera")
        expect(camera).to_have_attribute("data-faces", "1", timeout=90_000)
        page.wait_for_function("(camera) => Number(camera.dataset.frames) >= 5", arg=camera.element_handle())
        face = camera.locator("rect.face").evaluate(
            "(rect) => ['x', 'y', 'width', 'height'].map((name) => Number(rect.getAttribute(name)))"
        )
        # Half the camera's 640 × 480: the face is at x 295 to 345 less the shift, y 65 to 165 of the picture.
        middle = (face[0] + face[2] / 2, face[1] + face[3] / 2)
        assert abs(middle[0] - (145 + 5)) < 20
        assert abs(middle[1] - 57) < 20
        assert camera.locator("circle").count() == 5
        stages = camera.locator(".stages li")
        expect(stages).to_have_count(4)
        counts = [int(text) for text in stages.locator("output").all_inner_texts()[1:]]
        assert counts[0] > counts[1] >= counts[2] == 1
        assert float(camera.locator("[data-number=fps]").inner_text()) > 0

        camera.get_by_role("button", name="after P-Net").click()
        expect(camera.locator("rect.stage[stroke-dasharray='2 3']")).to_have_count(0)

        camera.get_by_role("button", name="Stop").click()
        expect(camera.get_by_text("Stopped.")).to_be_visible()
        frames = camera.get_attribute("data-frames")
        camera.get_by_role("button", name="Pan over a photo instead").click()
        page.wait_for_function(
            "([camera, frames]) => camera.dataset.frames !== frames", arg=[camera.element_handle(), frames]
        )


def test_without_a_camera_a_photo_pans(page: Page, app_url: str) -> None:
    opened(page, app_url)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_text("The photo pans instead, if you like.")).to_be_visible()
    page.get_by_role("button", name="Pan over a photo instead").click()
    expect(page.locator(".camera")).to_have_attribute("data-faces", "1", timeout=90_000)
    page.locator(".st-key-detection_live_detector").get_by_text("Viola–Jones (OpenCV)").click()
    expect(page.locator(".camera .stages").get_by_text("windows that pass all 25 stages")).to_be_visible()
    expect(page.locator(".camera .stages li")).to_have_count(2)


@pytest.mark.parametrize(
    ("language", "pan", "answer", "seen"),
    [
        ("en", "Pan over a photo instead", "about a tenth", "6 copies of a frame are enough"),
        ("zh", "改用平移的照片", "大约十分之一", "金字塔只要 6 层"),
    ],
)
def test_the_lesson_has_a_camera(page: Page, app_url: str, language: str, pan: str, answer: str, seen: str) -> None:
    page.goto(f"{app_url}/detection?tour=9&lang={language}")
    settled(page)
    camera = page.locator(".camera")
    expect(camera).to_be_visible(timeout=90_000)
    expect(page.locator(".stage")).to_have_count(0)  # one picture
    camera.get_by_role("button", name=pan).click()
    expect(camera).to_have_attribute("data-faces", "1", timeout=90_000)
    page.get_by_role("button", name=answer).click()
    expect(page.get_by_text(seen)).to_be_visible(timeout=60_000)
    expect(camera).to_be_visible()
