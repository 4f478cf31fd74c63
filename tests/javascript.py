"""Runs JavaScript for tests: compiled functions in Node or Chromium, the front end's own modules in Node."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.install import find_chromium
from tests.chromium import open_chromium

ROOT = Path(__file__).resolve().parents[1]
COMPONENTS = ROOT / "assets" / "components"

_ARRAYS = {"Uint8": "u1", "Int8": "i1", "Uint16": "<u2", "Int16": "<i2", "Uint32": "<u4", "Int32": "<i4"}
_ARRAYS |= {"Float32": "<f4", "Float64": "<f8"}
# Typed arrays come back as their bytes: JSON knows neither NaN nor infinity, nor a type.
_RUN = """
import { readFileSync, writeFileSync } from "node:fs";
import { run } from "./run.mjs";
const inputs = names.map((name) => new Uint8Array(readFileSync(name)));
const written = (key, value) => {
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { array: value.constructor.name.replace("Array", ""), base64: bytes.toString("base64") };
  }
  return value instanceof Map ? Object.fromEntries(value) : value;
};
const result = await run(...inputs);
writeFileSync("out", JSON.stringify(result ?? null, written));
"""

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


def need_node() -> str:
    """The path of Node; a test without it is skipped, and fails where everything has to be tested."""
    node = shutil.which("node")
    if node is None:
        words = "node was not found: the front end's modules cannot be tested"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return node


def run_modules(imports: dict[str, str], body: str, *inputs: bytes) -> Any:
    """Runs a few lines with the front end's own modules, in Node.

    Args:
        imports: names by the module that exports them, as ``{"shared/bytes.js": "unpack"}``.
        body: a function's body; it sees the imported names and ``inputs``, and returns what is wanted.
        inputs: bytes, each a ``Uint8Array`` in ``inputs``.

    Returns:
        What the body returned, read from JSON; typed arrays as flat arrays of their type, maps as dictionaries.
    """
    node = need_node()
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            f"import {{ {names} }} from {json.dumps((COMPONENTS / path).as_uri())};" for path, names in imports.items()
        ]
        Path(folder, "run.mjs").write_text(
            "\n".join([*lines, f"export const run = async (...inputs) => {{ {body} }};"]), encoding="utf-8"
        )
        names = [f"in{place}" for place in range(len(inputs))]
        for name, content in zip(names, inputs, strict=True):
            Path(folder, name).write_bytes(content)
        Path(folder, "main.mjs").write_text(f"const names = {json.dumps(names)};{_RUN}", encoding="utf-8")
        ran = subprocess.run([node, "main.mjs"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(Path(folder, "out").read_text(encoding="utf-8"), object_hook=_array)


def _array(value: dict[str, Any]) -> Any:
    if set(value) != {"array", "base64"}:
        return value
    return np.frombuffer(base64.b64decode(value["base64"]), _ARRAYS[value["array"]])


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
