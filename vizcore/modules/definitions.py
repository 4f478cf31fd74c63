"""The chosen network as source: only the lines that the choice needs, so that they can be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from vizcore.modules.choice import NUM_GROUPS, OUT_FEATURES, NetworkChoice, in_size, middle_places
from vizcore.modules.networks import bias, fan_in_of, weight, weight_shapes


def module_definition(choice: NetworkChoice) -> list[str]:
    """The lines of ``make_net`` in modules."""
    size = choice.hidden
    bias = "" if choice.bias else ", bias=False"

    def weighted(inputs: int) -> str:
        if choice.layer == "linear":
            return f"nn.Linear({inputs}, {size}{bias})"
        return f"nn.Conv2d({inputs}, {size}, 3, padding=1{bias})"

    activation = {"relu": "nn.ReLU()", "gelu": "nn.GELU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}[
        choice.activation
    ]
    before: list[str] = []
    layers = [weighted(in_size(choice))]
    if choice.normalization == "batch_norm":
        layers.append(f"nn.BatchNorm{'1d' if choice.layer == 'linear' else '2d'}({size})")
    elif choice.normalization == "group_norm":
        layers.append(f"nn.GroupNorm({NUM_GROUPS}, {size})")
    layers.append(activation)
    if choice.middle == "shared":
        # The first layer must be drawn before the shared one, as in the functional program.
        before = [f"    first = {layers[0]}", f"    shared = {weighted(size)}"]
        layers[0] = "first"
        layers += ["shared", activation, "shared", activation]
    elif choice.middle == "separate":
        layers += [weighted(size), activation, weighted(size), activation]
    layers.append(f"nn.Dropout({choice.dropout:g})")
    if choice.layer == "conv2d":
        layers += ["nn.AdaptiveAvgPool2d(1)", "nn.Flatten()"]
    layers.append(f"nn.Linear({size}, {OUT_FEATURES}{bias})")
    return [
        "def make_net():",
        *before,
        "    return nn.Sequential(",
        *(f"        {layer}," for layer in layers),
        "    )",
    ]


def functional_definition(choice: NetworkChoice) -> list[str]:
    """The lines of ``make_net`` in functions, with what it needs."""
    shapes = weight_shapes(choice)
    lines = [*source_of(weight), "", ""]
    if choice.bias:
        lines += [*source_of(bias), "", ""]
    lines += ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    for name, shape in shapes:
        sizes = ", ".join(map(str, shape))
        if name == "norm_weight":
            value = f"torch.ones({sizes})"
        elif name == "norm_bias":
            value = f"torch.zeros({sizes})"
        elif name.startswith("weight"):
            value = f"weight({sizes})"
        else:
            value = f"bias({sizes}, fan_in={fan_in_of(dict(shapes)[name.replace('bias', 'weight')])})"
        kept = f"nn.Parameter({value})" if choice.registered else f"{value}.requires_grad_()"
        lines.append(f"        self.{name} = {kept}")
    if choice.normalization == "batch_norm":
        for name, value in (("running_mean", "zeros"), ("running_var", "ones")):
            tensor = f"torch.{value}({choice.hidden})"
            lines.append(
                f'        self.register_buffer("{name}", {tensor})'
                if choice.registered
                else f"        self.{name} = {tensor}"
            )
    flag = ", training=self.training" if choice.pass_training else ""
    activation = {"relu": "F.relu", "gelu": "F.gelu", "tanh": "torch.tanh", "sigmoid": "torch.sigmoid"}[
        choice.activation
    ]

    def and_bias(place: str) -> str:
        return f", self.bias_{place}" if choice.bias else ""

    def weighted(place: str) -> str:
        if choice.layer == "linear":
            return f"F.linear(x, self.weight_{place}{and_bias(place)})"
        return f"F.conv2d(x, self.weight_{place}{and_bias(place)}, padding=1)"

    lines += ["", "    def forward(self, x):", f"        x = {weighted('1')}"]
    if choice.normalization == "batch_norm":
        stored = "self.running_mean, self.running_var, self.norm_weight, self.norm_bias"
        lines.append(f"        x = F.batch_norm(x, {stored}{flag})")
    elif choice.normalization == "group_norm":
        lines.append(f"        x = F.group_norm(x, {NUM_GROUPS}, self.norm_weight, self.norm_bias)")
    lines.append(f"        x = {activation}(x)")
    lines += [f"        x = {activation}({weighted(place)})" for place in middle_places(choice)]
    lines.append(f"        x = F.dropout(x, {choice.dropout:g}{flag})")
    if choice.layer == "conv2d":
        lines.append("        x = F.adaptive_avg_pool2d(x, 1).flatten(1)")
    lines.append(f"        return F.linear(x, self.weight_last{and_bias('last')})")
    return [*lines, "", "", "def make_net():", "    return Net()"]


def source_of(function: Callable) -> list[str]:
    """The lines of a function as it stands here."""
    return inspect.getsource(function).rstrip().split("\n")
