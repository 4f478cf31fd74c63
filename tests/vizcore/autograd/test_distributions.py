# ruff: noqa: E501  (one hostile program a line reads best)
"""``torch.distributions`` in programs: the program's own random numbers, and hostile shapes. The corpus compares it with torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizcore.autograd import run_program

MADE = {
    "Normal": "torch.tensor([0.5, -2.0]), torch.tensor([0.25, 3.0])",
    "Uniform": "torch.tensor([0.5, -2.0]), torch.tensor([0.75, 3.0])",
    "Bernoulli": "torch.tensor([0.25, 0.75])",
    "Categorical": "torch.tensor([[1.0, 3.0], [2.0, 1.0]])",
}


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(sorted(MADE)), shape=st.lists(st.integers(1, 4), max_size=3), seed=st.integers(0, 2**31))
def test_a_sample_is_the_one_after_the_seed_and_torchs_own_generator_stays(
    name: str, shape: list[int], seed: int
) -> None:
    make = f"torch.distributions.{name}({MADE[name]})"
    torch.manual_seed(seed)
    distribution = eval(make)
    wanted = distribution.sample(tuple(shape))
    before = torch.get_rng_state()
    trace = run_program(f"d = {make}\ns = d.sample({shape})\np = d.log_prob(s)", seed=seed)
    assert trace.error is None
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(trace.variables["s"], wanted.numpy())
    np.testing.assert_array_equal(trace.variables["p"], distribution.log_prob(wanted).numpy())


def test_the_reparameterized_sample_stands_in_the_graph_and_the_sample_does_not() -> None:
    trace = run_program(
        "mu = torch.tensor(2.0, requires_grad=True)\nd = torch.distributions.Normal(mu, 1.0)\ns = d.sample()\nz = d.rsample()\nz.backward()"
    )
    assert trace.error is None
    assert trace.grads["mu"] == 1.0  # z = mu + eps
    assert {node.name for node in trace.nodes} >= {"AddBackward0", "AccumulateGrad"}
    states = {state.name: state for state in trace.tensors}
    assert (states["s"].node, states["s"].requires_grad, states["z"].requires_grad) == (None, False, True)


USE = "from torch.distributions import *\n"
REFUSED = [
    ("Normal(0., 1.).sample((10**9,))", "at most 131,072 elements"),
    ("Normal(0., 1.).sample((2**62, 2**62))", "at most 131,072 elements"),
    ("Normal(0., 1.).sample((1,) * 4000)", "dimensions"),
    ("Normal(0., 1.).rsample((-1, 10**9))", ""),
    ("Categorical(torch.ones(2)).sample((-1000, -10**6))", "elements"),
    ("Normal(0., 1.).sample(np.array([30000, 20000]))", "elements"),
    ("Normal(torch.zeros(131072, 1), torch.ones(1, 131072))", "elements"),
    ("Normal(torch.zeros(1000), torch.ones(1000)).sample((200,))", "elements"),
    ("Normal(torch.zeros(131072), 1.).log_prob(torch.ones(131072, 1))", "elements"),
    ("Categorical(torch.ones(131072)).log_prob(torch.zeros(131072))", "elements"),
    ("kl_divergence(Normal(torch.zeros(1000, 1), 1.), Normal(torch.zeros(1, 1000), 1.))", "elements"),
    ("d = Uniform(torch.zeros(131072), torch.ones(131072))\nd.low.unsqueeze_(1)\nd.entropy()", "elements"),
    ("d = Uniform(torch.zeros(131072), torch.ones(131072))\nd.low.unsqueeze_(1)\nd.mean", "elements"),
    ("d = Normal(0., 1.)\nd.loc.data = torch.ones(131072)\nd.log_prob(torch.ones(131072, 1))", "elements"),
    ("d = Normal(0., 1.)\nd.loc.data = torch.ones(131072)\nd.rsample((131072, 1))", "elements"),
    ("d = Categorical(torch.ones(1))\nd.probs.data = torch.ones(131072)\nd.sample((131072,))", "elements"),
    ("Bernoulli(0.5).rsample()", "Bernoulli has no rsample()"),
    ("Bernoulli(0.5).cdf(torch.ones(1))", "Bernoulli.cdf is not part of the lab"),
    ("Normal(0., 1.).sample(3)", "'int'"),
    ("Normal(0., 1.).sample((2,), 3)", "one shape"),
    ("Normal(0., 1.).sample(shape=(2,))", ""),
    ("Normal(0., 1.).log_prob(np.ones(3))", "must be a Tensor"),
    ("Normal(0., 1., validate_args=False).log_prob('a')", "must be a Tensor"),
    ("Normal(0., 1.).log_prob(torch.tensor(float('nan')))", "support"),
    ("Normal([0.], [1.])", "tensors and numbers"),
    ("Normal(Normal(0., 1.), 1.)", "cannot be an argument"),
    ("torch.exp(Normal(0., 1.))", "cannot be an argument"),
    ("Normal(0., 1.).loc = 5", "cannot be changed"),
    ("Normal(0., 1.)._validate_args", "underscore"),
    ("Normal(0., 1.).lok", "Did you mean loc?"),
    ("Normal(0., 1.).expand((10**9,))", "not part of the lab"),
    ("Distribution.set_default_validate_args(False)", ""),
    ("Distribution()", "make a Normal"),
    ("kl_divergence(Normal(0., 1.), 5)", "two distributions"),
    ("kl_divergence(Normal(0., 1.), Categorical(torch.ones(3)))", "No KL"),
    ("class N(Normal):\n    pass", "extend"),
    ("torch.distributions.Normol(0., 1.)", "Did you mean Normal?"),
    ("from torch.distributions import Beta", "not part of the lab"),
    ("import copy\ncopy.deepcopy(Normal(0., 1.))", "copied"),
    ("d = Normal(torch.zeros(100), 1.)\nl = [d.sample((1000,)) for i in range(4000)]", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), REFUSED, ids=[source[:50] for source, _ in REFUSED])
def test_it_is_refused_with_a_sentence(source: str, said: str) -> None:
    error = run_program(USE + source).error
    assert error is not None
    assert said in str(error)
    assert "could not record" not in str(error)
    assert "too much memory" not in str(error)
