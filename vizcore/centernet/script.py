"""What the CenterNet page shows, as programs that run without it."""

from __future__ import annotations

from collections.abc import Sequence


def write_splat_script(
    boxes: Sequence[Sequence[float]],
    labels: Sequence[int],
    map_size: tuple[int, int],
    num_classes: int,
    *,
    min_overlap: float = 0.7,
    formula: str = "exact",
) -> str:
    """A program in plain torch that draws the heatmap and prints each radius, then each map's sum and peaks.

    Args:
        boxes: xyxy, cells.
        labels: class of each.
        map_size: (height, width), cells.
        num_classes: maps.
        min_overlap: of the radius.
        formula: ``"exact"`` or ``"released"``.
    """
    roots = (
        (
            "    r1 = (total - (total**2 - 4 * area * (1 - o) / (1 + o)) ** 0.5) / 2\n"
            "    r2 = (2 * total - (4 * total**2 - 16 * (1 - o) * area) ** 0.5) / 8\n"
            "    r3 = (-2 * o * total + (4 * o**2 * total**2 + 16 * o * (1 - o) * area) ** 0.5) / (8 * o)\n"
        )
        if formula == "exact"
        else (
            "    r1 = (total + (total**2 - 4 * area * (1 - o) / (1 + o)) ** 0.5) / 2\n"
            "    r2 = (2 * total + (4 * total**2 - 16 * (1 - o) * area) ** 0.5) / 2\n"
            "    r3 = (-2 * o * total + (4 * o**2 * total**2 + 16 * o * (1 - o) * area) ** 0.5) / 2\n"
        )
    )
    height, width = map_size
    numbers = [[float(f"{side:.10g}") for side in box] for box in boxes]
    return (
        "import torch\n\n"
        f"boxes = {numbers}\n"
        f"labels = {list(labels)}\n"
        f"o = {min_overlap!r}\n"
        f"heatmap = torch.zeros({num_classes}, {height}, {width})\n"
        f'rows, columns = torch.meshgrid(torch.arange({height}), torch.arange({width}), indexing="ij")\n'
        "for (x1, y1, x2, y2), label in zip(boxes, labels):\n"
        "    total, area = x2 - x1 + y2 - y1, (x2 - x1) * (y2 - y1)\n"
        f"{roots}"
        "    radius = min(r1, r2, r3)\n"
        '    print("radius", f"{radius:.6f}")\n'
        "    x, y = (x1 + x2) // 2, (y1 + y2) // 2\n"
        f"    if not (0 <= x < {width} and 0 <= y < {height}):\n"
        "        continue\n"
        "    reach = int(radius)\n"
        "    sigma = (2 * reach + 1) / 6\n"
        "    splat = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))\n"
        "    splat[((columns - x).abs() > reach) | ((rows - y).abs() > reach)] = 0\n"
        "    heatmap[label] = torch.maximum(heatmap[label], splat)\n"
        "for number, part in enumerate(heatmap):\n"
        '    print("class", number, f"{part.sum().item():.4f}", int((part == 1).sum()))\n'
    )


def write_loss_script(p: float, y: float) -> str:
    """A program in plain torch that prints the loss of one pixel and its gradient.

    Args:
        p: probability that the network says.
        y: target.
    """
    return (
        "import torch\n\n"
        f"p = torch.tensor({p!r}, dtype=torch.float64, requires_grad=True)\n"
        f"y = {y!r}\n"
        "q = p.clamp(1e-4, 1 - 1e-4)\n"
        "if y == 1:\n"
        "    loss = -((1 - q) ** 2) * torch.log(q)\n"
        "else:\n"
        "    loss = -((1 - y) ** 4) * q**2 * torch.log(1 - q)\n"
        "loss.backward()\n"
        "print(loss.item(), p.grad.item())\n"
    )


def write_decode_script(picture: str, *, k: int, kernel: int = 3, offsets: bool = True) -> str:
    """Prints the best peaks of the trained detector on a picture, and their boxes in pixels of its input.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        k: boxes.
        kernel: of the peaks.
        offsets: use the offset head; else the middle of the cell.
    """
    said = "output.offsets[0]" if offsets else "torch.full_like(output.offsets[0], 0.5)"
    return (
        "import torch\n"
        "from vizcore import centernet\n"
        "from vizcore.models.centernet import STRIDE, load_centernet\n"
        "from vizcore.models.fcos import as_input\n"
        f"{picture}"
        "with torch.inference_mode():\n"
        "    output = load_centernet()(as_input(torch.from_numpy(picture)[None]))\n"
        "boxes, scores, labels = centernet.decode(\n"
        f"    output.heatmap[0], {said}, output.sizes[0], k={k}, kernel={kernel}\n"
        ")\n"
        "for box, score, label in zip(boxes * STRIDE, scores, labels):\n"
        '    print(int(label), f"{score:.6f}", *(f"{side:.3f}" for side in box))\n'
    )
