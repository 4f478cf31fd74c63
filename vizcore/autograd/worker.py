"""A learner's program in a process of its own: whatever it does there, its answer or a sentence comes back."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch

from vizcore import sandbox
from vizcore.autograd import limits, slope
from vizcore.autograd.program import run_program_by_lines
from vizcore.autograd.trace import Message, ProgramError, ProgramTrace
from vizcore.autograd.trace_json import to_json
from vizcore.autograd.wire import MAX_HEADER, MAX_PACKED, decode_trace, encode_trace
from vizcore.sandbox import Sandbox, SandboxError

TASK: Final = __name__

TOO_LONG: Final = "The program ran for more than {seconds:g} s."
TOO_LARGE: Final = "The program used too much memory."
ENDED: Final = "The program ended the process that it ran in; everything else goes on."
BUSY: Final = "Too many programs are waiting; run it again in a moment."
TOO_MANY_NUMBERS: Final = "The record of this program has more than {limit} numbers."
MESSAGES: Final = (TOO_LONG, TOO_LARGE, ENDED, BUSY, TOO_MANY_NUMBERS)


@dataclass(frozen=True, eq=False)
class ProgramRun:
    """What came back from the process.

    Attributes:
        trace: the run; where the process had to be stopped it holds nothing but ``error``. Arrays are read-only.
        packed: ``json.dumps(to_json(trace))`` as bytes, the layout in it.
        stopped: why there is no more, or the empty string. ``wall`` and ``busy`` may go better another time, so such
            a run should not be kept.
    """

    trace: ProgramTrace
    packed: bytes
    stopped: Literal["", "wall", "processor", "memory", "ended", "busy"] = ""

    @property
    def error(self) -> ProgramError | None:
        """Why the program stopped early, or None."""
        return self.trace.error

    @property
    def may_differ(self) -> bool:
        """Whether the same program may end otherwise on a quieter computer."""
        return self.stopped in ("wall", "busy")


@functools.cache
def programs_sandbox() -> Sandbox:
    """The one sandbox of this process; ``programs_sandbox().start()`` gets it ready ahead of the first program."""
    return Sandbox([TASK, slope.TASK])


def run_in_worker(
    source: str,
    seed: int = 0,
    *,
    opened: Sequence[int] = (),
    wall_s: float = sandbox.WALL_SECONDS,
    on_wait: Callable[[int], None] | None = None,
    place: Sandbox | None = None,
) -> ProgramRun:
    """Runs a program as :func:`run_program` does, in a process of its own, and lays out its graph there too.

    Args:
        source: the program.
        seed: seed of its random numbers.
        opened: as for :func:`run_program`.
        wall_s: seconds after which it is stopped whatever it does; its processor time is limited besides.
        on_wait: called with the place in the queue, from 1, while others go first.
        place: another sandbox than :func:`programs_sandbox`, for tests.

    Returns:
        The run. Nothing is raised: what went wrong is in ``error``.
    """
    lines: list[int] = []

    def note(text: bytes) -> None:
        if text.isdigit():
            lines[:] = [int(text[:9])]

    try:
        answer = (place or programs_sandbox()).run(
            TASK, _request(source, seed, opened), wall_s=wall_s, on_wait=on_wait, on_note=note
        )
        trace, packed = decode_trace(answer, source, seed)
    except SandboxError as error:
        seconds = limits.MAX_SECONDS if error.kind == "processor" else wall_s
        template = {"wall": TOO_LONG, "processor": TOO_LONG, "memory": TOO_LARGE, "busy": BUSY}.get(error.kind, ENDED)
        values = {"seconds": seconds} if template is TOO_LONG else {}
        return _stopped(source, seed, Message(template, values), lines, error.kind)
    except ValueError:  # no honest process writes such bytes
        return _stopped(source, seed, Message(ENDED), lines, "ended")
    return ProgramRun(trace, packed)


def put_behind(source: str, seed: int = 0, *, opened: Sequence[int] = (), place: Sandbox | None = None) -> None:
    """Lets all other programs go before one that :func:`run_in_worker` runs now, in another thread.

    Args:
        source: as for :func:`run_in_worker`, and so are the others.
        seed: of its random numbers.
        opened: the iterations that are recorded whole.
        place: the sandbox that it runs in.
    """
    (place or programs_sandbox()).put_behind(TASK, _request(source, seed, opened))


def _request(source: str, seed: int, opened: Sequence[int]) -> bytes:
    return json.dumps({"source": source, "seed": seed, "opened": list(opened)}).encode()


def _stopped(
    source: str,
    seed: int,
    message: Message,
    lines: list[int],
    kind: Literal["wall", "processor", "memory", "ended", "busy"],
) -> ProgramRun:
    """A run of which only the line is known at which it stood."""
    texts = source.splitlines() or [""]
    line = min(max(lines[0] if lines else 1, 1), len(texts))
    text = texts[line - 1]
    column = len(text) - len(text.lstrip()) + 1
    error = ProgramError("limit", message, line, column, max(len(text) + 1, column + 1))
    trace = ProgramTrace(source, seed, (), (), (), (), (), {}, {}, "", error)
    return ProgramRun(trace, _pack(trace), kind)


def _pack(trace: ProgramTrace) -> bytes:
    return json.dumps(to_json(trace), allow_nan=False).encode()


def slope_in_worker(source: str, seed: int, name: str, index: int) -> bytes:
    """:func:`vizcore.autograd.slope.measure_slope` in a process of its own.

    Args:
        source: the program.
        seed: of its random numbers.
        name: of the leaf.
        index: of its element, row by row.

    Returns:
        JSON: a checked record, or ``null`` if no curve can be had, in time or at all.
    """
    request = json.dumps({"source": source, "seed": seed, "name": name, "index": index}).encode()
    try:
        found = json.loads(programs_sandbox().run(slope.TASK, request))
        if found is None:
            return b"null"
        numbers = {key: float(found[key]) for key in ("x", "y", "gradient", "rate", "next")}
        curve = {key: [None if value is None else float(value) for value in found[key]] for key in ("xs", "ys")}
    except (SandboxError, ValueError, TypeError, KeyError):  # no honest process writes other bytes
        return b"null"
    return json.dumps({"name": name, "index": index, **numbers, **curve}).encode()


# ---- in the worker ---------------------------------------------------------------------------------------------------


def prepare() -> None:
    """Imports and builds, once, what programs need later: a worker can open no file any more."""
    torch.set_num_threads(1)
    for source in _WARM_UP:
        _pack(run_program_by_lines(source, 0))


def rehearse() -> None:
    """Runs a small program from its text to its bytes."""
    _written(run_program_by_lines(_REHEARSAL, 0, on_line=lambda line: None))


def answer(request: bytes, note: Callable[[bytes], None]) -> bytes:
    """Runs the program of a request and writes its trace."""
    asked = json.loads(request)
    trace = run_program_by_lines(
        asked["source"],
        asked["seed"],
        on_line=lambda line: note(b"%d" % line),
        opened=[number for number in asked.get("opened", ()) if type(number) is int],
    )
    data, packed = _written(trace)
    if len(packed) > MAX_PACKED or len(data) > sandbox.MAX_ANSWER or int.from_bytes(data[:4], "little") > MAX_HEADER:
        line = trace.steps[-1].line if trace.steps else 1
        message = Message(TOO_MANY_NUMBERS, {"limit": f"{limits.MAX_RECORDED:,}"})
        error = ProgramError("limit", message, line, 1, 2)
        data, _ = _written(
            replace(
                trace,
                steps=(),
                tensors=(),
                nodes=(),
                edges=(),
                visits=(),
                variables={},
                grads={},
                error=error,
                folds=(),
                calls=(),
                charts=(),
            )
        )
    return data


def _written(trace: ProgramTrace) -> tuple[bytes, bytes]:
    packed = _pack(trace)
    return encode_trace(trace, packed), packed


_REHEARSAL: Final = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 2)
    def forward(self, x):
        return torch.tanh(self.hidden(x)).sum(1)
net = Net()
x = torch.randn(4, 2)
w = torch.tensor(1.5, requires_grad=True)
opt = torch.optim.Adam([w, *net.parameters()], lr=0.1)
for epoch in range(2):
    loss = F.mse_loss(w * net(x), x[:, 0])
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(f"{epoch} {loss.item():.3f}")
"""
# Torch imports parts of itself at the first use of some operators; each of these brings in some.
_WARM_UP: Final = (
    "x = torch.ones(3, requires_grad=True)\ny = (x * x).sum()\ny.backward(create_graph=True)\nprint(x.grad)\n"
    "net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(3))\n"
    "loss = F.cross_entropy(net(torch.randn(4, 3)), torch.tensor([0, 1, 2, 0]))\nloss.backward()\nprint(net, loss)\n",
    "F.interpolate(torch.ones(1, 1, 2, 2), scale_factor=2, mode='bilinear')\n"
    "F.interpolate(torch.ones(1, 1, 2, 2), scale_factor=2, mode='bicubic')\n"
    "F.conv2d(torch.rand(1, 1, 8, 8), torch.rand(2, 1, 3, 3))\nF.conv_transpose2d(torch.rand(1, 1, 4, 4), "
    "torch.rand(1, 1, 3, 3))\nF.max_pool2d(torch.rand(1, 1, 4, 4), 2)\nF.layer_norm(torch.rand(2, 3), (3,))\n"
    "F.grid_sample(torch.rand(1, 1, 2, 2), torch.rand(1, 2, 2, 2), align_corners=False)\n",
    "a = torch.rand(3, 3)\nb = torch.linalg.svd(a)\nc = torch.linalg.inv(a + torch.eye(3))\nd = torch.matrix_exp(a)\n"
    "e = torch.einsum('ij,jk->ik', a, a)\nf = torch.cat([a, a])\ng = a.repeat(2, 2)\nh = a[[0, 1]]\n"
    "i = torch.ones(2).repeat_interleave(2)\nj = torch.linalg.eigh(a + a.T)\nk = torch.quantile(a, 0.5)\n"
    "l = F.pad(a[None], (1, 1), mode='reflect')\nm = torch.tensor(1.5, requires_grad=True)\nprint(a, m, a > 0)\n",
)
