"""What a learner takes away from a run: the program as a script that stands alone, and the final numbers as rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from vizcore.autograd.worker import ProgramRun

SHOWN_AT_MOST = 64  # elements of a tensor that a script prints; more would bury the rest

_IMPORTS = ("import torch", "import torch.nn.functional as F", "from torch import nn")


def write_program_script(source: str, seed: int, run: ProgramRun) -> str:
    """Writes a program as a script that prints its final values.

    Args:
        source: the program.
        seed: seed of its random numbers.
        run: its run with that seed.

    Returns:
        Python that needs torch alone. Behind what the program itself prints comes a line for each named tensor of at
        most ``SHOWN_AT_MOST`` elements, ``name [values]``, then one for each such gradient, ``name.grad [values]``. A
        program that stops early is written as it is: where the lab found an error, so does Python.
    """
    lines = [*_IMPORTS, f"torch.manual_seed({seed})", "", source.rstrip()]
    if run.error is None:
        lines += ["", *(f'print("{name}", {name}.tolist())' for name in _shown(run.trace.variables))]
        lines += [f'print("{name}.grad", {name}.grad.tolist())' for name in _shown(run.trace.grads)]
    return "\n".join([*lines, ""])


def list_rows(run: ProgramRun) -> list[dict[str, Any]]:
    """Every element of the final values and gradients that a script prints, as rows for a file.

    Args:
        run: any run; one that stopped early has what it had until then.

    Returns:
        One row an element: ``name``, ``name.grad`` for a gradient; its ``index``, row by row; its ``value``.
    """
    arrays = _shown(run.trace.variables)
    arrays |= {f"{name}.grad": grad for name, grad in _shown(run.trace.grads).items()}
    return [
        {"name": name, "index": index, "value": element}
        for name, array in arrays.items()
        for index, element in enumerate(np.ravel(array).tolist())
    ]


def _shown(values: dict[str, Any]) -> dict[str, np.ndarray]:
    """Those that are tensors with a name of their own (a parameter in a module has none), small enough to print."""
    return {
        name: value
        for name, value in values.items()
        if name.isidentifier() and isinstance(value, np.ndarray) and value.size <= SHOWN_AT_MOST
    }
