"""What a network costs: parameters, multiply-adds and activations counted, seconds measured.

A network runs once under a mode that sees each operation as it reaches torch's kernels, so what is counted is what
ran: a layer called twice counts twice, and a layer that plays no part counts nothing. On torch's meta device, where
tensors have shapes but no contents, nothing is computed.

Reference:
    Ilija Radosavovic et al. Designing Network Design Spaces. CVPR 2020, arXiv 2003.13678 (activations: the output
    tensors of convolutions; they predict run time better than multiply-adds do).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True)
class Cost:
    """What passes take.

    Attributes:
        parameters: numbers in weights and biases that took part, each once.
        multiply_adds: of all convolutions, linear layers and matrix products; additions alone, pooling, interpolation
            and normalisation are not counted.
        activation_bytes: outputs of these layers; fused attention writes no map of queries by keys.
        seconds: least measured wall time; None if it was not measured.
        layers: the cost of each module that did something, by its name, without the modules in it; by first use.
            Left out of comparisons, sums and multiples.
    """

    parameters: int = 0
    multiply_adds: int = 0
    activation_bytes: int = 0
    seconds: float | None = None
    layers: Mapping[str, Cost] = field(default_factory=dict, compare=False, repr=False)

    def __add__(self, other: Cost) -> Cost:
        """What two parts of a network take together; times are not added."""
        return Cost(
            self.parameters + other.parameters,
            self.multiply_adds + other.multiply_adds,
            self.activation_bytes + other.activation_bytes,
        )

    def __mul__(self, times: int) -> Cost:
        """What so many passes take, which share their parameters."""
        return Cost(self.parameters, self.multiply_adds * times, self.activation_bytes * times)

    def by_part(self, part_of: Callable[[str], str]) -> dict[str, Cost]:
        """The cost of each part of the network, by first use.

        Args:
            part_of: names the part that a module belongs to, by the module's name.
        """
        parts: dict[str, Cost] = {}
        for name, cost in self.layers.items():
            part = part_of(name)
            parts[part] = parts.get(part, Cost()) + cost
        return parts


def total(parts: Mapping[str, Cost]) -> Cost:
    """The parts of a network together."""
    return sum(parts.values(), Cost())


def count(module: nn.Module, *inputs: Any) -> Cost:
    """Runs a network once, without gradients, and counts.

    Args:
        module: whose hooks nobody else is setting meanwhile; on the meta device nothing is computed.
        *inputs: of its ``forward``, on the module's device.

    Returns:
        Parameters that took part, multiply-adds, bytes of activations, and the same for each layer.
    """
    counter = _Counter(module)
    with counter.watching(), torch.no_grad(), counter:
        module(*inputs)
    layers = {
        name: Cost(parameters, multiply_adds, size)
        for name, (parameters, multiply_adds, size) in counter.layers.items()
    }
    sums = total(layers)
    return Cost(sums.parameters, sums.multiply_adds, sums.activation_bytes, layers=layers)


def count_parameters(module: nn.Module) -> int:
    """Numbers in all parameters of a network, whether they take part or not; shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def measure(
    runs: Sequence[Callable[[], object]],
    *,
    repeats: int = 3,
    work: Sequence[float] | None = None,
    report: Callable[[float], None] | None = None,
) -> list[float]:
    """Least seconds of each of some runs, which take turns, so that a busy moment strikes all alike.

    Args:
        runs: without arguments.
        repeats: turns.
        work: how long each takes, in any unit, for the report; None for all alike.
        report: called after each run with the share that is done, in (0, 1].
    """
    shares = [1.0] * len(runs) if work is None else list(work)
    best = [float("inf")] * len(runs)
    done = 0.0
    for _ in range(repeats):
        for place, run in enumerate(runs):
            started = time.perf_counter()
            run()
            best[place] = min(best[place], time.perf_counter() - started)
            done += shares[place]
            if report is not None:
                report(min(1.0, done / (repeats * sum(shares))))
    return best


class _Counter(TorchDispatchMode):
    """Adds up ``[parameters, multiply-adds, bytes]`` of the module whose ``forward`` runs."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.layers: dict[str, list[int]] = {}
        self._module = module
        self._running = [""]
        self._unseen = {id(parameter): (name, parameter) for name, parameter in module.named_parameters()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keeps track of the module that runs."""
        hooks = []
        for name, module in self._module.named_modules():
            hooks.append(module.register_forward_pre_hook(lambda *_, name=name: self._running.append(name)))
            hooks.append(module.register_forward_hook(lambda *_: self._leave()))
        # Fused attention would hide its products.
        fused = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fused)
            for hook in hooks:
                hook.remove()

    def _leave(self) -> None:
        self._running.pop()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = _FORMULAS.get(function.overloadpacket)
        if formula is None and torch.is_inference_mode_enabled() and function is not torch.ops.prim.device.default:
            # In inference mode, operations that are made of others arrive whole.
            with self:
                result = function.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        for tensor in _tensors((*args, *kwargs.values())):
            name, parameter = self._unseen.pop(id(tensor), ("", None))
            if parameter is not None:
                self._layer(name.rpartition(".")[0])[0] += parameter.numel()
        output = function(*args, **kwargs)
        if formula is not None:
            first = output[0] if isinstance(output, tuple) else output
            layer = self._layer(self._running[-1])
            layer[1] += formula(first, *args)
            layer[2] += first.numel() * first.element_size()
        return output

    def _layer(self, name: str) -> list[int]:
        return self.layers.setdefault(name, [0, 0, 0])


def _tensors(values: tuple[Any, ...]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(tuple(value))


def _convolution(output: Tensor, x: Tensor, weight: Tensor, *rest: Any) -> int:
    transposed = rest[4]  # after bias, stride, padding and dilation
    # Each number of the output gathers, or each of the input scatters, through all weights that it meets.
    return (x if transposed else output).numel() * weight[0].numel()


def _attention(output: Tensor, query: Tensor, key: Tensor, *_: Any) -> int:
    # Every query with every key, then every such weight with a value.
    return query.numel() * key.shape[-2] + output.numel() * key.shape[-2]


_FORMULAS: Mapping[Any, Callable[..., int]] = {
    torch.ops.aten.convolution: _convolution,
    torch.ops.aten.mm: lambda output, a, b: output.numel() * a.shape[1],
    torch.ops.aten.addmm: lambda output, _, a, b: output.numel() * a.shape[1],
    torch.ops.aten.mv: lambda output, a, b: a.numel(),
    torch.ops.aten.addmv: lambda output, _, a, b: a.numel(),
    torch.ops.aten.dot: lambda output, a, b: a.numel(),
    torch.ops.aten.bmm: lambda output, a, b: output.numel() * a.shape[2],
    torch.ops.aten.baddbmm: lambda output, _, a, b: output.numel() * a.shape[2],
    torch.ops.aten._scaled_dot_product_flash_attention: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_efficient_attention: _attention,
    torch.ops.aten._scaled_dot_product_cudnn_attention: _attention,
}
"""Multiply-adds of an operation, from its output and its arguments."""
