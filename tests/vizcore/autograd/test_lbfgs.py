# ruff: noqa: E501  (one hostile program a line reads best)
"""``torch.optim.LBFGS`` beside torch's own, with its closure on record, and at its edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizcore.autograd import run_program
from vizcore.autograd.lbfgs import LBFGS

VALLEY = """
w = torch.tensor([-1.5, 2.0], requires_grad=True)
opt = torch.optim.LBFGS([w], {options})
def closure():
    opt.zero_grad()
    loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    loss.backward()
    return loss
"""


@settings(max_examples=15, deadline=None)
@given(
    start=st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3),
    search=st.sampled_from([None, "strong_wolfe"]),
    history=st.integers(1, 5),
    rate=st.sampled_from([0.125, 1.0]),
)
def test_a_step_is_torchs_to_the_last_bit(start: list[float], search: str | None, history: int, rate: float) -> None:
    left, right = (torch.tensor(start, requires_grad=True) for _ in range(2))
    options = {"lr": rate, "history_size": history, "line_search_fn": search, "max_iter": 6}
    for make, moved in ((LBFGS, left), (torch.optim.LBFGS, right)):
        optimizer = make([moved], **options)

        def closure(moved=moved, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((moved * torch.tensor([1.0, 2.0, 4.0]) - 1) ** 4).sum() + moved.prod()
            loss.backward()
            return loss

        with torch.enable_grad():
            optimizer.step(closure)
            optimizer.step(closure)
    assert left.detach().numpy().tobytes() == right.detach().numpy().tobytes()


def test_a_quadratic_is_solved_by_the_first_full_step_after_one_pair() -> None:
    """By hand: on w² the pair (y, s) has the ratio 2, so that the next direction is the whole way to 0."""
    w = torch.tensor([3.0], requires_grad=True)
    rule = LBFGS([w], max_iter=2, max_eval=3)

    def closure() -> torch.Tensor:
        rule.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    rule.step(closure)
    assert w.item() == 0.0


def test_each_evaluation_is_on_record_and_the_memory_is_shown() -> None:
    trace = run_program(VALLEY.format(options="max_iter=3") + "opt.step(closure)\nopt.step(closure)")
    assert trace.error is None
    assert [call.name for call in trace.calls] == ["closure"] * 6
    assert len({visit.run for visit in trace.visits}) == 6
    shown = {state.name for state in trace.tensors}
    assert {"opt.state[w].d", "opt.state[w].prev_flat_grad"} <= shown
    assert trace.steps[-1].call is None


MAKE = "w = torch.ones(2, requires_grad=True)\nopt = torch.optim.LBFGS([w])\n"
TAKE = MAKE + "def c():\n    l = (w ** 4).sum()\n    l.backward()\n    return l\nopt.step(c)\ns = opt.state_dict()\n"
REFUSED = [
    ("torch.optim.LBFGS([torch.ones(2, requires_grad=True)], history_size=10**9)", "history_size may be at most"),
    ("torch.optim.LBFGS([torch.ones(2, requires_grad=True)], max_iter=10**12)", "max_iter may be at most"),
    ("torch.optim.LBFGS([torch.ones(2, requires_grad=True)], max_eval=float('nan'))", "max_eval may be at most"),
    ("torch.optim.LBFGS([torch.ones(131072, requires_grad=True)])", "history_size times"),
    ("torch.optim.LBFGS([torch.ones(131072, requires_grad=True) for i in range(2)], history_size=1)", "262,144"),
    ("a, b = torch.ones(2, 1, requires_grad=True)\ntorch.optim.LBFGS([{'params': [a]}, {'params': [b]}])", ""),
    (MAKE + "opt.step()", "missing 1 required positional argument: 'closure'"),
    (MAKE + "opt.step(5)", "not callable"),
    (MAKE + "opt.step(lambda: None)", "NoneType"),
    (MAKE + "opt.step(lambda: 10**400)", "bits"),
    (MAKE + "opt.param_groups[0]['history_size'] = 10**9\nopt.step(lambda: w.sum())", "history_size may be at most"),
    (MAKE + "def c():\n    opt.param_groups[0]['history_size'] = 10**9\n    return w.sum()\nopt.step(c)", "may be at most"),
    (MAKE + "opt.param_groups[0] = 5\nopt.step(lambda: w.sum())", ""),
    (MAKE + "opt.param_groups.append({})\nopt.step(lambda: w.sum())", ""),
    (MAKE + "def c():\n    return opt.step(c)\nopt.step(c)", "at most 40 deep"),
    (MAKE + "def c():\n    opt.param_groups[0]['params'] += [torch.ones(131072)]\n    return w.sum()\nopt.step(c)", "131,074"),
    (MAKE + "def c():\n    opt.param_groups[0]['params'] += ['a']\n    return w.sum()\nopt.step(c)", "'str'"),
    (MAKE + "torch.func.grad(lambda x: (torch.optim.LBFGS([x]).step(lambda: x.sum()), x.sum())[1])(w)", "torch.func"),
    (TAKE + "s['state'][0]['d'] = torch.ones(100000)\nopt.load_state_dict(s)", "does not fit"),
    (TAKE + "s['state'][0]['ro'] = [np.ones((131072, 1))] * 4\nopt.load_state_dict(s)", "does not fit"),
    (TAKE + "s['state'][0]['al'] = [print] * 4\nopt.load_state_dict(s)", "does not fit"),
    (TAKE + "s['state'][0]['n_iter'] = -1\nopt.load_state_dict(s)", "does not fit"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), REFUSED, ids=[source[-50:] for source, _ in REFUSED])
def test_it_is_refused_with_a_sentence(source: str, said: str) -> None:
    error = run_program(source).error
    assert error is not None
    assert said in str(error)
    assert "could not record" not in str(error)
    assert torch.is_grad_enabled()


def test_lists_that_a_program_holds_are_not_the_rules_own() -> None:
    trace = run_program(
        TAKE + "s['state'][0]['old_dirs'].append('a')\nopt.state[0]['ro'].clear()\nopt.step(c)\nprint(1)"
    )
    assert trace.error is None
    assert trace.printed == "1\n"


@pytest.mark.parametrize(
    "closure", ["def c():\n    while True: pass", "def c():\n    (w * 2).sum().backward()\n    return w.sum()"]
)
def test_a_step_without_an_end_ends_at_the_limit_of_time(closure: str) -> None:
    options = "max_iter=4096, max_eval=4096, tolerance_grad=-1, tolerance_change=-1e9, history_size=2000"
    trace = run_program(f"w = torch.ones(2, requires_grad=True)\nopt = torch.optim.LBFGS([w], {options})\n{closure}\n"
                        "while True: opt.step(c)")  # fmt: skip
    assert trace.error is not None
    assert trace.error.kind == "limit"
