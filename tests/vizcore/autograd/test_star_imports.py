"""``from torch import *`` and its like: what a star brings is what the library gives out and the lab allows."""

from __future__ import annotations

import pytest
import torch

from tests.vizcore.autograd.programs import run_plainly
from vizcore.autograd import run_program

SAME = [
    "from torch.nn import *\nfrom torch import *\nmanual_seed(0)\n"
    "net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))\nx = randn(4, 2)\nloss = net(x).pow(2).sum()\n"
    "loss.backward()\ng = net[0].weight.grad\nprint(loss, g)",
    # a star of torch's hides Python's own
    "from torch import *\na = tensor([3., -4.], requires_grad=True)\nm = max(a) + sum(a) + abs(a).sum()\nm.backward()\n"
    "g = a.grad\nprint(m, g)",
    "from torch.nn.functional import *\nx = torch.tensor([1., -2.], requires_grad=True)\nrelu(x).sum().backward()\n"
    "print(x.grad)",
    "from torch.optim import *\nw = torch.ones(2, requires_grad=True)\no = SGD([w], lr=0.5)\n"
    "(w * w * w).sum().backward()\no.step()\nprint(w)",
    "if True:\n    from math import *\nfor i in range(2):\n    from torch.nn.init import *\n"
    "w = torch.zeros(3)\nones_(w)\nprint(w * sqrt(pi))",
    "try:\n    from torch.linalg import *\nexcept ImportError:\n    pass\nn = norm(torch.tensor([3., 4.]))\nprint(n)",
    "from numpy import *\nprint(linspace(0, 1, 3) * array([1, 2, 4]))",
]


@pytest.fixture(scope="module")
def plain() -> list[dict]:
    return run_plainly(SAME)


@pytest.mark.parametrize("index", range(len(SAME)))
def test_a_program_with_a_star_does_what_it_does_in_torch(index: int, plain) -> None:
    trace = run_program(SAME[index])
    assert trace.error is None
    assert plain[index]["error"] is None
    assert trace.printed == plain[index]["printed"]
    for name, (shape, content) in plain[index]["variables"].items():
        if name in trace.variables:
            value = torch.as_tensor(trace.variables[name])
            assert [list(value.shape), value.contiguous().numpy().tobytes().hex()] == [shape, content], name


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("from torch import *\nload('a')", "name", "There is no load here"),
        ("from torch import *\nsave(1, 'a')", "name", "There is no save here"),
        ("from torch.nn import *\nparameter", "name", "There is no parameter here"),
        ("from torch import *\nprint(_C)", "name", "There is no _C here"),
        ("from os import *", "unsupported", "out of reach"),
        ("from sys import *\nprint(modules)", "unsupported", "out of reach"),
        ("from builtins import *", "unsupported", "Nothing can be imported"),
        ("from . import *", "unsupported", "Nothing can be imported"),
        ("from torch.utils.cpp_extension import *", "unsupported", "Nothing can be imported"),
        ("def f():\n    from torch import *\nf()", "syntax", "import * only allowed at module level"),
        ("if True:\n    class A:\n        from torch import *", "syntax", "import * only allowed at module level"),
    ],
)
def test_a_star_brings_nothing_that_is_not_allowed(source: str, kind: str, words: str) -> None:
    error = run_program(source).error
    assert error is not None
    assert error.kind == kind
    assert words in str(error)


def test_a_hundred_stars_cost_little() -> None:
    trace = run_program("from torch import *\n" * 100 + "x = ones(2)")
    assert trace.error is None
    assert trace.variables["x"].tolist() == [1.0, 1.0]
