from __future__ import annotations

import ast

import numpy as np
import pytest

from tests.scripts import run_script
from vizcore.autograd import ProgramRun, list_rows, run_program, write_program_script
from vizcore.autograd.presets import PRESETS
from vizcore.autograd.script import SHOWN_AT_MOST


def run_of(source: str, seed: int = 0) -> ProgramRun:
    return ProgramRun(run_program(source, seed=seed), b"")


@pytest.mark.parametrize("name", ["random", "network"])
def test_the_script_prints_the_final_values_and_gradients(name: str) -> None:
    source = "w = torch.randn(2, 3, requires_grad=True)\nn = 2\nloss = (w * n).sum()\nloss.backward()\n"
    source = source if name == "random" else PRESETS["network"].source
    run = run_of(source, 3)
    out = run_script(write_program_script(source, 3, run)).removeprefix(run.trace.printed)
    printed = {key: ast.literal_eval(text) for key, text in (line.split(" ", 1) for line in out.splitlines())}
    tensors = {key: value for key, value in run.trace.variables.items() if isinstance(value, np.ndarray)}
    grads = {f"{key}.grad": value for key, value in run.trace.grads.items() if key.isidentifier()}
    assert printed.keys() == {*tensors, *grads}
    for key, value in {**tensors, **grads}.items():
        assert np.array_equal(np.asarray(printed[key], value.dtype), value), key


def test_only_tensors_that_are_short_and_named_are_printed() -> None:
    source = (
        f"whole = torch.zeros({SHOWN_AT_MOST})\nlong = torch.zeros({SHOWN_AT_MOST + 1})\nnumber = 3\n"
        "net = nn.Sequential(nn.Linear(1, 1))\nnet(torch.ones(1)).sum().backward()\n"
    )
    run = run_of(source)
    assert any("." in name for name in run.trace.grads)  # the module's own, which no variable names
    script = write_program_script(source, 0, run)
    assert script.endswith('\nprint("whole", whole.tolist())\n')
    assert script.count("print(") == 1
    assert {row["name"] for row in list_rows(run)} == {"whole"}


def test_a_program_that_stops_is_written_as_it_is() -> None:
    source = "x = torch.ones(2)\nx.backward()\n"
    run = run_of(source)
    assert run.error is not None
    script = write_program_script(source, 7, run)
    assert script.endswith("torch.manual_seed(7)\n\nx = torch.ones(2)\nx.backward()\n")
    assert [row["value"] for row in list_rows(run)] == [1.0, 1.0]  # what there was until then


def test_rows_hold_every_element_once_with_its_place() -> None:
    run = run_of("x = torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)\n(x * x).sum().backward()\n")
    assert list_rows(run) == [
        {"name": name, "index": index, "value": value}
        for name, values in (("x", [1.0, 2.0, 3.0, 4.0]), ("x.grad", [2.0, 4.0, 6.0, 8.0]))  # d x²/dx = 2 x
        for index, value in enumerate(values)
    ]
