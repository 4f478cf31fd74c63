"""Learning-rate schedules of a program: torch's own recurrences, held against ``torch.optim.lr_scheduler`` by a test.

Reference:
    Loshchilov, Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR 2017, arXiv 1608.03983 (the cosine).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from vizcore.autograd.optimizers import Optimizer

Rule = Callable[["Scheduler", float, float], float]


class Scheduler:
    """Sets the learning rate of every group of an optimizer, step by step.

    Attributes:
        last_epoch: steps so far.
        base_lrs: the rates it began with.
    """

    def __init__(self, optimizer: Any, name: str, rule: Rule) -> None:
        """Takes the present rates as the first ones.

        Raises:
            TypeError: for what is not an optimizer.
        """
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.name = name
        self.metrics: Any = None
        self.last_epoch = 0
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self._rule = rule
        self._apply()

    def step(self, metrics: Any = None) -> None:
        """Goes on to the next rate; ``metrics`` is for a rule that watches a loss."""
        self.last_epoch += 1
        self.metrics = metrics
        self._apply()

    def _apply(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=False):
            group["lr"] = self._rule(self, group["lr"], base)

    def get_last_lr(self) -> list[float]:
        """The rates that hold now."""
        return [group["lr"] for group in self.optimizer.param_groups]


def step_lr(optimizer: Any, step_size: int, gamma: float = 0.1) -> Scheduler:
    """``StepLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        epoch = schedule.last_epoch
        return rate * gamma if epoch and epoch % step_size == 0 else rate

    return Scheduler(optimizer, "StepLR", rule)


def multi_step_lr(optimizer: Any, milestones: Sequence[int], gamma: float = 0.1) -> Scheduler:
    """``MultiStepLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        times = list(milestones).count(schedule.last_epoch) if schedule.last_epoch else 0
        return rate * gamma**times if times else rate

    return Scheduler(optimizer, "MultiStepLR", rule)


def exponential_lr(optimizer: Any, gamma: float) -> Scheduler:
    """``ExponentialLR``."""
    return Scheduler(
        optimizer, "ExponentialLR", lambda schedule, rate, base: rate * gamma if schedule.last_epoch else rate
    )


def cosine_annealing_lr(optimizer: Any, T_max: int, eta_min: float = 0.0) -> Scheduler:
    """``CosineAnnealingLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        epoch = schedule.last_epoch
        if epoch == 0:
            return rate
        if (epoch - 1 - T_max) % (2 * T_max) == 0:
            return rate + (base - eta_min) * (1 - math.cos(math.pi / T_max)) / 2
        now, before = (1 + math.cos(math.pi * place / T_max) for place in (epoch, epoch - 1))
        return now / before * (rate - eta_min) + eta_min

    return Scheduler(optimizer, "CosineAnnealingLR", rule)


def lambda_lr(optimizer: Any, lr_lambda: Callable[[int], float]) -> Scheduler:
    """``LambdaLR``."""
    return Scheduler(optimizer, "LambdaLR", lambda schedule, rate, base: base * lr_lambda(schedule.last_epoch))


def reduce_on_plateau(
    optimizer: Any,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
) -> Scheduler:
    """``ReduceLROnPlateau`` with a relative threshold."""
    best = [math.inf if mode == "min" else -math.inf]
    bad = [0]

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        if schedule.last_epoch == 0:
            return rate
        value = float(schedule.metrics)
        better = value < best[0] * (1 - threshold) if mode == "min" else value > best[0] * (1 + threshold)
        if better:
            best[0], bad[0] = value, 0
        else:
            bad[0] += 1
        if bad[0] > patience:
            bad[0] = 0
            smaller = rate * factor
            return smaller if rate - smaller > 1e-8 else rate
        return rate

    return Scheduler(optimizer, "ReduceLROnPlateau", rule)
