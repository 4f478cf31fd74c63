"""Grids to begin with."""

import numpy as np
import pytest

from vizcore.upsampling import (
    PRESETS,
    preset_grid,
)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_presets(name, size):
    grid = preset_grid(name, size)
    assert grid.shape == (size, size)
    assert np.isfinite(grid).all()
    if name == "impulse":
        assert grid.sum() == 1
