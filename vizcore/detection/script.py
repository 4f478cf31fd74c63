"""What the detection page shows, as a program that runs without it."""

from __future__ import annotations

from collections.abc import Sequence

from vizcore.detection.output import DetectorOutput
from vizcore.detection.truth import Verdict


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


def write_truth_script(photo: str, verdicts: Sequence[Verdict]) -> str:
    """Prints, for each detector, what it found, missed and said wrongly, its AP, and the IoU of each pair.

    Args:
        photo: lines that make ``photo``, see :mod:`vizcore.data.script`.
        verdicts: of the detectors, against the same true boxes; at least one.
    """
    truths = "".join(f"    [{', '.join(f'{side:.10g}' for side in row)}],\n" for row in verdicts[0].truths.tolist())
    rules = "".join(
        f'    ("{each.output.name}", {each.output.score_threshold}, {each.output.iou_threshold}),\n'
        for each in verdicts
    )
    return (
        "from vizcore.detection import run_detector\n"
        "from vizcore.detection.truth import judge\n"
        f"{photo}"
        f"truths = [\n{truths}]\n"
        f"detectors = [\n{rules}]\n"
        "for name, score_threshold, iou_threshold in detectors:\n"
        "    output = run_detector(name, photo, score_threshold=score_threshold, iou_threshold=iou_threshold)\n"
        f"    verdict = judge(output, truths, match_threshold={verdicts[0].match_threshold:g})\n"
        "    print(name, verdict.num_found, verdict.num_missed, verdict.num_false,"
        ' f"{verdict.ap:.4f} {verdict.ap50:.4f}")\n'
        "    for truth, box in enumerate(verdict.found_by):\n"
        '        print("  object", truth + 1, "missed" if box < 0 else f"{verdict.pair_ious[box]:.4f}")\n'
    )
