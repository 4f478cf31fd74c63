"""The palette: readable on white and on near-black, and apart under the three common colour-vision deficiencies."""

from __future__ import annotations

import re
from itertools import pairwise

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


def test_stops_are_the_sequential_scale():
    """Plotly's own scale has ten stops and lies up to 6 of 255 beside viridis between them; ours are viridis itself."""
    stops = [[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in theme.SEQUENTIAL_STOPS]
    sampled = [[int(part) for part in re.findall(r"\d+", color)] for color in theme.sequential_colors(len(stops))]
    np.testing.assert_allclose(stops, sampled, atol=6)


def test_the_browser_reads_every_colour_as_it_is_written():
    colors = [*theme.SEQUENTIAL_STOPS, *theme.GLOW_STOPS, *theme.CATEGORICAL, *theme.HALO]
    read = run_modules({"shared/colors.js": "parse"}, f"return {colors}.map(parse);")
    assert read == [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors]


# Lighter and darker readings of a role, for thin lines on a darkened photo and for text on a dark ground.
TINTS = {"#ffb26b", "#7ec8ff", "#ffe9a8", "#b3261e", "#ff8a80"}


@pytest.mark.parametrize("suffix", ["js", "css"])
def test_no_piece_has_a_palette_of_its_own(suffix):
    ours = {theme.CURRENT, theme.ERROR, *theme.CATEGORICAL, *theme.HALO, *theme.GLOW_STOPS}
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
