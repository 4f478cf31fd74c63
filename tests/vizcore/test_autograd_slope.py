from __future__ import annotations

import json
import math

import numpy as np
import pytest

from vizcore.autograd.presets import PRESETS
from vizcore.autograd.slope import LEARNING_RATE, find_number, measure_slope
from vizcore.autograd.worker import slope_in_worker

SCALAR = PRESETS["scalar"].source


def test_the_curve_is_the_loss_and_the_tangent_is_torchs() -> None:
    found = measure_slope(SCALAR, 0, "w", 0)
    xs, ys = np.asarray(found["xs"]), np.asarray(found["ys"], dtype=float)
    assert np.allclose(ys, (2 * xs - 1) ** 2, rtol=1e-5, atol=1e-5)  # loss = (w x − 1)² with x = 2
    assert (found["x"], found["y"], found["gradient"]) == (-1.5, 16.0, -16.0)
    assert math.isclose(found["next"], -1.5 + LEARNING_RATE * 16)
    assert min(xs) < found["next"] < max(xs)  # the step lies in the picture


def test_an_element_of_a_tensor() -> None:
    source = "x = torch.tensor([[1., -2.], [3., 4.]], requires_grad=True)\nx.pow(3).sum().backward()\n"
    found = measure_slope(source, 0, "x", 1)
    assert found["x"] == -2.0
    assert found["gradient"] == 12.0  # 3 x²
    xs = np.asarray(found["xs"])
    assert np.allclose(np.asarray(found["ys"], dtype=float), xs**3 + 1 + 27 + 64, rtol=1e-4)


@pytest.mark.parametrize(
    "source",
    [
        "x = (1",  # cannot be read
        SCALAR.replace("2.,", "float(2),"),  # not written down
        SCALAR + "with torch.no_grad():\n    x -= 1\n",  # changed since
        SCALAR + "x = torch.tensor(3., requires_grad=True)\n",  # written down twice
        SCALAR.replace("loss.backward()", "loss.backward(retain_graph=True)\nloss.backward()"),  # two gradients
        "x = torch.tensor(2., requires_grad=True)\ny = x + z\n",  # fails
        "x = torch.tensor([1., 2.], requires_grad=True)\ny = x * 2\ny.backward(torch.ones(2))\n",  # no single loss
    ],
)
def test_where_there_is_no_such_curve_there_is_none(source: str) -> None:
    assert measure_slope(source, 0, "x", 0) is None


def test_where_a_varied_program_fails_the_curve_is_broken() -> None:
    source = "x = torch.tensor(0.5, requires_grad=True)\nx.log().backward()\n"
    found = measure_slope(source, 0, "x", 0)
    assert [y is None for y in found["ys"]] == [x <= 0 for x in found["xs"]]


def test_the_number_is_found_with_its_sign() -> None:
    place = find_number("é = 1\nw = torch.tensor(-1.5, requires_grad=True)", "w", 0)
    assert (place.line, place.column, place.end_column, place.value) == (2, 17, 21, -1.5)
    assert find_number("w = torch.tensor([1., 2.])", "w", 2) is None


def test_a_worker_answers_alike_and_survives_what_it_is_asked() -> None:
    assert json.loads(slope_in_worker(SCALAR, 0, "w", 0))["gradient"] == -16.0
    assert slope_in_worker("x = (1", 0, "x", 0) == b"null"
    endless = SCALAR + "for i in range(400):\n    y = torch.matrix_exp(torch.ones(64, 64))\n"
    assert slope_in_worker(endless, 0, "w", 0) == b"null"
