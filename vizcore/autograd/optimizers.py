"""The optimizers of a program: torch's update rules, one tensor operation a line, with their state open to see.

They are written out here because importing torch's own steps brings in its compiler, a second of work for each new
process. A test holds each of them against ``torch.optim``, to the last bit.

Reference:
    Kingma, Ba. Adam: A Method for Stochastic Optimization. ICLR 2015, arXiv 1412.6980. Loshchilov, Hutter. Decoupled
    Weight Decay Regularization. ICLR 2019, arXiv 1711.05101 (AdamW). Tieleman, Hinton. Lecture 6.5, rmsprop. 2012.
    Duchi, Hazan, Singer. Adaptive Subgradient Methods. JMLR 12, 2011 (Adagrad).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

Group = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Parameters in groups, each with its own options, and what the rule remembers of each parameter.

    Attributes:
        param_groups: options and ``params`` of each group.
        state: for each parameter, by its id, tensors and the number of its steps.
    """

    def __init__(self, params: Any, rule: Callable[[Tensor, Tensor, State, Group], None], name: str, options: Group):
        """Sorts the parameters into groups.

        Raises:
            ValueError: for no parameters, the same one twice, or one that is computed.
            TypeError: for what is not a tensor.
        """
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got torch.FloatTensor"
            )
        for word in ("lr", "weight_decay", "momentum", "eps"):
            value = options.get(word)
            if value is not None and (not isinstance(value, (int, float)) or not value >= 0):
                raise ValueError(f"Invalid {'learning rate' if word == 'lr' else word}: {value}")
        self.name = name
        self.defaults = options
        self.state: dict[int, State] = {}
        self.param_groups: list[Group] = []
        self._rule = rule
        given = [] if isinstance(params, range) else list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Group) -> None:
        """Takes in another group; what it does not say is as in the optimizer's own options."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(parameter) for other in self.param_groups for parameter in other["params"]}
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}"
                )
            if not parameter.is_leaf and not parameter.retains_grad:
                raise ValueError("can't optimize a non-leaf Tensor")
            if id(parameter) in known:
                raise ValueError("some parameters appear in more than one parameter group")
            known.add(id(parameter))
        self.param_groups.append(
            {"params": params, **self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Takes the gradients away, or fills them with zeros."""
        for parameter in self._parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                if parameter.grad.grad_fn is not None:
                    parameter.grad.detach_()
                else:
                    parameter.grad.requires_grad_(False)
                parameter.grad.zero_()

    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        with torch.no_grad():
            for group in self.param_groups:
                check_group(group)
                if self._rule is _adam and _adam_at_once(group, self.state):
                    continue
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        state = self.state.setdefault(id(parameter), {"step": 0})
                        state["step"] += 1
                        self._rule(parameter, parameter.grad, state, group)

    def named_state(self, names: dict[int, str]) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that the rule remembers, under the name of its parameter."""
        for place, parameter in enumerate(self._tensors()):
            for word, value in self.state.get(id(parameter), {}).items():
                if isinstance(value, Tensor):
                    yield f"state[{names.get(id(parameter), place)}].{word}", value

    def state_dict(self) -> dict[str, Any]:
        """What the rule remembers and the options, by the place of each parameter."""
        places = {id(parameter): place for place, parameter in enumerate(self._parameters())}
        groups = [
            {**group, "params": [places[id(parameter)] for parameter in group["params"]]} for group in self.param_groups
        ]
        return {"state": {places[key]: dict(value) for key, value in self.state.items()}, "param_groups": groups}

    def states(self) -> list[State]:
        """What the rule remembers, a copy for each parameter."""
        return [dict(self.state.get(id(parameter), {})) for parameter in self._tensors()]

    def _tensors(self) -> Iterator[Tensor]:
        """The parameters, whatever a program has put into the groups meanwhile."""
        for group in self.param_groups:
            params = group.get("params") if isinstance(group, dict) else None
            yield from (part for part in params or () if isinstance(part, Tensor)) if isinstance(params, list) else ()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what :meth:`state_dict` of an optimizer with as many parameters gave.

        Raises:
            ValueError: if the groups do not fit.
        """
        groups, states = state_dict["param_groups"], state_dict["state"]
        if [len(group["params"]) for group in groups] != [len(group["params"]) for group in self.param_groups]:
            raise ValueError("loaded state dict has a different number of parameter groups or parameters")
        parameters = list(self._tensors())
        for place, state in states.items():
            parameter = parameters[place]
            kept = {word: value.clone() if isinstance(value, Tensor) else value for word, value in state.items()}
            if not 0 <= kept.get("step", 0) < 2**31:
                raise ValueError("the loaded state has no number of steps")
            if any(isinstance(value, Tensor) and value.shape != parameter.shape for value in kept.values()):
                raise ValueError("the loaded state does not fit the shapes of the parameters")
            self.state[id(parameter)] = kept
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update({word: value for word, value in loaded.items() if word in group and word != "params"})

    def _parameters(self) -> Iterable[Tensor]:
        return (parameter for group in self.param_groups for parameter in group["params"])

    def __repr__(self) -> str:
        """As torch prints it."""
        parts = [f"{self.name} ("]
        for place, group in enumerate(self.param_groups):
            parts.append(f"\nParameter Group {place}\n")
            parts += [f"    {word}: {_shown(group[word])}\n" for word in sorted(group) if word != "params"]
        return "".join(parts) + ")"


def check_option(word: str, value: Any) -> None:
    """Raises TypeError for an option that is a tensor of several numbers, which would broadcast."""
    for part in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(part, Tensor) and part.numel() != 1:
            raise TypeError(f"{word} has to be a number, not a tensor of {part.numel()}")


def _shown(value: Any) -> str:
    """An option as Python writes it; what a program put there and is none, by its kind."""
    parts = value if isinstance(value, tuple) and len(value) < 4 else (value,)
    is_option = all(part is None or isinstance(part, (bool, int, float, str)) for part in parts)
    is_number = isinstance(value, Tensor) and value.numel() == 1
    return str(value) if is_option or is_number else f"<{type(value).__name__}>"


def check_group(group: Group) -> None:
    """Options are numbers, and gradients have their parameters' shapes; a program can reach both."""
    for word, value in group.items():
        if word != "params":
            check_option(word, value)
    for parameter in group["params"]:
        if parameter.grad is not None and parameter.grad.shape != parameter.shape:
            raise RuntimeError(
                f"a gradient of shape {list(parameter.grad.shape)} does not fit a parameter of {list(parameter.shape)}"
            )


def _sgd(parameter: Tensor, grad: Tensor, state: State, group: Group) -> None:
    grad = _decayed(parameter, -grad if group["maximize"] else grad, group)
    if group["momentum"] != 0:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = grad.detach().clone()
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(grad, alpha=1 - group["dampening"])
        buffer = state["momentum_buffer"]
        grad = grad.add(buffer, alpha=group["momentum"]) if group["nesterov"] else buffer
    parameter.add_(grad, alpha=-group["lr"])


def _adam(parameter: Tensor, grad: Tensor, state: State, group: Group) -> None:
    beta1, beta2 = map(float, group["betas"])
    grad = -grad if group["maximize"] else grad
    if group["decoupled"]:
        if group["weight_decay"] != 0:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
    else:
        grad = _decayed(parameter, grad, group)
    mean = _remembered(state, "exp_avg", parameter)
    square = _remembered(state, "exp_avg_sq", parameter)
    mean.lerp_(grad, 1 - beta1)
    square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    if group["amsgrad"]:
        largest = _remembered(state, "max_exp_avg_sq", parameter)
        largest.copy_(torch.maximum(largest, square))
        square = largest
    size = group["lr"] / (1 - beta1 ** state["step"])
    spread = (square.sqrt() / (1 - beta2 ** state["step"]) ** 0.5).add_(group["eps"])
    parameter.addcdiv_(mean, spread, value=-size)


def _adam_at_once(group: Group, states: dict[int, State]) -> bool:
    """:func:`_adam` for all parameters of a group, one call for each of its lines: the same operations, to the bit.

    Returns:
        False, with nothing done, where the parameters do not share their number of steps or the rule has a variant.
    """
    params = [parameter for parameter in group["params"] if parameter.grad is not None]
    found = [states.get(id(parameter)) for parameter in params]
    known = [state for state in found if state is not None and "exp_avg" in state]
    is_plain = not (group["amsgrad"] or group["maximize"] or group["weight_decay"])
    if len(params) < 2 or not is_plain or len(known) < len(params) or len({state["step"] for state in known}) > 1:
        return False
    beta1, beta2 = map(float, group["betas"])
    grads: Any = [parameter.grad for parameter in params]
    means, squares = ([state[word] for state in known] for word in ("exp_avg", "exp_avg_sq"))
    for state in known:
        state["step"] += 1
    step = known[0]["step"]
    torch._foreach_lerp_(means, grads, 1 - beta1)
    torch._foreach_mul_(squares, beta2)
    torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
    spreads = torch._foreach_sqrt(squares)
    torch._foreach_div_(spreads, (1 - beta2**step) ** 0.5)
    torch._foreach_add_(spreads, group["eps"])
    torch._foreach_addcdiv_(params, means, spreads, -(group["lr"] / (1 - beta1**step)))
    return True


def _rmsprop(parameter: Tensor, grad: Tensor, state: State, group: Group) -> None:
    grad = _decayed(parameter, -grad if group["maximize"] else grad, group)
    square = _remembered(state, "square_avg", parameter)
    square.mul_(group["alpha"]).addcmul_(grad, grad, value=1 - group["alpha"])
    spread = square
    if group["centered"]:
        mean = _remembered(state, "grad_avg", parameter)
        mean.lerp_(grad, 1 - group["alpha"])
        spread = square.addcmul(mean, mean, value=-1)
    spread = spread.sqrt().add_(group["eps"])
    if group["momentum"] > 0:
        buffer = _remembered(state, "momentum_buffer", parameter)
        buffer.mul_(group["momentum"]).addcdiv_(grad, spread)
        parameter.add_(buffer, alpha=-group["lr"])
    else:
        parameter.addcdiv_(grad, spread, value=-group["lr"])


def _adagrad(parameter: Tensor, grad: Tensor, state: State, group: Group) -> None:
    grad = _decayed(parameter, -grad if group["maximize"] else grad, group)
    if "sum" not in state:
        state["sum"] = torch.full_like(parameter, group["initial_accumulator_value"])
    state["sum"].addcmul_(grad, grad, value=1)
    rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
    parameter.addcdiv_(grad, state["sum"].sqrt().add_(group["eps"]), value=-rate)


def _decayed(parameter: Tensor, grad: Tensor, group: Group) -> Tensor:
    return grad.add(parameter, alpha=group["weight_decay"]) if group["weight_decay"] != 0 else grad


def _remembered(state: State, word: str, parameter: Tensor) -> Tensor:
    if word not in state:
        state[word] = torch.zeros_like(parameter)
    return state[word]


def sgd(
    params: Any,
    lr: float = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> Optimizer:
    """``torch.optim.SGD``."""
    if nesterov and (momentum <= 0 or dampening != 0):
        raise ValueError("Nesterov momentum requires a momentum and zero dampening")
    options = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
    return Optimizer(params, _sgd, "SGD", {**options, "nesterov": nesterov, "maximize": maximize})


def adam(
    params: Any,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> Optimizer:
    """``torch.optim.Adam``."""
    return _make_adam(params, "Adam", False, lr, betas, eps, weight_decay, amsgrad, maximize)


def adamw(
    params: Any,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> Optimizer:
    """``torch.optim.AdamW``."""
    return _make_adam(params, "AdamW", True, lr, betas, eps, weight_decay, amsgrad, maximize)


def _make_adam(
    params: Any,
    name: str,
    decoupled: bool,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
) -> Optimizer:
    for place, beta in enumerate(betas):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {place}: {beta}")
    options = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
    return Optimizer(params, _adam, name, {**options, "maximize": maximize, "decoupled": decoupled})


def rmsprop(
    params: Any,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> Optimizer:
    """``torch.optim.RMSprop``."""
    options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
    return Optimizer(params, _rmsprop, "RMSprop", {**options, "centered": centered, "maximize": maximize})


def adagrad(
    params: Any,
    lr: float = 1e-2,
    lr_decay: float = 0,
    weight_decay: float = 0,
    initial_accumulator_value: float = 0,
    eps: float = 1e-10,
    *,
    maximize: bool = False,
) -> Optimizer:
    """``torch.optim.Adagrad``."""
    options = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
    return Optimizer(
        params, _adagrad, "Adagrad", {**options, "initial_accumulator_value": float(initial_accumulator_value)}
    )
