"""What people write in lessons about gradients runs here as it runs in plain torch: values, gradients, prints."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.vizcore.autograd.programs import corpus, run_plainly, without_addresses
from vizcore.autograd import limits, run_program, to_json

PROGRAMS = corpus()


@pytest.fixture(scope="module")
def expected() -> dict[str, dict]:
    return dict(zip(PROGRAMS, run_plainly(list(PROGRAMS.values())), strict=True))


def test_there_are_many() -> None:
    assert len(PROGRAMS) >= 120
    assert len(set(PROGRAMS.values())) == len(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_as_in_plain_torch(name: str, expected: dict[str, dict], monkeypatch) -> None:
    monkeypatch.setattr(limits.time, "thread_time", lambda: 0.0)  # a busy computer is no fault
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
