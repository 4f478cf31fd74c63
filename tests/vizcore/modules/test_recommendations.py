from __future__ import annotations

import pytest
import torch
from torch import nn

from vizcore import modules
from vizcore.seeding import seeded


def test_recommendations_say_what_was_measured() -> None:
    lines = {line.need: line for line in modules.measure_recommendations()}
    assert "not a Module subclass" in str(lines["in_sequential"].functional)
    assert "cannot assign" in str(lines["computed_weight"].module)
    assert float(lines["computed_weight"].functional) > 0
    assert (lines["tied_weight"].module, lines["tied_weight"].functional) == (16, 8)
    assert lines["weighted_layer"].functional == lines["batch_norm"].functional == 0
    assert lines["loss"].module == 0
    assert float(lines["dropout"].functional) > float(lines["dropout"].module) == 1


def test_traps_say_what_was_measured() -> None:
    traps = {trap.name: trap for trap in modules.measure_traps()}
    assert (traps["parameter_list"].mistaken, traps["parameter_list"].intended) == (0, 4 * 3 + 3)
    assert traps["eval_keeps_gradients"].mistaken > 0 == traps["eval_keeps_gradients"].intended
    assert traps["forgotten_zero_grad"].mistaken == pytest.approx(2 * traps["forgotten_zero_grad"].intended)
    assert traps["softmax_before_loss"].mistaken != pytest.approx(traps["softmax_before_loss"].intended)
    assert traps["broadcast_loss"].mistaken != pytest.approx(traps["broadcast_loss"].intended)
    assert "more than 1 value per channel" in str(traps["batch_of_one"].mistaken)


def test_broadcast_loss_is_the_mean_over_all_pairs() -> None:
    with seeded(0):
        nn.Linear(4, 3)
        other = nn.Linear(4, 1)
        x = torch.randn(6, 4)
        torch.randint(3, (6,))
        values = torch.randn(6)
    pairs = (other(x) - values[None, :]).square().mean()  # [6, 1] against [1, 6]: all 36 differences
    traps = {trap.name: trap for trap in modules.measure_traps()}
    assert traps["broadcast_loss"].mistaken == pytest.approx(float(pairs.detach()), rel=1e-5)
