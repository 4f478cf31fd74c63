"""The shown matching as a program that stands alone: the plain functions' own source, the numbers, and one call."""

from __future__ import annotations

import inspect

from jaxtyping import Float, Int64
from torch import Tensor

from vizcore.detr import plain

_IMPORTS = """\
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
"""


def write_match_script(
    logits: Float[Tensor, "Q K1"],
    boxes_cxcywh: Float[Tensor, "Q 4"],
    labels: Int64[Tensor, " T"],
    targets_cxcywh: Float[Tensor, "T 4"],
    *,
    cost_class: float = 1,
    cost_bbox: float = 5,
    cost_giou: float = 2,
) -> str:
    """Writes a program that matches the same queries to the same targets.

    Args:
        logits: of the classes; the last one is "no object".
        boxes_cxcywh: predicted, in sides of the picture.
        labels: of the targets.
        targets_cxcywh: in sides of the picture.
        cost_class: weight of the class part.
        cost_bbox: weight of the L1 part.
        cost_giou: weight of the GIoU part.

    Returns:
        Python source that needs torch and scipy, and nothing of this project. It prints ``cost:``, ``optimal:``,
        ``greedy:`` and the two totals.
    """
    functions = (plain.giou, plain.match_cost, plain.match, plain.match_greedily)
    data = [
        f"logits = {_table(logits, logits.shape[1])}",
        f"boxes = {_table(boxes_cxcywh, 4)}  # cx, cy, width, height in sides of the picture",
        f"labels = torch.tensor({labels.tolist()}, dtype=torch.int64)",
        f"targets = {_table(targets_cxcywh, 4)}",
    ]
    weights = f"{float(cost_class)!r}, {float(cost_bbox)!r}, {float(cost_giou)!r}"
    call = f"""
cost = match_cost(logits, boxes, labels, targets, {weights})
print("cost:", [[round(value, 6) for value in row] for row in cost.tolist()])
for name, pairs in (("optimal", match(cost)), ("greedy", match_greedily(cost))):
    print(f"{{name}}:", sorted(pairs))
    print(f"{{name}} total:", round(sum(cost[pair].item() for pair in pairs), 6))
"""
    return "\n\n".join([_IMPORTS, *(inspect.getsource(each) for each in functions), "\n".join(data) + "\n"]) + call


def _table(values: Tensor, columns: int) -> str:
    dtype = str(values.dtype)
    rows = ["    [" + ", ".join(f"{value:.9g}" for value in row) + "]," for row in values.tolist()]
    if not rows:
        return f"torch.zeros(0, {columns}, dtype={dtype})"
    return "torch.tensor([\n" + "\n".join(rows) + f"\n], dtype={dtype})"
