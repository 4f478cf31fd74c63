"""What a pair costs in the browser is what it costs in torch."""

import numpy as np
import torch

from tests.javascript import evaluate_javascript
from tests.vizcore.detr.predictions import random_set
from vizcore import detr
from vizcore.detr.javascript import ARGUMENT_NAMES, compile_cost, pair_cost

NAMES = ("total", "class_part", "bbox_part", "giou_part")


def all_pairs(*case: torch.Tensor, weights: tuple[float, float, float]) -> torch.Tensor:
    """The browser's arguments for every query and every target, row by row."""
    logits, boxes, labels, targets = case
    number, columns = len(boxes), len(targets)
    return torch.cat(
        [
            boxes.repeat_interleave(columns, 0),
            targets.repeat(number, 1),
            logits.softmax(1)[:, labels].reshape(-1, 1),
            torch.tensor(weights, dtype=torch.float64).expand(number * columns, 3),
        ],
        dim=1,
    )


def test_a_pair_is_an_entry_of_the_matrix():
    case = random_set(30, 20)
    cost = detr.match_cost(*case, cost_class=0.5, cost_bbox=4, cost_giou=3)
    found = pair_cost(*all_pairs(*case, weights=(0.5, 4, 3)).unbind(1))
    for name in NAMES:
        torch.testing.assert_close(found[name].reshape(30, 20), getattr(cost, name))


def test_the_browser_computes_what_torch_does():
    inputs = all_pairs(*random_set(60, 40, seed=5), weights=(1, 5, 2))
    inputs[:20, 4:8] = inputs[:20, :4]  # a box on its target
    inputs[20:40, 2:4] = 0  # a point
    inputs[40:60, [2, 3, 6, 7]] = 0  # two points
    inputs[50:60, 4:6] = inputs[50:60, :2]  # two at one place
    wanted = pair_cost(*inputs.unbind(1))
    assert all(value.isfinite().all() for value in wanted.values())
    assert inputs.shape[1] == len(ARGUMENT_NAMES)
    found = evaluate_javascript(compile_cost(), "pair_cost", inputs.numpy())[:, -len(NAMES) :]
    np.testing.assert_allclose(found, torch.stack([wanted[name] for name in NAMES], 1).numpy(), rtol=1e-12, atol=1e-14)
