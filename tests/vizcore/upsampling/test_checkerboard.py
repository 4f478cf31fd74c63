"""Overlaps, artefacts and gridding: brute-force counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.upsampling.inputs import quick
from vizcore.upsampling import (
    artefact_spectrum,
    dilated_footprint,
    overlap_counts,
)


def brute_force_counts(size, kernels, strides):
    counts = [1] * size
    for kernel, stride in zip(kernels, strides, strict=True):
        grown = [0] * ((len(counts) - 1) * stride + kernel)
        for position, count in enumerate(counts):
            for offset in range(kernel):
                grown[position * stride + offset] += count
        counts = grown
    return counts


@quick
@given(
    size=st.integers(1, 9),
    layers=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3)), min_size=1, max_size=3),
    dims=st.sampled_from([1, 2]),
)
def test_overlap_counts_equal_a_brute_force_count(size, layers, dims):
    kernels, strides = zip(*layers, strict=True)
    overlap = overlap_counts(kernels, strides, size=size, num_layers=len(layers), dims=dims)
    row = brute_force_counts(size, kernels, strides)
    expected = row if dims == 1 else np.outer(row, row)
    np.testing.assert_array_equal(overlap.counts, expected)
    # A very long row of ones: its middle knows nothing of borders.
    long = brute_force_counts(60, kernels, strides)
    period = math.prod(strides)
    middle = long[len(long) // 2 :][: 2 * period]
    assert (overlap.lowest, overlap.highest) == (min(middle) ** dims, max(middle) ** dims)
    inside = overlap.counts[overlap.interior]
    assert ((overlap.lowest <= inside) & (inside <= overlap.highest)).all()


@given(kernel=st.integers(1, 12), stride=st.integers(1, 6))
def test_overlap_is_even_exactly_when_the_stride_divides_the_kernel(kernel, stride):
    assert (overlap_counts(kernel, stride).ratio == 1) == (kernel % stride == 0)


def test_known_ratios():
    assert overlap_counts(3, 2).ratio == 2  # 1 and 2 stamps in turn
    assert overlap_counts(3, 2, dims=2).ratio == 4  # 1·1 against 2·2
    assert overlap_counts(4, 2, dims=2, num_layers=3).ratio == 1
    assert overlap_counts(1, 2).ratio == math.inf  # every other pixel is never reached


def test_artefact_spectrum_sits_at_the_stride_and_repairs_remove_it():
    spectrum = artefact_spectrum(3, 2)
    peak = dict(zip(spectrum.names, spectrum.peak, strict=True))
    assert spectrum.frequencies[spectrum.magnitudes[0].argmax()] == 0.5
    assert peak["conv_transpose"] > 0.1
    assert peak["pixel_shuffle"] > 0.05
    assert peak["resize_conv"] < 1e-12
    assert peak["pixel_shuffle_icnr"] < 1e-12
    three = artefact_spectrum(5, 3, num_layers=2)
    assert three.frequencies[three.magnitudes[0].argmax()] % (1 / 9) == pytest.approx(0, abs=1e-9)


def test_dilated_gridding():
    # Three layers of dilation 2 only ever see even offsets: 7 of 13 in each direction.
    gridded = dilated_footprint([2, 2, 2])
    assert (gridded.used, gridded.total) == (49, 169)
    assert dilated_footprint([1, 2, 3]).used == 169
    assert dilated_footprint([1, 2, 4]).counts.shape == (15, 15)
