"""The shown suppression as a program that stands alone: the plain loop's own source, the boxes, and one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from vizcore.nms import plain
from vizcore.nms.result import NMSOptions, NMSTrace

MAX_WRITTEN = 300  # boxes set into a script; a longer table would be a file

_IMPORTS = """\
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor
"""


def write_nms_script(trace: NMSTrace) -> str:
    """Writes a program that suppresses the same boxes by the same rules and prints what is kept.

    Args:
        trace: any trace; with more than ``MAX_WRITTEN`` boxes the program reads them from ``grad2box-nms.json``, the
            page's download, instead of holding them.

    Returns:
        Python source that needs torch (and torchvision where that has the method), and nothing of this project. It
        prints ``keep:`` and ``scores:``.
    """
    options = trace.options
    data = "\n".join(_write_data(trace)) + "\n"
    if options.method == "hard" and not (options.suppress_equal or options.pixel_inclusive or options.ties == "last"):
        return "import torch\nimport torchvision\n\n" + data + _write_torchvision(trace)
    functions, call = {
        "hard": _call_greedy,
        "diou": _call_greedy,
        "soft_linear": _call_decay,
        "soft_gaussian": _call_decay,
        "matrix": _call_decay,
        "fusion": _call_fusion,
    }[options.method](options)
    sources = [inspect.getsource(function) for function in functions]
    return "\n\n".join([_IMPORTS, *sources, data]) + call


def _write_data(trace: NMSTrace) -> list[str]:
    dtype = f"torch.{trace.boxes.dtype.name}"
    if len(trace.boxes) > MAX_WRITTEN:
        return [
            "import json",
            "from pathlib import Path",
            "",
            'rows = json.loads(Path("grad2box-nms.json").read_text())  # the page\'s "Numbers as JSON"',
            f'boxes = torch.tensor([[row["x1"], row["y1"], row["x2"], row["y2"]] for row in rows], dtype={dtype})',
            'scores = torch.tensor([row["score"] for row in rows], dtype=torch.float64)',
            'labels = torch.tensor([row["label"] for row in rows])'
            if trace.labels is not None
            else "labels = torch.zeros(len(boxes))",
        ]
    rows = ["    [" + ", ".join(_number(value) for value in box) + "]," for box in trace.boxes.tolist()]
    scores = ", ".join(_number(score) for score in trace.scores.tolist())
    labels = "torch.zeros(len(boxes))" if trace.labels is None else f"torch.tensor({trace.labels.tolist()})"
    return [
        "boxes = torch.tensor([",
        *rows,
        f"], dtype={dtype}).reshape(-1, 4)",
        f"scores = torch.tensor([{scores}], dtype=torch.float64)",
        f"labels = {labels}",
    ]


def _write_torchvision(trace: NMSTrace) -> str:
    options = trace.options
    name, labels = ("nms", "") if trace.labels is None else ("batched_nms", "labels[sure], ")
    call = f"torchvision.ops.{name}(boxes[sure], scores[sure].to(boxes.dtype), {labels}{options.iou_threshold!r})"
    return f"""
sure = (scores >= {options.score_threshold!r}).nonzero()[:, 0]  # the candidates that take part
keep = sure[{call}].tolist()
print("keep:", keep)
print("scores:", [round(scores[index].item(), 6) for index in keep])
"""


def _call_greedy(options: NMSOptions) -> tuple[list[Callable], str]:
    functions: list[Callable] = [plain.iou, plain.ranked, plain.exceeds, plain.greedy_nms]
    if options.method == "diou":
        functions.insert(1, plain.diou)
    call = _call("keep", plain.greedy_nms, options, iou_threshold=repr(options.iou_threshold))
    return functions, call + _print("keep", "scores[index]", "index in keep")


def _call_decay(options: NMSOptions) -> tuple[list[Callable], str]:
    """Soft-NMS and Matrix NMS: both are given a decay."""
    functions: list[Callable] = [plain.iou, plain.ranked, plain.exceeds, plain.linear_decay]
    equal = ", suppress_equal=True" if options.suppress_equal else ""
    decay = f"partial(linear_decay, iou_threshold={options.iou_threshold!r}{equal})"
    if options.method == "soft_gaussian" or (options.method == "matrix" and options.matrix_kernel == "gaussian"):
        functions[2:] = [plain.gaussian_decay]
        decay = f"partial(gaussian_decay, sigma={options.sigma!r})"
    elif options.method == "matrix":
        decay = "partial(linear_decay, iou_threshold=0.0)"
    method = plain.matrix_nms if options.method == "matrix" else plain.soft_nms
    call = _call("keep, final", method, options, decay=decay)
    return [*functions, method], call + _print("keep", "final[index]", "index in keep")


def _call_fusion(options: NMSOptions) -> tuple[list[Callable], str]:
    call = _call("clusters", plain.box_fusion, options, iou_threshold=repr(options.iou_threshold))
    mean = "scores[members].double().mean()"
    printed = _print("[members[0] for members in clusters]", mean, "members in clusters")
    return [plain.iou, plain.ranked, plain.exceeds, plain.fuse, plain.box_fusion], call + printed


def _call(result: str, method: Callable, options: NMSOptions, **arguments: str) -> str:
    """The call with all that differs from the method's own defaults."""
    arguments["score_threshold"] = repr(options.score_threshold)
    if options.suppress_equal and "suppress_equal" in inspect.signature(method).parameters:
        arguments["suppress_equal"] = "True"
    if options.ties != "first":
        arguments["ties"] = f'"{options.ties}"'
    inclusive = ", pixel_inclusive=True" if options.pixel_inclusive else ""
    if options.method == "diou":
        arguments["overlap"] = f"partial(diou, distance_power={options.distance_power!r}{inclusive})"
    elif inclusive:
        arguments["overlap"] = f"partial(iou{inclusive})"
    rows = ["boxes, scores, labels", *(f"{name}={value}" for name, value in arguments.items())]
    return f"\n{result} = {method.__name__}(\n" + "".join(f"    {row},\n" for row in rows) + ")\n"


def _print(keep: str, score: str, each: str) -> str:
    return f"""print("keep:", {keep})
print("scores:", [round({score}.item(), 6) for {each}])
"""


def _number(value: float) -> str:
    return f"{value:.9g}"
