"""The README's "Adding a concept", followed to the letter in a copy of the tree: what it says is enough."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FILES = {
    "vizcore/blur/__init__.py": '''
"""A mean over neighbours."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Blur:
    """A row of numbers and its mean over neighbours.

    Attributes:
        values: ``[N]``.
        blurred: ``[N]``.
    """

    values: np.ndarray
    blurred: np.ndarray


def blur(values: list[float], *, strength: float) -> Blur:
    """Mixes each number with the mean of three."""
    row: Tensor = torch.tensor(values)
    mean = torch.nn.functional.avg_pool1d(row[None], 3, 1, 1, count_include_pad=False)[0]
    return Blur(row.numpy(), torch.lerp(row, mean, strength).numpy())
''',
    "vizcore/figures/blur.py": '''
"""A row of numbers, before and after."""

import plotly.graph_objects as go

from vizcore.blur import Blur
from vizcore.figures import theme


def plot_blur(result: Blur) -> go.Figure:
    """Draws both rows."""
    rows = {"before": result.values, "after": result.blurred}
    return theme.themed(go.Figure([go.Scatter(y=row, name=name) for name, row in rows.items()]))
''',
    "pages/blur/__init__.py": "",
    "pages/blur/state.py": '''
"""What the page shows."""

from dataclasses import dataclass

from pages.kit import link
from pages.kit.page import Page

STRENGTH = link.number("strength", 0.0, 1.0, 0.5, step=0.1)


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        strength: how much of the mean is taken.
    """

    strength: float


def read(page: Page) -> View:
    """The view as the link and the control have it."""
    return View(**page.values(STRENGTH))
''',
    "pages/blur/row.py": '''
"""The row, before and after."""

from pages.blur import state
from pages.blur.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore.blur import blur
from vizcore.figures.blur import plot_blur


def show(page: Page, view: View) -> Shown:
    """Draws the control and the row."""
    page.slider(state.STRENGTH, page.translate("How strong"))
    result = compute(blur, [0.0, 0.0, 3.0, 0.0], strength=view.strength)
    chart(page, "row", plot_blur(result), alt=page.translate("A peak and what is left of it."))
    return Shown(rows=lambda: [{"blurred": float(value)} for value in result.blurred], name="grad2box-blur")
''',
    "pages/blur/page.py": '''
"""A row of numbers and its mean over neighbours."""

from pages.blur import row, state
from pages.kit.ending import end_page
from pages.kit.page import open_page

page = open_page("blur", title="Blur", tagline="Move the slider, and watch the peak sink.")
with page.explained():
    view = state.read(page)
    end_page(page, row.show(page, view))
''',
    "assets/lessons/en/blur.md": "".join(
        f"<!-- section: {name} -->\nWords.\n\n" for name in ("try", "misconceptions", "sources")
    ),
    "assets/lessons/zh/blur.md": "".join(
        f"<!-- section: {name} -->\n文字。\n\n" for name in ("try", "misconceptions", "sources")
    ),
    "assets/locale/zh/LC_MESSAGES/blur.po": "\n".join(
        [
            'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: zh\\n"\n',
            *(
                f'msgid "{message}"\nmsgstr "{words}"\n'
                for message, words in {
                    "Blur": "模糊",
                    "Move the slider, and watch the peak sink.": "移动滑块，看峰值下降。",
                    "How strong": "强度",
                    "A peak and what is left of it.": "峰值以及剩下的部分。",
                }.items()
            ),
        ]
    ),
}

OPEN = """
from tests.pages.opening import open_page
from tests.pages.pieces import link

english = open_page("blur", strength="0.7")
assert [title.value for title in english.title] == ["Blur"], english.title
assert link(english)["strength"] == "0.7"
assert english.slider(key="blur_strength").value == 0.7
english.slider(key="blur_strength").set_value(0.2).run()
assert link(english)["strength"] == "0.2"
chinese = open_page("blur", lang="zh")
assert [title.value for title in chinese.title] == ["模糊"]
assert chinese.slider(key="blur_strength").label == "强度"
"""


def test_a_concept_added_as_the_readme_says_is_a_page_that_works(tmp_path: Path) -> None:
    tree = tmp_path / "grad2box"
    left_out = shutil.ignore_patterns("__pycache__", "node_modules", ".*_cache")
    for folder in ("pages", "vizcore", "assets", "tests/pages", ".streamlit"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=left_out)
    shutil.copy(ROOT / "tests" / "__init__.py", tree / "tests")
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    added, count = re.subn(r"autograd \| ", "autograd | blur | ", project)
    assert count == 2  # the concepts' line and the pages' contract
    (tree / "pyproject.toml").write_text(added, encoding="utf-8")
    app = (ROOT / "app.py").read_text(encoding="utf-8")
    line = '("upsampling", "Upsampling", ":material/grid_on:")'
    assert line in app
    (tree / "app.py").write_text(app.replace(line, f'{line}, ("blur", "Blur", ":material/blur_on:")'), encoding="utf-8")
    for command in (
        ["-W", "ignore", "-c", OPEN],
        ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
    ):
        answer = subprocess.run([sys.executable, *command], cwd=tree, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
