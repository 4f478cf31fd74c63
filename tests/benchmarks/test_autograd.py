"""What recording costs: ``run_program`` on each preset beyond torch's own time. Printed; target ≤ 30 ms."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable

import torch

from vizcore.autograd import run_program
from vizcore.autograd.presets import PRESETS


def best_of(action: Callable[[], object], repeats: int = 7) -> float:
    """Shortest of several runs in milliseconds: the one that other processes disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def run_plainly(source: str) -> None:
    """The same lines on plain torch; a preset that fails fails here too."""
    space = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    torch.manual_seed(0)
    with contextlib.suppress(RuntimeError), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(source, space)


def test_presets_beyond_torchs_own_time() -> None:
    print()
    for name, preset in PRESETS.items():
        run_program(preset.source)
        ours = best_of(lambda source=preset.source: run_program(source))
        plain = best_of(lambda source=preset.source: run_plainly(source))
        print(f"{name:18} {ours:7.2f} ms, plain torch {plain:6.2f} ms, beyond it {ours - plain:7.2f} ms (≤ 30)")
