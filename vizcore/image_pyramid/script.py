"""What the image pyramid page shows, as a program that runs without it."""

from __future__ import annotations

from vizcore.image_pyramid.pyramid import FUSION_STEPS


def write_sliding_window_script(
    photo: str,
    *,
    label: int,
    class_name: str,
    scale_step: float,
    num_levels: int,
    window_stride: int,
    score_threshold: float,
    iou_threshold: float,
    fusion_steps: int = FUSION_STEPS,
) -> str:
    """Prints each level's size, windows and best score, and the final boxes.

    Args:
        photo: lines that make ``photo``, see :mod:`vizcore.data.script`.
        label: the class looked for.
        class_name: its name, as a remark.
        scale_step: as in :func:`vizcore.image_pyramid.trace_sliding_window`, like the rest.
        num_levels: likewise.
        window_stride: likewise.
        score_threshold: likewise.
        iou_threshold: likewise.
        fusion_steps: likewise.
    """
    return (
        "from vizcore.image_pyramid import trace_sliding_window\n"
        "from vizcore.models.efficientnet_lite import load_efficientnet_lite0\n"
        f"{photo}"
        "trace = trace_sliding_window(\n"
        "    load_efficientnet_lite0(),\n"
        "    photo,\n"
        f"    label={label},  # {class_name}\n"
        f"    scale_step={scale_step},\n"
        f"    num_levels={num_levels},\n"
        f"    window_stride={window_stride},\n"
        f"    score_threshold={score_threshold},\n"
        f"    iou_threshold={iou_threshold},\n"
        f"    fusion_steps={fusion_steps},\n"
        ")\n"
        "for level, (height, width) in enumerate(trace.level_sizes):\n"
        "    scores = trace.score_map(level)\n"
        '    print(width, height, scores.size, f"{scores.max():.6f}")\n'
        "for kept in trace.keep:\n"
        "    box = trace.candidate_boxes[kept]\n"
        '    print(f"{trace.scores[trace.candidates[kept]]:.6f}", *(f"{side:.3f}" for side in box))\n'
    )
