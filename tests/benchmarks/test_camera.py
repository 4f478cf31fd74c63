"""How many frames a second of a camera the detection page answers, server and Chromium on one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, start_server, stop_server
from tests.browser.test_camera import moving_face, opened
from tests.chromium import chromium_with_camera

SECONDS = 8
WANTED = 10
"""Frames a second."""


@pytest.mark.timeout(300)
def test_frames_of_a_camera_answered_in_a_second(tmp_path: Path) -> None:
    """Prints the rate of MTCNN on frames of 320 × 240, and its ratio to what is wanted."""
    process, url = start_server(ROOT / "app.py")
    try:
        with chromium_with_camera(moving_face(tmp_path / "face.mjpeg")) as page:
            opened(page, url)
            page.get_by_role("button", name="Start the camera").click()
            page.locator(".camera[data-faces='1']").wait_for(timeout=90_000)
            camera = page.locator(".camera")
            before, began = int(camera.get_attribute("data-frames") or 0), time.monotonic()
            page.wait_for_timeout(1000 * SECONDS)
            frames, passed = int(camera.get_attribute("data-frames") or 0) - before, time.monotonic() - began
            told = {name: camera.locator(f"[data-number={name}]").inner_text() for name in ("latency", "server")}
    finally:
        stop_server(process)
    rate = frames / passed
    print(f"\n{rate:.1f} frames a second, {rate / WANTED:.2f} of {WANTED}; load {os.getloadavg()[0]:.1f}")
    print(f"  to and fro {told['latency']}, of which on the server {told['server']}")
    assert frames > 0
