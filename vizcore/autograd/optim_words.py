"""``torch.optim`` as a program finds it: the rules and the schedules that are written out here."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from vizcore.autograd import optimizers, schedulers
from vizcore.autograd.lbfgs import LBFGS
from vizcore.autograd.words import Namespace, Word


def _namespace(path: str, words: dict[str, Any]) -> Namespace:
    return Namespace(path, MappingProxyType(words))


def _refuse_base(*args: Any, **kwargs: Any) -> Any:
    raise TypeError("Optimizer is what the others are made of; make an SGD or an Adam")


_SCHEDULES: dict[str, Callable[..., Any]] = {
    "StepLR": schedulers.step_lr,
    "MultiStepLR": schedulers.multi_step_lr,
    "ExponentialLR": schedulers.exponential_lr,
    "CosineAnnealingLR": schedulers.cosine_annealing_lr,
    "LambdaLR": schedulers.lambda_lr,
    "MultiplicativeLR": schedulers.multiplicative_lr,
    "ReduceLROnPlateau": schedulers.reduce_on_plateau,
    "ConstantLR": schedulers.constant_lr,
    "LinearLR": schedulers.linear_lr,
    "PolynomialLR": schedulers.polynomial_lr,
    "CosineAnnealingWarmRestarts": schedulers.cosine_warm_restarts,
    "OneCycleLR": schedulers.one_cycle_lr,
    "SequentialLR": schedulers.SequentialScheduler,
}
_RULES: dict[str, Callable[..., Any]] = {
    "SGD": optimizers.sgd,
    "Adam": optimizers.adam,
    "AdamW": optimizers.adamw,
    "RMSprop": optimizers.rmsprop,
    "Adagrad": optimizers.adagrad,
    "LBFGS": LBFGS,
}
OPTIM = _namespace(
    "torch.optim",
    {
        **{name: Word(f"torch.optim.{name}", function) for name, function in _RULES.items()},
        "Optimizer": Word("torch.optim.Optimizer", _refuse_base),
        "lr_scheduler": _namespace(
            "torch.optim.lr_scheduler",
            {name: Word(f"torch.optim.lr_scheduler.{name}", function) for name, function in _SCHEDULES.items()},
        ),
    },
)
