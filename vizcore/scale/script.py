"""What the scale page shows, as programs that run without it."""

from __future__ import annotations

import math
from collections.abc import Sequence


def write_object_script(
    box: Sequence[float], size: tuple[int, int], ranges: Sequence[tuple[float, float]], bounds: str
) -> str:
    """Prints an object's size at each resolution, and whether it teaches there.

    Args:
        box: xyxy, pixels of the original picture.
        size: (height, width) of that picture.
        ranges: one for each resolution.
        bounds: ``"closed"`` or ``"half_open"``.
    """
    pairs = ", ".join(f"({low:g}, {_write(high)})" for low, high in ranges)
    return (
        "import math\n\nfrom vizcore import scale\n\n"
        f"box = ({', '.join(f'{corner:g}' for corner in box)})\n"
        f'for level in scale.trace_object(box, {tuple(size)}, ranges=[{pairs}], bounds="{bounds}"):\n'
        '    print(level.resolution.name, f"{level.side:.3f}", int(level.valid))\n'
    )


def write_sizes_script(count: int) -> str:
    """Prints the relative sizes of the drawn objects at 10, 50 and 90 %.

    Args:
        count: of scenes.
    """
    return (
        "from vizcore import scale\n\n"
        f'sample = scale.scene_sample("validation", {count})\n'
        "for share in (0.1, 0.5, 0.9):\n"
        '    print(share, f"{sample.quantile(share):.6f}")\n'
    )


def write_chips_script(scene: int, ranges: Sequence[tuple[float, float]], level: int) -> str:
    """Prints the chips of a scene at one resolution.

    Args:
        scene: its index in the validation split.
        ranges: one for each resolution.
        level: which one, 0 the lowest.
    """
    pairs = ", ".join(f"({low:g}, {_write(high)})" for low, high in ranges)
    return (
        "import math\n\nfrom vizcore import scale\nfrom vizcore.data.scenes import draw_scene\n\n"
        f'scene = draw_scene("validation", {scene})\n'
        f"trace = scale.trace_chips(scene.boxes, scene.pixels.shape[:2], ranges=[{pairs}])[{level}]\n"
        "for chip in trace.chips.tolist():\n"
        "    print(*chip)\n"
        "print(trace.pixels, trace.whole_pixels)\n"
    )


def _write(end: float) -> str:
    return "math.inf" if math.isinf(end) else f"{end:g}"
