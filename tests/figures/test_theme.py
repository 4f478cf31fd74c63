"""The palette: readable on white and on near-black, and apart under the three common colour-vision deficiencies."""

from __future__ import annotations

import ast
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from tests.javascript import COMPONENTS, run_modules
from vizcore.figures import theme

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency", TVCG 2009,
# severity 1.0, applied to linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def seen(colour: str, deficiency: str) -> np.ndarray:
    rgb = np.clip(DEFICIENCIES[deficiency] @ linear(colour), 0, 1)
    srgb = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb[None, None])[0, 0]


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "colour", sorted({*theme.CATEGORICAL, theme.TARGET, theme.PREDICTION, theme.CURRENT, theme.SUPPRESSED, theme.ERROR})
)
@pytest.mark.parametrize("ground", ["#FFFFFF", "#0E1117"])
def test_marks_stand_out_from_both_grounds(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= 3.0


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (theme.TARGET, theme.PREDICTION),
        (theme.KEPT, theme.CURRENT),
        (theme.KEPT, theme.SUPPRESSED),
        (theme.CURRENT, theme.SUPPRESSED),
        (theme.PREDICTION, theme.GRADIENT),
        *pairwise(theme.CATEGORICAL),
    ],
)
def test_roles_and_neighbours_stay_apart(one: str, other: str, deficiency: str) -> None:
    difference = float(deltaE_ciede2000(seen(one, deficiency), seen(other, deficiency)))
    assert difference >= 10


def test_every_curve_has_a_second_cue() -> None:
    assert len(theme.CATEGORICAL) == len(theme.DASHES) == len(theme.MARKERS)
    cues = list(zip(theme.DASHES, theme.MARKERS, strict=True))
    assert len(set(cues)) == len(cues)
    assert len(set(theme.CATEGORICAL)) == len(theme.CATEGORICAL)


def test_the_common_layout_goes_over_what_a_figure_has_and_leaves_the_rest() -> None:
    def figure() -> go.Figure:
        mine = {"legend": {"title": {"text": "mine"}, "y": 0.5}, "hoverlabel": {"font": {"family": "serif"}}}
        return go.Figure(layout={**mine, "margin": {"l": 1, "pad": 3}, "xaxis": {"title": {"text": "x"}}})

    themed = theme.themed(figure(), height=123).to_dict()["layout"]
    expected = figure().update_layout(**{**theme.layout(height=123), "template": "none"}).to_dict()["layout"]
    assert themed["hoverlabel"]["font"] == {"family": "serif", "size": theme.FONT_SIZE}
    assert themed["legend"]["title"] == {"text": "mine"}
    assert {**themed, "template": None} == {**expected, "template": None}
    assert len(str(themed["template"])) < 100  # the page brings its own colours


ROOT = Path(__file__).resolve().parents[2]
COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})\b|\b(?:rgb|hsl)a?\(\s*\d")
ALLOWED = {"pages/kit/shell.py": {"#0B6FB8", "#5AB0F0"}}  # CSS outside of our pieces, which Streamlit tells no color


def colours_in(path: Path) -> set[str]:
    """Colours written in a file's strings; what its docstrings and comments say does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        found.group()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in words
        for found in COLOUR.finditer(node.value)
    }


@pytest.mark.parametrize(
    "path",
    sorted({*ROOT.glob("vizcore/figures/**/*.py"), *ROOT.glob("pages/**/*.py")} - {Path(theme.__file__)}),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_other_file_has_a_colour_of_its_own(path: Path) -> None:
    assert colours_in(path) <= ALLOWED.get(str(path.relative_to(ROOT)), set())


def test_the_shell_has_the_colours_of_the_theme() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    primary = {settings["primaryColor"], settings["dark"]["primaryColor"]}
    assert primary == ALLOWED["pages/kit/shell.py"]


def test_colours_are_found_where_they_are(tmp_path: Path) -> None:
    assert {theme.TARGET, theme.PLATE[0], theme.SCALE[0]} <= colours_in(Path(theme.__file__))
    file = tmp_path / "x.py"
    file.write_text('"""#abcdef"""\nx = f"fill: #AbC; {1}"  # #123456\ny = "rgba(0, 0, 0, 0.5) &#39; ##### #12"\n')
    assert colours_in(file) == {"#AbC", "rgba(0"}


def test_the_scale_of_canvases_is_that_of_charts() -> None:
    sampled = theme.sequential_colors(len(theme.SCALE))
    for stop, words in zip(theme.SCALE, sampled, strict=True):
        rgb = [int(stop[at : at + 2], 16) for at in (1, 3, 5)]
        np.testing.assert_allclose(rgb, [int(number) for number in re.findall(r"\d+", words)], atol=6)
    assert len(set(theme.sequential_colors(65))) == 65


def test_the_browser_reads_every_colour_as_it_is_written():
    colors = [*theme.SCALE, *theme.HEAT, *theme.CATEGORICAL, *theme.HALO]
    read = run_modules({"shared/colors.js": "parse"}, f"return {colors}.map(parse);")
    assert read == [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors]


# Lighter and darker readings of a role, for thin lines on a darkened photo and for text on a dark ground.
TINTS = {"#ffb26b", "#7ec8ff", "#ffe9a8", "#b3261e", "#ff8a80"}


@pytest.mark.parametrize("suffix", ["js", "css"])
def test_no_piece_has_a_palette_of_its_own(suffix):
    ours = {theme.CURRENT, theme.ERROR, *theme.CATEGORICAL, *theme.HALO, *theme.HEAT}
    known = {color.lower() for color in ours} | (TINTS if suffix == "css" else set())
    paths = list(COMPONENTS.rglob(f"*.{suffix}"))
    assert len(paths) > 10
    strange = {}
    for path in paths:
        text = re.sub(
            r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL if suffix == "css" else 0
        )
        found = {color.lower() for color in re.findall(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b", text)}
        found = {color for color in found if color not in known and len(set(color[1:4])) > 1}  # #fff, #0003: no colour
        if found:
            strange[path.name] = found
    assert strange == {}
