"""The chosen network, built from modules, and from functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore.modules.choice import NUM_GROUPS, OUT_FEATURES, NetworkChoice, in_size, input_shape, middle_places
from vizcore.seeding import seeded

_ACTIVATION_MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
_ACTIVATION_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def build_module_network(choice: NetworkChoice) -> nn.Sequential:
    """Builds the network from modules."""
    size = choice.hidden
    layers: list[nn.Module] = [_weighted_module(choice, in_size(choice), size)]
    if choice.normalization == "batch_norm":
        layers.append(nn.BatchNorm1d(size) if choice.layer == "linear" else nn.BatchNorm2d(size))
    elif choice.normalization == "group_norm":
        layers.append(nn.GroupNorm(NUM_GROUPS, size))
    layers.append(_ACTIVATION_MODULES[choice.activation]())
    if choice.middle == "shared":
        middle = _weighted_module(choice, size, size)
        layers += [middle, _ACTIVATION_MODULES[choice.activation](), middle, _ACTIVATION_MODULES[choice.activation]()]
    elif choice.middle == "separate":
        for _ in range(2):
            layers += [_weighted_module(choice, size, size), _ACTIVATION_MODULES[choice.activation]()]
    layers.append(nn.Dropout(choice.dropout))
    if choice.layer == "conv2d":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers.append(nn.Linear(size, OUT_FEATURES, bias=choice.bias))
    return nn.Sequential(*layers)


class FunctionalNetwork(nn.Module):
    """The same network from functions: every weight and flag handled by hand, well or badly, as chosen."""

    norm_weight: Tensor
    norm_bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    weight_last: Tensor

    def __init__(self, choice: NetworkChoice) -> None:
        """Draws the weights in the order in which the modules would."""
        super().__init__()
        self.choice = choice
        for name, shape in weight_shapes(choice):
            self._keep(name, _initial_weight(name, shape, weight_shapes(choice)))
        if choice.normalization == "batch_norm":
            for name, tensor in (
                ("running_mean", torch.zeros(choice.hidden)),
                ("running_var", torch.ones(choice.hidden)),
            ):
                if choice.registered:
                    self.register_buffer(name, tensor)
                else:
                    setattr(self, name, tensor)

    def _get_name(self) -> str:
        """The name that ``repr`` prints: that of the class in the shown program."""
        return "Net"

    def _keep(self, name: str, tensor: Tensor) -> None:
        setattr(self, name, nn.Parameter(tensor) if self.choice.registered else tensor.requires_grad_())

    def forward(self, x: Tensor) -> Tensor:
        """Calls the functions one after another."""
        choice = self.choice
        activation = _ACTIVATION_FUNCTIONS[choice.activation]
        x = self._weighted(x, "1")
        if choice.normalization == "batch_norm":
            flag = {"training": self.training} if choice.pass_training else {}
            x = F.batch_norm(x, self.running_mean, self.running_var, self.norm_weight, self.norm_bias, **flag)
        elif choice.normalization == "group_norm":
            x = F.group_norm(x, NUM_GROUPS, self.norm_weight, self.norm_bias)
        x = activation(x)
        for place in middle_places(choice):
            x = activation(self._weighted(x, place))
        x = F.dropout(x, choice.dropout, **({"training": self.training} if choice.pass_training else {}))
        if choice.layer == "conv2d":
            x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.linear(x, self.weight_last, getattr(self, "bias_last", None))

    def _weighted(self, x: Tensor, place: str) -> Tensor:
        weight, bias = getattr(self, f"weight_{place}"), getattr(self, f"bias_{place}", None)
        return F.linear(x, weight, bias) if self.choice.layer == "linear" else F.conv2d(x, weight, bias, padding=1)


def build_network(name: str, choice: NetworkChoice, seed: int) -> nn.Module:
    """Builds one of the two, ``"module"`` or ``"functional"``, from seeded weights."""
    with seeded(seed):
        return build_module_network(choice) if name == "module" else FunctionalNetwork(choice)


def draw_input(choice: NetworkChoice, seed: int) -> Tensor:
    """Draws the input of a network."""
    return torch.randn(input_shape(choice), generator=torch.Generator().manual_seed(seed))


def weight_shapes(choice: NetworkChoice) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the functional network's weights, in the order in which the modules draw theirs."""
    kernel = () if choice.layer == "linear" else (3, 3)
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def add(place: str, weight: tuple[int, ...]) -> None:
        shapes.append((f"weight_{place}", weight))
        if choice.bias:
            shapes.append((f"bias_{place}", weight[:1]))

    add("1", (choice.hidden, in_size(choice), *kernel))
    if choice.normalization != "none":
        shapes.append(("norm_weight", (choice.hidden,)))
        shapes.append(("norm_bias", (choice.hidden,)))
    for place in dict.fromkeys(middle_places(choice)):
        add(place, (choice.hidden, choice.hidden, *kernel))
    add("last", (OUT_FEATURES, choice.hidden))
    return shapes


def fan_in_of(shape: tuple[int, ...]) -> int:
    """How many inputs each output of a weight of this shape has."""
    return int(np.prod(shape[1:]))


def weight(*shape: int) -> torch.Tensor:
    """A weight as nn.Linear and nn.Conv2d draw theirs."""
    return nn.init.kaiming_uniform_(torch.empty(shape), a=5**0.5)


def bias(size: int, fan_in: int) -> torch.Tensor:
    """A bias as nn.Linear and nn.Conv2d draw theirs."""
    return nn.init.uniform_(torch.empty(size), -1 / fan_in**0.5, 1 / fan_in**0.5)


def _weighted_module(choice: NetworkChoice, inputs: int, outputs: int) -> nn.Module:
    if choice.layer == "linear":
        return nn.Linear(inputs, outputs, bias=choice.bias)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=choice.bias)


def _initial_weight(name: str, shape: tuple[int, ...], shapes: list[tuple[str, tuple[int, ...]]]) -> Tensor:
    """The initial values that ``nn.Linear``, ``nn.Conv2d`` and the normalisations give."""
    if name == "norm_weight":
        return torch.ones(shape)
    if name == "norm_bias":
        return torch.zeros(shape)
    if name.startswith("weight"):
        return weight(*shape)
    return bias(shape[0], fan_in=fan_in_of(dict(shapes)[name.replace("bias", "weight")]))
