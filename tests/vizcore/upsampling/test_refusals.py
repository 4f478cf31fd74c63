"""What is refused, a sentence each."""

import inspect
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.vizcore.upsampling.inputs import picture, rand
from vizcore.upsampling import (
    OPTIONS,
    UpsamplingError,
    dilated_footprint,
    max_pool,
    overlap_counts,
    resize_drift,
    restore_photo,
    run_decoder,
    trace_upsampling,
    train_upscalers,
    upsample,
)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: trace_upsampling("nearest", torch.zeros(0, 4), scale_factor=2), "at least one row"),
        (lambda: trace_upsampling("nearest", [[1.0, math.nan]], scale_factor=2), "row 1, column 2"),
        (lambda: trace_upsampling("nearest", [[1.0, math.inf]], scale_factor=2), "row 1, column 2"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 0, 4), scale_factor=2), "empty"),
        (lambda: upsample("nearest", torch.zeros(4, 4), scale_factor=2), "four dimensions"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 4, 4).long(), scale_factor=2), "floating-point"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), size=0), "size must be a whole number of at least 1"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 1, 1), scale_factor=0.3), "1×1 into 0×0"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), scale_factor=math.nan), "positive, finite"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4), scale_factor=0), "positive, finite"),
        (lambda: upsample("bilinear", torch.zeros(1, 1, 4, 4)), "either size or scale_factor"),
        (lambda: trace_upsampling("bilinear", torch.zeros(4, 4), scale_factor=1000), "more than 4194304 weights"),
        (
            lambda: trace_upsampling("conv_transpose", torch.zeros(4, 4), kernel_size=3, stride=1000),
            "more than 4194304",
        ),
        (lambda: upsample("nearest", torch.zeros(1, 1, 64, 64), scale_factor=1000), "more than the 134217728 numbers"),
        (
            lambda: upsample("nearest", torch.zeros(1, 1, 4, 4), scale_factor=2, align_corners=True),
            "belongs to bilinear",
        ),
        (lambda: upsample("magic", torch.zeros(1, 1, 4, 4)), "no upsampling method “magic”"),
        (lambda: upsample("nearest", torch.zeros(1, 1, 4, 4), stride=2), "no option “stride”"),
        (
            lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), kernel_size=3, stride=2, output_padding=2),
            "2 is not below 2",
        ),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), kernel_size=3, padding=6), "-6×-6"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4)), "needs kernel_size"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 1, 4, 4), weight="sinc", kernel_size=3), "no kernel “sinc”"),
        (lambda: upsample("conv_transpose", torch.zeros(1, 3, 4, 4), weight=rand(2, 1, 3, 3)), "it has 2, the input 3"),
        (lambda: upsample("pixel_shuffle", torch.zeros(1, 3, 4, 4), upscale_factor=2), "groups of 4"),
        (lambda: trace_upsampling("pixel_shuffle", torch.zeros(3, 4), upscale_factor=2), "3×4 does not divide"),
        (lambda: upsample("max_unpool", torch.zeros(1, 1, 1, 1), kernel_size=2), "does not fit into 1×1"),
        (lambda: upsample("resize_conv", torch.zeros(1, 1, 4, 4), scale_factor=2, kernel_size=2), "has no middle"),
        (lambda: restore_photo(np.zeros((1, 1, 3), np.uint8)), "not one whole block"),
        (lambda: restore_photo(np.zeros((8, 8), np.uint8)), "array"),
        (lambda: train_upscalers([], np.zeros((32, 32, 3), np.uint8)), "at least one photo"),
        (lambda: train_upscalers([picture()], np.zeros((1, 1, 3), np.uint8)), "1×1 pixels; at least 16×16"),
        (lambda: run_decoder(np.zeros((1, 1, 3), np.uint8)), "at least 64×128"),
        (lambda: overlap_counts(0, 2), "kernel_size must be a whole number of at least 1; it is 0"),
        (lambda: overlap_counts(3, 2, num_layers=4), "At most three"),
        (lambda: dilated_footprint([]), "one to six"),
        (lambda: resize_drift(np.zeros((8, 8))), "no center"),
    ],
)
def test_refusals_are_sentences(call, words):
    with pytest.raises(UpsamplingError) as refused:
        call()
    sentence = str(refused.value)
    assert words in sentence
    assert sentence.endswith(".")
    assert refused.value.template.format(**refused.value.values) == sentence


def test_max_unpool_of_an_odd_size_needs_output_size():
    x = rand(1, 1, 5, 5)
    x[0, 0, 3, 3] = 9.0  # flat index 18 lies beyond the 16 pixels of the default 4×4 output
    pooled, indices = max_pool(x, kernel_size=2)
    with pytest.raises(UpsamplingError, match="points at pixel 18"):
        upsample("max_unpool", pooled, indices=indices, kernel_size=2)
    assert upsample("max_unpool", pooled, indices=indices, kernel_size=2, output_size=(5, 5)).shape[2:] == (5, 5)


def test_a_factor_is_rounded_as_torch_rounds_it():
    x = torch.zeros(1, 1, 3, 3)
    for factor in (0.3, 0.34, 2.3, 7 / 3, 1 / 3):
        try:
            expected = F.interpolate(x, scale_factor=factor).shape
        except RuntimeError:
            with pytest.raises(UpsamplingError):
                upsample("nearest", x, scale_factor=factor)
        else:
            assert upsample("nearest", x, scale_factor=factor).shape == expected


def test_every_option_is_a_parameter_of_its_operator():
    from vizcore.upsampling import operators

    for method, names in OPTIONS.items():
        taken = set(inspect.signature(operators._OPERATORS[method]).parameters) - {"method", "x"}
        assert taken == set(names), method
