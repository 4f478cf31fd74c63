"""What strangers may send over the live socket: a small baseline JPEG, and nothing else."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from pages.live.frames import (
    LONGEST_FRAME,
    LONGEST_SIDE,
    MOST_BOXES,
    FrameError,
    read_frame,
    read_hello,
    write_answer,
)
from vizcore.detection.live import LiveFrame, LiveStage


def picture(
    size: tuple[int, int] = (320, 240), file_format: str = "JPEG", mode: str = "RGB", **options: object
) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 128).save(buffer, file_format, **options)
    return buffer.getvalue()


def test_a_frame_is_read_as_it_was_drawn() -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, 32:, 0] = 200  # red on the right
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    read = read_frame(buffer.getvalue())
    assert read.shape == (48, 64, 3)
    assert read[20, 50, 0] > 180
    assert read[20, 10].max() < 20
    assert read_frame(picture(mode="L")).shape == (240, 320, 3)
    assert read_frame(picture((LONGEST_SIDE, LONGEST_SIDE))).shape == (320, 320, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        picture()[:300],
        picture((321, 200)),
        picture((200, 8)),
        picture(file_format="PNG"),
        picture(file_format="GIF", mode="P"),
        picture(progressive=True),
        picture() + b"\0" * LONGEST_FRAME,
    ],
    ids=["empty", "begun", "cut", "wide", "flat", "png", "gif", "progressive", "long"],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(content)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"mtcnn"', '{"detector": "yolo"}', '{"detector": ["mtcnn"]}'])
def test_a_hello_names_a_detector(text: str | None) -> None:
    with pytest.raises(FrameError):
        read_hello(text)


def test_an_answer_is_finite_short_and_complete() -> None:
    boxes = np.full((100, 4), 7.123, np.float32)
    boxes[0] = np.nan
    frame = LiveFrame(
        image_size=(240, 320),
        levels=((90, 120), (64, 85)),
        num_windows=2000,
        stages=(LiveStage("P-Net", boxes, 0.01), LiveStage("O-Net", boxes[1:2], 0.002)),
        scores=np.array([np.nan], np.float32),
        landmarks=np.zeros((1, 5, 2), np.float32),
    )
    answer = json.loads(write_answer(frame, seconds=0.0123))
    assert answer["stages"][0]["count"] == 100
    assert len(answer["stages"][0]["boxes"]) == MOST_BOXES
    assert answer["stages"][0]["boxes"][1] == [7.1] * 4
    assert answer["scores"] == [None]
    assert answer["levels"] == [[90, 120], [64, 85]]
    assert answer["ms"] == 12.3
