# ruff: noqa: E501  (one program a line reads best)
"""Faults that were found in the recorder and in its sentences, each with its whole kind."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from tests.vizcore.autograd_programs import run_plain_torch
from vizcore.autograd import run_program, to_json

# Views of a matrix x of 2 × 3, one for each way in which torch makes them.
VIEWS = (
    "x[0]", "x[:1]", "x[:, 1]", "x[..., None]", "x.T", "x.mT", "x.t()", "x.view(-1)", "x.view(3, 2)", "x.reshape(6)", "x.flatten()", "x.ravel()",
    "x.transpose(0, 1)", "x.permute(1, 0)", "x.squeeze()", "x.unsqueeze(0)", "x.select(0, 1)", "x.narrow(1, 0, 2)", "x.diagonal()", "x.unfold(1, 2, 1)",
    "x.expand(2, 3)", "x.view_as(x)", "x.swapaxes(0, 1)", "x.movedim(0, 1)", "x.detach()", "x.data", "x.unbind()[0]", "x.split(1)[1]", "x.chunk(2)[0]",
    "x.tensor_split(2)[0]", "[row for row in x][1]", "x.unflatten(1, (3, 1))", "x[0][1:]", "x.T[1]", "x.T.T", "x.view(6)[2:4]",
)  # fmt: skip
CHANGES = ("v += 1", "v.mul_(2)", "v.fill_(0)", "v[...] = 3", "v -= 0.1 * v", "x += 1", "x.mul_(2)", "v.copy_(v * 2)")


def view_programs() -> list[tuple[str, int]]:
    """A view, taken inside or outside ``no_grad``, changed there or through its base, and what follows."""
    programs = []
    ends = ("", "print(v)", "y = (x * x).sum()\ny.backward()")
    for (view, change), end in zip(itertools.product(VIEWS, CHANGES), itertools.cycle(ends), strict=False):
        head = "x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)\n(x * x).sum().backward()\nx.grad = None\n"
        programs.append((f"{head}with torch.no_grad():\n    v = {view}\n    {change}\n{end}\n", 0))
        programs.append((f"{head}v = {view}\nwith torch.no_grad():\n    {change}\n{end}\n", 0))
        programs.append((f"{head}with torch.no_grad():\n    v = {view}\n{change}\n{end}\n", 0))
        programs.append((f"{head}x = x * 2\nv = {view}\n{change}\n{end}\n", 0))
    return programs


def test_views_of_every_origin_are_recorded_as_torch_leaves_them() -> None:
    programs = view_programs()
    num_right = 0
    for (source, _), expected in zip(programs, run_plain_torch(programs), strict=True):
        trace = run_program(source)
        assert "could not record" not in str(trace.error), source
        assert (trace.error is None) == (expected["error"] is None), f"{trace.error}\n{expected['error']}\n{source}"
        if trace.error is not None:
            assert str(trace.error.message) == expected["error"], source
        assert trace.printed == expected["printed"], source
        for kind, values in (("variables", trace.variables), ("grads", trace.grads)):
            for name, (_, shape, data) in expected[kind].items():
                assert (list(values[name].shape), np.ascontiguousarray(values[name]).tobytes().hex()) == (
                    shape,
                    data,
                ), f"{name}\n{source}"
        json.dumps(to_json(trace), allow_nan=False)
        num_right += trace.error is None
    assert num_right > len(programs) / 2


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ("w = torch.tensor([1., 2.], requires_grad=True)\n(w * w).sum().backward()\nwith torch.no_grad(): w[0] -= 0.1 * w.grad[0]", "w", [0.8, 2.0]),
        ("w = torch.ones(3, requires_grad=True)\n(w * w).sum().backward()\nwith torch.no_grad(): w[:2].add_(1)", "w", [2, 2, 1]),
        ("W = torch.ones(2, 3, requires_grad=True)\n(W * W).sum().backward()\nwith torch.no_grad(): W.T.mul_(2)", "W", [[2, 2, 2]] * 2),
        ("W = torch.ones(2, 3, requires_grad=True)\n(W * W).sum().backward()\nwith torch.no_grad():\n    for row in W: row -= .5", "W", [[0.5] * 3] * 2),
        ("e = nn.Embedding(3, 2)\ne(torch.tensor([0, 1])).sum().backward()\nwith torch.no_grad(): e.weight[0].fill_(0)\nx = e.weight.detach()[0]", "x", [0, 0]),
    ],
)  # fmt: skip
def test_part_of_a_leaf_is_updated(source: str, name: str, value: list) -> None:
    trace = run_program(source)
    assert trace.error is None, trace.error
    np.testing.assert_allclose(trace.variables[name], value, rtol=1e-6)


def test_a_stale_view_explains_itself_only_when_it_is_asked() -> None:
    head = "w = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    v = w[0]\n    w += 1\n"
    assert run_program(head).error is None
    for question in ("v.grad_fn", "v.is_leaf"):
        error = run_program(head + question).error
        assert (error.kind in ("torch", "value"), error.line) == (True, 5)
        assert "no_grad mode" in str(error)


def test_switching_a_leaf_off_between_forward_and_backward() -> None:
    source = "a = torch.tensor(2., requires_grad=True)\nc = torch.tensor(3., requires_grad=True)\nb = a * c\na.requires_grad = False\nb.backward()\nprint(a.grad, c.grad)\n"
    trace = run_program(source)
    assert trace.error is None
    assert trace.printed == "None tensor(2.)\n" == run_plain_torch([(source, 0)])[0]["printed"]
    assert list(trace.grads) == ["c"]


@pytest.mark.parametrize(
    "loop", ["for name, p in net.named_parameters(): pass", "for p in net.parameters(): pass", "p = net[0].bias"]
)
def test_a_parameter_keeps_its_name_while_a_variable_holds_it(loop: str) -> None:
    trace = run_program(f"net = nn.Sequential(nn.Linear(1, 1))\nnet(torch.ones(1, 1)).sum().backward()\n{loop}\n")
    assert {"net.0.weight", "net.0.bias", "p"} <= trace.variables.keys()
    assert {"net.0.weight", "net.0.bias", "p"} <= trace.grads.keys()
    assert not any("net.0.bias" in step.removed for step in trace.steps)
    states = {state.name: state.identity for state in trace.tensors}
    assert states["net.0.bias"] == states["p"]


def test_a_formatted_value_is_converted() -> None:
    source = (
        "name = 'é'\nx = torch.ones(2)\nn = 3\nf = 0.5\nprint(f'{name=}', f'{name!r}', f'{name!s}', f'{name!a}', f'{n=}', f'{n!r:>5}', f'{f=}')\n"
        "print(f'{name=!s}', f'{name=:>4}', f'{n=:.2f}', f'{f!r}', f'{f!s:>6}', f'{x!r}', f'{x=}', f'{[n, name]!r}', f'{None!r}')\n"
    )
    trace = run_program(source)
    assert trace.error is None
    assert trace.printed == run_plain_torch([(source, 0)])[0]["printed"]


# What torch that is installed says of each, and what we say of it.
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("torch.ones(2, dtype=torch.int64, requires_grad=True)", "only floating-point tensors can have one"),
        ("torch.tensor([1, 2], requires_grad=True)", "only floating-point tensors can have one"),
        ("a = torch.tensor([1, 2])\na.requires_grad_()", "only floating-point tensors can have one"),
        ("a = torch.tensor([1, 2])\na.requires_grad = True", "only floating-point tensors can have one"),
        ("a = torch.ones(1, requires_grad=True)\nb = torch.ones(1, requires_grad=True)\ntorch.autograd.grad(a * 2, b)", "With allow_unused=True"),
        ("F.cross_entropy(torch.ones(2, 3), torch.tensor([0., 1.]))", "convert with .long()"),
        ("F.nll_loss(torch.ones(2, 3), torch.tensor([0., 1.]))", "convert with .long()"),
        ("a = torch.ones(1, requires_grad=True)\nloss = (a * a).backward()\nloss.item()", "backward() returns None"),
        ("torch.ones(2) @ torch.ones(3)", "both need the same length"),
        ("torch.ones(2).dot(torch.ones(3))", "both need the same length"),
        ("torch.ones(2, 3) @ torch.ones(2)", "In A @ B"),
        ("torch.ones(2, 3) @ torch.ones(2, 3)", "In A @ B"),
        ("torch.ones(2) + torch.ones(3)", "Shapes are compared from the right"),
        ("torch.ones(2).float() @ torch.ones(2).double()", "Both tensors need the same dtype"),
        ("x = torch.ones(2, requires_grad=True)\nx += 1", "A leaf that requires a gradient"),
        ("x = torch.ones(2, requires_grad=True)\nx.backward()", "The gradient of several numbers"),
        ("torch.ones(1).backward()", "No recorded operation leads"),
        ("x = torch.ones(1, requires_grad=True)\ny = x * x\ny.backward()\ny.backward()", "gave the saved tensors back"),
        ("x = torch.ones(1, requires_grad=True)\ny = x.exp()\ny += 1\ny.backward()", "changed it in place"),
        ("if torch.ones(2): pass", "if and while need one truth value"),
        ("torch.ones(2).item()", "exactly one element"),
        ("torch.ones(2).view(3)", "exactly as many elements"),
        ("torch.ones(2, 3).T.view(6)", "view() never copies"),
        ("torch.ones(2)[5]", "Counting starts at 0"),
        ("x = torch.ones(1, requires_grad=True)\n(x * 2).requires_grad = False", "follows from its inputs"),
    ],
)  # fmt: skip
def test_the_explanation_fits_the_text_of_the_installed_torch(source: str, sentence: str) -> None:
    error = run_program(source).error
    assert error is not None
    assert error.explanation is not None, error
    assert sentence in str(error.explanation), error
