from __future__ import annotations

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from tests.scripts import run_script
from tests.vizcore.modules.choices import CHOICES
from vizcore import modules
from vizcore.modules import NetworkChoice, compare_networks, lab_program, network_source, shown_definition


@pytest.fixture(scope="module")
def printed() -> list[list[list[list[float]]]]:
    """What the shown programs print, each in a fresh namespace of one fresh interpreter."""
    driver = (
        "import contextlib, io, json, sys\n"
        "results = []\n"
        "for source in json.load(sys.stdin):\n"
        "    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out):\n"
        "        exec(source, {'__name__': '__main__'})\n"
        "    results.append([json.loads(line) for line in out.getvalue().splitlines()])\n"
        "print(json.dumps(results))\n"
    )
    sources = [network_source(choice, name, seed=3) for choice in CHOICES for name in ("module", "functional")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", driver], input=json.dumps(sources), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_shown_programs_print_the_shown_numbers(printed: list[list[list[list[float]]]]) -> None:
    for index, choice in enumerate(CHOICES):
        comparison = compare_networks(choice, seed=3)
        for pane, report in enumerate((comparison.module, comparison.functional)):
            in_eval, in_train = printed[2 * index + pane]
            assert np.array_equal(np.float32(in_eval), report.output), (choice, report.name)
            assert np.array_equal(np.float32(in_train), report.output_train), (choice, report.name)


def test_comparison_program_prints_the_compared_numbers() -> None:
    choice = NetworkChoice(middle="shared", layer="conv2d")
    comparison = compare_networks(choice, seed=5)
    lines = [ast.literal_eval(line) for line in run_script(modules.write_modules_script(choice, seed=5)).splitlines()]
    for report, (passes_eval, passes_train, count, keys) in zip(
        (comparison.module, comparison.functional), (lines[:4], lines[4:]), strict=True
    ):
        assert np.array_equal(np.float32(passes_eval), np.float32(report.passes_eval))
        assert np.array_equal(np.float32(passes_train), np.float32(report.passes_train))
        assert count == sum(entry.num_values for entry in report.parameters)
        assert keys == [entry.name for entry in report.state]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", ["module", "functional"])
def test_lab_programs_run_line_by_line(choice: NetworkChoice, name: str) -> None:
    program = lab_program(choice, name)
    assert "import" not in program
    assert "class" not in program
    space: dict[str, object] = {"torch": torch, "nn": nn, "F": nn.functional}
    exec(compile(program, name, "exec"), space)
    output = space["output"]
    assert isinstance(output, torch.Tensor)
    assert output.shape == (6, 3)


def test_both_lab_programs_learn_the_same_number_of_values() -> None:
    for choice in CHOICES:
        counts = []
        for name in ("module", "functional"):
            space: dict[str, object] = {"torch": torch, "nn": nn, "F": nn.functional}
            exec(compile(lab_program(choice, name), name, "exec"), space)
            weights = list(space["net"].parameters()) if name == "module" else list(space.values())
            leaves = [value for value in weights if isinstance(value, torch.Tensor) and value.is_leaf]
            counts.append(sum(leaf.numel() for leaf in leaves if leaf.grad is not None))
        assert counts[0] == counts[1]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_the_definitions_side_by_side_are_whole_parts_of_the_program(choice: NetworkChoice) -> None:
    for name, kind, defined in (("module", ast.FunctionDef, "make_net"), ("functional", ast.ClassDef, "Net")):
        source, shown = network_source(choice, name), shown_definition(choice, name)
        assert f"\n\n\n{shown}\n\n\n" in source  # set off by blank lines: nothing more belongs to it
        (statement,) = ast.parse(shown).body
        assert isinstance(statement, kind)
        assert statement.name == defined
