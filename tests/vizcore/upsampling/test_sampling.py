"""Where output pixels read, and drift."""

import numpy as np
import pytest

from vizcore.upsampling import (
    CONVENTIONS,
    blob,
    legacy_difference,
    resize_drift,
    sample_positions,
)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(("in_size", "out_size"), [(4, 8), (8, 4), (5, 7), (1, 6), (6, 1)])
def test_positions_follow_their_formula(convention, in_size, out_size):
    found = sample_positions(convention, in_size, out_size)
    d = np.arange(out_size)
    expected = {
        "nearest": np.floor(d * in_size / out_size),
        "nearest_exact": np.floor((d + 0.5) * in_size / out_size),
        "bilinear": np.clip((d + 0.5) * in_size / out_size - 0.5, 0, in_size - 1),
        "bilinear_align_corners": d * (in_size - 1) / max(out_size - 1, 1),
    }[convention]
    np.testing.assert_allclose(found.positions, expected, atol=1e-9)


def test_drift_is_measured():
    drift = resize_drift(blob(33, centre=(20.0, 22.0)), scale_factor=0.75, num_rounds=6)
    last = dict(zip(drift.names, drift.drift[:, -1], strict=True))
    # ⌊d·I/O⌋ always reads too far to the upper left, so the content moves to the lower right; the exact rule does not.
    assert last["nearest"] > 2
    assert drift.rows[0, -1] > drift.rows[0, 0]
    assert drift.columns[0, -1] > drift.columns[0, 0]
    assert last["nearest_exact"] < 0.5
    assert last["bilinear"] < 0.05
    assert last["bilinear_align_corners"] < 0.05
    # Up by one convention and down by the other scales about the middle, so what is off the middle moves.
    assert last["mixed"] > 10 * last["bilinear"]


def test_the_two_bilinear_layers_differ_by_the_convention():
    # d·3/7 against d/2 - 1/4: furthest apart at d = 1 and d = 6, |3/7 - 1/4|.
    assert legacy_difference(4, 8) == pytest.approx(3 / 7 - 1 / 4)
    assert legacy_difference(5, 5) == 0
