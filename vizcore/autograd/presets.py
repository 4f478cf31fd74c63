"""Programs to begin with, each with something to predict and something to achieve.

Prose stands in the lesson; here are the programs, the answers that torch gives, and the checks of the challenges.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from vizcore.autograd import preset_programs as programs
from vizcore.autograd.preset import (
    Preset,
    chooses,
    close,
    fails_with,
    grad_is,
    has_node,
    last_state,
    num_paths,
    num_runs,
    number,
    printed_column,
    ran,
    variable,
)
from vizcore.autograd.preset_surprises import SURPRISES

_ALL = (
    Preset(
        name="scalar",
        title="One weight, one loss",
        source=programs.SCALAR,
        question="y = w · x = −3 and loss = (y − 1)² = 16. What is w.grad after backward()?",
        choices=("−8", "−16", "12"),
        answer=1,
        evidence=grad_is("w", -8.0, -16.0, 12.0),
        challenge="Drag w until its gradient is 0. What is the loss there?",
        is_solved=lambda trace: ran(trace) and close(trace.grads.get("w"), 0.0) and close(variable(trace, "x"), 2.0),
        solution=programs.SCALAR.replace("-1.5", "0.5"),
    ),
    Preset(
        name="chain",
        title="x + 2, times itself, times 3, mean",
        source=programs.CHAIN,
        question="out = mean(3 · (x + 2)²) over four elements, all x = 1. What is each element of x.grad?",
        choices=("4.5", "18", "27"),
        answer=0,
        evidence=grad_is("x", np.full((2, 2), 4.5), np.full((2, 2), 18.0), np.full((2, 2), 27.0)),
        challenge="Change one line so that each element of x.grad is 18 and the graph still has a y * y.",
        is_solved=lambda trace: (
            ran(trace) and close(trace.grads.get("x"), np.full((2, 2), 18.0)) and has_node(trace, "Mul")
        ),
        solution=programs.CHAIN.replace("mean()", "sum()"),
    ),
    Preset(
        name="accumulate",
        title="Two backward calls",
        source=programs.ACCUMULATE,
        question="x = 3, and d(x²)/dx = 6. What does x.grad hold after the second backward()?",
        choices=(
            "6: the second call overwrites the first",
            "12: the second call adds to the first",
            "An error: x already has a gradient",
        ),
        answer=1,
        evidence=chooses(
            lambda trace: close(trace.grads.get("x"), 6.0),
            lambda trace: close(trace.grads.get("x"), 12.0),
            lambda trace: not ran(trace),
        ),
        challenge="Keep both backward() calls, but let x.grad be 6 at the end.",
        is_solved=lambda trace: ran(trace) and num_runs(trace) >= 2 and close(trace.grads.get("x"), 6.0),
        solution=programs.ACCUMULATE.replace("z = x ** 2", "x.grad.zero_()\nz = x ** 2"),
    ),
    Preset(
        name="zero_grad",
        title="Six steps without zero_grad",
        source=programs.ZERO_GRAD,
        question="The loss is smallest at w = 1. With learning rate 0.4 and no zeroing, what does w do?",
        choices=("It closes in on 1 step by step", "It stays at 0", "It shoots past 1 and swings back and forth"),
        answer=2,
        evidence=chooses(
            lambda trace: all(0 < value < 1.001 for value in printed_column(trace, 1)),
            lambda trace: close(variable(trace, "w"), 0.0),
            lambda trace: max(printed_column(trace, 1)) > 1.3 and min(printed_column(trace, 1)) < 1,
        ),
        challenge="Add one line so that w ends within 0.01 of 1 after the same six steps.",
        is_solved=lambda trace: ran(trace) and num_runs(trace) == 6 and abs(number(trace, "w") - 1) < 0.01,
        solution=programs.ZERO_GRAD.replace("    print", "    w.grad = None\n    print").replace(", w.grad.item()", ""),
    ),
    Preset(
        name="detach",
        title="detach() on one factor",
        source=programs.DETACH,
        question="z = x² · x with x = 2, but x² goes through detach(). What is x.grad?",
        choices=("4, as if x² were a constant", "12, as for x³", "None"),
        answer=0,
        evidence=chooses(
            lambda trace: close(trace.grads.get("x"), 4.0),
            lambda trace: close(trace.grads.get("x"), 12.0),
            lambda trace: "x" not in trace.grads,
        ),
        challenge="Keep a detach(), but cut the other factor: x.grad must become 8.",
        is_solved=lambda trace: ran(trace) and "detach" in trace.source and close(trace.grads.get("x"), 8.0),
        solution=programs.DETACH.replace("y.detach() * x", "y * x.detach()"),
    ),
    Preset(
        name="no_grad",
        title="A line under no_grad",
        source=programs.NO_GRAD,
        question="out = (3x) · (5x), but 3x is computed under no_grad. With x = 2, what is x.grad?",
        choices=("60", "30", "0"),
        answer=1,
        evidence=grad_is("x", 60.0, 30.0, 0.0),
        challenge="Keep the with torch.no_grad() block, but make y part of the graph again: x.grad must be 60.",
        is_solved=lambda trace: ran(trace) and "no_grad()" in trace.source and close(trace.grads.get("x"), 60.0),
        solution=programs.NO_GRAD.replace("    y = x * 3\n", "    y = x * 3\ny = x * 3\n"),
    ),
    Preset(
        name="non_leaf",
        title="The .grad of a non-leaf",
        source=programs.NON_LEAF,
        question="y lies between x and out. What does print(y.grad) show?",
        choices=("tensor([4., 8.])", "An error", "None"),
        answer=2,
        evidence=chooses(
            lambda trace: "y" in trace.grads,
            lambda trace: not ran(trace),
            lambda trace: ran(trace) and "y" not in trace.grads and trace.printed.endswith("None\n"),
        ),
        challenge="Add one line so that y.grad is [4, 8] at the end.",
        is_solved=lambda trace: ran(trace) and close(trace.grads.get("y"), [4.0, 8.0]),
        solution=programs.NON_LEAF.replace("y = x * 2\n", "y = x * 2\ny.retain_grad()\n"),
    ),
    Preset(
        name="retain_graph",
        title="backward() twice on one graph",
        source=programs.RETAIN,
        question="The same y runs backward twice. What happens at the second call?",
        choices=("x.grad doubles to 24", "torch raises an error", "Nothing: the graph is empty"),
        answer=1,
        evidence=chooses(
            lambda trace: close(trace.grads.get("x"), 24.0),
            lambda trace: fails_with(trace, "second time"),
            lambda trace: ran(trace) and close(trace.grads.get("x"), 12.0),
        ),
        challenge="Let the same graph run backward twice, so that x.grad is 24.",
        is_solved=lambda trace: ran(trace) and num_runs(trace) == 2 and close(trace.grads.get("x"), 24.0),
        solution=programs.RETAIN.replace("y.backward()\n", "y.backward(retain_graph=True)\n", 1),
    ),
    Preset(
        name="in_place",
        title="An in-place edit before backward",
        source=programs.IN_PLACE,
        question="exp saves its output y for the way back, and y += 1 changes y. What does backward() do?",
        choices=(
            "It uses the new y and gives [2, 3.72]",
            "It gives the right [1, 2.72]",
            "It notices and raises an error",
        ),
        answer=2,
        evidence=chooses(
            lambda trace: close(trace.grads.get("x"), np.exp([0.0, 1.0]) + 1),
            lambda trace: close(trace.grads.get("x"), np.exp([0.0, 1.0])),
            lambda trace: fails_with(trace, "modified by an inplace operation"),
        ),
        challenge="Keep the value of out, but let backward() succeed with x.grad = [1, e].",
        is_solved=lambda trace: (
            ran(trace)
            and close(trace.grads.get("x"), np.exp([0.0, 1.0]))
            and close(variable(trace, "out"), np.exp([0.0, 1.0]).sum() + 2)
        ),
        solution=programs.IN_PLACE.replace("y += 1", "y = y + 1"),
    ),
    Preset(
        name="vjp",
        title="backward(gradient=v)",
        source=programs.VJP,
        question="y = x² has three elements. What does backward(gradient=v) put into x.grad?",
        choices=("v · 2x, element by element", "2x", "The whole 3 × 3 Jacobian"),
        answer=0,
        evidence=grad_is("x", [2.0, 0.4, 0.06], [2.0, 4.0, 6.0], np.diag([2.0, 4.0, 6.0])),
        challenge="Choose v so that x.grad is [0, 4, 0]: one row of the Jacobian.",
        is_solved=lambda trace: ran(trace) and close(trace.grads.get("x"), [0.0, 4.0, 0.0]),
        solution=programs.VJP.replace("[1., 0.1, 0.01]", "[0., 1., 0.]"),
    ),
    Preset(
        name="leaf_in_place",
        title="A leaf changed in place",
        source=programs.LEAF_IN_PLACE,
        question="A gradient step by hand, w -= 0.1 · w.grad. What happens?",
        choices=("torch raises an error", "w becomes [0.8, 1.6]", "w stays [1, 2]"),
        answer=0,
        evidence=chooses(
            lambda trace: fails_with(trace, "leaf Variable"),
            lambda trace: close(variable(trace, "w"), [0.8, 1.6]),
            lambda trace: ran(trace) and close(variable(trace, "w"), [1.0, 2.0]),
        ),
        challenge="Make the step work: w must be [0.8, 1.6] and still be a leaf that requires a gradient.",
        is_solved=lambda trace: (
            ran(trace)
            and close(variable(trace, "w"), [0.8, 1.6])
            and last_state(trace, "w", lambda state: state.is_leaf and state.requires_grad)
        ),
        solution=programs.LEAF_IN_PLACE.replace("w -= 0.1", "with torch.no_grad():\n    w -= 0.1"),
    ),
    Preset(
        name="control_flow",
        title="Another seed, another run",
        source=programs.CONTROL_FLOW,
        question="Run it again with another seed. What of the graph can change?",
        choices=("Only the numbers in it", "The number of nodes and which branch they belong to", "Nothing at all"),
        answer=1,
        evidence=lambda trace: 1 if ran(trace) and len(trace.nodes) > 2 else -1,
        challenge=(
            "Start from a fixed x, so that the loop makes exactly five nodes and out comes from the else branch."
        ),
        is_solved=lambda trace: (
            ran(trace) and number(trace, "count") == 5 and float(np.sum(np.asarray(variable(trace, "y")))) < 0
        ),
        solution=programs.CONTROL_FLOW.replace(
            "torch.randn(1, requires_grad=True)", "torch.tensor([-0.2], requires_grad=True)"
        ),
        compares_runs=True,
    ),
    Preset(
        name="shared_weight",
        title="A weight that is used twice",
        source=programs.SHARED,
        question="out = w · (w · x) with w = 2, x = 3. What arrives at w?",
        choices=("6, over the direct path alone", "3", "12: 6 over each of two paths"),
        answer=2,
        evidence=grad_is("w", 6.0, 3.0, 12.0),
        challenge="Use w a third time, so that w.grad is the sum over three paths and equals 36.",
        is_solved=lambda trace: ran(trace) and close(trace.grads.get("w"), 36.0) and num_paths(trace, "w") >= 3,
        solution=programs.SHARED.replace("out = w * h", "out = w * w * h"),
    ),
    Preset(
        name="relu_at_zero",
        title="ReLU at exactly 0",
        source=programs.RELU,
        question="ReLU has a corner at 0. Which gradient does torch choose there?",
        choices=("0", "1", "0.5"),
        answer=0,
        evidence=grad_is("x", [0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.5, 1.0]),
        challenge=(
            "Replace F.relu by an expression with torch.maximum that has the same values but gives 0.5 at the corner."
        ),
        is_solved=lambda trace: (
            ran(trace) and close(trace.grads.get("x"), [0.0, 0.5, 1.0]) and close(variable(trace, "y"), [0.0, 0.0, 1.0])
        ),
        solution=programs.RELU.replace("F.relu(x)", "torch.maximum(x, torch.zeros(3))"),
    ),
    Preset(
        name="clamp",
        title="The gradients of clamp",
        source=programs.CLAMP,
        question="x = [−2, 0.5, 3] is clamped to [0, 1]. Which elements get a gradient?",
        choices=("All three", "None of them", "Only the middle one"),
        answer=2,
        evidence=chooses(
            lambda trace: bool(np.all(np.asarray(trace.grads.get("x", 0)) != 0)),
            lambda trace: "x" not in trace.grads,
            lambda trace: [value != 0 for value in np.ravel(trace.grads.get("x", 0))] == [False, True, False],
        ),
        challenge=(
            "Replace the clamp by a function that also keeps y between 0 and 1, but lets a gradient "
            "through to all three."
        ),
        is_solved=lambda trace: (
            ran(trace)
            and np.size(trace.grads.get("x", 0)) == 3
            and bool(np.all(trace.grads["x"] != 0))
            and bool(np.all((np.asarray(variable(trace, "y")) >= 0) & (np.asarray(variable(trace, "y")) <= 1)))
        ),
        solution=programs.CLAMP.replace("x.clamp(0, 1)", "torch.sigmoid(x)"),
    ),
    Preset(
        name="network",
        title="A two-layer network trained by hand",
        source=programs.NETWORK,
        question="Twelve steps of gradient descent on XOR. What does the graph look like at the end?",
        choices=(
            "Twelve graphs, a new one in each step",
            "One graph, used twelve times",
            "No graph: training needs none",
        ),
        answer=0,
        evidence=chooses(
            lambda trace: sum(node.name.startswith("Tanh") for node in trace.nodes) == 12,
            lambda trace: sum(node.name.startswith("Tanh") for node in trace.nodes) == 1,
            lambda trace: not trace.nodes,
        ),
        challenge="Bring the loss of the last step below 0.05 within the limits of the lab.",
        is_solved=lambda trace: ran(trace) and num_runs(trace) >= 1 and number(trace, "loss") < 0.05,
        solution=programs.NETWORK.replace("range(12)", "range(30)")
        .replace("2, 4", "2, 8")
        .replace("zeros(4", "zeros(8")
        .replace("4, 1", "8, 1"),
    ),
    Preset(
        name="second_derivative",
        title="The gradient of a gradient",
        source=programs.SECOND,
        question="With create_graph=True the way back is recorded too. What is the second derivative of x³ at x = 2?",
        choices=("6", "12", "An error: gradients have no graph"),
        answer=1,
        evidence=chooses(
            lambda trace: close(variable(trace, "d2y"), 6.0),
            lambda trace: close(variable(trace, "d2y"), 12.0),
            lambda trace: not ran(trace),
        ),
        challenge="Compute the third derivative into a variable d3y: it must be 6.",
        is_solved=lambda trace: ran(trace) and close(variable(trace, "d3y"), 6.0) and num_runs(trace) >= 3,
        solution=programs.SECOND.replace(
            "torch.autograd.grad(dy, x)", "torch.autograd.grad(dy, x, create_graph=True)"
        ).replace("print(dy, d2y)", "(d3y,) = torch.autograd.grad(d2y, x)\nprint(dy, d2y, d3y)"),
    ),
    Preset(
        name="disjoint_iou",
        title="The IoU of two disjoint boxes",
        source=programs.IOU,
        question="The boxes do not touch. In which direction does the gradient of 1 − IoU push box a?",
        choices=("Towards b", "Away from b", "Nowhere: the gradient is zero"),
        answer=2,
        evidence=chooses(
            lambda trace: bool(np.any(np.asarray(trace.grads.get("a", 0)) < 0)),
            lambda trace: bool(np.any(np.asarray(trace.grads.get("a", 0)) > 0)),
            lambda trace: "a" in trace.grads and not np.any(trace.grads["a"]),
        ),
        challenge="Move box b so that the gradient of a is not zero, without b touching more than half of a.",
        is_solved=lambda trace: (
            ran(trace) and bool(np.any(trace.grads.get("a", 0))) and 0 < number(trace, "iou") <= 0.5
        ),
        solution=programs.IOU.replace("[3., 3., 5., 5.]", "[1., 1., 3., 3.]"),
    ),
)

PRESETS: MappingProxyType[str, Preset] = MappingProxyType({preset.name: preset for preset in (*_ALL, *SURPRISES)})
