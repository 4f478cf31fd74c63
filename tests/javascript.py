"""Runs compiled JavaScript on many inputs, in Node or, where there is none, in Chromium."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.browser.install import find_chromium
from tests.chromium import open_chromium

# The same few lines serve both runtimes: numbers in and out are raw float64, for JSON knows neither NaN nor infinity.
_EVALUATE = """
const evaluate = (compiled, numbers, width) => {
  const rows = [];
  for (let i = 0; i < numbers.length; i += width) {
    const { value, gradient, terms } = compiled(...numbers.subarray(i, i + width));
    rows.push(value, ...gradient, ...Object.values(terms));
  }
  return Float64Array.from(rows);
};
"""


def evaluate_javascript(source: str, name: str, inputs: np.ndarray) -> np.ndarray:
    """Calls the exported function once per row of ``inputs``.

    Returns:
        One row per input: value, gradient, then the terms in their order.
    """
    numbers = np.ascontiguousarray(inputs, dtype="<f8")
    if shutil.which("node"):
        raw = _in_node(source, name, numbers)
    elif find_chromium():
        raw = _in_chromium(source, name, numbers)
    else:
        words = "neither node nor chromium found: compiled JavaScript cannot be tested"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return np.frombuffer(raw, dtype="<f8").reshape(len(inputs), -1)


def _in_node(source: str, name: str, numbers: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder, "module.mjs")
        module.write_text(source, encoding="utf-8")
        Path(folder, "in").write_bytes(numbers.tobytes())
        main = Path(folder, "main.mjs")
        main.write_text(
            f"import {{ readFileSync, writeFileSync }} from 'node:fs';\n"
            f"import {{ {name} }} from './module.mjs';\n{_EVALUATE}"
            "const bytes = readFileSync('in');\n"
            "const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));\n"
            f"writeFileSync('out', new Uint8Array(evaluate({name}, numbers, {numbers.shape[1]}).buffer));\n",
            encoding="utf-8",
        )
        ran = subprocess.run(["node", str(main)], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return Path(folder, "out").read_bytes()


def _in_chromium(source: str, name: str, numbers: np.ndarray) -> bytes:
    encoded = base64.b64encode(numbers.tobytes()).decode()
    script = (
        "async ([source, name, encoded, width]) => {" + _EVALUATE + "const url = URL.createObjectURL("
        "new Blob([source], { type: 'text/javascript' }));"
        "const module = await import(url);"
        "const numbers = new Float64Array(Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0)).buffer);"
        "const bytes = new Uint8Array(evaluate(module[name], numbers, width).buffer);"
        "let text = ''; for (const byte of bytes) text += String.fromCharCode(byte);"
        "return btoa(text); }"
    )
    page = open_chromium().new_page()
    try:
        return base64.b64decode(page.evaluate(script, [source, name, encoded, numbers.shape[1]]))
    finally:
        page.close()
