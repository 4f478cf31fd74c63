"""What goes over the socket: a frame as a small baseline JPEG, and what was found on it. Strangers send frames too."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from vizcore.detection.live import LiveFrame

DETECTORS = ("mtcnn", "haar_face")
LONGEST_SIDE = 320
"""Pixels of a frame's longer side."""
SMALLEST_SIDE = 16
LONGEST_FRAME = 96 * 1024
"""Bytes of a frame; 320 × 320 pixels at a high quality take half."""
MOST_BOXES = 60
"""Boxes of one stage that are sent to be drawn; the count tells of the others."""


class FrameError(ValueError):
    """A message that our pages do not send."""


def read_hello(text: str | None) -> str:
    """The detector that the first message asks for.

    Raises:
        FrameError: it is not such a message.
    """
    try:
        asked = json.loads(text or "")
    except ValueError as error:
        raise FrameError("not JSON") from error
    name = asked.get("detector") if isinstance(asked, dict) else None
    if name not in DETECTORS:
        raise FrameError("no such detector")
    return str(name)


def read_frame(content: bytes) -> np.ndarray:
    """The pixels of a frame, uint8 ``[H, W, 3]``.

    Only what a canvas writes is decoded: one scan, few pixels. A progressive file of thousands of scans would keep the
    decoder busy for seconds.

    Raises:
        FrameError: too many bytes or pixels, or no baseline JPEG.
    """
    if len(content) > LONGEST_FRAME:
        raise FrameError("too many bytes")
    try:
        picture = Image.open(io.BytesIO(content), formats=["JPEG"])
        sides = (picture.height, picture.width)
        if max(sides) > LONGEST_SIDE or min(sides) < SMALLEST_SIDE or picture.info.get("progressive"):
            raise FrameError("not a frame of ours")
        return np.asarray(picture.convert("RGB"))
    except FrameError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FrameError("cannot be decoded") from error


def write_answer(frame: LiveFrame, *, seconds: float) -> str:
    """What was found, as JSON.

    Args:
        frame: looked at.
        seconds: from the frame's arrival to this answer.
    """
    answer: dict[str, Any] = {
        "type": "found",
        "size": list(frame.image_size),
        "levels": [list(level) for level in frame.levels],
        "windows": frame.num_windows,
        "stages": [
            {
                "name": stage.name,
                "count": len(stage.boxes),
                "boxes": _numbers(stage.boxes[:MOST_BOXES]),
                "ms": round(1000 * stage.seconds, 2),
            }
            for stage in frame.stages
        ],
        "scores": [None if np.isnan(score) else round(float(score), 4) for score in frame.scores[:MOST_BOXES]],
        "landmarks": _numbers(frame.landmarks[:MOST_BOXES]),
        "ms": round(1000 * seconds, 2),
    }
    return json.dumps(answer, allow_nan=False)


def _numbers(array: np.ndarray) -> Any:
    return np.nan_to_num(array.astype(np.float64)).round(1).tolist()
