"""Builds both networks, runs both and measures where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from vizcore.modules.choice import NetworkChoice
from vizcore.modules.measuring import (
    NUM_PASSES,
    convert,
    count_hooks,
    describe_tensors,
    follow_running_mean,
    list_tensors,
    repeated_passes,
    restore,
    take_step,
)
from vizcore.modules.networks import build_network, draw_input
from vizcore.modules.report import (
    Difference,
    NetworkComparison,
    NetworkReport,
    TensorEntry,
    num_calls,
    num_distinct,
    num_values,
)
from vizcore.modules.script import network_source
from vizcore.seeding import seeded


def compare_networks(choice: NetworkChoice, *, seed: int = 0) -> NetworkComparison:
    """Builds the chosen network both ways, runs both and measures where they differ.

    Args:
        choice: What to build.
        seed: Seed of the weights, the input and the dropped elements; both networks get the same.

    Returns:
        Both reports and the differences.
    """
    module = _report("module", choice, seed)
    functional = _report("functional", choice, seed)
    return NetworkComparison(
        choice=choice,
        seed=seed,
        input=draw_input(choice, seed).numpy(),
        module=module,
        functional=functional,
        differences=_differences(module, functional),
    )


def _report(name: str, choice: NetworkChoice, seed: int) -> NetworkReport:
    def build() -> nn.Module:
        return build_network(name, choice, seed)

    def passes(*, training: bool) -> np.ndarray:
        network = build().train(training)
        with seeded(seed):
            return np.array(repeated_passes(network, x, NUM_PASSES))

    x = draw_input(choice, seed)
    with torch.no_grad(), seeded(seed):
        output = build().eval()(x)
    with torch.no_grad(), seeded(seed):
        output_train = build().train()(x)
    with torch.no_grad(), seeded(seed):
        plain = build_network(name, replace(choice, dropout=0.0), seed).eval()(x)
    network = build()
    parameters = describe_tensors(dict(network.named_parameters()))
    hook_calls, hook_calls_forward = count_hooks(build(), x)
    dtypes, error_after_to = convert(build(), x)
    step_changes, step_error = take_step(build(), x, seed)
    flags_before = sum(module.training for module in network.modules())
    flags_after = sum(module.training for module in network.eval().modules())
    return NetworkReport(
        name=name,
        source=network_source(choice, name, seed=seed),
        text=repr(network),
        tensors=describe_tensors(list_tensors(network)),
        parameters=parameters,
        state=describe_tensors(network.state_dict()),
        output=output.numpy(),
        output_train=output_train.numpy(),
        output_without_dropout=plain.numpy(),
        passes_eval=passes(training=False),
        passes_train=passes(training=True),
        training_flags=flags_before - flags_after,
        hook_calls=hook_calls,
        hook_calls_forward=hook_calls_forward,
        dtypes_after_to=dtypes,
        error_after_to=error_after_to,
        step_changes=step_changes,
        step_error=step_error,
        restored_difference=restore(name, choice, x, seed),
        running_mean=follow_running_mean(build(), choice, seed),
    )


def _differences(module: NetworkReport, functional: NetworkReport) -> tuple[Difference, ...]:
    def both(aspect: str, measure: Callable[[NetworkReport], float], *, repairable: bool = True) -> Difference:
        ours, theirs = measure(module), measure(functional)
        return Difference(aspect, float(ours), float(theirs), bool(ours == theirs), repairable)

    def outputs(aspect: str, a: np.ndarray, b: np.ndarray) -> Difference:
        gap = float(np.abs(a - b).max())
        return Difference(aspect, 0.0, gap, bool(np.array_equal(a, b)), True)

    return (
        outputs("arithmetic", module.output_without_dropout, functional.output_without_dropout),
        outputs("output_eval", module.output, functional.output),
        outputs("output_train", module.output_train, functional.output_train),
        both("eval_passes", lambda report: num_distinct(report.passes_eval)),
        both("parameters", lambda report: num_values(report.parameters)),
        both("optimizer_step", lambda report: sum(change > 0 for _, change in report.step_changes)),
        both("saved", lambda report: num_values(_needed(report.state))),
        both("restored", lambda report: report.restored_difference),
        both("to_float64", lambda report: sum(entry.dtype == "float64" for entry in report.dtypes_after_to)),
        both("running_mean", lambda report: float(np.abs(report.running_mean[-1:]).sum())),
        both("shared_keys", lambda report: sum(bool(entry.same_as) for entry in report.state), repairable=False),
        both("hooks", lambda report: num_calls(report.hook_calls), repairable=False),
        both("repr", lambda report: report.text.count("\n") + 1, repairable=False),
    )


def _needed(state: tuple[TensorEntry, ...]) -> tuple[TensorEntry, ...]:
    """Without counters, which no output depends on, and each shared tensor once."""
    return tuple(entry for entry in state if entry.dtype.startswith("float") and not entry.same_as)
