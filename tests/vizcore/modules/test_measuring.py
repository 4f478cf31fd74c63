from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tests.vizcore.modules.choices import SOUND
from vizcore import modules
from vizcore.modules import NetworkChoice, compare_networks
from vizcore.modules.measuring import NUM_BATCHES
from vizcore.modules.networks import build_network


def test_plain_tensors_are_not_seen_moved_or_saved() -> None:
    report = compare_networks(NetworkChoice()).functional
    assert report.parameters == report.state == ()
    assert {entry.dtype for entry in report.dtypes_after_to} == {"float32"}
    assert "dtype" in report.error_after_to
    assert "empty parameter list" in report.step_error
    assert {change for _, change in report.step_changes} == {0.0}
    assert report.restored_difference > 0
    assert report.text == "Net()"


def test_module_sees_moves_and_saves_everything() -> None:
    report = compare_networks(NetworkChoice()).module
    assert {entry.dtype for entry in report.dtypes_after_to} == {"float64"}
    assert report.error_after_to == report.step_error == ""
    assert report.restored_difference == 0
    assert "BatchNorm1d(8" in report.text
    assert report.training_flags == 6  # the Sequential and its five layers


def test_running_mean_follows_the_exponential_average() -> None:
    comparison = compare_networks(NetworkChoice())
    first = modules.build_module_network(NetworkChoice())[0]
    with torch.no_grad():
        for parameter, entry in zip(first.parameters(), ("0.weight", "0.bias"), strict=True):
            state = dict(build_network("module", NetworkChoice(), 0).named_parameters())
            parameter.copy_(state[entry])
        expected = np.zeros(8, np.float32)
        for batch in range(NUM_BATCHES):
            generator = torch.Generator().manual_seed(batch)
            hidden = first(torch.randn(6, 4, generator=generator) + 1.0)
            expected = 0.9 * expected + 0.1 * hidden.mean(0).numpy()  # momentum 0.1 weighs the new batch
    np.testing.assert_allclose(comparison.module.running_mean[-1], expected, rtol=1e-5, atol=1e-6)
    assert not comparison.functional.running_mean.any()  # F.batch_norm: training=False unless told otherwise


def test_shared_layer_is_one_parameter_under_two_keys() -> None:
    shared = compare_networks(replace(SOUND, middle="shared")).module
    separate = compare_networks(replace(SOUND, middle="separate")).module
    assert len(separate.parameters) - len(shared.parameters) == 2  # one weight and one bias fewer
    assert [entry.name for entry in shared.state if entry.same_as] == ["5.weight", "5.bias"]
    assert dict((entry.name, entry.same_as) for entry in shared.state)["5.weight"] == "3.weight"
    assert len(shared.state) == len(separate.state)


def test_hooks_fire_per_layer_and_not_on_forward() -> None:
    comparison = compare_networks(SOUND)
    assert dict(comparison.module.hook_calls)["1 BatchNorm1d"] == 1
    assert comparison.functional.hook_calls == (("Net", 1),)
    assert comparison.module.hook_calls_forward == 5  # the layers' own hooks; the Sequential's is skipped
    assert comparison.functional.hook_calls_forward == 0
    shared = compare_networks(replace(SOUND, middle="shared"))
    assert dict(shared.module.hook_calls)["3 Linear"] == 2


def test_one_step_changes_every_registered_weight_alike() -> None:
    comparison = compare_networks(SOUND)
    ours = [change for _, change in comparison.module.step_changes]
    theirs = [change for _, change in comparison.functional.step_changes]
    assert ours == theirs
    assert sum(change > 0 for change in ours) == 5  # a bias before batch normalisation has no effect: gradient ≈ 0
    assert dict(comparison.module.step_changes)["0.bias"] < 1e-7
