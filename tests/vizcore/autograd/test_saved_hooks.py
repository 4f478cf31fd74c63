# ruff: noqa: E501  (one hostile program a line reads best)
"""``saved_tensors_hooks`` in programs: what is on record, what is let go, and hostile hooks. The corpus compares it with torch."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from vizcore.autograd import run_program
from vizcore.autograd.saved_hooks import Packed

HOOKS = "torch.autograd.graph.saved_tensors_hooks"
X = "x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)\n"


def with_hooks(pack: str, unpack: str, lines: str = "y = (x * x).sum()", *, before: str = "") -> str:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"{X}{before}with {HOOKS}({pack}, {unpack}):\n{body}"


def num_packed() -> int:
    gc.collect()
    return sum(type(kept) is Packed for kept in gc.get_objects())


def test_the_record_shows_what_was_packed_and_calls_no_hook() -> None:
    source = with_hooks(
        "lambda t: calls.append(0) or t * 2", "lambda t: calls.append(1) or t / 2", before="calls = []\n"
    )
    trace = run_program(source + "print(calls)\ny.backward()\nprint(calls)")
    assert trace.error is None
    assert trace.printed == "[0, 0]\n[0, 0, 1, 1]\n"
    product = next(node for node in trace.nodes if node.name == "MulBackward0")
    for saved in product.saved:
        np.testing.assert_array_equal(saved.value, [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(product.value, [1.0, 4.0, 9.0])
    np.testing.assert_array_equal(trace.grads["x"], [2.0, 4.0, 6.0])
    assert {visit.node for visit in trace.visits} == set(range(len(trace.nodes)))


def test_a_tensor_packed_as_something_else_is_not_shown_as_saved() -> None:
    trace = run_program(with_hooks("lambda t: t.tolist()", "lambda values: torch.tensor(values)") + "y.backward()")
    assert trace.error is None
    assert [node.saved for node in trace.nodes if node.name == "MulBackward0"] == [()]
    np.testing.assert_array_equal(trace.grads["x"], [2.0, 4.0, 6.0])


def test_an_inner_value_is_never_taken_from_a_packed_tensor() -> None:
    trace = run_program(with_hooks("lambda t: t * 0", "lambda t: t", "y = F.cross_entropy(x, torch.tensor(2))"))
    assert trace.error is None
    inner = [node.value for node in trace.nodes if node.name == "LogSoftmaxBackward0"]
    assert all(value is None or value.any() for value in inner)


def test_an_output_that_is_packed_as_itself_is_let_go_after_the_run() -> None:
    before = num_packed()
    assert run_program(with_hooks("lambda t: t", "lambda t: t", "y = x.exp().exp()")).error is None
    assert num_packed() <= before


POOL = "x = torch.ones(1, 1, 4, 4, requires_grad=True)\n"
REFUSED = [
    (f"{HOOKS}(5, 6)", "not callable"),
    (f"{HOOKS}(lambda t: t)", "a pack_hook and an unpack_hook"),
    (f"{HOOKS}(lambda t: t, unpack=lambda t: t)", "Did you mean unpack_hook?"),
    ("torch.autograd.graph.saved_tensor_hooks", "Did you mean saved_tensors_hooks?"),
    (f"torch.exp({HOOKS}(torch.clone, torch.clone))", "cannot be an argument"),
    (with_hooks("print", "print") + "y.backward()", "NoneType"),
    (with_hooks("lambda t: t", "lambda t: torch.ones(3, 1)") + "y.backward()", "like the one that was packed"),
    (with_hooks("lambda t: t", "lambda t: t.double()") + "y.backward()", "like the one that was packed"),
    (with_hooks("lambda t: t", "lambda t: t if t.is_floating_point() else t * 0 + 10**12", "y = F.max_pool2d(x, 2).sum()", before=POOL) + "y.backward()", "indices and masks"),
    (with_hooks("p", "p", before="def p(t):\n    x.data = torch.ones(131072)\n"), "stay as they are"),
    (with_hooks("p", "p", before="def p(t):\n    x.grad = torch.ones(3)\n"), "stay as they are"),
    (with_hooks("p", "p", before="v = torch.ones(3)\ndef p(t):\n    v.unsqueeze_(1)\n"), "stay as they are"),
    (with_hooks("p", "p", "n(x)", before="n = nn.Linear(3, 3)\ndef p(t):\n    n.weight = nn.Parameter(torch.ones(5, 3))\n"), "stay as they are"),
    (with_hooks("p", "p", "n(x)", before="n = nn.Sequential(nn.Linear(3, 3))\ndef p(t):\n    n.append(nn.Linear(3, 3))\n"), "stay as they are"),
    (with_hooks("p", "p", before="def p(t):\n    with torch.enable_grad():\n        return x * x\n"), "at most 40 deep"),
    (with_hooks("p", "p", before="def p(t):\n    while True: pass\n"), "ran for more than"),
    (with_hooks("lambda t: t", "p", before="def p(t):\n    while True: pass\n") + "y.backward()", "ran for more than"),
    (with_hooks("lambda t: t", "lambda t: t", "torch.func.grad(lambda a: (a * a).sum())(x)"), "saved tensor hooks"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), REFUSED, ids=[source[-60:] for source, _ in REFUSED])
def test_it_is_refused_with_a_sentence(source: str, said: str) -> None:
    error = run_program(source).error
    assert error is not None
    assert said in str(error)
    assert "could not record" not in str(error)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: 0, lambda t: t):
        pass
    probe = torch.ones(1, requires_grad=True)
    assert probe.exp().grad_fn._saved_result == probe.exp()  # no hook of the program's is left behind


def test_indices_that_torch_was_given_are_out_of_the_programs_reach() -> None:
    change = "def u(t):\n    for s in kept:\n        if not s.is_floating_point():\n            s.fill_(0)\n    kept.append(t.clone())\n    return kept[-1]\n"
    loss = "y = F.nll_loss(x[None], torch.tensor([2]))"  # its node unpacks the class first, the total weight afterwards
    trace = run_program(
        with_hooks("lambda t: t", "u", loss, before=f"kept = []\n{change}") + "y.backward()\nprint(len(kept))"
    )
    assert trace.error is None
    assert int(trace.printed) > 1
    np.testing.assert_array_equal(trace.grads["x"], [0.0, 0.0, -1.0])
