"""Places on a photo, held against the maps that the network makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizcore import fpn

NAMES = ("C2", "C3", "C4", "C5", "P2", "P3", "P4", "P5", "P6")
SIZES = [(192, 192), (200, 330), (1, 1), (700, 30), (30, 700), (600, 900)]  # some scaled down, most with padding


@pytest.fixture(scope="module", params=SIZES, ids=str)
def traced(request: pytest.FixtureRequest, detector) -> fpn.FPNTrace:
    return fpn.trace_fpn(detector, np.zeros((*request.param, 3), np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_grids_are_those_of_the_real_maps(name: str, traced: fpn.FPNTrace) -> None:
    assert fpn.grid_on_photo(name, traced.image_size) == fpn.on_photo(traced, name).shape[1:]


@pytest.mark.parametrize("name", NAMES)
def test_cells_and_their_middles_are_those_of_the_trace(name: str, traced: fpn.FPNTrace) -> None:
    height, width = traced.image_size
    generator = np.random.default_rng(0)
    corners = [(0.0, 0.0), (width - 0.01, height - 0.01)]
    for x, y in (*corners, *(generator.random((40, 2)) * (width, height))):
        cell = fpn.cell_under(name, (x, y), traced.image_size)
        assert cell == fpn.cell_on_photo(traced, name, x, y)
        assert fpn.center_on_photo(name, cell, traced.image_size) == pytest.approx(traced.cell_center(name, cell))


@given(st.integers(1, 1500), st.integers(1, 1500), st.sampled_from(NAMES), st.floats(0, 1), st.floats(0, 1))
def test_a_cells_middle_leads_back_to_the_cell(height: int, width: int, name: str, right: float, down: float) -> None:
    rows, columns = fpn.grid_on_photo(name, (height, width))
    cell = (round(down * (rows - 1)), round(right * (columns - 1)))
    x, y = fpn.center_on_photo(name, cell, (height, width))
    if x < width and y < height:  # else it lies on the padding, beside the photo
        assert fpn.cell_under(name, (x, y), (height, width)) == cell


@pytest.mark.parametrize("point", [(-1, 5), (5, -1), (200, 5), (5, 100), (float("nan"), 5), (float("inf"), 5)])
def test_a_point_beside_the_photo_stands_for_its_middle(point: tuple[float, float]) -> None:
    assert fpn.cell_under("P3", point, (100, 200)) == (50 // 8, 100 // 8)
    assert fpn.cell_under("P3", (199.9, 99.9), (100, 200)) == (99 // 8, 199 // 8)


@pytest.mark.parametrize("box", [(0, 0, 200, 100), (10, 10, 10, 10), (0.5, 1, 199.5, 2)])
def test_a_box_on_the_photo_stays(box: tuple[float, ...]) -> None:
    assert fpn.box_on_photo(box, (100, 200)) == box


@pytest.mark.parametrize("box", [(-1, 0, 9, 9), (0, 0, 201, 9), (0, 0, 9, 101), (9, 0, 8, 9), (0, 9, 8, 8)])
def test_a_box_beside_the_photo_gives_way_to_its_middle(box: tuple[float, ...]) -> None:
    assert fpn.box_on_photo(box, (100, 200)) == (50, 25, 150, 75)
