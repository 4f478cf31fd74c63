"""The shown picture's likelihood as a program that stands alone.

FVSBN, NADE and MADE are written out as the plain loop over pixels, so that a reader sees the formula; the PixelCNNs as
their convolutions. Weights are read from the file that is shipped or was trained, whose path is a line of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vizcore.autoregressive.orders import pixel_order
from vizcore.autoregressive.shipped import PixelCard, build_from
from vizcore.models.autoregressive import AutoregressiveError
from vizcore.models.made import MADE

UNKNOWN: Final = "No program is written for {kind}."

_LOOPS: Final = {
    "independent": """
logits = weights["biases"]
logits = logits if label is None else logits[label]
""",
    "fvsbn": """
logits = weights["biases"].clone()
if label is not None:
    logits += weights["label_weights"][:, label]
for step, pixel in enumerate(order):
    for earlier in order[:step]:
        logits[pixel] += weights["weights"][pixel, earlier] * x[earlier]
""",
    "nade": """
a = weights["c"].clone()
if label is not None:
    a += weights["label_weights"][:, label]
logits = torch.zeros(len(x))
for pixel in order:
    logits[pixel] = weights["b"][pixel] + weights["V"][pixel] @ torch.relu(a)
    a += weights["W"][:, pixel] * x[pixel]  # what makes it a NADE: the hidden units accumulate
""",
    "made": """
rank = torch.tensor(order).argsort() + 1
layers = [rank, *(torch.tensor(layer) for layer in degrees)]
h = x
for index, (inputs, units) in enumerate(zip(layers, layers[1:])):
    mask = units[:, None] >= inputs[None, :]
    h = (weights[f"weights.{index}"] * mask) @ h + weights[f"biases.{index}"]
    if index == 0 and label is not None:
        h = h + weights["label_weights"][:, label]
    h = torch.relu(h)
mask = rank[:, None] > layers[-1][None, :]
logits = (weights[f"weights.{len(degrees)}"] * mask) @ h + weights[f"biases.{len(degrees)}"]
""",
    "pixelcnn": """
h = x[order].reshape(1, 1, *size)
layers = sum(name.startswith("convolutions.") and name.endswith(".weight") for name in weights)
for layer in range(layers):
    kernel = weights[f"convolutions.{layer}.weight"].clone()
    middle = kernel.shape[-1] // 2
    kernel[:, :, middle + 1 :] = 0  # rows below
    kernel[:, :, middle, middle + (layer > 0) :] = 0  # mask A hides the centre, mask B shows it
    new = F.conv2d(h, kernel, weights[f"convolutions.{layer}.bias"], padding=middle)
    if label is not None:
        new = new + weights[f"label_weights.{layer}"][label][:, None, None]
    h = h + new.relu() if layer else new.relu()
h = F.conv2d(h, weights["mix.weight"], weights["mix.bias"]).relu()
logits = F.conv2d(h, weights["last.weight"], weights["last.bias"]).flatten()
logits = logits[torch.tensor(order).argsort()] + weights["biases"]
""",
    "gated_pixelcnn": """
def gate(a):
    value, gate = a.chunk(2, 1)
    return value.tanh() * gate.sigmoid()


v = h = x[order].reshape(1, 1, *size)
height, width = size
layers = sum(name.endswith(".vertical.weight") for name in weights)
for layer in range(layers):
    part = {name.removeprefix(f"stacks.{layer}."): value for name, value in weights.items()}
    pad = part["vertical.weight"].shape[-1] // 2
    above = F.conv2d(F.pad(v, (pad, pad, pad, 0)), part["vertical.weight"], part["vertical.bias"])[:, :, :height]
    left = F.conv2d(F.pad(h, (pad, 0, 0, 0)), part["horizontal.weight"], part["horizontal.bias"])[..., :width]
    down = F.conv2d(above, part["down.weight"], part["down.bias"])
    added = torch.zeros(2, 1, 1, 1) if label is None else weights[f"label_weights.{layer}"][label].reshape(2, -1, 1, 1)
    v = gate(above + added[0])
    new = F.conv2d(gate(left + down + added[1]), part["out.weight"], part["out.bias"])
    h = h + new if layer else new
h = F.conv2d(h, weights["mix.weight"], weights["mix.bias"]).relu()
logits = F.conv2d(h, weights["last.weight"], weights["last.bias"]).flatten()
logits = logits[torch.tensor(order).argsort()] + weights["biases"]
""",
}


def write_autoregressive_script(
    card: PixelCard, picture: np.ndarray | Sequence[int], *, weights: str, label: int | None = None
) -> str:
    """Writes a program that computes a picture's log-likelihood under a trained model.

    Args:
        card: of the model.
        picture: ``[D]`` of 0 and 1, raster order.
        weights: path of the model's ``.safetensors`` file, as the reader has it.
        label: of a model with labels.

    Returns:
        Python source that needs torch and safetensors, and nothing of this project. It prints ``log p(x):`` in nats and
        ``bits per pixel:``.

    Raises:
        AutoregressiveError: for a kind that has no program.
    """
    if card.kind not in _LOOPS:
        raise AutoregressiveError(UNKNOWN, kind=card.kind)
    order = pixel_order(card.order, card.size, seed=card.seed).tolist()
    written = f"list(range({len(order)}))" if card.order == "raster" else order
    lines = [
        "import torch",
        "import torch.nn.functional as F",
        "from safetensors.torch import load_file",
        "",
        f"weights = {{name: value.float() for name, value in load_file({weights!r}).items()}}",
        f"size = {tuple(card.size)!r}",
        f"order = {written}  # the pixel drawn first, second, …",
        f"label = {label!r}",
        f'x = torch.tensor([float(pixel) for pixel in "{"".join(str(int(pixel)) for pixel in picture)}"])',
    ]
    if card.kind == "made":
        model = build_from(card)
        assert isinstance(model, MADE)
        lines.append(f"degrees = {[layer.tolist() for layer in model.degrees]}  # how many pixels each unit sees")
    end = """
log_likelihood = -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
print("log p(x):", round(log_likelihood.item(), 4))
print("bits per pixel:", round(-log_likelihood.item() / len(x) / torch.tensor(2.0).log().item(), 4))
"""
    return "\n".join(lines) + "\n" + _LOOPS[card.kind] + end
