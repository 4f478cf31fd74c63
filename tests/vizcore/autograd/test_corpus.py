"""What people write in lessons about gradients runs here as it runs in plain torch: values, gradients, prints."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.vizcore.autograd.programs import corpus, run_plainly, without_addresses
from vizcore.autograd import guard, run_program, to_json

PROGRAMS = corpus()
NOT_YET = (
    "graph: detach shares memory",
    "python: a counter and named tuples",
    "python: a match",
    "python: an endless generator",
    "python: default types",
    "python: complex numbers",
    "transforms: forward mode",
)
"""What the lab does not have: it says so, at the place. A program leaves this list when it runs."""


@pytest.fixture(scope="module")
def expected() -> dict[str, dict]:
    return dict(zip(PROGRAMS, run_plainly(list(PROGRAMS.values())), strict=True))


def test_there_are_many() -> None:
    assert len(PROGRAMS) >= 195
    assert len(NOT_YET) <= 10
    assert len(set(PROGRAMS.values())) == len(PROGRAMS)


def test_what_is_not_had_yet_is_said(expected: dict[str, dict]) -> None:
    for name in NOT_YET:
        assert expected[name]["error"] is None
        error = run_program(PROGRAMS[name]).error
        assert error is not None, name
        assert error.kind in ("unsupported", "name", "limit"), name
        assert len(str(error)) > 20
        assert PROGRAMS[name].splitlines()[error.line - 1].strip()


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in NOT_YET])
def test_a_program_runs_as_in_plain_torch(name: str, expected: dict[str, dict], monkeypatch) -> None:
    monkeypatch.setattr(guard.time, "thread_time", lambda: 0.0)  # a busy computer is no fault
    source, plain = PROGRAMS[name], expected[name]
    assert plain["error"] is None, plain["error"]
    trace = run_program(source)
    assert trace.error is None, f"{trace.error}\n{trace.error.explanation}"
    assert without_addresses(trace.printed) == without_addresses(plain["printed"])
    for kind, values in (("variables", trace.variables), ("grads", trace.grads)):
        for word, (shape, data) in plain[kind].items():
            assert word in values, word
            value = np.asarray(values[word])
            assert (list(value.shape), np.ascontiguousarray(value).tobytes().hex()) == (shape, data), word
    for word, text in plain["plain"].items():
        assert repr(trace.variables[word]) == text
    packed = to_json(trace)
    assert len(json.dumps(packed, allow_nan=False)) < 8 * 2**20
    assert "".join(step.printed for step in trace.steps) == trace.printed
