"""What is done to a network to see what it knows of its own tensors: listed, hooked, converted, stepped, saved."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore.modules.choice import BATCH, OUT_FEATURES, NetworkChoice
from vizcore.modules.networks import FunctionalNetwork, build_network, draw_input
from vizcore.modules.report import TensorEntry
from vizcore.seeding import seeded

NUM_PASSES = 20
NUM_BATCHES = 10
LEARNING_RATE = 0.1


def repeated_passes(net: nn.Module, x: torch.Tensor, times: int) -> list[float]:
    """The first output element of several passes of the same input; batch normalisation may learn on the way."""
    with torch.no_grad():
        return [net(x)[0, 0].item() for _ in range(times)]


def list_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every floating tensor the outputs depend on: parameters, buffers and plain attributes, shared ones once."""
    found: dict[str, Tensor] = dict(network.named_parameters())
    found |= {name: buffer for name, buffer in network.named_buffers() if buffer.is_floating_point()}
    found |= {name: value for name, value in vars(network).items() if isinstance(value, Tensor)}
    return found


def describe_tensors(tensors: dict[str, Tensor]) -> tuple[TensorEntry, ...]:
    """Says of each tensor what it is, and which earlier one it is the same as."""
    entries: list[TensorEntry] = []
    first: dict[int, str] = {}
    for name, value in tensors.items():
        same_as = first.setdefault(value.data_ptr(), name)
        dtype = str(value.dtype).removeprefix("torch.")
        sizes = tuple(value.shape), dtype, value.numel(), value.nbytes
        entries.append(TensorEntry(name, *sizes, same_as="" if same_as == name else same_as))
    return tuple(entries)


def count_hooks(network: nn.Module, x: Tensor) -> tuple[tuple[tuple[str, int], ...], int]:
    """Counts forward hook calls by module in one ``network(x)``, and all of them in one ``network.forward(x)``."""
    calls: dict[str, int] = {}

    def count(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            calls[name] += 1

        return hook

    for path, module in network.named_modules():
        name = f"{path} {module._get_name()}".strip()
        calls[name] = 0
        module.register_forward_hook(count(name))
    with torch.no_grad(), seeded(0):
        network(x)
        by_call = tuple(calls.items())
        before = sum(calls.values())
        network.forward(x)
    return by_call, sum(calls.values()) - before


def convert(network: nn.Module, x: Tensor) -> tuple[tuple[TensorEntry, ...], str]:
    """Converts a network to float64; returns its tensors and torch's own error at a float64 input, or ``""``."""
    network.eval().to(torch.float64)
    with torch.no_grad(), seeded(0):
        error = error_of(lambda: network(x.double()))
    return describe_tensors(list_tensors(network)), error


def take_step(network: nn.Module, x: Tensor, seed: int) -> tuple[tuple[tuple[str, float], ...], str]:
    """Takes one SGD step; returns the length of each weight's change, and torch's own error, or ``""``."""
    before = {name: value.detach().clone() for name, value in _weights(network).items()}
    with seeded(seed):
        target = torch.randn(BATCH, OUT_FEATURES)
        F.mse_loss(network.train()(x), target).backward()
    error = error_of(lambda: torch.optim.SGD(network.parameters(), lr=LEARNING_RATE).step())
    after = _weights(network)
    return tuple((name, float((after[name].detach() - value).norm())) for name, value in before.items()), error


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in list_tensors(network).items() if value.requires_grad}


def restore(name: str, choice: NetworkChoice, x: Tensor, seed: int) -> float:
    """Trains a little, saves, loads into a network with other initial weights, and compares what both then compute.

    Dropout is off on both sides, so that only lost values can make a difference.
    """
    without_dropout = replace(choice, dropout=0.0)
    network = build_network(name, without_dropout, seed)
    with torch.no_grad():
        for weight in _weights(network).values():
            weight.add_(0.25)  # stands for training, whoever is able to do it
        network.train()(x)
    fresh = build_network(name, without_dropout, seed + 1)
    fresh.load_state_dict(copy.deepcopy(network.state_dict()))
    with torch.no_grad():
        return float((network.eval()(x) - fresh.eval()(x)).abs().max())


def follow_running_mean(network: nn.Module, choice: NetworkChoice, seed: int) -> np.ndarray:
    """The running mean at first and after each training batch, ``[11, hidden]`` or empty."""
    if choice.normalization != "batch_norm":
        return np.empty((0, choice.hidden))
    running = list_tensors(network)["running_mean" if isinstance(network, FunctionalNetwork) else "1.running_mean"]
    means = [running.clone()]
    network.train()
    with torch.no_grad():
        for batch in range(NUM_BATCHES):
            network(draw_input(choice, seed + batch) + 1.0)  # inputs around 1, so that there is a mean to find
            means.append(running.clone())
    return torch.stack(means).numpy()


def error_of(action: Callable[[], object]) -> str:
    """Torch's own error when something is done, or ``""``."""
    try:
        action()
    except (RuntimeError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
