"""The shapes: sizes, the solver, and a transposed convolution stepped."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import piece, script_of
from tests.scripts import run_script
from vizcore import upsampling


def test_refused_shapes_still_offer_the_solver() -> None:
    at = open_page("upsampling", part="shapes", kernel_size="1", padding="6", broken=True)
    assert not at.exception
    assert "less padding" in at.error[0].value
    assert len(at.dataframe) == 1


def test_the_script_of_the_stamps_prints_their_sum() -> None:
    at = open_page("upsampling", part="shapes", in_size="3", kernel_size="4", padding="1", weight="bilinear")
    expected = upsampling.trace_scatter(
        upsampling.preset_grid("ramp", 3), weight="bilinear", kernel_size=4, stride=2, padding=1
    ).output
    np.testing.assert_allclose(json.loads(run_script(script_of(at)).partition(" ")[2]), expected)


@pytest.mark.parametrize(
    ("query", "num_steps", "step"),
    [
        ({}, 17, 4),  # a stamp for each of 4 × 4 cells, and the empty beginning
        ({"in_size": "1"}, 2, 1),  # one stamp: the fourth is beyond the end
        ({"reading": "convolution"}, 82, 4),  # a window for each of 9 × 9 output cells
        ({"step": "4096"}, 17, 16),
    ],
)
def test_the_stepper_stands_within_its_run(query: dict[str, str], num_steps: int, step: int) -> None:
    at = open_page("upsampling", part="shapes", **query)
    spec = piece(at, "stepper")["stepper"]
    assert (spec["numSteps"], spec["step"]) == (num_steps, step)
    assert link(at)["step"] == str(step)
