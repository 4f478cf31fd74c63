"""One million pairs, forward and backward, against torchvision in the same run: printed; target ≤ 1."""

from __future__ import annotations

import statistics
import time

import pytest
import torch
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss
from torchvision.ops._utils import _loss_inter_union

from vizcore.iou_losses import box_loss

NUM_PAIRS = 1_000_000
ROUNDS = 7


def iou_loss(boxes, targets):
    """Torchvision has no plain IoU loss; this is the one inside its others."""
    intersection, union = _loss_inter_union(boxes, targets)
    return 1 - intersection / (union + 1e-7)


REFERENCES = {
    "iou": iou_loss,
    "giou": generalized_box_iou_loss,
    "diou": distance_box_iou_loss,
    "ciou": complete_box_iou_loss,
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_box_loss_against_torchvision(kind):
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(2, NUM_PAIRS, 2, generator=generator) * 100
    sizes = torch.rand(2, NUM_PAIRS, 2, generator=generator) * 50 + 1
    boxes, targets = torch.cat([corners, corners + sizes], dim=2)

    def run(function):
        leaf = boxes.clone().requires_grad_()
        start = time.perf_counter()
        loss = function(leaf, targets)
        loss.sum().backward()
        return time.perf_counter() - start, loss.detach(), leaf.grad

    def ours(leaf, targets):
        return box_loss(kind, leaf, targets)

    run(ours)
    run(REFERENCES[kind])
    rounds = [(run(ours)[0], run(REFERENCES[kind])[0]) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / theirs for mine, theirs in rounds)
    print(
        f"\n{kind}: {NUM_PAIRS:,} pairs forward and backward: {1e3 * min(r[0] for r in rounds):.0f} ms, "
        f"torchvision {1e3 * min(r[1] for r in rounds):.0f} ms, median ratio {ratio:.2f}"
    )
    _, loss, gradient = run(ours)
    _, expected_loss, expected_gradient = run(REFERENCES[kind])
    torch.testing.assert_close(loss, expected_loss, rtol=1e-4, atol=2e-6)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-6)
