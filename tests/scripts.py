"""Runs the scripts that pages hand out, in a fresh interpreter, as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)")


def run_script(source: str, *, timeout: float = 120) -> str:
    """Everything that a script prints; a failing script fails the test with its own error."""
    answer = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def printed_numbers(text: str) -> list[float]:
    """The numbers of a script's output, in order."""
    return [float(word) for word in _NUMBER.findall(text)]
