"""Figures of ThunderNet, through their data."""

import numpy as np
import pytest

from vizcore.figures import theme
from vizcore.figures.thundernet import amount, plot_budgets, plot_fields, plot_region
from vizcore.thundernet import PAPER, Design, count_budget, effective_field, pool_region


@pytest.fixture(scope="module")
def budgets():
    return {"mine": count_budget(Design(sam=False)), "paper": count_budget(Design())}


def test_bars_are_the_counts_and_the_diamond_is_the_papers(budgets):
    figure = plot_budgets(budgets, kinds=("parameters", "multiply_adds"))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == 2 * 6
    for row, kind in enumerate(("parameters", "multiply_adds")):
        drawn = np.array([bar.x for bar in bars[6 * row : 6 * row + 6]]).sum(0)
        wanted = [getattr(budget.total, kind) / 1e6 for budget in budgets.values()]
        np.testing.assert_allclose(drawn, wanted)
    attention = next(bar for bar in bars if bar.legendgroup == "sam")
    assert attention.x[0] == 0 < attention.x[1]
    (diamond,) = (trace for trace in figure.data if trace.type == "scatter")
    assert (diamond.x[0], diamond.y[0]) == (PAPER["snet146"].multiply_adds / 1e6, "paper")
    assert [bar.showlegend for bar in bars] == [True] * 6 + [False] * 6


def test_a_design_that_is_not_the_papers_has_no_diamond(budgets):
    figure = plot_budgets({"mine": budgets["mine"]})
    assert all(trace.type == "bar" for trace in figure.data)
    assert amount(budgets["mine"], "head", "seconds") == 0  # not measured


def test_fields_show_their_frames():
    fields = [effective_field("snet49", "C3", kernel=kernel, input_size=128, num_inputs=1) for kernel in (3, 5)]
    figure = plot_fields(fields)
    assert [trace.type for trace in figure.data] == ["heatmap", "heatmap"]
    for trace in figure.data:
        assert float(np.max(trace.z)) == pytest.approx(1)
    widths = [shape.x1 - shape.x0 for shape in figure.layout.shapes]
    assert widths == [63, fields[0].side, 128, 119, fields[1].side, 128]
    assert figure.layout.shapes[1].line.color == theme.CURRENT


def test_bins_carry_their_channels():
    maps = np.random.default_rng(0).normal(size=(245, 20, 20)).astype(np.float32)
    region = pool_region(maps, (10, 10, 200, 200))
    (heat,) = plot_region(region, 2).data
    assert (np.array(heat.text) == region.channels[2]).all()
    assert (np.array(heat.z) == region.values[2]).all()
