import math

import numpy as np
import pytest
import torch

from vizcore import upsampling
from vizcore.figures import upsampling as figures


def photo(side=16, width=16):
    generator = torch.Generator().manual_seed(0)
    return (torch.rand((side, width, 3), generator=generator) * 255).byte().numpy()


def upside_down(text):
    return text[::-1]


def test_overlap_bars_and_map():
    row = upsampling.overlap_counts(3, 2)
    bars = figures.plot_overlap(row).data[0]
    np.testing.assert_array_equal(bars.y, row.counts)
    assert set(bars.marker.opacity) == {0.35, 1.0}
    square = upsampling.overlap_counts(3, 2, dims=2)
    np.testing.assert_array_equal(figures.plot_overlap(square).data[0].z, square.counts)


def test_spectrum_has_two_panels_for_each_layer():
    spectrum = upsampling.artefact_spectrum(size=16, num_seeds=2)
    figure = figures.plot_spectrum(spectrum)
    assert len(figure.data) == 2 * len(spectrum.names)
    np.testing.assert_array_equal(figure.data[1].y, spectrum.magnitudes[0])
    assert len({trace.line.color for trace in figure.data}) == len(spectrum.names)
    assert len({trace.line.dash for trace in figure.data}) == len(spectrum.names)


def test_footprint_leaves_gaps_empty():
    figure = figures.plot_footprint(upsampling.dilated_footprint([2, 2]))
    z = np.asarray(figure.data[0].z)
    assert np.isnan(z[0, 1])
    assert z[4, 4] == 9  # three ways in each direction
    assert figure.data[0].x[0] == -4


def test_positions_are_drawn_over_their_pixels():
    rows = [upsampling.sample_positions(name, 4, 8) for name in upsampling.CONVENTIONS]
    figure = figures.plot_sample_positions(rows)
    assert len(figure.layout.shapes) == 4 * 4
    for trace, row in zip(figure.data, rows, strict=True):
        np.testing.assert_array_equal(trace.x, row.positions)
    assert len({trace.marker.symbol for trace in figure.data}) == 4


def test_drift_lines():
    drift = upsampling.resize_drift(upsampling.blob(17), num_rounds=3)
    figure = figures.plot_drift(drift)
    assert len(figure.data) == 2 * len(drift.names)
    np.testing.assert_array_equal(figure.data[0].y, drift.drift[0])
    np.testing.assert_array_equal(figure.data[1].y, drift.error[0])


def test_quality_writes_infinity_for_a_lossless_answer():
    restoration = upsampling.restore_photo(photo(), names=("nearest", "pixel_shuffle"), num_runs=1)
    bar = figures.plot_quality(restoration, translate=upside_down).data[0]
    assert list(bar.text) == [f"{restoration.restored[0].psnr:.2f}", "∞"]
    assert all(math.isfinite(x) for x in bar.x)
    assert bar.y[0] == "Nearest"[::-1]


def test_timings_keep_their_ratio():
    timings = [upsampling.Timing("nearest", 0.1, 1.0), upsampling.Timing("bicubic", 1.0, 10.0)]
    bar = figures.plot_timings(timings).data[0]
    assert list(bar.x) == [10.0, 1.0]
    assert list(bar.text) == ["×10.0", "×1.0"]


def test_training_shows_bicubic_as_a_level():
    run = upsampling.train_upscalers([photo(64, 64)], photo(32, 32), num_steps=2, snapshot_every=1)
    figure = figures.plot_training(run.snapshots, run.bicubic_psnr)
    assert len(figure.data) == 2 * len(run.heads) + 1
    assert list(figure.data[-1].y) == [run.bicubic_psnr] * 2
    assert list(figure.data[0].x) == [0, 1, 2]
    assert figure.data[0].y[2] == run.snapshots[2].psnr[run.heads[0]]


@pytest.mark.parametrize("skip", [True, False])
def test_decoder_draws_every_real_shape(skip):
    output = upsampling.run_decoder(photo(64, 136), skip=skip, num_steps=1)
    figure = figures.plot_decoder(output)
    words = {annotation.text for annotation in figure.layout.annotations}
    assert "×".join(map(str, output.stages[-1].shape)) in words
    skips = [trace for trace in figure.data if trace.name == "Skip connection"]
    assert len(skips) == (3 if skip else 0)


def test_every_operator_has_a_name():
    for name in (*upsampling.METHODS, *upsampling.RESTORATIONS, *upsampling.DRIFTS, *upsampling.HEADS):
        assert name in figures.NAMES
