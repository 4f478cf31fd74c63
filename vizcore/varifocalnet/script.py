"""What the VarifocalNet page shows, as programs that run without it."""

from __future__ import annotations

from collections.abc import Sequence


def write_losses_script(p: float, q: float, *, alpha: float = 0.75, gamma: float = 2.0) -> str:
    """A program in plain torch that prints the three losses of one score, and their gradients by it.

    Args:
        p: score, in (0, 1).
        q: target.
        alpha: of the varifocal loss; the focal loss's is 1 − α.
        gamma: exponent.
    """
    return (
        "import torch\n"
        "import torch.nn.functional as F\n"
        "from torchvision.ops import sigmoid_focal_loss\n\n"
        f"p = torch.tensor({p!r}, dtype=torch.float64, requires_grad=True)\n"
        f"q = torch.tensor({q!r}, dtype=torch.float64)\n"
        f"alpha, gamma = {alpha!r}, {gamma!r}\n"
        "cross_entropy = F.binary_cross_entropy(p, q)\n"
        "losses = {\n"
        '    "focal": sigmoid_focal_loss(p.logit(), (q > 0).double(), alpha=1 - alpha, gamma=gamma),\n'
        '    "quality_focal": (q - p).abs() ** gamma * cross_entropy,\n'
        '    "varifocal": (q if q > 0 else alpha * p**gamma) * cross_entropy,\n'
        "}\n"
        "for name, loss in losses.items():\n"
        "    (gradient,) = torch.autograd.grad(loss, p, retain_graph=True)\n"
        "    print(name, loss.item(), gradient.item())\n"
    )


def write_star_script(point: Sequence[float], distances: Sequence[float], stride: int) -> str:
    """A program in plain torch that prints the nine points, and the offsets that a 3×3 kernel needs to look there.

    Args:
        point: (x, y) of the cell's middle, pixels.
        distances: to the left, top, right and bottom side, pixels.
        stride: of the level.
    """
    x, y = (float(f"{number:.10g}") for number in point)
    left, top, right, bottom = (float(f"{number:.10g}") for number in distances)
    return (
        f"x, y, stride = {x}, {y}, {stride}\n"
        f"left, top, right, bottom = {left}, {top}, {right}, {bottom}\n"
        "for i, dy in enumerate((-top, 0, bottom)):\n"
        "    for j, dx in enumerate((-left, 0, right)):\n"
        '        print(f"{x + dx:.4f} {y + dy:.4f} {dx / stride - (j - 1):.4f} {dy / stride - (i - 1):.4f}")\n'
    )
