"""What the detection page shows, as a program that runs without it."""

from __future__ import annotations

from vizcore.detection.output import DetectorOutput


def write_detection_script(photo: str, output: DetectorOutput) -> str:
    """Prints how many candidates and final boxes there are, and the boxes.

    Args:
        photo: lines that make ``photo``, see :mod:`vizcore.data.script`.
        output: what is reproduced.
    """
    return (
        "from vizcore.detection import run_detector\n"
        f"{photo}"
        f"thresholds = dict(score_threshold={output.score_threshold}, iou_threshold={output.iou_threshold})\n"
        f'output = run_detector("{output.name}", photo, **thresholds)\n'
        "print(len(output.candidates), len(output))\n"
        "for label, score, box in zip(output.labels, output.scores, output.boxes):\n"
        '    print(output.label_names[label], f"{score:.6f}", *(f"{side:.3f}" for side in box))\n'
    )
