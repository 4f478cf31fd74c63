"""The notebooks run, say what is stored in them, and are small enough to be shown on a web page."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebook import run_cells, texts_of

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 300_000


def stored_outputs(path: Path) -> list[list[dict]]:
    """The outputs of each code cell, as they lie in the file."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


def test_there_is_a_tour() -> None:
    assert "vizcore_tour.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_when_run_what_is_stored_in_it(path: Path, tmp_path: Path) -> None:
    # In a process and a folder of its own, as a reader runs it. `python -m tests.notebook FILE --store` renews it.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.notebook", str(path)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == texts_of(stored_outputs(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_its_figures_are_pictures(path: Path) -> None:
    outputs = [output for shown in stored_outputs(path) for output in shown]
    assert sum(len(json.dumps(output)) for output in outputs) < MOST_BYTES
    figures = [output["data"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) >= 4
    assert all(base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n\x1a\n") for data in figures)
    assert {kind for output in outputs for kind in output.get("data", {})} <= {"image/png", "text/plain"}


def test_the_runner_shows_prints_and_the_last_value() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["no code"]},
        {"cell_type": "code", "source": ["a = 2\n", "print('one')\n", "a + 1"]},
        {"cell_type": "code", "source": ["a = a + 1"]},
        {"cell_type": "code", "source": ["f = lambda: a\n", "f()"]},
    ]
    assert texts_of(run_cells({"cells": cells})) == [["one\n", "3"], [], ["3"]]
