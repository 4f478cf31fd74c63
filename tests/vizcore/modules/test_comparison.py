from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vizcore.modules.choices import SOUND
from vizcore import modules
from vizcore.modules import NetworkChoice, compare_networks


def row(choice: NetworkChoice, aspect: str, *, seed: int = 0) -> modules.Difference:
    return next(entry for entry in compare_networks(choice, seed=seed).differences if entry.aspect == aspect)


@settings(max_examples=25, deadline=None)
@given(
    choice=st.builds(
        NetworkChoice,
        layer=st.sampled_from(modules.LAYERS),
        hidden=st.sampled_from(modules.HIDDEN_SIZES),
        activation=st.sampled_from(modules.ACTIVATIONS),
        normalization=st.sampled_from(modules.NORMALIZATIONS),
        dropout=st.sampled_from([0.0, 0.25, 0.5, 0.875]),
        bias=st.booleans(),
        middle=st.sampled_from(modules.MIDDLES),
        registered=st.booleans(),
        pass_training=st.booleans(),
    ),
    seed=st.integers(0, 1000),
)
def test_arithmetic_is_equal_bit_for_bit_and_sound_networks_agree(choice: NetworkChoice, seed: int) -> None:
    comparison = compare_networks(choice, seed=seed)
    assert next(entry for entry in comparison.differences if entry.aspect == "arithmetic").same
    sound = compare_networks(replace(choice, registered=True, pass_training=True), seed=seed)
    assert all(entry.same for entry in sound.differences if entry.repairable)
    needed = sum(entry.num_values for entry in comparison.module.tensors)
    assert needed == sum(entry.num_values for entry in comparison.functional.tensors)


def test_counts_by_hand() -> None:
    # Linear 4 → 8: 32 + 8; batch normalization 8 + 8; Linear 8 → 3: 24 + 3.
    assert row(NetworkChoice(), "parameters").module == 32 + 8 + 8 + 8 + 24 + 3
    assert row(NetworkChoice(), "parameters").functional == 0
    # state_dict() adds two running statistics of 8; num_batches_tracked is a counter that no output depends on.
    assert row(NetworkChoice(), "saved").module == 83 + 16
    # Conv2d 1 → 4, 3 x 3: 36 + 4; no normalization; Linear 4 → 3: 12 + 3.
    assert row(NetworkChoice("conv2d", 4, normalization="none"), "parameters").module == 36 + 4 + 12 + 3


def test_functional_dropout_keeps_dropping_in_eval() -> None:
    naive = compare_networks(replace(SOUND, pass_training=False, activation="tanh", normalization="none"))
    assert modules.num_distinct(naive.module.passes_eval) == 1
    # Eight hidden features have 256 masks, so two of twenty passes may draw the same one.
    assert modules.num_distinct(naive.functional.passes_eval) > 15
    assert modules.num_distinct(naive.module.passes_train) > 15
    sound = compare_networks(replace(SOUND, activation="tanh", normalization="none"))
    assert np.array_equal(sound.module.passes_eval, sound.functional.passes_eval)
    assert np.array_equal(sound.module.passes_train, sound.functional.passes_train)


def test_without_dropout_nothing_varies() -> None:
    comparison = compare_networks(NetworkChoice(dropout=0.0, normalization="none"))
    for report in (comparison.module, comparison.functional):
        assert modules.num_distinct(report.passes_train) == modules.num_distinct(report.passes_eval) == 1


def test_same_seed_same_report_and_other_seed_other_numbers() -> None:
    once, again, other = (compare_networks(NetworkChoice(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(once.functional.passes_eval, again.functional.passes_eval)
    assert not np.array_equal(once.functional.passes_eval, other.functional.passes_eval)


def test_only_aspects_that_the_network_has_are_shown() -> None:
    shown = {entry.aspect for entry in modules.list_shown(compare_networks(NetworkChoice(middle="shared")))}
    assert shown == {entry.aspect for entry in compare_networks(NetworkChoice()).differences}
    for choice, missing in (
        (NetworkChoice(), {"shared_keys"}),
        (NetworkChoice(normalization="group_norm", middle="shared"), {"running_mean"}),
        (NetworkChoice(normalization="none", middle="separate"), {"running_mean", "shared_keys"}),
    ):
        comparison = compare_networks(choice)
        assert shown - {entry.aspect for entry in modules.list_shown(comparison)} == missing
        assert comparison.by_aspect.keys() == shown


def test_silent_differences_are_those_that_the_two_switches_repair() -> None:
    assert modules.list_silent(compare_networks(SOUND)) == ()
    silent = {entry.aspect for entry in modules.list_silent(compare_networks(replace(SOUND, registered=False)))}
    assert {"parameters", "optimizer_step", "saved", "to_float64"} <= silent
    assert "eval_passes" not in silent
    assert not {"hooks", "repr"} & silent  # by nature, not by oversight
