from __future__ import annotations

import ast
import itertools
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.scripts import run_script
from vizcore import modules
from vizcore.modules import NetworkChoice, compare_networks, lab_program, network_source
from vizcore.seeding import seeded

SOUND = NetworkChoice(registered=True, pass_training=True)
CHOICES = [
    NetworkChoice(layer, 4, activation, normalization, 0.25, bias, middle, registered, registered)
    for (layer, middle), activation, normalization, bias, registered in itertools.chain(
        itertools.product(
            itertools.product(modules.LAYERS, modules.MIDDLES), ["relu"], modules.NORMALIZATIONS, [True], [True, False]
        ),
        itertools.product([("linear", "none"), ("conv2d", "shared")], modules.ACTIVATIONS, ["none"], [False], [True]),
    )
]


def row(choice: NetworkChoice, aspect: str, *, seed: int = 0) -> modules.Difference:
    return next(entry for entry in compare_networks(choice, seed=seed).differences if entry.aspect == aspect)


@pytest.fixture(scope="module")
def printed() -> list[list[list[list[float]]]]:
    """What the shown programs print, each in a fresh namespace of one fresh interpreter."""
    driver = (
        "import contextlib, io, json, sys\n"
        "results = []\n"
        "for source in json.load(sys.stdin):\n"
        "    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out):\n"
        "        exec(source, {'__name__': '__main__'})\n"
        "    results.append([json.loads(line) for line in out.getvalue().splitlines()])\n"
        "print(json.dumps(results))\n"
    )
    sources = [network_source(choice, name, seed=3) for choice in CHOICES for name in ("module", "functional")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", driver], input=json.dumps(sources), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_shown_programs_print_the_shown_numbers(printed: list[list[list[list[float]]]]) -> None:
    for index, choice in enumerate(CHOICES):
        comparison = compare_networks(choice, seed=3)
        for pane, report in enumerate((comparison.module, comparison.functional)):
            in_eval, in_train = printed[2 * index + pane]
            assert np.array_equal(np.float32(in_eval), report.output), (choice, report.name)
            assert np.array_equal(np.float32(in_train), report.output_train), (choice, report.name)


def test_comparison_program_prints_the_compared_numbers() -> None:
    choice = NetworkChoice(middle="shared", layer="conv2d")
    comparison = compare_networks(choice, seed=5)
    lines = [ast.literal_eval(line) for line in run_script(modules.comparison_source(choice, seed=5)).splitlines()]
    for report, (passes_eval, passes_train, count, keys) in zip(
        (comparison.module, comparison.functional), (lines[:4], lines[4:]), strict=True
    ):
        assert np.array_equal(np.float32(passes_eval), np.float32(report.passes_eval))
        assert np.array_equal(np.float32(passes_train), np.float32(report.passes_train))
        assert count == sum(entry.num_values for entry in report.parameters)
        assert keys == [entry.name for entry in report.state]


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
    # Linear 4 → 8: 32 + 8; batch normalisation 8 + 8; Linear 8 → 3: 24 + 3.
    assert row(NetworkChoice(), "parameters").module == 32 + 8 + 8 + 8 + 24 + 3
    assert row(NetworkChoice(), "parameters").functional == 0
    # state_dict() adds two running statistics of 8; num_batches_tracked is a counter that no output depends on.
    assert row(NetworkChoice(), "saved").module == 83 + 16
    # Conv2d 1 → 4, 3 x 3: 36 + 4; no normalisation; Linear 4 → 3: 12 + 3.
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
            state = dict(modules._build("module", NetworkChoice(), 0).named_parameters())
            parameter.copy_(state[entry])
        expected = np.zeros(8, np.float32)
        for batch in range(modules.NUM_BATCHES):
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


def test_recommendations_say_what_was_measured() -> None:
    lines = {line.need: line for line in modules.measure_recommendations()}
    assert "not a Module subclass" in str(lines["in_sequential"].functional)
    assert "cannot assign" in str(lines["computed_weight"].module)
    assert float(lines["computed_weight"].functional) > 0
    assert (lines["tied_weight"].module, lines["tied_weight"].functional) == (16, 8)
    assert lines["weighted_layer"].functional == lines["batch_norm"].functional == 0
    assert lines["loss"].module == 0
    assert float(lines["dropout"].functional) > float(lines["dropout"].module) == 1


def test_traps_say_what_was_measured() -> None:
    traps = {trap.name: trap for trap in modules.measure_traps()}
    assert (traps["parameter_list"].mistaken, traps["parameter_list"].intended) == (0, 4 * 3 + 3)
    assert traps["eval_keeps_gradients"].mistaken > 0 == traps["eval_keeps_gradients"].intended
    assert traps["forgotten_zero_grad"].mistaken == pytest.approx(2 * traps["forgotten_zero_grad"].intended)
    assert traps["softmax_before_loss"].mistaken != pytest.approx(traps["softmax_before_loss"].intended)
    assert traps["broadcast_loss"].mistaken != pytest.approx(traps["broadcast_loss"].intended)
    assert "more than 1 value per channel" in str(traps["batch_of_one"].mistaken)


def test_broadcast_loss_is_the_mean_over_all_pairs() -> None:
    with seeded(0):
        nn.Linear(4, 3)
        other = nn.Linear(4, 1)
        x = torch.randn(6, 4)
        torch.randint(3, (6,))
        values = torch.randn(6)
    pairs = (other(x) - values[None, :]).square().mean()  # [6, 1] against [1, 6]: all 36 differences
    traps = {trap.name: trap for trap in modules.measure_traps()}
    assert traps["broadcast_loss"].mistaken == pytest.approx(float(pairs.detach()), rel=1e-5)


def test_timing_has_both_in_microseconds() -> None:
    timing = modules.time_networks(NetworkChoice(), repeats=5)
    assert timing.module.shape == timing.functional.shape == (5,)
    assert (timing.module > 0).all()


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", ["module", "functional"])
def test_lab_programs_run_line_by_line(choice: NetworkChoice, name: str) -> None:
    program = lab_program(choice, name)
    assert "import" not in program
    assert "class" not in program
    space: dict[str, object] = {"torch": torch, "nn": nn, "F": nn.functional}
    exec(compile(program, name, "exec"), space)
    output = space["output"]
    assert isinstance(output, torch.Tensor)
    assert output.shape == (6, 3)


def test_both_lab_programs_learn_the_same_number_of_values() -> None:
    for choice in CHOICES:
        counts = []
        for name in ("module", "functional"):
            space: dict[str, object] = {"torch": torch, "nn": nn, "F": nn.functional}
            exec(compile(lab_program(choice, name), name, "exec"), space)
            weights = list(space["net"].parameters()) if name == "module" else list(space.values())
            leaves = [value for value in weights if isinstance(value, torch.Tensor) and value.is_leaf]
            counts.append(sum(leaf.numel() for leaf in leaves if leaf.grad is not None))
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "broken", [{"hidden": 0}, {"hidden": 7}, {"dropout": 1.0}, {"dropout": float("nan")}, {"layer": "lstm"}]
)
def test_impossible_choices_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        NetworkChoice(**broken)


def test_same_seed_same_report_and_other_seed_other_numbers() -> None:
    once, again, other = (compare_networks(NetworkChoice(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(once.functional.passes_eval, again.functional.passes_eval)
    assert not np.array_equal(once.functional.passes_eval, other.functional.passes_eval)
