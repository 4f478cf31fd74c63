"""Figures of scale, through their data."""

import math

import numpy as np

from vizcore.figures.scale import plot_object, plot_photo, plot_quantiles, plot_run, plot_sizes
from vizcore.scale import PhotoResolution, ResolutionRun, SizeSample, trace_object

SAMPLE = SizeSample(np.array([8.0, 16, 32, 64, 128, 150]), np.array([0.01, 0.02, 0.1, 0.2, 0.4, 0.5]), 3)
RANGES = ((120.0, math.inf), (40.0, 160.0), (0.0, 80.0))


def test_every_object_stands_in_the_histogram_below_the_bands():
    bars, *bands = plot_sizes(SAMPLE, RANGES).data
    assert sum(bars.y) == 6
    assert [band.name.split()[0] for band in bands] == ["low", "middle", "high"]
    np.testing.assert_allclose(np.exp2(bands[1].x), [40, 150], rtol=1e-6)  # cut off at the largest object
    assert len(plot_sizes(SAMPLE, ((120.0, math.inf), (160.0, 40.0), (0.0, 80.0))).data) == 3  # an inverted one is none


def test_quantiles_stand_beside_the_papers():
    rows = {trace.y[0]: trace for trace in plot_quantiles({"mine": SAMPLE}).data}
    assert list(rows) == ["mine", "ImageNet ◆", "COCO ◆"]
    np.testing.assert_allclose(rows["mine"].x, np.quantile(SAMPLE.relative, [0.1, 0.5, 0.9]))
    assert list(rows["COCO ◆"].x) == [0.024, 0.106, 0.472]


def test_an_object_is_filled_where_it_teaches_and_alike_while_it_is_asked():
    levels = trace_object((100.0, 100, 160, 160), (512, 512))
    shapes = plot_object(levels).layout.shapes
    assert [shape.line.dash for shape in shapes[1::2]] == ["dot", "solid", "solid"]
    widths = [shape.x1 - shape.x0 for shape in shapes[1::2]]
    np.testing.assert_allclose(widths, [60 * factor / 512 for factor in (480, 800, 1400)])
    asked = plot_object(levels, known=False).layout
    assert len({(shape.line.dash, shape.line.color, shape.fillcolor) for shape in asked.shapes[1::2]}) == 1
    assert not any("teaches" in note.text or "ignored" in note.text for note in asked.annotations)


def test_accuracies_and_probabilities():
    run = ResolutionRun((1, 2), {1: 0.9, 2: 0.5}, {2: 0.6}, {2: 0.7}, 100, 1.0)
    base, small, tuned = plot_run(run).data
    assert (base.x, base.y) == (("1", "1/2"), (0.9, 0.5))
    assert (small.y, tuned.y) == ((0.6,), (0.7,))
    assert run.order(2) == ("fine_tuned", "small", "base")
    (bars,) = plot_photo(PhotoResolution((1, 4), {1: 0.9, 4: 0.2}, {1: 3, 4: 5})).data
    assert bars.y == (0.9, 0.2)
