"""The compiled rules of ownership, held against training's own assignment."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.javascript import evaluate_javascript
from vizcore import fpn
from vizcore.fpn import javascript
from vizcore.models.fcos import FCOSConfig, assign_targets, level_points, level_sizes

CONFIG = FCOSConfig("fpn", finest=2, channels=16)
coordinates = st.floats(0, 320, allow_nan=False)


@given(coordinates, coordinates, st.floats(0, 200), st.floats(0, 200))
def test_the_cell_rule_is_the_one_of_training(x: float, y: float, width: float, height: float) -> None:
    check_cell_rule(x, y, width, height)


def test_the_cell_rule_on_boxes_of_every_size() -> None:
    # Below the topmost level the ranges already keep a cell within 1.5 strides of the centre: only boxes of more than
    # three strides of P6 tell the radius from a larger one.
    for row in (
        torch.rand(150, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([100, 100, 540, 540])
    ).tolist():
        check_cell_rule(*row)


def check_cell_rule(x: float, y: float, width: float, height: float) -> None:
    box = torch.tensor([[x, y, x + width, y + height]], dtype=torch.float32)
    points = level_points(level_sizes((640, 640), CONFIG.strides), CONFIG.strides)
    owned = assign_targets(points, CONFIG.ranges, box) == 0
    low, high = torch.tensor(CONFIG.ranges)[points.levels].T
    sides = [column.expand(len(low)) for column in box.unbind(1)]
    rule = javascript.cell_rule(*points.centres.unbind(1), *sides, points.strides, low, high)
    assert torch.equal(rule["owned"] == 1, owned)
    assert torch.equal(rule["owned"], rule["inside"] * rule["near"] * rule["in_range"])


def test_the_browser_computes_what_torch_does() -> None:
    generator = torch.Generator().manual_seed(0)
    sides = torch.rand(2000, 2, generator=generator, dtype=torch.float64) * 600
    sides[:8] = torch.tensor([[112, 112], [224, 224], [448, 448], [0, 5], [223.999, 224], [1, 1], [600, 1], [448, 112]])
    source = javascript.compile_rules()
    level, level_again, value = evaluate_javascript(source, "paper", sides.numpy()).T
    boxes = torch.cat([torch.zeros(2000, 2, dtype=torch.float64), sides], dim=1)
    np.testing.assert_array_equal(level, fpn.roi_level(boxes).numpy())
    np.testing.assert_array_equal(level, level_again)
    np.testing.assert_allclose(value, fpn.roi_level_value(boxes).numpy(), rtol=1e-12)

    inputs = torch.rand(2000, 9, generator=generator, dtype=torch.float64) * 100
    inputs[:, 4:6] += inputs[:, 2:4]
    inputs[:, 8] = torch.where(torch.arange(2000) % 3 == 0, float("inf"), inputs[:, 7] + 40)
    found = evaluate_javascript(source, "cell", inputs.numpy())[:, 1:]
    wanted = javascript.cell_rule(*inputs.unbind(1))
    np.testing.assert_allclose(found, torch.stack(list(wanted.values()), dim=1).numpy(), rtol=1e-12)
    assert 0 < wanted["owned"].sum() < 2000


def test_the_papers_rule_is_compiled_with_its_numbers() -> None:
    source = javascript.compile_rules(canonical_size=112, canonical_level=3)
    _level, level, value = evaluate_javascript(source, "paper", np.array([[112.0, 112.0], [28.0, 28.0]])).T
    assert (level.tolist(), value.tolist()) == ([3, 2], [3, 1])  # kept within P2 … P5
