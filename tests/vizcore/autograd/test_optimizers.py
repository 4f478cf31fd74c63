"""Update rules, rates and folds beside torch's own, by hand, and at their edges."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.autograd_programs import run_plain_torch, training_program
from vizcore.autograd import optimizers, run_program, schedulers
from vizcore.autograd.folding import MAX_POINTS, thin
from vizcore.autograd.trace_json import MAX_SHOWN, to_json

RULES = [
    ("SGD", optimizers.sgd, {"lr": 0.1}),
    ("SGD", optimizers.sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", optimizers.sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", optimizers.adam, {"lr": 0.05, "betas": (0.7, 0.9), "weight_decay": 0.1}),
    ("Adam", optimizers.adam, {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("AdamW", optimizers.adamw, {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True}),
    ("RMSprop", optimizers.rmsprop, {"lr": 0.01, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    ("RMSprop", optimizers.rmsprop, {"lr": 0.01, "alpha": 0.5}),
    ("Adagrad", optimizers.adagrad, {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
]
RATES = [
    (torch.optim.lr_scheduler.StepLR, schedulers.step_lr, {"step_size": 3, "gamma": 0.5}),
    (torch.optim.lr_scheduler.MultiStepLR, schedulers.multi_step_lr, {"milestones": [2, 2, 7], "gamma": 0.3}),
    (torch.optim.lr_scheduler.ExponentialLR, schedulers.exponential_lr, {"gamma": 0.9}),
    (torch.optim.lr_scheduler.CosineAnnealingLR, schedulers.cosine_annealing_lr, {"T_max": 6, "eta_min": 0.01}),
    (torch.optim.lr_scheduler.LambdaLR, schedulers.lambda_lr, {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
]
numbers = st.floats(-100, 100, width=32)


def parameter(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


@pytest.mark.parametrize(("name", "ours", "options"), RULES)
@settings(max_examples=15, deadline=None)
@given(start=st.lists(numbers, min_size=3, max_size=3), grads=st.lists(numbers, min_size=3, max_size=12))
def test_a_rule_is_torchs_to_the_last_bit(name, ours, options, start, grads) -> None:
    left, right = parameter(start), parameter(start)
    one, other = ours([left], **options), getattr(torch.optim, name)([right], **options)
    for turn, grad in enumerate(grads):
        for moved in (left, right):
            moved.grad = torch.tensor([grad, -grad / 3, 0.0]) if turn % 4 != 3 else None
        one.step()
        other.step()
        assert left.detach().numpy().tobytes() == right.detach().numpy().tobytes()
    for word, value in other.state[right].items():
        mine = one.state[id(left)][word]
        assert np.array_equal(np.asarray(mine), np.asarray(value), equal_nan=True), word


def test_the_first_step_of_adam_has_the_size_of_its_rate() -> None:
    """By hand: mean / √square is ±1 after one step, whatever the gradient's size."""
    moved = parameter([1.0, 1.0])
    moved.grad = torch.tensor([1e-3, -50.0])
    optimizers.adam([moved], lr=0.25).step()
    np.testing.assert_allclose(moved.detach(), [0.75, 1.25], rtol=1e-4)


def test_momentum_by_hand() -> None:
    moved = parameter([0.0])
    rule = optimizers.sgd([moved], lr=1.0, momentum=0.5)
    for wanted in (-1.0, -2.5, -4.25):  # steps of 1, 1.5 and 1.75
        moved.grad = torch.ones(1)
        rule.step()
        assert moved.item() == wanted


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: optimizers.sgd([]), "empty parameter list"),
        (lambda: optimizers.sgd(parameter([1.0])), "iterable of Tensors"),
        (lambda: optimizers.adam([parameter([1.0]) * 2]), "non-leaf"),
        (lambda: optimizers.adam([parameter([1.0])], betas=(1.0, 0.9)), "beta parameter at index 0"),
        (lambda: optimizers.sgd([parameter([1.0])], lr=-1), "Invalid learning rate"),
        (lambda: optimizers.sgd([parameter([1.0])], nesterov=True), "Nesterov"),
        (lambda: optimizers.sgd([parameter([1.0]), 3]), "can only optimize Tensors"),
        (lambda: schedulers.step_lr(3, 1), "not an Optimizer"),
    ],
)
def test_what_torch_refuses_is_refused(make, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        make()


def test_a_parameter_without_a_gradient_or_without_elements_stays() -> None:
    still, empty = parameter([2.0]), torch.zeros(0, requires_grad=True)
    empty.grad = torch.zeros(0)
    rule = optimizers.adam([still, empty])
    rule.step()
    assert (still.item(), empty.numel()) == (2.0, 0)
    assert id(still) not in rule.state


@pytest.mark.parametrize(("theirs", "ours", "options"), RATES)
def test_a_schedule_has_torchs_rates(theirs, ours, options) -> None:
    one, other = optimizers.sgd([parameter([1.0])], lr=0.3), torch.optim.SGD([parameter([1.0])], lr=0.3)
    mine, known = ours(one, **options), theirs(other, **options)
    for _ in range(15):
        assert mine.get_last_lr() == known.get_last_lr()
        mine.step()
        other.step()
        known.step()


@settings(max_examples=15, deadline=None)
@given(losses=st.lists(st.floats(0, 10), min_size=1, max_size=30), patience=st.integers(0, 3))
def test_a_plateau_halves_the_rate_when_torch_does(losses: list[float], patience: int) -> None:
    one, other = optimizers.sgd([parameter([1.0])], lr=0.3), torch.optim.SGD([parameter([1.0])], lr=0.3)
    mine = schedulers.reduce_on_plateau(one, factor=0.5, patience=patience)
    known = torch.optim.lr_scheduler.ReduceLROnPlateau(other, factor=0.5, patience=patience)
    for loss in losses:
        mine.step(loss)
        known.step(loss)
        assert one.param_groups[0]["lr"] == other.param_groups[0]["lr"]


def test_whole_trainings_end_as_in_plain_torch() -> None:
    programs = [(training_program(seed), seed) for seed in range(24)]
    for (source, seed), plain in zip(programs, run_plain_torch(programs), strict=True):
        trace = run_program(source, seed=seed)
        assert (trace.error, plain["error"]) == (None, None), source
        assert trace.printed == plain["printed"], source
        for kind, values in (("variables", trace.variables), ("grads", trace.grads)):
            for name, (_, shape, data) in plain[kind].items():
                value = np.asarray(values[name])
                assert (list(value.shape), np.ascontiguousarray(value).tobytes().hex()) == (shape, data), (
                    f"{name}\n{source}"
                )


COUNTING = """\
w = torch.tensor(1., requires_grad=True)
for i in range({count}):
    y = w * i
    print(y.item())
z = w + 1
"""


@settings(max_examples=15, deadline=None)
@given(count=st.integers(0, 700), opened=st.integers(0, 800))
def test_a_fold_holds_every_iteration_once(count: int, opened: int) -> None:
    trace = run_program(COUNTING.format(count=count), opened=(opened,) if opened else ())
    assert trace.error is None
    assert len(trace.folds) == (count > 12)
    for fold in trace.folds:
        steps = trace.steps[fold.first_step : fold.end_step]
        covered = {part.number for part in fold.iterations}
        assert covered == {1, 2, count} | ({opened} & set(range(1, count + 1)))
        for step in steps:
            if step.kind == "fold":
                gap = set(range(step.iterations[0], step.iterations[1] + 1))
                assert not covered & gap
                covered |= gap
        assert covered == set(range(1, count + 1))
        series = next(one for one in fold.series if one.name == "y.item()")
        np.testing.assert_array_equal(series.values, series.iterations - 1.0)
        assert {part.number for part in fold.iterations} <= set(series.iterations.tolist())
        assert len(series.values) <= MAX_POINTS == MAX_SHOWN
    assert "".join(step.printed for step in trace.steps) == trace.printed


def test_a_thousand_points_keep_their_ends_and_what_must_stay() -> None:
    kept = thin(np.arange(1000.0), [17, 500])
    assert len(kept) <= MAX_POINTS
    assert {0, 17, 500, 999} <= set(kept)
    assert kept == sorted(set(kept))
    assert max(np.diff(kept)) <= math.ceil(1000 / (MAX_POINTS - 2)) + 1


def test_a_chart_is_what_was_drawn_from_when_on_with_its_axes() -> None:
    trace = run_program(
        "ys = [10.0 ** -k for k in range(300)]\nplt.figure()\nplt.semilogy(ys, label='loss')\nplt.xlabel('epoch')\n"
        "plt.show()\nplt.bar([1, 2], [3, float('nan')])\nx = 1\n"
    )
    assert trace.error is None
    first, second = trace.charts
    assert (first.xlabel, first.xlog, first.ylog, first.line, first.step) == ("epoch", False, True, 3, 4)
    assert (second.series[0].kind, second.ylog, second.step) == ("bar", False, 5)
    sent = json.loads(json.dumps(to_json(trace), allow_nan=False))
    curve = sent["charts"][0]["series"][0]
    shown = sent["arrays"][curve["y"]]
    assert (len(shown["data"]), shown["truncated"], shown["data"][0]) == (MAX_POINTS, False, 1.0)
    assert sent["arrays"][sent["charts"][1]["series"][0]["y"]]["data"] == [3.0, "nan"]
