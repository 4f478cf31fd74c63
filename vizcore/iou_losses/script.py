"""What every loss says of one pair of boxes, as a program without this library."""

from __future__ import annotations

from collections.abc import Sequence

from vizcore.iou_losses.settings import DEFAULTS, LossSettings

_TORCHVISION = {
    "giou": "generalized_box_iou_loss",
    "diou": "distance_box_iou_loss",
    "ciou": "complete_box_iou_loss",
}
_EXPRESSIONS = {
    "l1": "(box - target).abs().sum(1)",
    "smooth_l1": "F.smooth_l1_loss(box, target, beta={beta!r}, reduction='none').sum(1)",
    "iou": "1 - iou",
    "giou": "1 - iou + (cw * ch - union) / (cw * ch + eps)",
    "diou": "1 - iou + rho2 / c2",
    "ciou": "1 - iou + rho2 / c2 + alpha * v",
    "eiou": "1 - iou + rho2 / c2 + (w - tw)**2 / (cw**2 + eps) + (h - th)**2 / (ch**2 + eps)",
    "siou": "1 - iou + (distance + shape) / 2",
    "alpha_iou": "1 - iou**{power!r}",
}
_IOU = """\
x1, y1, x2, y2 = box.unbind(1)
tx1, ty1, tx2, ty2 = target.unbind(1)
w, h, tw, th = x2 - x1, y2 - y1, tx2 - tx1, ty2 - ty1
shared_w = (torch.minimum(x2, tx2) - torch.maximum(x1, tx1)).clamp(min=0)
shared_h = (torch.minimum(y2, ty2) - torch.maximum(y1, ty1)).clamp(min=0)
union = w * h + tw * th - shared_w * shared_h
iou = shared_w * shared_h / (union + eps)
cw = torch.maximum(x2, tx2) - torch.minimum(x1, tx1)
ch = torch.maximum(y2, ty2) - torch.minimum(y1, ty1)
dx, dy = (x1 + x2 - tx1 - tx2) / 2, (y1 + y2 - ty1 - ty2) / 2
rho2, c2 = dx**2 + dy**2, cw**2 + ch**2 + eps
"""
_CIOU = """\
v = 4 / torch.pi**2 * (torch.atan(tw / th) - torch.atan(w / h))**2
alpha = v / (1 - iou + v + eps)
"""
_SIOU = """\
gamma = 2 - 2 * (dx * dy).abs() / (dx**2 + dy**2 + eps)
distance = 2 - torch.exp(-gamma * dx**2 / (cw**2 + eps)) - torch.exp(-gamma * dy**2 / (ch**2 + eps))
shape = sum((1 - torch.exp(-(a - b).abs() / (torch.maximum(a, b) + eps)))**4 for a, b in ((w, tw), (h, th)))
"""


def write_losses_script(
    kinds: Sequence[str],
    box: Sequence[float],
    target: Sequence[float],
    *,
    settings: LossSettings = DEFAULTS,
) -> str:
    """A program in plain torch and torchvision that prints the loss and the gradient of each kind.

    Args:
        kinds: some of ``KINDS``.
        box: predicted, xyxy, pixels.
        target: xyxy, pixels.
        settings: conventions.
    """
    plain = settings.eps == DEFAULTS.eps  # torchvision's CIoU hands its eps on to one of its two denominators only
    library = [
        kind
        for kind in kinds
        if plain and kind in _TORCHVISION and not (kind == "ciou" and (settings.alpha_gradient or settings.alpha_gate))
    ]
    own = [kind for kind in kinds if kind not in library]
    lines = ["import torch"]
    if "smooth_l1" in own:
        lines.append("import torch.nn.functional as F")
    if library:
        lines.append(f"from torchvision.ops import {', '.join(_TORCHVISION[kind] for kind in library)}")
    numbers = [", ".join(f"{number:.10g}" for number in side) for side in (box, target)]
    lines += [
        "",
        f"box = torch.tensor([[{numbers[0]}]], dtype=torch.float64, requires_grad=True)",
        f"target = torch.tensor([[{numbers[1]}]], dtype=torch.float64)",
        "",
    ]
    if set(own) - {"l1", "smooth_l1"}:
        lines += [f"eps = {settings.eps!r}", *_IOU.splitlines()]
    if "ciou" in own:
        lines += _CIOU.splitlines()
        if not settings.alpha_gradient:
            lines.append("alpha = alpha.detach()")
        if settings.alpha_gate:
            lines.append("alpha = torch.where(iou < 0.5, torch.zeros_like(alpha), alpha)")
    if "siou" in own:
        lines += _SIOU.splitlines()
    lines.append("losses = {")
    for kind in kinds:
        expression = f"{_TORCHVISION[kind]}(box, target)" if kind in library else _EXPRESSIONS[kind]
        lines.append(f'    "{kind}": {expression.format(beta=settings.beta, power=settings.power)},')
    lines += [
        "}",
        "for name, loss in losses.items():",
        "    (gradient,) = torch.autograd.grad(loss.sum(), box, retain_graph=True)",
        "    print(name, loss.item(), *gradient[0].tolist())",
    ]
    return "\n".join(lines) + "\n"
