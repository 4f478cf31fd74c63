"""The lines of both networks that a step of the lesson speaks of: they are found in the code that the page shows."""

from __future__ import annotations

from vizcore.modules import NetworkChoice, shown_definition

_FOUND_IN = {
    "dropout": ("nn.Dropout", "F.dropout"),
    "weight": ("nn.Linear", "self.weight_1 ="),
    "running_mean": ("nn.BatchNorm", "F.batch_norm"),
    "middle": ("shared", "self.weight_2,"),
}
_SPOKEN_OF = {
    "twins": "dropout",
    "evaluation": "dropout",
    "flag": "dropout",
    "parameters": "weight",
    "register": "weight",
    "running": "running_mean",
    "shared": "middle",
}


def lines_of(choice: NetworkChoice, step: str) -> tuple[str, str]:
    """What a step speaks of, in the module and in the functional network; empty where it speaks of no line.

    Args:
        choice: the network that is built both ways.
        step: name of the lesson's step.
    """
    topic = _SPOKEN_OF.get(step)
    if topic is None:
        return "", ""
    module, functional = (
        "\n".join(
            line.strip().removesuffix(",")
            for line in shown_definition(choice, name).split("\n")
            if pattern in line and not line.endswith("(")
        )
        for name, pattern in zip(("module", "functional"), _FOUND_IN[topic], strict=True)
    )
    if topic == "weight":
        module, functional = (text.split("\n")[0] for text in (module, functional))
    if topic == "middle" and module:
        made, *places = module.split("\n")
        module = f"{made}\nnn.Sequential(…, {', …, '.join(places)}, …)"
    return module, functional
