"""The checker of shapes sees what it should and leaves a function's own refusals alone."""

import numpy as np
import pytest
import torch
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor

from tests.shapes import checked
from vizcore import centernet, fpn, iou_losses, nms, upsampling, varifocalnet


def halve(boxes: Float[Tensor, "N 4"], *, wrong: bool = False) -> Float[Tensor, " N"]:
    if len(boxes) == 0:
        raise ValueError("no box")
    return boxes[:, :2] if wrong else boxes[:, 0]


watched = jaxtyped(halve, typechecker=checked)


def test_a_result_of_another_shape_is_seen():
    assert watched(torch.zeros(3, 4)).shape == (3,)
    with pytest.raises(TypeCheckError, match="halve"):
        watched(torch.zeros(3, 4), wrong=True)


@pytest.mark.parametrize("boxes", [torch.zeros(3, 5), torch.zeros(3, 4, dtype=torch.int64), np.zeros((3, 4))])
def test_an_argument_that_is_accepted_against_the_signature_is_seen(boxes):
    with pytest.raises(TypeCheckError, match="halve"):
        watched(boxes)


def test_a_refusal_is_the_functions_own():
    with pytest.raises(ValueError, match="no box"):
        watched(torch.zeros(0, 7))


@pytest.mark.parametrize(
    "function",
    [
        iou_losses.box_loss,
        nms.trace_nms,
        upsampling.upsample,
        fpn.roi_level,
        centernet.focal_loss,
        varifocalnet.varifocal_loss,
    ],
)
def test_the_entry_points_are_watched(function):
    assert function.__wrapped__.__module__.startswith("vizcore.")
    assert function.__code__ is not function.__wrapped__.__code__
