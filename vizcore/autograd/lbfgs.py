"""``torch.optim.LBFGS`` for programs: torch's own step, on options and a memory that are within bounds.

Reference:
    Liu, Nocedal. On the limited memory BFGS method for large scale optimization. Mathematical Programming 45, 1989.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vizcore.autograd import limits
from vizcore.autograd.limits import LimitError
from vizcore.autograd.optimizers import Group, Optimizer, State, check_group

_BOUNDED = ("max_iter", "max_eval", "history_size")
_FLAT = ("d", "prev_flat_grad")
_LISTS = ("old_dirs", "old_stps", "ro", "al")
_step = inspect.unwrap(torch.optim.LBFGS.step)


class _Steps(torch.optim.LBFGS):
    """Torch's optimizer without its beginning, which would import the compiler; it lasts for one step."""

    def __init__(self, params: list[Tensor], groups: list[Group], state: State) -> None:
        """Takes over what our own optimizer keeps."""
        self.param_groups, self.state = groups, {params[0]: state}  # type: ignore[assignment]
        self._params, self._numel_cache = params, None

    def _gather_flat_grad(self) -> Tensor:
        """All gradients behind one another; whatever the closure did, they fit the parameters and the memory."""
        _check_parameters(self._params, self.param_groups)
        return super()._gather_flat_grad()


class LBFGS(Optimizer):
    """Newton's direction from the last changes of the gradient; a step asks for the loss as often as it needs it."""

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        """Takes one group of parameters.

        Raises:
            ValueError: for several groups, or options that torch refuses.
            LimitError: for options, or together with them parameters, beyond what a program may have.
        """
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
            "maximize": maximize,
        }
        super().__init__(params, lambda *_: None, "LBFGS", options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params: list[Tensor] = self.param_groups[0]["params"]
        _check_parameters(self._params, self.param_groups)

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Moves the parameters, up to ``max_iter`` times.

        Args:
            closure: computes the loss, calls ``backward()`` on it, and returns it.

        Returns:
            What the closure returned the first time.

        Raises:
            LimitError: if options or gradients have grown beyond the bounds meanwhile.
        """
        _check_parameters(self._params, self.param_groups)
        if not self._params:
            return closure()
        state = self.state.setdefault(id(self._params[0]), {})
        with torch.no_grad():
            return _step(_Steps(self._params, self.param_groups, state), closure)

    def state_dict(self) -> dict[str, Any]:
        """As torch's; its lists are copies, so that a program cannot reach into the rule's own."""
        kept = super().state_dict()
        return {**kept, "state": {place: _copied(state) for place, state in kept["state"].items()}}

    def states(self) -> list[State]:
        """What the rule remembers, all of it with the first parameter."""
        return [_copied(state) for state in super().states()]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over what :meth:`state_dict` of an optimizer for as many numbers gave.

        Raises:
            ValueError: if the groups or the memory do not fit.
        """
        groups, states = state_dict["param_groups"], state_dict["state"]
        if [len(group["params"]) for group in groups] != [len(group["params"]) for group in self.param_groups]:
            raise ValueError("loaded state dict has a different number of parameter groups or parameters")
        num = sum(parameter.numel() for parameter in self._params)
        for state in (states[0],) if states else ():
            kept = _copied(state)
            if not _fits(kept, num):
                raise ValueError("the loaded state does not fit the parameters")
            for word, value in kept.items():
                if isinstance(value, list):
                    kept[word] = [part.clone() if isinstance(part, Tensor) else part for part in value]
                elif isinstance(value, Tensor):
                    kept[word] = value.clone()
            self.state[id(self._params[0])] = kept
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update({word: value for word, value in loaded.items() if word in group and word != "params"})


def _check_parameters(params: list[Tensor], groups: list[Group]) -> None:
    """Bounds of what the rule lays out: one long vector, and twice as many of them as its history is long."""
    for group in groups:
        check_group(group)
        for word in _BOUNDED:
            value = group[word]
            if not isinstance(value, (int, float)) or not value <= limits.MAX_OPTION:
                raise LimitError("{word} may be at most {limit} here.", word=word, limit=f"{limits.MAX_OPTION:,}")
    if not all(isinstance(parameter, Tensor) for parameter in params):
        raise TypeError("optimizer can only optimize Tensors")
    if any(limits.is_wrapped(parameter) for parameter in params):
        raise RuntimeError("LBFGS does not run inside a function of torch.func")
    num = sum(parameter.numel() for parameter in params)
    limits.check_elements((num,))
    for parameter in params:
        if parameter.grad is not None and parameter.grad.shape != parameter.shape:
            raise RuntimeError("a gradient does not fit its parameter")
    history = groups[0]["history_size"] if groups else 0
    if num * history > limits.MAX_PRODUCTS:
        raise LimitError(
            "history_size times the number of parameters may be at most {limit}; this would be {num}.",
            limit=f"{limits.MAX_PRODUCTS:,}",
            num=f"{math.ceil(num * history):,}",
        )


def _copied(state: State) -> State:
    return {word: list(value) if isinstance(value, list) else value for word, value in state.items()}


def _fits(state: State, num: int) -> bool:
    """Whether a memory is one of this rule's, for so many numbers."""
    counts = (state.get("n_iter", 0), state.get("func_evals", 0))
    lists = [state.get(word) or [] for word in _LISTS]
    old = [part for word in ("old_dirs", "old_stps") for part in state.get(word) or []]
    flat = [*(state[word] for word in _FLAT if state.get(word) is not None), *old]
    singles = [
        *(state.get("ro") or []),
        *(state.get("al") or []),
        *(state.get(w) for w in ("t", "H_diag", "prev_loss")),
    ]
    return (
        all(type(count) is int and 0 <= count < 2**31 for count in counts)
        and all(isinstance(values, list) and len(values) <= limits.MAX_OPTION for values in lists)
        and all(isinstance(part, Tensor) and part.shape == (num,) for part in flat)
        and all(
            part is None or isinstance(part, (int, float)) or (isinstance(part, Tensor) and part.dim() == 0)
            for part in singles
        )
    )
