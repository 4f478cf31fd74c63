"""Learning-rate schedules of a program: torch's own recurrences, held against ``torch.optim.lr_scheduler`` by a test.

Reference:
    Loshchilov, Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR 2017, arXiv 1608.03983 (the cosine).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from vizcore.autograd.optimizers import Optimizer, check_option

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
            check_option("lr", group["lr"])
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


def multiplicative_lr(optimizer: Any, lr_lambda: Callable[[int], float]) -> Scheduler:
    """``MultiplicativeLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        return rate * lr_lambda(schedule.last_epoch) if schedule.last_epoch else rate

    return Scheduler(optimizer, "MultiplicativeLR", rule)


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


def constant_lr(optimizer: Any, factor: float = 1 / 3, total_iters: int = 5) -> Scheduler:
    """``ConstantLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        if schedule.last_epoch == 0:
            return rate * factor
        return rate / factor if schedule.last_epoch == total_iters else rate

    return Scheduler(optimizer, "ConstantLR", rule)


def linear_lr(optimizer: Any, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5) -> Scheduler:
    """``LinearLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        epoch = schedule.last_epoch
        if epoch == 0:
            return rate * start_factor
        if epoch > total_iters:
            return rate
        slope = end_factor - start_factor
        return rate * (1.0 + slope / (total_iters * start_factor + (epoch - 1) * slope))

    return Scheduler(optimizer, "LinearLR", rule)


def polynomial_lr(optimizer: Any, total_iters: int = 5, power: float = 1.0) -> Scheduler:
    """``PolynomialLR``."""

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        epoch = schedule.last_epoch
        if epoch == 0 or epoch > total_iters:
            return rate
        return rate * ((1.0 - epoch / total_iters) / (1.0 - (epoch - 1) / total_iters)) ** power

    return Scheduler(optimizer, "PolynomialLR", rule)


def cosine_warm_restarts(optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> Scheduler:
    """``CosineAnnealingWarmRestarts``.

    Raises:
        ValueError: for a period that is no positive whole number.
    """
    if not isinstance(T_0, int) or T_0 <= 0:
        raise ValueError(f"Expected positive integer T_0, but got {T_0}")
    if not isinstance(T_mult, int) or T_mult < 1:
        raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        place, period = schedule.last_epoch, T_0
        while place >= period:
            place, period = place - period, period * T_mult
        return eta_min + (base - eta_min) * (1 + math.cos(math.pi * place / period)) / 2

    return Scheduler(optimizer, "CosineAnnealingWarmRestarts", rule)


def one_cycle_lr(
    optimizer: Any,
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Scheduler:
    """``OneCycleLR``: up to ``max_lr``, down to almost nothing; the momentum goes the other way.

    Raises:
        ValueError: if the length of the cycle is not given, or at a step behind its end.
    """
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        total_steps = epochs * steps_per_epoch
    peak, last = float(pct_start * total_steps) - 1, total_steps - 1

    def between(start: float, end: float, part: float) -> float:
        if anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def at(epoch: int, start: float, middle: float, end: float) -> float:
        if epoch <= peak:
            return between(start, middle, epoch / peak)
        return between(middle, end, (epoch - peak) / (last - peak))

    def rule(schedule: Scheduler, rate: float, base: float) -> float:
        epoch = schedule.last_epoch
        if epoch > total_steps:
            raise ValueError(f"Tried to step {epoch} times. The specified number of total steps is {total_steps}")
        first = max_lr / div_factor
        if cycle_momentum:
            momentum = at(epoch, max_momentum, base_momentum, max_momentum)
            for group in schedule.optimizer.param_groups:
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                elif "momentum" in group:
                    group["momentum"] = momentum
        return at(epoch, first, max_lr, first / final_div_factor)

    return Scheduler(optimizer, "OneCycleLR", rule)


class SequentialScheduler(Scheduler):
    """``SequentialLR``: one schedule after the other, each from its own beginning."""

    def __init__(self, optimizer: Any, schedulers: Sequence[Scheduler], milestones: Sequence[int]) -> None:
        """Takes the rates back to where they were before the schedules were made, and begins with the first.

        Raises:
            ValueError: if there is not one milestone between every two schedules.
            TypeError: for what is not a schedule.
        """
        parts = list(schedulers)
        if not parts or not all(isinstance(part, Scheduler) for part in parts):
            raise TypeError("SequentialLR takes a list of schedulers")
        if len(milestones) != len(parts) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than milestones"
            )
        self._parts, self._milestones = parts, list(milestones)
        for part in parts:
            part.base_lrs = parts[0].base_lrs
        super().__init__(optimizer, "SequentialLR", lambda schedule, rate, base: rate)
        self._begin(parts[0])

    def _begin(self, part: Scheduler) -> None:
        part.last_epoch = 0
        for group, base in zip(self.optimizer.param_groups, part.base_lrs, strict=False):
            group["lr"] = base
        part._apply()

    def step(self, metrics: Any = None) -> None:
        """Goes on within a schedule, or on to the next one."""
        self.last_epoch += 1
        place = sum(self.last_epoch >= milestone for milestone in self._milestones)
        if place and self._milestones[place - 1] == self.last_epoch:
            self._begin(self._parts[place])
        else:
            self._parts[place].step(metrics)
