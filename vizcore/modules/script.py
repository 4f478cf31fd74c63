"""The chosen network as programs that stand alone."""

from __future__ import annotations

from vizcore.modules.choice import NetworkChoice, input_shape
from vizcore.modules.definitions import functional_definition, module_definition, source_of
from vizcore.modules.measuring import NUM_PASSES, repeated_passes
from vizcore.modules.networks import weight_shapes


def network_source(choice: NetworkChoice, name: str, *, seed: int = 0) -> str:
    """The program that builds one of the two networks and prints its outputs.

    Args:
        choice: What to build.
        name: ``"module"`` or ``"functional"``.
        seed: Seed of weights, input and dropped elements.

    Returns:
        Python that runs in a fresh interpreter and prints ``[6, 3]`` numbers in ``eval()``, then in ``train()``.
    """
    build = module_definition(choice) if name == "module" else functional_definition(choice)
    imports = ["import torch", "import torch.nn.functional as F"][: 1 if name == "module" else 2]
    return "\n".join(
        [
            *imports,
            "from torch import nn",
            "",
            "",
            *build,
            "",
            "",
            f"x = torch.randn({_sizes(choice)}, generator=torch.Generator().manual_seed({seed}))",
            f"torch.manual_seed({seed})",
            "net = make_net()",
            f"torch.manual_seed({seed})",
            "print(net.eval()(x).tolist())",
            f"torch.manual_seed({seed})",
            "net = make_net()",
            f"torch.manual_seed({seed})",
            "print(net.train()(x).tolist())",
            "",
        ]
    )


def shown_definition(choice: NetworkChoice, name: str) -> str:
    """The part of :func:`network_source` in which the two networks differ, to be read side by side.

    Args:
        choice: What to build.
        name: ``"module"`` or ``"functional"``.

    Returns:
        ``make_net`` in modules, or the class in functions.
    """
    if name == "module":
        return "\n".join(module_definition(choice))
    lines = functional_definition(choice)
    end = lines.index("def make_net():")
    return "\n".join(lines[lines.index("class Net(nn.Module):") : end]).rstrip()


def write_modules_script(choice: NetworkChoice, *, seed: int = 0) -> str:
    """One program that builds both networks and prints the compared numbers.

    Args:
        choice: What to build.
        seed: Seed of weights, input and dropped elements.

    Returns:
        Python that runs in a fresh interpreter. For each network, the module first, it prints four lines: the first
        output element of twenty passes in ``eval()``, the same in ``train()``, how many numbers ``parameters()``
        yields, and the keys of ``state_dict()``.
    """
    first, second = module_definition(choice), functional_definition(choice)
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "from torch import nn",
            "",
            "",
            first[0].replace("make_net", "make_module_net"),
            *first[1:],
            "",
            "",
            *(line.replace("make_net", "make_functional_net") for line in second),
            "",
            "",
            *source_of(repeated_passes),
            "",
            "",
            f"x = torch.randn({_sizes(choice)}, generator=torch.Generator().manual_seed({seed}))",
            "for make_net in (make_module_net, make_functional_net):",
            "    for training in (False, True):",
            f"        torch.manual_seed({seed})",
            "        net = make_net().train(training)",
            f"        torch.manual_seed({seed})",
            f"        print(repeated_passes(net, x, {NUM_PASSES}))",
            "    print(sum(parameter.numel() for parameter in net.parameters()))",
            "    print(list(net.state_dict()))",
            "",
        ]
    )


def lab_program(choice: NetworkChoice, name: str) -> str:
    """The same network as a flat program for the autograd lab: no classes, one loss, one ``backward()``.

    Args:
        choice: What to build.
        name: ``"module"`` or ``"functional"``.

    Returns:
        Python without imports; ``torch``, ``nn`` and ``F`` are taken as given.
    """
    lines = [f"x = torch.randn({_sizes(choice)})"]
    if name == "module":
        source = module_definition(choice)[1:]
        lines += [line.removeprefix("    ").replace("return ", "net = ", 1) for line in source]
        lines += ["output = net(x)"]
    else:
        for weight, sizes in weight_shapes(choice):
            maker = {"norm_weight": "ones", "norm_bias": "zeros"}.get(weight, "randn")
            lines.append(f"{weight} = torch.{maker}({', '.join(map(str, sizes))}, requires_grad=True)")
        if choice.normalization == "batch_norm":
            lines += [f"running_mean = torch.zeros({choice.hidden})", f"running_var = torch.ones({choice.hidden})"]
        source = functional_definition(choice)
        body = source[source.index("    def forward(self, x):") + 1 : source.index("def make_net():") - 2]
        for line in body:
            call = line.strip().replace("self.training", "True").replace("self.", "").replace("return ", "x = ", 1)
            name_, _, value = call.partition(" = ")
            lines.append(f"{name_.replace('x', 'h')} = {value.replace('(x,', '(h,').replace('(x)', '(h)')}")
        first = next(i for i, line in enumerate(lines) if line.startswith("h = "))
        lines[first] = lines[first].replace("(h,", "(x,", 1)
        lines.append("output = h")
    return "\n".join([*lines, "loss = output.square().mean()", "loss.backward()", ""])


def _sizes(choice: NetworkChoice) -> str:
    return ", ".join(map(str, input_shape(choice)))
