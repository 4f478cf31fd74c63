"""The harness: what it promises about interruptions, schedules, batches and figures."""

import csv
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vizcore.data.scenes import CLASSES, draw_scene, to_coco
from vizcore.models.fcos import FCOS, FCOSConfig
from vizcore.models.weight_files import save_network
from vizcore.seeding import seeded
from vizcore.training.evaluation import Detections, evaluate
from vizcore.training.features import open_features
from vizcore.training.harness import Schedule, batch_indices, train

SCHEDULE = Schedule(12, batch_size=4, warm_up=3, evaluate_every=4)


def make_model() -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def squared_error(model: nn.Module, step: int) -> dict[str, torch.Tensor]:
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return {"error": (model(x).squeeze(1) - x.sum(1)).square().mean()}


class Interrupted(Exception):
    pass


def interrupted_at(step: int):
    def losses(model: nn.Module, now: int) -> dict[str, torch.Tensor]:
        if now == step:
            raise Interrupted
        return squared_error(model, now)

    return losses


def judge(model: nn.Module) -> dict[str, float]:
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(99))
    return {"ap": -float((model(x).squeeze(1) - x.sum(1)).square().mean().detach())}


def run(folder: Path, losses=squared_error, **options):
    return train(make_model(), losses, SCHEDULE, folder, evaluate=judge, checkpoint_seconds=0.0, quiet=True, **options)


def assert_same(first: nn.Module, second: nn.Module) -> None:
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize("step", [1, 4, 7, 11])
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path, step: int):
    whole = run(tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", interrupted_at(step))
    resumed = run(tmp_path / "cut")
    assert_same(whole.model, resumed.model)
    assert resumed.step == 12
    assert resumed.best == whole.best


def test_the_log_has_every_step_once_after_an_interruption(tmp_path: Path):
    with pytest.raises(Interrupted):
        run(tmp_path, interrupted_at(6))
    run(tmp_path)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert [row["step"] for row in rows if row["ap"]] == ["4", "8", "12"]


def test_without_resume_a_run_starts_again(tmp_path: Path):
    with pytest.raises(Interrupted):
        run(tmp_path, interrupted_at(6))
    seen = []

    def losses(model: nn.Module, step: int):
        seen.append(step)
        return squared_error(model, step)

    run(tmp_path, losses, resume=False)
    assert seen == list(range(12))


KILLED = """
import sys, time
from pathlib import Path

import torch
from torch import nn

from vizcore.seeding import seeded
from vizcore.training.harness import Schedule, train

def losses(model, step):
    time.sleep(0.01)  # work of some length, so that the signal finds it at work
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return {"error": (model(x).squeeze(1) - x.sum(1)).square().mean()}

def run(folder, steps=4000):
    with seeded(0):
        model = nn.Linear(3, 1)
    return train(model, losses, Schedule(steps, warm_up=3), Path(folder), checkpoint_seconds=0.0, quiet=True)

if __name__ == "__main__":
    run(sys.argv[1])
"""


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path / "run")], env=environment)
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    deadline = time.monotonic() + 240
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = torch.load(checkpoint, weights_only=True)
    assert 1 <= state["step"] < 4000
    spec = importlib.util.spec_from_file_location("killed", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    steps = state["step"] + 3
    resumed = module.run(tmp_path / "run", steps=steps)
    assert resumed.step == steps


def test_a_run_stops_early_when_nothing_gets_better(tmp_path: Path):
    figures = iter([0.5, 0.4, 0.3, 0.9])
    schedule = Schedule(40, batch_size=4, warm_up=3, evaluate_every=10, patience=2)
    ended = train(
        make_model(), squared_error, schedule, tmp_path, evaluate=lambda model: {"ap": next(figures)}, quiet=True
    )
    assert ended.step == 30
    assert ended.best == {"ap": 0.5}


def test_a_step_whose_gradient_overflowed_is_left_out(tmp_path: Path):
    def losses(model: nn.Module, step: int):
        parts = squared_error(model, step)
        return {"error": parts["error"] * (float("inf") if step == 2 else 1.0)}

    ended = train(make_model(), losses, Schedule(5, warm_up=2), tmp_path, quiet=True)
    assert all(value.isfinite().all() for value in ended.model.state_dict().values())


def test_the_rate_rises_then_falls_to_zero():
    schedule = Schedule(110, learning_rate=1.0, warm_up=10)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(9) == pytest.approx(1.0)
    assert schedule.rate(60) == pytest.approx(0.5)  # half of the cosine
    assert schedule.rate(110) == pytest.approx(0.0)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(4, 60), batch_size=st.integers(1, 8), seed=st.integers(0, 5))
def test_an_epoch_sees_every_example_at_most_once(length: int, batch_size: int, seed: int):
    per_epoch = max(length // batch_size, 1)
    seen = torch.cat([batch_indices(length, batch_size, step, seed=seed) for step in range(per_epoch)])
    assert len(seen.unique()) == len(seen) == min(per_epoch * batch_size, length)


def test_batches_depend_on_seed_and_epoch():
    first = batch_indices(100, 10, 0, seed=0)
    assert torch.equal(first, batch_indices(100, 10, 0, seed=0))
    assert not torch.equal(first, batch_indices(100, 10, 0, seed=1))
    assert not torch.equal(first, batch_indices(100, 10, 10, seed=0))


# -- figures -----------------------------------------------------------------------------------------------------------


def truth(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    scenes = [draw_scene("validation", index, size=256) for index in range(count)]
    return [(scene.boxes, scene.labels) for scene in scenes]


def test_the_truth_itself_is_worth_one():
    targets = truth(6)
    quality = evaluate(
        lambda index: Detections(targets[index][0], np.ones(len(targets[index][1]), np.float32), targets[index][1]),
        targets,
    )
    assert quality.ap == quality.ap50 == quality.ap75 == pytest.approx(1.0)
    assert quality.ar100 == pytest.approx(1.0)


def test_boxes_that_are_half_right_count_only_at_low_thresholds():
    """Boxes cut to their left two thirds have an IoU of 2/3: right at 0.50, 0.55, 0.60 and 0.65, four of ten."""
    targets = [(np.array([[10.0, 10.0, 70.0, 50.0]], np.float32), np.array([0]))]
    cut = np.array([[10.0, 10.0, 50.0, 50.0]], np.float32)
    quality = evaluate(lambda index: Detections(cut, np.array([0.9], np.float32), np.array([0])), targets)
    assert quality.ap == pytest.approx(0.4)
    assert quality.ap50 == pytest.approx(1.0)
    assert quality.ap75 == pytest.approx(0.0)
    assert quality.ap_medium == pytest.approx(0.4)  # 60 × 40 lies between 32² and 96²
    assert quality.ap_small == quality.ap_large == -1.0


def test_nothing_found_is_worth_nothing():
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert evaluate(lambda index: nothing, truth(2)).ap == 0.0


def test_the_coco_export_agrees_with_what_is_evaluated():
    scenes = [draw_scene("validation", index, size=256) for index in range(3)]
    exported = to_coco(scenes)
    assert [category["name"] for category in exported["categories"]] == list(CLASSES)
    assert len(exported["annotations"]) == sum(len(scene.labels) for scene in scenes)


# -- features and files ------------------------------------------------------------------------------------------------


def test_features_are_computed_once_and_survive_an_interruption(tmp_path: Path):
    first = open_features(tmp_path, "train", 4, size=64)
    maps = {name: np.array(values) for name, values in first.stages.items()}
    written = next(tmp_path.glob("*/000000.json"))
    stamp = written.stat().st_mtime_ns
    again = open_features(tmp_path, "train", 4, size=64)
    assert written.stat().st_mtime_ns == stamp
    assert all(np.array_equal(maps[name], again.stages[name]) for name in maps)
    written.unlink()  # as if it had been killed before this batch was whole
    repaired = open_features(tmp_path, "train", 4, size=64)
    assert all(np.array_equal(maps[name], repaired.stages[name]) for name in maps)
    scene = draw_scene("train", 2, size=64)
    assert np.array_equal(repaired.boxes[2].numpy(), scene.boxes)
    assert maps["C3"].shape == (4, 40, 8, 8)


def test_shipped_weights_are_tensors_alone_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from vizcore.models import fcos as module

    monkeypatch.setattr(module, "WEIGHTS_FOLDER", tmp_path)
    with seeded(3):
        model = FCOS(FCOSConfig("separate", finest=4, channels=16))
    save_network(tmp_path / "trial.safetensors", model, model.config)
    loaded = module.load_fcos("trial").fcos
    assert loaded.config == model.config
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    assert not list(tmp_path.glob("*.part"))
    for name in ("missing", "../trial", "trial.safetensors"):
        with pytest.raises(ValueError, match="no detector"):
            module.load_fcos(name)
