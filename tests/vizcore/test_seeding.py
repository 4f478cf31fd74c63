from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vizcore.seeding import seeded

DRAWS = {
    "rand": lambda: torch.rand(5),
    "randn": lambda: torch.randn(2, 3),
    "randn_double": lambda: torch.randn(4, dtype=torch.float64),
    "randn_requires_grad": lambda: torch.randn(4, requires_grad=True),
    "randint": lambda: torch.randint(7, (9,)),
    "randint_low": lambda: torch.randint(3, 7, (9,)),
    "randperm": lambda: torch.randperm(11),
    "rand_like": lambda: torch.rand_like(torch.empty(5)),
    "randn_like": lambda: torch.randn_like(torch.empty(5)),
    "randint_like": lambda: torch.randint_like(torch.empty(5), 9),
    "normal": lambda: torch.normal(torch.zeros(5), torch.ones(5)),
    "normal_": lambda: torch.empty(20).normal_(),
    "uniform_": lambda: torch.empty(5).uniform_(),
    "bernoulli": lambda: torch.bernoulli(torch.full((20,), 0.5)),
    "multinomial": lambda: torch.multinomial(torch.ones(6), 3),
    "exponential_": lambda: torch.empty(5).exponential_(),
    "dropout": lambda: F.dropout(torch.ones(50), 0.5),
    "dropout2d": lambda: F.dropout2d(torch.ones(2, 8, 2, 2), 0.5),
    "linear": lambda: nn.Linear(4, 3).weight.detach(),
    "conv": lambda: nn.Conv2d(2, 3, 3).bias.detach(),
    "embedding": lambda: nn.Embedding(4, 3).weight.detach(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_those_of_manual_seed(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected = [DRAWS[name]() for _ in range(3)]
    with seeded(7):
        drawn = [DRAWS[name]() for _ in range(3)]
    for ours, theirs in zip(drawn, expected, strict=True):
        assert torch.equal(ours, theirs)


def test_the_global_generator_does_not_move() -> None:
    before = torch.get_rng_state()
    with seeded(0):
        for draw in DRAWS.values():
            draw()
    assert torch.equal(torch.get_rng_state(), before)


def test_an_explicit_generator_keeps_its_own_numbers() -> None:
    expected = torch.rand(4, generator=torch.Generator().manual_seed(3))
    with seeded(0):
        drawn = torch.rand(4, generator=torch.Generator().manual_seed(3))
    assert torch.equal(drawn, expected)


def test_threads_do_not_disturb_each_other() -> None:
    def draw(seed: int) -> torch.Tensor:
        with seeded(seed):
            return torch.cat([F.dropout(torch.rand(8), 0.5) for _ in range(40)])

    expected = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for ours, theirs in zip(pool.map(draw, range(8)), expected, strict=True):
            assert torch.equal(ours, theirs)


def test_gradients_flow_through_seeded_operators() -> None:
    with seeded(1):
        x = torch.ones(100, requires_grad=True)
        kept = F.dropout(x, 0.5)
    kept.sum().backward()
    assert torch.equal(x.grad, kept.detach())  # kept elements scale by 1 / (1 - 0.5), dropped ones by 0
