"""What one network can do, as it was measured: the frozen records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from vizcore.modules.choice import NetworkChoice


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a network, by name.

    Attributes:
        name: Its key, such as ``"0.weight"``.
        shape: Its shape.
        dtype: Its dtype without the ``torch.`` prefix.
        num_values: How many numbers it holds.
        num_bytes: How many bytes they take.
        same_as: Name of an earlier entry that is the same tensor, or ``""``.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    num_values: int
    num_bytes: int
    same_as: str = ""


@dataclass(frozen=True, eq=False)
class NetworkReport:
    """One of the two networks, with everything that was measured on it.

    Attributes:
        name: ``"module"`` or ``"functional"``.
        source: The program that builds it and prints its outputs; runs in a fresh interpreter.
        text: What ``repr`` prints.
        tensors: Every tensor the outputs depend on, whether torch knows of it or not.
        parameters: What ``parameters()`` yields, with names.
        state: What ``state_dict()`` holds.
        output: ``[6, 3]`` in ``eval()``.
        output_train: ``[6, 3]`` in ``train()``.
        output_without_dropout: ``[6, 3]`` in ``eval()`` with dropout probability 0: the arithmetic alone.
        passes_eval: ``[20]`` one output element, twenty passes of the same input in ``eval()``.
        passes_train: ``[20]`` the same in ``train()``.
        training_flags: How many modules ``eval()`` told that training is over.
        hook_calls: Class name and number of calls of each forward hook in one call of the network.
        hook_calls_forward: All forward hook calls when ``.forward(x)`` is called instead of ``(x)``.
        dtypes_after_to: ``tensors`` again, after ``.to(torch.float64)``.
        error_after_to: Torch's own error when the converted network meets a float64 input, or ``""``.
        step_changes: Name and L2 norm of the change of each weight in one SGD step.
        step_error: Torch's own error from ``torch.optim.SGD(net.parameters())``, or ``""``.
        restored_difference: Largest difference in outputs after ``state_dict()`` was loaded into a new network.
        running_mean: ``[11, hidden]`` of the batch normalisation: at first and after each of ten training batches,
            or empty.
    """

    name: str
    source: str
    text: str
    tensors: tuple[TensorEntry, ...]
    parameters: tuple[TensorEntry, ...]
    state: tuple[TensorEntry, ...]
    output: np.ndarray
    output_train: np.ndarray
    output_without_dropout: np.ndarray
    passes_eval: np.ndarray
    passes_train: np.ndarray
    training_flags: int
    hook_calls: tuple[tuple[str, int], ...]
    hook_calls_forward: int
    dtypes_after_to: tuple[TensorEntry, ...]
    error_after_to: str
    step_changes: tuple[tuple[str, float], ...]
    step_error: str
    restored_difference: float
    running_mean: np.ndarray


@dataclass(frozen=True)
class Difference:
    """One aspect of both networks.

    Attributes:
        aspect: Its name, such as ``"eval_passes"``.
        module: The measured number on the module's side.
        functional: The same on the functional side.
        same: Whether they agree where a learner would expect it.
        repairable: Whether the functional network can be written so that they agree; if not, the difference lies in
            the nature of functions.
    """

    aspect: str
    module: float
    functional: float
    same: bool
    repairable: bool


@dataclass(frozen=True, eq=False)
class NetworkComparison:
    """Both networks and where they differ.

    Attributes:
        choice: What was built.
        seed: Seed of weights, input and dropout.
        input: ``[6, 4]`` or ``[6, 1, 5, 5]``.
        module: The network of modules.
        functional: The network of functions.
        differences: Aspect by aspect.
    """

    choice: NetworkChoice
    seed: int
    input: np.ndarray
    module: NetworkReport
    functional: NetworkReport
    differences: tuple[Difference, ...]

    @property
    def by_aspect(self) -> dict[str, Difference]:
        """The differences, by aspect."""
        return {entry.aspect: entry for entry in self.differences}


def list_shown(comparison: NetworkComparison) -> tuple[Difference, ...]:
    """The aspects that the chosen network has: no running mean without batch normalisation, no second names unshared.

    Args:
        comparison: Any.

    Returns:
        Some of its differences, in order.
    """
    without = {
        name
        for name, is_there in (
            ("running_mean", comparison.choice.normalization == "batch_norm"),
            ("shared_keys", comparison.choice.middle == "shared"),
        )
        if not is_there
    }
    return tuple(entry for entry in comparison.differences if entry.aspect not in without)


def list_silent(comparison: NetworkComparison) -> tuple[Difference, ...]:
    """The shown differences that the functional network makes without a word, and that can be repaired in it."""
    return tuple(entry for entry in list_shown(comparison) if entry.repairable and not entry.same)


def num_distinct(values: Float[np.ndarray, "*shape"]) -> int:
    """How many different numbers an array holds."""
    return len(np.unique(values))


def num_values(entries: tuple[TensorEntry, ...]) -> int:
    """How many numbers the tensors hold together."""
    return sum(entry.num_values for entry in entries)


def num_running(entries: tuple[TensorEntry, ...]) -> int:
    """How many of them are running statistics."""
    return sum(entry.num_values for entry in entries if "running" in entry.name)


def num_calls(calls: tuple[tuple[str, int], ...]) -> int:
    """How many hook calls there were."""
    return sum(count for _, count in calls)
