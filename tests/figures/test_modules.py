from __future__ import annotations

import numpy as np
import pytest

from vizcore.figures.modules import plot_repeated_passes, plot_running_mean, plot_step, plot_timing
from vizcore.modules import NetworkChoice, NetworkTiming, compare_networks


@pytest.fixture(scope="module")
def comparison():
    return compare_networks(NetworkChoice())


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_every_pass_is_a_dot(comparison, mode: str) -> None:
    module, functional = plot_repeated_passes(comparison, mode=mode).data
    assert np.array_equal(module.x, getattr(comparison.module, f"passes_{mode}"))
    assert np.array_equal(functional.x, getattr(comparison.functional, f"passes_{mode}"))
    for trace in (module, functional):  # no dot hides another
        assert len(set(zip(trace.x, trace.y, strict=True))) == 20


def test_dots_of_both_networks_stay_in_their_own_band(comparison) -> None:
    module, functional = plot_repeated_passes(comparison).data
    assert min(module.y) > 0.5 > max(functional.y)


def test_bars_show_the_changes(comparison) -> None:
    module, functional = plot_step(comparison).data
    assert dict(zip(module.x, module.y, strict=True)) == dict(comparison.module.step_changes)
    assert set(functional.y) == {0.0}
    assert list(functional.x) == list(module.x)


def test_a_line_for_each_feature(comparison) -> None:
    figure = plot_running_mean(comparison)
    assert len(figure.data) == 2 * 8
    assert np.array_equal(np.stack([trace.y for trace in figure.data[:8]], 1), comparison.module.running_mean)
    assert sum(trace.showlegend for trace in figure.data) == 2


def test_without_batch_normalisation_there_is_nothing_to_follow() -> None:
    assert not plot_running_mean(compare_networks(NetworkChoice(normalization="none"))).data


def test_boxes_hold_every_time() -> None:
    timing = NetworkTiming(module=np.array([1.0, 2.0]), functional=np.array([3.0, 4.0]))
    functional, module = plot_timing(timing).data
    assert list(module.x) == [1.0, 2.0]
    assert list(functional.x) == [3.0, 4.0]


def test_labels_are_translated(comparison) -> None:
    figure = plot_step(comparison, translate=lambda text: f"<{text}>")
    assert figure.layout.yaxis.title.text == "<length of the change>"
