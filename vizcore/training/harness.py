"""A training loop that can be killed at any moment.

What a step sees is a function of ``(seed, step)``, and everything that carries over from one step to the next is in the
checkpoint, so a run that was interrupted ends with the same weights as one that was not.
"""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor, nn
from tqdm import tqdm


@dataclass(frozen=True)
class Schedule:
    """How a run goes.

    Attributes:
        steps: number of steps; the learning rate reaches zero at the last one.
        batch_size: scenes a step.
        learning_rate: the greatest, after the warm-up.
        warm_up: steps over which the learning rate rises from zero.
        weight_decay: of AdamW; biases and norms are not decayed.
        ema_decay: of the running average of the weights, which is what is evaluated and shipped; 0 for none.
        clip: greatest norm of the gradient.
        evaluate_every: steps between evaluations; 0 for one at the end.
        patience: evaluations without a better score after which the run ends; 0 for none.
    """

    steps: int
    batch_size: int = 16
    learning_rate: float = 1e-3
    warm_up: int = 200
    weight_decay: float = 1e-4
    ema_decay: float = 0.998
    clip: float = 5.0
    evaluate_every: int = 1000
    patience: int = 0

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))

    def ema_weight(self, step: int) -> float:
        """Share of the old average that a step keeps; small at first, so that the start is forgotten soon."""
        return min(self.ema_decay, (step + 1) / (step + 10)) if self.ema_decay else 0.0


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """How a run ended.

    Attributes:
        model: with the averaged weights, in eval mode.
        step: steps made.
        seconds: of work, over all interruptions.
        best: what the best evaluation found, empty if there was none.
    """

    model: nn.Module
    step: int
    seconds: float
    best: dict[str, float]


def batch_indices(length: int, batch_size: int, step: int, *, seed: int) -> Int64[Tensor, " B"]:
    """Which examples a step sees: every epoch is a new permutation, cut into batches; the rest of an epoch is left."""
    per_epoch = max(length // batch_size, 1)
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(length, generator=torch.Generator().manual_seed((seed << 20) + epoch))
    return order[place * batch_size : (place + 1) * batch_size]


def train(
    model: nn.Module,
    losses: Callable[[nn.Module, int], Mapping[str, Tensor]],
    schedule: Schedule,
    folder: Path,
    *,
    resume: bool = True,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    snapshots: Collection[int] = (),
    save_snapshot: Callable[[nn.Module, int], None] | None = None,
    checkpoint_seconds: float = 60.0,
    quiet: bool = False,
    score: str = "ap",
) -> TrainedModel:
    """Trains a model, or goes on training it.

    Args:
        model: with its initial weights; changed in place.
        losses: ``(model, step)`` → the losses of that step's batch, whose sum is minimised.
        schedule: how the run goes.
        folder: holds ``checkpoint.pt`` and ``log.csv``.
        resume: go on from the checkpoint if there is one; else start again.
        evaluate: averaged model → figures, among them the score.
        snapshots: steps after which the averaged model is kept.
        save_snapshot: ``(averaged model, steps made)``, keeps it.
        checkpoint_seconds: time between two checkpoints.
        quiet: show no progress bar.
        score: the figure whose greatest value tells the weights to keep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, log = folder / "checkpoint.pt", folder / "log.csv"
    optimizer = torch.optim.AdamW(_groups(model, schedule.weight_decay), lr=schedule.learning_rate)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    step, seconds, evaluations_since_best = 0, 0.0, 0
    best: dict[str, float] = {}
    best_weights: dict[str, Tensor] = {}
    if resume and checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, step, seconds = state["average"], state["step"], state["seconds"]
        best, evaluations_since_best, best_weights = (
            state["best"],
            state["evaluations_since_best"],
            state["best_weights"],
        )
        _cut_log(log, step)
    else:
        log.unlink(missing_ok=True)

    started = saved = time.monotonic()
    model.train()
    bar = tqdm(total=schedule.steps, initial=step, unit="step", mininterval=10, disable=quiet)
    while step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        parts = losses(model, step)
        total = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        if math.isfinite(float(norm)):  # one step that overflowed must not end the run
            optimizer.step()
        keep = schedule.ema_weight(step)
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    average[name].lerp_(value, 1 - keep)
                else:
                    average[name].copy_(value)
        step += 1
        row: dict[str, Any] = {
            "step": step,
            "seconds": round(seconds + time.monotonic() - started, 1),
            "rate": f"{schedule.rate(step - 1):.2e}",
            "loss": round(float(total.detach()), 4),
            **{name: round(float(value.detach()), 4) for name, value in parts.items()},
        }
        due = step == schedule.steps or (schedule.evaluate_every and step % schedule.evaluate_every == 0)
        stopping = False
        if evaluate is not None and due:
            figures = dict(evaluate(_with_weights(model, average)))
            row |= figures
            if figures[score] > best.get(score, -math.inf):
                best, evaluations_since_best = figures, 0
                best_weights = {name: value.clone() for name, value in average.items()}
            else:
                evaluations_since_best += 1
                stopping = bool(schedule.patience) and evaluations_since_best >= schedule.patience
        if save_snapshot is not None and step in snapshots:
            save_snapshot(_with_weights(model, average), step)
        if step % 20 == 0 or due or schedule.steps <= 40:
            _append(log, row)
            bar.set_postfix({"loss": f"{row['loss']:.3f}", score: f"{best.get(score, 0):.3f}"}, refresh=False)
        bar.update()
        if due or stopping or time.monotonic() - saved > checkpoint_seconds:
            saved = time.monotonic()
            _save(
                checkpoint,
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                    "step": step,
                    "seconds": seconds + saved - started,
                    "best": best,
                    "best_weights": best_weights,
                    "evaluations_since_best": evaluations_since_best,
                },
            )
        if stopping:
            break
    bar.close()
    model.load_state_dict(best_weights or average)
    return TrainedModel(model.eval(), step, seconds + time.monotonic() - started, best)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def _with_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the model with other weights, in eval mode."""
    twin = copy.deepcopy(model)
    twin.load_state_dict(dict(weights))
    return twin.eval()


def _save(path: Path, state: dict[str, Any]) -> None:
    """Writes a checkpoint so that at every moment there is a whole one."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


_COLUMNS = ("step", "seconds", "rate", "loss")


def _append(path: Path, row: Mapping[str, Any]) -> None:
    """Adds a row to the log; a row with more columns than the header rewrites the header."""
    rows = read_log(path)
    columns = list(_COLUMNS) + [name for name in (rows[-1] if rows else {}) if name not in _COLUMNS]
    new = [name for name in row if name not in columns]
    if new or not rows:
        write_log(path, [*rows, dict(row)], columns + new)
        return
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, columns).writerow(row)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a log, as text; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_log(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Writes a log anew, so that at every moment there is a whole one."""
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows({name: row.get(name, "") for name in columns} for row in rows)
    os.replace(part, path)


def _cut_log(path: Path, step: int) -> None:
    """Forgets rows after the checkpoint, which will be made again."""
    rows = read_log(path)
    kept = [row for row in rows if row["step"].isdigit() and int(row["step"]) <= step]
    if rows:
        write_log(path, kept, list(rows[0]))
