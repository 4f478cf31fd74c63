"""Finite differences beside autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizcore.autograd import compare_differences
from vizcore.figures.autograd import plot_differences


def test_differences_have_a_best_step_between_curvature_and_rounding() -> None:
    found = compare_differences()
    best = int(np.argmin(found.errors))
    # In float32 rounding adds about 1e-7 / h and curvature h², so that the best h is near the cube root: 1e-2 or 1e-3.
    assert 1e-3 <= found.best_step <= 3e-2
    assert 4 < best < len(found.steps) - 8
    assert found.autograd_error < 2e-7 < found.errors.min() / 10


def test_a_large_step_errs_by_the_third_derivative() -> None:
    """(f(x + h) - f(x - h)) / 2h - f'(x) = h² f'''(x) / 6 + O(h⁴): a tenth of the step, a hundredth of the error."""
    found = compare_differences(num_steps=8)  # steps 1, 0.1, 0.01, …
    assert np.allclose(found.steps, 10.0 ** -np.arange(8), rtol=1e-5)
    x = torch.linspace(1, 2, 201, dtype=torch.double)
    third = -12 * x * torch.sin(x**2) - 8 * x**3 * torch.cos(x**2)
    first = 2 * x * torch.cos(x**2)
    expected = 0.01 / 6 * float((third.square().mean() / first.square().mean()).sqrt())
    assert found.errors[1] == pytest.approx(expected, rel=0.05)


def test_the_picture_shows_both() -> None:
    found = compare_differences()
    differences, autograd = plot_differences(found).data
    assert np.array_equal(differences.y, found.errors)
    assert set(autograd.y) == {found.autograd_error}


@pytest.mark.parametrize("arguments", [{"num_steps": 1}, {"num_places": 0}])
def test_nothing_to_compare(arguments: dict) -> None:
    with pytest.raises(ValueError, match="at least two steps"):
        compare_differences(**arguments)
