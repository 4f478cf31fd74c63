"""The corpus: programs as lessons about gradients have them, written for these tests; and what torch makes of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus"
_PLAIN = """
import io, json, math, sys, warnings
from contextlib import redirect_stdout
from unittest.mock import MagicMock
plotting = MagicMock()  # draws nothing; it need not be installed
def subplots(rows=1, columns=1, **options):
    return MagicMock(), MagicMock() if rows * columns == 1 else [MagicMock() for _ in range(max(rows, columns))]
plotting.pyplot.subplots.side_effect = subplots
sys.modules.update({"matplotlib": plotting, "matplotlib.pyplot": plotting.pyplot})
import torch
import torch.nn.functional as F
from torch import nn, optim
import numpy, random

torch.set_num_threads(1)
warnings.simplefilter("ignore")

def encode(tensor):
    tensor = tensor.detach()
    return [list(tensor.shape), tensor.contiguous().numpy().tobytes().hex()]

results = []
for source in json.load(sys.stdin):
    torch.manual_seed(0)
    numpy.random.seed(0)
    random.seed(0)
    scope = {"torch": torch, "nn": nn, "F": F, "math": math, "optim": optim, "np": numpy}
    scope |= {"__name__": "__main__", "plt": plotting.pyplot}
    scope["Variable"] = torch.autograd.Variable
    error, printed = None, io.StringIO()
    torch.set_grad_enabled(True)
    try:
        with redirect_stdout(printed):
            exec(source, scope)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    tensors = {}
    for name, value in scope.items():
        if isinstance(value, torch.Tensor):
            tensors[name] = value
        elif isinstance(value, nn.Module) and name not in ("nn",):
            parts = [*value.named_parameters(), *value.named_buffers()]
            tensors.update({f"{name}.{path}": part for path, part in parts})
    results.append({
        "error": error,
        "printed": printed.getvalue(),
        "variables": {name: encode(value) for name, value in tensors.items()},
        "grads": {
            name: encode(value.grad)
            for name, value in tensors.items()
            if value.is_leaf and value.grad is not None
        },
        "plain": {
            name: repr(value)
            for name, value in scope.items()
            if type(value) in (bool, int, float, str) and name != "__name__"
        },
    })
json.dump(results, sys.stdout)
"""


def corpus() -> dict[str, str]:
    """Every program by its name, ``file: title``."""
    found = {}
    for path in sorted(FOLDER.glob("*.txt")):
        parts = re.split(r"^#### (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found.update({f"{path.stem}: {name}": source for name, source in zip(parts[1::2], parts[2::2], strict=True)})
    return found


def run_plainly(sources: list[str]) -> list[dict[str, Any]]:
    """Runs programs with Python's own exec, in one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", _PLAIN], input=json.dumps(sources), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def without_addresses(text: str) -> str:
    """Printed text without what no two runs share: where an object lies in memory."""
    return re.sub(r" object at 0x[0-9a-f]+", "", text)
