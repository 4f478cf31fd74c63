import math

import pytest
import torch

from vizcore import nms


def test_decay_curve():
    at = torch.tensor([0.0, 0.5, 0.75, 1.0])
    assert nms.decay_factor(at, nms.NMSOptions()).tolist() == [1, 1, 0, 0]
    assert nms.decay_factor(at, nms.NMSOptions(suppress_equal=True)).tolist() == [1, 0, 0, 0]
    assert nms.decay_factor(at, nms.NMSOptions(method="soft_linear")).tolist() == [1, 1, 0.25, 0]
    gaussian = nms.decay_factor(at, nms.NMSOptions(method="soft_gaussian", sigma=0.5))
    assert gaussian.tolist() == pytest.approx([1, math.exp(-0.5), math.exp(-1.125), math.exp(-2)])
    assert nms.decay_factor(at, nms.NMSOptions(method="matrix", matrix_kernel="linear")).tolist() == [1, 0.5, 0.25, 0]


def test_best_first():
    assert nms.best_first(torch.tensor([0.25, 0.75, 0.25, 0.5]), most=3).tolist() == [1, 3, 0]
