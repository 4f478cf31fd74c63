"""Sizes: torch's own, and which layers scale every size."""

import math
import re
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.vizcore.upsampling.inputs import quick
from vizcore.upsampling import (
    UpsamplingError,
    output_padding_choices,
    overlap_counts,
    resized_size,
    scaling_layers,
    transposed_size,
)


@quick
@given(
    size=st.integers(1, 9),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 4),
    output_padding=st.integers(0, 4),
    dilation=st.integers(1, 3),
)
def test_transposed_size_is_torchs(size, kernel, stride, padding, output_padding, dilation):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    try:
        expected = F.conv_transpose1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), **options).shape[-1]
    except RuntimeError:
        expected = 0  # some negative paddings pass torch's own check with an empty output
    if expected == 0:
        with pytest.raises(UpsamplingError):
            transposed_size(size, kernel_size=kernel, **options)
        return
    formula = transposed_size(size, kernel_size=kernel, **options)
    assert formula.size == expected
    arithmetic = formula.numbers.split("=")[0].replace("·", "*").replace("−", "-")
    assert eval(arithmetic, {}) == expected  # the text that is shown says the same


@given(size=st.integers(2, 9), kernel=st.integers(1, 5), stride=st.integers(1, 4))
def test_output_padding_names_the_sizes_a_convolution_merges(size, kernel, stride):
    choices = output_padding_choices(size, kernel_size=kernel, stride=stride)
    assert [choice.convolved_back for choice in choices] == [size] * stride
    assert len({choice.size for choice in choices}) == stride


def test_scaling_layers_scale_every_size():
    for factor in (2, 3, 4):
        layers = scaling_layers(factor)
        assert {layer.kernel_size for layer in layers} >= set(range(2, 9))
        for layer in layers:
            for size in (1, 5, 8):
                formula = transposed_size(
                    size,
                    kernel_size=layer.kernel_size,
                    stride=layer.stride,
                    padding=layer.padding,
                    output_padding=layer.output_padding,
                )
                assert formula.size == factor * size
            even = overlap_counts(layer.kernel_size, layer.stride).ratio == 1
            assert even == layer.even_overlap


def test_resized_size_rounds_down():
    assert resized_size(10, scale_factor=2.3).size == 23
    assert resized_size(3, scale_factor=2.3).numbers == "⌊3 · 2.3⌋ = 6"
    assert resized_size(88, scale_factor=120 / 88).numbers == "⌊88 · 1.363636⌋ = 119"  # six digits would make it 120


def test_what_the_equation_says_is_true():
    for size in range(1, 100):
        for target in range(1, 166):
            if math.floor(size * (target / size)) < 1:
                continue
            formula = resized_size(size, scale_factor=target / size)
            factor, result = re.fullmatch(rf"⌊{size} · (\S+)⌋ = (\d+)", formula.numbers).groups()
            assert math.floor(Fraction(factor) * size) == int(result) == formula.size
            assert float(factor) == pytest.approx(target / size, rel=1e-5)
