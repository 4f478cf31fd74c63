from __future__ import annotations

import itertools
import math
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests import javascript
from tests.javascript import evaluate_javascript
from vizcore import iou_losses
from vizcore.browser import CompilationError, to_javascript
from vizcore.iou_losses import KINDS, LossSettings

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 3.0, 1e-8, 1e3, -1e20, math.inf, -math.inf, math.nan)


def assert_same(ours: np.ndarray, torch_says: np.ndarray) -> None:
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(torch_says))
    np.testing.assert_array_equal(np.isposinf(ours), np.isposinf(torch_says))
    np.testing.assert_array_equal(np.isneginf(ours), np.isneginf(torch_says))
    np.testing.assert_allclose(ours, torch_says, rtol=1e-6, atol=1e-6)


def torch_rows(function, inputs: np.ndarray, gradient_inputs) -> np.ndarray:
    columns = [torch.from_numpy(column.copy()) for column in inputs.T]
    leaves = [column.requires_grad_() for index, column in enumerate(columns) if index in gradient_inputs]
    result = function(*columns)
    terms = result if isinstance(result, dict) else {"": result}
    value = next(iter(terms.values()))
    gradient = torch.autograd.grad(value.sum(), leaves) if leaves else ()
    named = [term for name, term in terms.items() if name]
    return torch.stack([value, *gradient, *named], dim=1).detach().double().numpy()


def compile_and_compare(function, inputs: np.ndarray, gradient_inputs=None) -> None:
    width = inputs.shape[1]
    wanted = range(width) if gradient_inputs is None else gradient_inputs
    example = [torch.rand(3, dtype=torch.float64) for _ in range(width)]
    source = to_javascript(function, example, name="compiled", gradient_inputs=wanted)
    assert_same(evaluate_javascript(source, "compiled", inputs), torch_rows(function, inputs, wanted))


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    """Ten thousand pairs of boxes: random, tied on a small grid, and every mix of degenerate and wild boxes."""
    random = np.random.default_rng(0)
    corners = random.uniform(-100, 100, (5000, 4))
    sizes = random.uniform(0, 80, (5000, 4))
    usual = np.concatenate(
        [corners[:, :2], corners[:, :2] + sizes[:, :2], corners[:, 2:], corners[:, 2:] + sizes[:, 2:]], 1
    )
    tied = random.integers(0, 5, (4000, 8)).astype(
        float
    )  # inverted and empty boxes and shared edges, all of them frequent
    wild = np.array(
        [
            [0, 0, 10, 10],
            [5, 5, 5, 5],
            [5, 5, 20, 5],
            [5, 5, 5, 20],
            [20, 20, 5, 5],
            [-30, -20, -10, -5],
            [0, 0, 1e-9, 1e-9],
            [0, 0, 1e5, 1e5],
            [0, 0, 1e160, 1e160],
            [math.nan, 0, 10, 10],
            [0, 0, math.inf, 10],
            [-math.inf, 0, 10, math.inf],
        ]
    )
    mixed = np.array([[*a, *b] for a, b in itertools.product(wild, wild)])
    disturbed = mixed[random.integers(0, len(mixed), 1000 - len(mixed))] + random.uniform(-3, 3, (1000 - len(mixed), 8))
    rows = np.concatenate([usual, tied, mixed, disturbed])
    assert rows.shape == (10_000, 8)
    return rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings",
    [LossSettings(), LossSettings(eps=0.0, beta=7.5, power=0.5, alpha_gradient=True, alpha_gate=True)],
    ids=["torchvision", "other"],
)
def test_compiled_losses_equal_torch_on_ten_thousand_pairs(kind, settings, pairs):
    compile_and_compare(lambda *c: iou_losses.loss_terms(kind, c, settings), pairs, range(4))


@pytest.mark.parametrize("function", [iou_losses.box_parts, iou_losses.degeneracies])
def test_compiled_parts_equal_torch(function, pairs):
    compile_and_compare(function, pairs, ())


UNARY = {
    "abs": torch.abs,
    "atan": torch.atan,
    "ceil": torch.ceil,
    "clamp": lambda x: x.clamp(-1, 2),
    "clamp max": lambda x: x.clamp(max=1.5),
    "clamp min": lambda x: x.clamp(min=1.0),
    "constants": lambda x: x * torch.tensor(2.5, dtype=torch.float64) - 1e-7 + 10**15 * (x * 0),
    "cos": torch.cos,
    "detach": lambda x: x.detach() * x,
    "exp": lambda x: torch.exp(-x.abs()),
    "expm1": lambda x: torch.expm1(-x.abs()),
    "floor": torch.floor,
    "fmod": lambda x: torch.fmod(x, 2),
    "full like": lambda x: torch.full_like(x, 3.0) - x,
    "isnan": lambda x: torch.where(torch.isnan(x), torch.zeros_like(x), x),
    "log": torch.log,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "logic": lambda x: torch.where(((x > 0) & (x < 2)) | ~(x <= 100), x, -x),
    "masked fill": lambda x: x.masked_fill(x > 1, 0.25),
    "negative twice": lambda x: x.neg().neg() - -1.0,
    "pow": lambda x: x**2.7,
    "pow 2": lambda x: x**2,
    "pow 3": lambda x: x**3,
    "reciprocal": torch.reciprocal,
    "relu": torch.relu,
    "round": torch.round,
    "rsqrt": torch.rsqrt,
    "rsub": lambda x: 2 - x,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": lambda x: torch.sinh(x.clamp(-5, 5)),
    "sqrt": torch.sqrt,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "trunc": torch.trunc,
}
BINARY = {
    "add": lambda a, b: torch.add(a, b, alpha=3),
    "atan2": torch.atan2,
    "div": lambda a, b: a / b,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mul": lambda a, b: a * b,
    "pow": torch.pow,
    "sub": lambda a, b: torch.sub(a, b, alpha=2),
    "where": lambda a, b: torch.where(a >= b, a, b),
}


@pytest.mark.parametrize("name", UNARY)
def test_operation_of_one_number_means_what_torch_means(name):
    compile_and_compare(UNARY[name], np.array(SPECIAL)[:, None])


@pytest.mark.parametrize("name", BINARY)
def test_operation_of_two_numbers_means_what_torch_means(name):
    # Without −0: which zero a maximum of 0 and −0 is, torch itself leaves to the width of its vectors.
    numbers = [number for number in SPECIAL if not (number == 0 and math.copysign(1, number) < 0)]
    compile_and_compare(BINARY[name], np.array(list(itertools.product(numbers, numbers))))


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (lambda x: x / x.sum(), "aten.sum"),
        (lambda x: torch.erfinv(x), "aten.erfinv"),
        (lambda x: x.flip(0), "aten.flip"),
        (lambda x: x.float().double(), "float64"),
        (lambda x: torch.div(x, 2, rounding_mode="floor"), "aten.div"),
        (lambda x: x[:1] * 2, "aten.slice"),
        (lambda x: x + torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), "number"),
    ],
)
def test_what_has_no_javascript_form_is_an_error_when_compiled(function, word):
    with pytest.raises(CompilationError, match=word):
        to_javascript(function, [torch.rand(3, dtype=torch.float64)], name="f")


def test_names_and_inputs_are_checked():
    one = torch.rand(3, dtype=torch.float64)
    for bad in ("1f", "f-g", "", "t3"):
        with pytest.raises(ValueError, match="name"):
            to_javascript(torch.abs, [one], name=bad)
    with pytest.raises(CompilationError, match="float64"):
        to_javascript(torch.abs, [one.float()], name="f")
    with pytest.raises(CompilationError, match="one shape"):
        to_javascript(torch.add, [one, one[:2]], name="f")


def test_inputs_stay_apart_where_one_example_serves_for_all():
    example = torch.ones(1, dtype=torch.float64)
    source = to_javascript(lambda a, b: a - 2 * b, [example, example], name="compiled")
    assert evaluate_javascript(source, "compiled", np.array([[5.0, 1.0]])).tolist() == [[3.0, 1.0, -2.0]]


def test_sessions_that_compile_at_once_do_not_disturb_one_another():
    examples = [torch.full((3,), float(n), dtype=torch.float64) for n in range(8)]

    def compile_one():
        return to_javascript(lambda *c: iou_losses.loss_terms("diou", c), examples, name="diou")

    alone = compile_one()
    together = threading.Barrier(4)

    def compile_some(_):
        together.wait()
        return {compile_one() for _ in range(5)}

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(compile_some, range(4))) == [{alone}] * 4


def test_source_is_a_straight_line_without_dead_or_repeated_work():
    example = [torch.rand(3, dtype=torch.float64) for _ in range(8)]
    source = to_javascript(
        lambda *c: iou_losses.loss_terms("giou", c),
        example,
        name="giou",
        gradient_inputs=range(4),
        argument_names=("x1", "y1", "x2", "y2", "tx1", "ty1", "tx2", "ty2"),
    )
    lines = [line.strip() for line in source.splitlines() if "const" in line]
    expressions = [line.split(" = ", 1)[1] for line in lines]
    assert len(set(expressions)) == len(expressions)
    for index, _ in enumerate(lines):
        assert (
            len(
                [
                    part
                    for part in source.replace("(", " ").replace(",", " ").split()
                    if part.strip("-;!)[]") == f"t{index}"
                ]
            )
            > 1
        )
    assert source.startswith("export function giou(x1, y1, x2, y2, tx1, ty1, tx2, ty2) {\n")


def test_chromium_says_what_node_says(monkeypatch, pairs, chromium):
    example = [torch.rand(3, dtype=torch.float64) for _ in range(8)]
    source = to_javascript(lambda *c: iou_losses.loss_terms("ciou", c), example, name="ciou", gradient_inputs=range(4))
    rows = pairs[-1000:]
    expected = torch_rows(lambda *c: iou_losses.loss_terms("ciou", c), rows, range(4))
    with_node = shutil.which
    monkeypatch.setattr(javascript.shutil, "which", lambda name: None if name == "node" else with_node(name))
    assert_same(evaluate_javascript(source, "ciou", rows), expected)


def test_no_runtime_is_a_failure_in_ci_and_a_skip_elsewhere(monkeypatch):
    monkeypatch.setattr(javascript.shutil, "which", lambda name: None)
    monkeypatch.setattr(javascript, "find_chromium", lambda: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="neither node nor chromium"):
        evaluate_javascript("", "f", np.zeros((1, 1)))
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        evaluate_javascript("", "f", np.zeros((1, 1)))
