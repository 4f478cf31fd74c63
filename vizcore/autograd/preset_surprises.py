"""Programs whose values are right and whose gradients surprise: NaN, a graph that is gone, a constant, a step."""

from __future__ import annotations

import numpy as np

from vizcore.autograd.preset import (
    Preset,
    chooses,
    close,
    fails_with,
    grad_is,
    num_runs,
    number,
    ran,
    variable,
)

_WHERE = """\
x = torch.tensor([0., 4.], requires_grad=True)
y = torch.where(x > 0, torch.log(x), torch.zeros(2))
out = y.sum()
out.backward()
print(y, x.grad)
"""

_SQRT = """\
a = torch.tensor([1., 2.], requires_grad=True)
b = torch.tensor([1., 2.])
squared = ((a - b) ** 2).sum()
distance = squared.sqrt()
distance.backward()
print(distance, a.grad)
"""

_HIDDEN = """\
w = torch.tensor(0.5, requires_grad=True)
h = torch.tensor(1.)
for step in range(3):
    h = torch.tanh(w * h)
    loss = (h - 1) ** 2
    loss.backward()
    print(step, w.grad)
"""

_ITEM = """\
w = torch.tensor(2., requires_grad=True)
unit = w / abs(w.item())
loss = (unit - 3) ** 2
loss.backward()
print(unit, w.grad)
"""

_ROUND = """\
w = torch.tensor(0.3, requires_grad=True)
q = torch.round(w * 4) / 4
loss = (q - 1) ** 2
loss.backward()
print(q, w.grad)
"""

SURPRISES = (
    Preset(
        name="where",
        title="where beside a logarithm",
        source=_WHERE,
        question="where takes 0 instead of log(0). What is x.grad at x = 0?",
        choices=("0: the logarithm was not chosen", "NaN", "Infinity"),
        answer=1,
        evidence=chooses(
            lambda trace: close(trace.grads.get("x"), [0.0, 0.25]),
            lambda trace: close(trace.grads.get("x"), [np.nan, 0.25]),
            lambda trace: close(trace.grads.get("x"), [np.inf, 0.25]),
        ),
        challenge="Keep the values of y, but let x.grad be [0, 0.25].",
        is_solved=lambda trace: (
            ran(trace)
            and close(trace.grads.get("x"), [0.0, 0.25])
            and close(variable(trace, "y"), [0.0, float(np.log(4.0))])
        ),
        solution=_WHERE.replace("torch.log(x)", "torch.log(torch.where(x > 0, x, torch.ones(2)))"),
    ),
    Preset(
        name="sqrt",
        title="The distance of a point from itself",
        source=_SQRT,
        question="a and b are the same point, so the distance is 0. What is a.grad?",
        choices=("[0, 0]: no direction is better", "[1, 1]", "[NaN, NaN]"),
        answer=2,
        evidence=grad_is("a", [0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]),
        challenge="Change the distance by less than 0.01, so that a.grad is a number.",
        is_solved=lambda trace: (
            ran(trace)
            and "a" in trace.grads
            and bool(np.isfinite(trace.grads["a"]).all())
            and 0 <= number(trace, "distance") < 0.01
        ),
        solution=_SQRT.replace("squared.sqrt()", "(squared + 1e-8).sqrt()"),
    ),
    Preset(
        name="hidden_state",
        title="A state that is carried along",
        source=_HIDDEN,
        question="A small recurrent network calls backward() in each of three steps. What happens?",
        choices=(
            "Each step adds its own gradient to w.grad",
            "The second backward() raises an error",
            "w.grad is None: h needs no gradient",
        ),
        answer=1,
        evidence=chooses(
            lambda trace: ran(trace) and num_runs(trace) == 3,
            lambda trace: fails_with(trace, "second time") and num_runs(trace) <= 2,
            lambda trace: "w" not in trace.grads,
        ),
        challenge="Add one line so that all three steps run, each backward() through its own step alone.",
        is_solved=lambda trace: (
            ran(trace)
            and num_runs(trace) == 3
            and "retain_graph" not in trace.source
            and close(trace.grads.get("w"), _truncated())
        ),
        solution=_HIDDEN.replace("    print(", "    h = h.detach()\n    print("),
    ),
    Preset(
        name="item",
        title="A number taken with item()",
        source=_ITEM,
        question="unit = w / |w| is 1 for every positive w. What is w.grad?",
        choices=("0: unit does not change with w", "An error", "−2"),
        answer=2,
        evidence=chooses(
            lambda trace: close(trace.grads.get("w"), 0.0),
            lambda trace: not ran(trace),
            lambda trace: close(trace.grads.get("w"), -2.0),
        ),
        challenge="Keep the division, but let autograd see both of its operands: w.grad must be 0.",
        is_solved=lambda trace: (
            ran(trace)
            and "/" in trace.source
            and close(trace.grads.get("w"), 0.0)
            and close(variable(trace, "unit"), 1.0)
        ),
        solution=_ITEM.replace("abs(w.item())", "w.abs()"),
    ),
    Preset(
        name="rounding",
        title="Rounding on the way",
        source=_ROUND,
        question="The weight is rounded to quarters: q = 0.25, and ∂loss/∂q = −1.5. What is w.grad?",
        choices=("−1.5, as if nothing were rounded", "0", "None: round() has no gradient"),
        answer=1,
        evidence=chooses(
            lambda trace: close(trace.grads.get("w"), -1.5),
            lambda trace: close(trace.grads.get("w"), 0.0),
            lambda trace: "w" not in trace.grads,
        ),
        challenge="Keep q = 0.25, but pass the gradient straight through: w.grad must be −1.5.",
        is_solved=lambda trace: ran(trace) and close(trace.grads.get("w"), -1.5) and close(variable(trace, "q"), 0.25),
        solution=_ROUND.replace("torch.round(w * 4) / 4", "w + (torch.round(w * 4) / 4 - w).detach()"),
    ),
)


def _truncated() -> float:
    """What three steps leave in ``w.grad`` when each sees only itself: the sum of 2 (h' - 1) (1 - h'^2) h."""
    total, h = 0.0, 1.0
    for _ in range(3):
        after = float(np.tanh(0.5 * h))
        total += 2 * (after - 1) * (1 - after**2) * h
        h = after
    return total
