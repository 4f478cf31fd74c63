"""Runs a notebook without Jupyter: its cells in one namespace, in this process.

``python -m tests.notebook FILE`` prints the texts of its outputs as JSON; ``--store`` writes the outputs into the file,
figures as small pictures (their data would be megabytes, and a notebook shown on a web page does not draw them).
"""

from __future__ import annotations

import argparse
import ast
import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go

WIDTH, HEIGHT = 720, 380
DRAW = """async ([figure, width, height]) => {
    const place = document.body.appendChild(document.createElement("div"));
    const grounds = { paper_bgcolor: "white", plot_bgcolor: "#EBEFF5" };  // a figure's own let a page's through
    await Plotly.newPlot(place, figure.data, { ...figure.layout, ...grounds, width, height });
    return Plotly.toImage(place, { format: "png", width, height });
}"""


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text."""
    return "".join(cell["source"])


def run_cells(notebook: dict[str, Any]) -> list[list[dict[str, Any] | go.Figure]]:
    """Runs the code cells in their order; for each, its outputs: what it printed, then its last expression's value."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    outputs = []
    for number, cell in enumerate((cell for cell in notebook["cells"] if cell["cell_type"] == "code"), start=1):
        tree = ast.parse(source_of(cell), filename=f"cell {number}")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed, shown = io.StringIO(), []
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, f"cell {number}", "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), namespace) if last else None
        if printed.getvalue():
            text = printed.getvalue().splitlines(keepends=True)
            shown.append({"output_type": "stream", "name": "stdout", "text": text})
        if isinstance(value, go.Figure):
            shown.append(value)
        elif value is not None:
            data = {"text/plain": repr(value).splitlines(keepends=True)}
            shown.append({"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data})
        outputs.append(shown)
    return outputs


def draw(figures: list[go.Figure]) -> list[bytes]:
    """Pictures of the figures, as plotly.js draws them."""
    from tests.chromium import close_chromium, open_chromium

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    page = open_chromium().new_page()
    page.add_script_tag(path=script)
    try:
        urls = [page.evaluate(DRAW, [json.loads(figure.to_json()), WIDTH, HEIGHT]) for figure in figures]
    finally:
        close_chromium()
    return [_smaller(base64.b64decode(url.partition(",")[2])) for url in urls]


def _smaller(png: bytes) -> bytes:
    """The picture in 128 colours."""
    from PIL import Image

    smaller = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def store(path: Path, notebook: dict[str, Any], outputs: list[list[dict[str, Any] | go.Figure]]) -> None:
    """Writes the outputs into the notebook's file."""
    figures = [each for shown in outputs for each in shown if isinstance(each, go.Figure)]
    pictures = iter(draw(figures))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, shown) in enumerate(zip(cells, outputs, strict=True), start=1):
        cell["execution_count"] = number
        cell["outputs"] = [
            {
                "output_type": "execute_result",
                "execution_count": number,
                "metadata": {},
                "data": {
                    "image/png": base64.b64encode(next(pictures)).decode(),
                    "text/plain": ["a plotly figure; run the cell to move in it"],
                },
            }
            if isinstance(each, go.Figure)
            else each
            for each in shown
        ]
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def texts_of(outputs: list[list[dict[str, Any] | go.Figure]]) -> list[list[str]]:
    """What each cell's outputs say, ``figure`` for a figure."""
    return [[_text_of(each) for each in shown] for shown in outputs]


def _text_of(output: dict[str, Any] | go.Figure) -> str:
    if isinstance(output, go.Figure) or "image/png" in output.get("data", {}):
        return "figure"
    return "".join(output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"])


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebook", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    notebook = json.loads(options.file.read_text(encoding="utf-8"))
    outputs = run_cells(notebook)
    if options.store:
        store(options.file, notebook, outputs)
    print(json.dumps(texts_of(outputs)))


if __name__ == "__main__":
    main()
