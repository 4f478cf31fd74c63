"""Programs in a process of their own: what comes back is what run_program gives, and nothing it can do is believed."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from tests.vizcore.autograd.test_hostile_words import REFUSED, SLOW
from tests.vizcore.autograd_programs import random_program
from tests.vizcore.test_autograd_security import HOSTILE
from vizcore.autograd import Message, ProgramTrace, run_in_worker, run_program, to_json, worker
from vizcore.autograd.presets import PRESETS
from vizcore.autograd.wire import decode_trace, encode_trace
from vizcore.autograd.worker import TASK
from vizcore.sandbox import Sandbox

PROGRAMS = [preset.source for preset in PRESETS.values()] + [random_program(seed) for seed in range(30)]


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    sandbox = Sandbox([TASK])
    yield sandbox
    sandbox.close()


def same(first: Any, second: Any) -> bool:
    """Whether two values are equal to the last bit, arrays and records looked into."""
    if isinstance(first, np.ndarray):
        return (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())
    if dataclasses.is_dataclass(first):
        return type(first) is type(second) and all(
            same(getattr(first, field.name), getattr(second, field.name)) for field in dataclasses.fields(first)
        )
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[name], second[name]) for name in first)
    if isinstance(first, (list, tuple)):
        return (
            type(first) is type(second)
            and len(first) == len(second)
            and all(same(one, other) for one, other in zip(first, second, strict=True))
        )
    return type(first) is type(second) and (first == second or first != first)


@pytest.mark.parametrize("source", PROGRAMS[::4])
def test_the_worker_gives_what_the_function_gives(place: Sandbox, source: str) -> None:
    run = run_in_worker(source, 3, wall_s=60, place=place)
    trace = run_program(source, seed=3)
    assert not run.stopped
    assert same(run.trace, trace)
    assert run.packed == json.dumps(to_json(trace), allow_nan=False).encode()


def test_a_rehearsal_works_and_leaves_nothing_behind() -> None:
    assert run_program(worker._REHEARSAL).error is None
    source = PRESETS["scalar"].source + "print(torch.rand(2))\n"
    before, numbers = run_program(source), torch.get_rng_state()
    worker.rehearse()
    assert same(run_program(source), before)
    assert torch.equal(torch.get_rng_state(), numbers)
    assert torch.is_grad_enabled()


def test_values_of_every_kind_cross() -> None:
    source = (
        "a = [1, (2.5, 'text'), None, True]\nb = range(3)\nc = float('nan')\nd = torch.zeros(0, 3)\n"
        "e = torch.ones(2, dtype=torch.bfloat16)\nf = torch.tensor([True])\ng = torch.float64\nh = 2 ** 63\n"
        "i = torch.ones(3)[::2]\nj = torch.tensor(3.0)\nk = torch.ones(2, dtype=torch.float16)\nl = torch.uint8\n"
    )
    trace = run_program(source)
    assert trace.error is None
    data = encode_trace(trace, b"{}")
    again, packed = decode_trace(data, source, 0)
    assert same(again, trace)
    assert packed == b"{}"
    assert again.variables["j"].shape == ()
    assert not again.variables["i"].flags.writeable


def tampered(trace: ProgramTrace, change) -> bytes:
    """An encoded trace whose header was changed."""
    data = encode_trace(trace, b"{}")
    size, packed = struct.unpack_from("<II", data)
    header = json.loads(data[8 : 8 + size])
    rest = data[(8 + size + packed + 7) // 8 * 8 :]
    change(header)
    written = json.dumps(header).encode()
    start = struct.pack("<II", len(written), packed) + written + b"{}"
    return start + bytes(-len(start) % 8) + rest


def set_at(*path: Any, to: Any):
    def change(header: Any) -> None:
        for part in path[:-1]:
            header = header[part]
        header[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_at("arrays", 0, 0, to="|O"),
        set_at("arrays", 0, 0, to="<U4"),
        set_at("arrays", 0, 1, to=[-1]),
        set_at("arrays", 0, 1, to=[2**62]),
        set_at("arrays", 0, 1, to=[2**63, 0]),
        set_at("arrays", 0, 1, to=[True]),
        set_at("arrays", 0, 2, to=-8),
        set_at("arrays", 0, 2, to=2**40),
        set_at("arrays", 0, to=None),
        set_at("fields", "grads", to={"x": 999}),
        set_at("fields", "grads", to={"x": "0"}),
        set_at("fields", "nodes", 0, 0, to=5),
        set_at("fields", "nodes", 0, to=[]),
        set_at("fields", "edges", 0, 0, to=999),
        set_at("fields", "edges", 0, 0, to=-1),
        set_at("fields", "edges", 0, 0, to=2),  # the target: a cycle
        set_at("fields", "steps", 0, 0, to="other"),
        set_at("fields", "steps", 0, 5, to=[999]),
        set_at("fields", "visits", 0, 1, to=999),
        set_at("fields", "source", to="print('other')"),
        set_at("fields", "nothing", to=1),
        set_at("fields", "printed", to=None),
        set_at("variables", to={"x": {"object": 1}}),
        set_at("variables", to={"x": {"array": 0, "list": []}}),
        set_at("variables", to={"x": [1]}),
        set_at("variables", to=[]),
        set_at("variables", to={"x": {"range": ["a"]}}),
        *(
            set_at("fields", "error", to=["torch", [template, {"text": "a"}], 1, 1, 2, "", None])
            for template in ("{text.__class__}", "{text[0]}", "{text:9999999}", "{text!r}", "{other}", "{", 5, None)
        ),
    ],
)
def test_forged_bytes_are_refused(change) -> None:
    trace = run_program("x = torch.ones(2, requires_grad=True)\ny = x * 2\n(y * x).sum().backward()\n")
    decode_trace(tampered(trace, lambda header: None), trace.source, 0)  # unchanged it is read
    with pytest.raises(ValueError, match=r"."):
        decode_trace(tampered(trace, change), trace.source, 0)


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\xff" * 100, struct.pack("<II", 2, 0) + b"{}", b"[" * 10**5])
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_trace(data, "", 0)


def test_deep_json_is_refused() -> None:
    header = b"[" * 100_000
    with pytest.raises(ValueError, match=r"."):
        decode_trace(struct.pack("<II", len(header), 0) + header, "", 0)


def test_a_program_that_cannot_be_held_is_explained_at_its_line(monkeypatch, place: Sandbox) -> None:
    def answer(task: str, request: bytes, **options: Any) -> bytes:
        options["on_note"](b"2")
        options["on_note"](b"what")
        return b"forged"

    monkeypatch.setattr(place, "run", answer)
    run = run_in_worker("x = 1\n  # two\n", place=place)
    assert (run.stopped, run.error.line, run.error.column) == ("ended", 2, 3)
    assert "ended the process" in str(run.error)
    assert json.loads(run.packed)["error"]["line"] == 2


def test_time_and_memory_are_explained(place: Sandbox) -> None:
    from vizcore.autograd import worker
    from vizcore.sandbox import SandboxError

    class Failing:
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def run(self, *args: Any, **options: Any) -> bytes:
            raise SandboxError(self.kind, "x")

    sentences = {
        kind: worker.run_in_worker("x", place=Failing(kind)) for kind in ("wall", "processor", "memory", "busy")
    }
    assert "more than 6 s" in str(sentences["wall"].error)
    assert "more than 1 s" in str(sentences["processor"].error)
    assert "too much memory" in str(sentences["memory"].error)
    assert [kind for kind, run in sentences.items() if run.may_differ] == ["wall", "busy"]


def test_sentences_are_plain() -> None:
    from vizcore.autograd import worker

    assert all(str(Message(text, {"seconds": 1, "limit": "1"})) for text in worker.MESSAGES)


@pytest.mark.parametrize("batch", range(4))
def test_hostile_programs_come_back(batch: int, place: Sandbox) -> None:
    refused, slow = [*HOSTILE[batch * 2 :: 24], *REFUSED[batch::24]], SLOW[batch::12]
    for source in (*refused, *slow):
        run = run_in_worker(source, wall_s=60, place=place)
        ends = ("", "processor", "memory") if source in slow else ("", "processor")
        assert run.stopped in ends, f"{run.error}\n{source}"
        assert "could not record" not in str(run.error), f"{run.error}\n{source}"
