"""The shown suppression as a program that stands alone."""

from __future__ import annotations

from vizcore.nms.trace import NMSTrace

MAX_WRITTEN = 300  # boxes set into a script; a longer table would be a file

_OVERLAP = """
def overlap(box, others):  # {what}
    top_left, bottom_right = torch.maximum(box[:2], others[:, :2]), torch.minimum(box[2:], others[:, 2:])
    shared = (bottom_right - top_left{one}).clamp(min=0).prod(1)
    area = (box[2:] - box[:2]{one}).prod() + (others[:, 2:] - others[:, :2]{one}).prod(1)
    iou = shared / (area - shared)
    iou = iou.nan_to_num(0.0)  # two boxes without area
{distance}"""

_DISTANCE = """    apart = ((box[:2] + box[2:] - others[:, :2] - others[:, 2:]) / 2).pow(2).sum(1)
    across = torch.maximum(box[2:], others[:, 2:]) - torch.minimum(box[:2], others[:, :2]){one}
    penalty = (apart / across.pow(2).sum(1)).nan_to_num(0.0)
    return iou - penalty ** {power}
"""

_HARD = """
keep = []
waiting = [index for index in range(len(boxes)) if scores[index] >= {floor}]
while waiting:
    best = max(scores[index].item() for index in waiting)
    pick = [index for index in waiting if scores[index].item() == best][{tie}]  # of equal scores the {ties} index
    keep.append(pick)
    waiting.remove(pick)
    others = [index for index in waiting if labels[index] == labels[pick]]
    if not others:
        continue
    iou = overlap(boxes[pick], boxes[others]).double()
    gone = {{index for index, out in zip(others, ({beyond}).tolist()) if out}}
    waiting = [index for index in waiting if index not in gone]

print("keep:", keep)
print("scores:", [round(scores[index].item(), 6) for index in keep])
"""

_SOFT = """
left, keep = scores.double(), []
waiting = [index for index in range(len(boxes)) if left[index] >= {floor}]
while waiting:
    best = max(left[index].item() for index in waiting)
    pick = [index for index in waiting if left[index].item() == best][{tie}]  # of equal scores the {ties} index
    keep.append(pick)
    waiting.remove(pick)
    others = [index for index in waiting if labels[index] == labels[pick]]
    if not others:
        continue
    iou = overlap(boxes[pick], boxes[others]).double()
    left[others] *= {factor}
    waiting = [index for index in waiting if left[index] >= {floor}]

print("keep:", keep)
print("scores:", [round(left[index].item(), 6) for index in keep])
"""

_MATRIX = """
order = sorted((index for index in range(len(boxes)) if scores[index] >= {floor}), key=lambda index: ({key}))
left, covered = scores.double(), {{}}
for place, index in enumerate(order):
    better = [other for other in order[:place] if labels[other] == labels[index]]
    iou = overlap(boxes[index], boxes[better]).double() if better else torch.zeros(0).double()
    covered[index] = iou.max() if better else torch.tensor(0.0).double()
    ratios = [decay(value) / decay(covered[other]) for value, other in zip(iou, better) if decay(covered[other]) > 0]
    left[index] *= min([1.0, *ratios])

keep = sorted((index for index in order if left[index] >= {floor}), key=lambda index: -left[index].item())
print("keep:", keep)
print("scores:", [round(left[index].item(), 6) for index in keep])
"""

_FUSION = """
order = sorted((index for index in range(len(boxes)) if scores[index] >= {floor}), key=lambda index: ({key}))
clusters = []


def fuse(members):
    weights = scores[members].double()
    weights = weights if weights.sum() > 0 else torch.ones_like(weights)
    return ((boxes[members].double() * weights[:, None]).sum(0) / weights.sum()).to(boxes.dtype)


for index in order:
    same = [members for members in clusters if labels[members[0]] == labels[index]]
    iou = overlap(boxes[index], torch.stack([fuse(members) for members in same])).double() if same else torch.zeros(1)
    best = max(range(len(iou)), key=lambda place: ({best}))
    if same and iou[best] {compare} {threshold}:
        same[best].append(index)
    else:
        clusters.append([index])

clusters.sort(key=lambda members: -scores[members].double().mean().item())
print("keep:", [members[0] for members in clusters])
print("scores:", [round(scores[members].double().mean().item(), 6) for members in clusters])
"""


def write_script(trace: NMSTrace) -> str:
    """Writes a program that suppresses the same boxes by the same rules and prints what is kept.

    Args:
        trace: any trace; with more than ``MAX_WRITTEN`` boxes the program reads them from ``grad2box-nms.json``, the
            page's download, instead of holding them.

    Returns:
        Python source that needs torch (and torchvision where that has the method), and nothing of this project. It
        prints ``keep:`` and ``scores:``.
    """
    options = trace.options
    lines = ["import torch"]
    plain = not (options.suppress_equal or options.pixel_inclusive or options.ties == "last")
    by_torchvision = options.method == "hard" and plain
    if by_torchvision:
        lines.append("import torchvision")
    lines += ["", *_write_data(trace)]
    if by_torchvision:
        return "\n".join(lines) + _write_torchvision(trace)
    body = {"matrix": _write_matrix, "fusion": _write_fusion}.get(options.method, _write_greedy)
    return "\n".join(lines) + "\n" + _write_overlap(trace) + body(trace)


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


def _write_overlap(trace: NMSTrace) -> str:
    options = trace.options
    one = " + 1" if options.pixel_inclusive else ""
    distance = "    return iou\n"
    if options.method == "diou":
        distance = _DISTANCE.format(one=one, power=repr(options.distance_power))
    what = "IoU less the distance of the centres" if options.method == "diou" else "IoU"
    return _OVERLAP.format(what=what, one=one, distance=distance) + "\n"


def _write_greedy(trace: NMSTrace) -> str:
    options = trace.options
    compare = ">=" if options.suppress_equal else ">"
    beyond = f"iou {compare} {options.iou_threshold!r}"
    factor = f"torch.where({beyond}, 1 - iou, 1.0)"
    if options.method == "soft_gaussian":
        factor = f"torch.exp(-(iou**2) / {options.sigma!r})"
    template = _HARD if options.method in ("hard", "diou") else _SOFT
    return template.format(
        floor=repr(options.score_threshold),
        tie=0 if options.ties == "first" else -1,
        ties=options.ties,
        beyond=beyond,
        factor=factor,
    )


def _write_matrix(trace: NMSTrace) -> str:
    options = trace.options
    decay = (
        f"torch.exp(-(iou**2) / {options.sigma!r})"
        if options.matrix_kernel == "gaussian"
        else "1 - torch.as_tensor(iou)"
    )
    head = f"\ndef decay(iou):\n    return {decay}\n\n"
    return head + _MATRIX.format(floor=repr(options.score_threshold), key=_order_key(trace))


def _write_fusion(trace: NMSTrace) -> str:
    options = trace.options
    best = "iou[place].item(), -place" if options.ties == "first" else "iou[place].item(), place"
    return _FUSION.format(
        floor=repr(options.score_threshold),
        key=_order_key(trace),
        compare=">=" if options.suppress_equal else ">",
        threshold=repr(options.iou_threshold),
        best=best,
    )


def _order_key(trace: NMSTrace) -> str:
    return "-scores[index].item(), index" if trace.options.ties == "first" else "-scores[index].item(), -index"


def _number(value: float) -> str:
    return f"{value:.9g}"
