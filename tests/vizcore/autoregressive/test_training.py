"""Training: it learns, reports, stops when told, and its command resumes and leaves weights where they are found."""

import csv
import hashlib
from dataclasses import replace

import pytest
import torch

from tests.scripts import printed_numbers, run_script
from tests.vizcore.test_binary_digits import generated
from vizcore.autoregressive import (
    KINDS,
    ORDERS,
    AutoregressiveError,
    NotTrainedError,
    classify,
    evaluate,
    explain_likelihood,
    find_trained,
    list_trained,
    load_trained,
    log_prior_of,
    measure,
    sample,
    train,
    write_autoregressive_script,
)
from vizcore.autoregressive.shipped import SHIPPED_FOLDER, model_name
from vizcore.autoregressive.training import RECIPES, Recipe
from vizcore.data.binary_digits import load_binary_digits
from vizcore.models.made import MADE
from vizcore.training import autoregressive as command
from vizcore.training.__main__ import main

QUICK = Recipe(2, 1e-2, 0.0, batch_size=128, hidden=8, layers=1)
SHIPPED = [
    *((kind, order, False) for kind in KINDS for order in (ORDERS if kind != "independent" else ORDERS[:1])),
    *((kind, "raster", True) for kind in KINDS),
]
# What was reached before, nats on a fixed split; ours may be no more than the stated 0.8 worse.
REACHED = {
    "independent": 25.2,
    "fvsbn": 18.2,
    "nade": 17.1,
    "made": 17.1,
    "pixelcnn": 18.7,
    "gated_pixelcnn": 17.6,
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "independent"])
@pytest.mark.parametrize("with_labels", [False, True])
def test_every_model_learns_and_reports_each_epoch(kind, with_labels):
    data = load_binary_digits()
    seen = []
    trained = train(kind, data, recipe=QUICK, with_labels=with_labels, on_epoch=seen.append)
    assert [report.epoch for report in seen] == [1, 2]
    assert seen[1].train_nats < seen[0].train_nats
    assert trained.reports[-1].best_nats == min(report.validation_nats for report in trained.reports)
    assert not trained.cancelled
    assert not trained.model.training


@pytest.mark.parametrize("kind", ["fvsbn", "nade", "made"])
def test_a_seed_is_a_training(kind):
    data = load_binary_digits(binarisation="dynamic")
    one, two = (train(kind, data, recipe=QUICK, seed=3, epochs=1).model.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_best_epoch_is_kept():
    data = load_binary_digits()
    trained = train("made", data, recipe=replace(QUICK, epochs=6, learning_rate=0.3))
    best = min(report.validation_nats for report in trained.reports)
    found = evaluate(trained.model, data.pictures("validation"))
    assert found.nats == pytest.approx(best, abs=1e-4)


def test_a_training_can_be_stopped_at_any_step():
    data = load_binary_digits()
    steps = []

    def stop() -> bool:
        steps.append(1)
        return len(steps) > 14  # ten steps an epoch

    trained = train("nade", data, recipe=QUICK, is_cancelled=stop)
    assert trained.cancelled
    assert len(trained.reports) == 1
    assert len(steps) == 15
    found = evaluate(trained.model, data.pictures("validation"))
    assert found.nats == pytest.approx(trained.reports[0].validation_nats, abs=1e-4)


def test_masks_in_turn():
    data = load_binary_digits()
    trained = train("made", data, recipe=replace(QUICK, num_masks=3, hidden=64))
    assert isinstance(trained.model, MADE)
    assert evaluate(trained.model.with_masks(seed=1), data.pictures("validation")).nats < 30


def test_no_such_model():
    with pytest.raises(AutoregressiveError, match="transformer is no model here"):
        train("transformer", load_binary_digits())


@pytest.mark.parametrize(("kind", "order", "with_labels"), SHIPPED)
def test_what_is_shipped_is_what_its_card_says(kind, order, with_labels, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    model, card = load_trained(kind, order=order, with_labels=with_labels)
    assert (card.kind, card.order, card.with_labels, card.size) == (kind, order, with_labels, (8, 8))
    assert Recipe(**card.recipe) == RECIPES[kind]
    path = SHIPPED_FOLDER / f"{card.name}.safetensors"
    assert card.bytes == path.stat().st_size < 2**17
    data = load_binary_digits(binarisation=card.binarisation, seed=card.seed)
    x, labels = data.pictures("test"), data.labels_of("test")
    found = evaluate(model, x, labels if with_labels else None)
    assert found.nats == pytest.approx(card.test_nats, abs=2e-3)
    assert found.half_width == pytest.approx(card.test_half_width, abs=2e-3)
    if with_labels:
        accuracy = classify(model, x, log_prior=log_prior_of(data.labels_of("train"))).accuracy(labels)
        assert card.accuracy is not None
        assert accuracy == pytest.approx(card.accuracy, abs=0.003)
        assert accuracy > 0.87
    else:
        assert found.nats < REACHED[kind] + 0.8


def test_pixelcnn_does_not_win_on_pictures_this_small():
    nats = {card.kind: card.test_nats for card in list_trained() if card.order == "raster" and not card.with_labels}
    assert nats["nade"] < nats["gated_pixelcnn"] < nats["pixelcnn"] < nats["fvsbn"] < nats["independent"]


def idx_folder(tmp_path, monkeypatch):
    """A computer that has MNIST, or 60 and 20 pictures that pass for it."""
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path / "weights"))
    raw = tmp_path / "weights" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in generated().items():
        (raw / name).write_bytes(content)


SMALL_MNIST = Recipe(1, 1e-3, 1e-4, batch_size=9, hidden=4, layers=2, kernel=3)


@pytest.mark.parametrize("kind", ["pixelcnn", "nade", "independent"])
def test_mnist_is_trained_and_found(kind, tmp_path, monkeypatch, capsys):
    idx_folder(tmp_path, monkeypatch)
    monkeypatch.setitem(command.MNIST_RECIPES, kind, SMALL_MNIST)
    assert find_trained(kind, data="mnist") is None
    with pytest.raises(NotTrainedError, match=f"vizcore.training {kind} --data mnist makes some"):
        load_trained(kind, data="mnist")
    main([kind, "--data", "mnist", "--folder", str(tmp_path / "runs"), "--steps", "4", "--threads", "1"])
    assert "nats in" in capsys.readouterr().out
    model, card = load_trained(kind, data="mnist")
    assert card.size == (28, 28)
    assert card.num_test == 20
    assert model_name(kind, data="mnist") in [each.name for each in list_trained()]
    assert sample(model, 1).pictures.shape == (1, 784)


def test_an_interrupted_mnist_training_ends_as_a_whole_one(tmp_path, monkeypatch):
    idx_folder(tmp_path, monkeypatch)
    monkeypatch.setitem(command.MNIST_RECIPES, "pixelcnn", SMALL_MNIST)
    arguments = ["pixelcnn", "--data", "mnist", "--threads", "1", "--steps", "8", "--binarisation", "dynamic"]

    def trained() -> str:
        path = find_trained("pixelcnn", data="mnist")
        assert path is not None
        return hashlib.sha256(path.read_bytes()).hexdigest()

    main([*arguments, "--folder", str(tmp_path / "whole")])
    whole = trained()
    # Evaluated, and so saved, every second step; the plug is pulled after the fifth.
    real, calls = command.mean_nats, []

    def pulled(*given):
        calls.append(1)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(command, "mean_nats", pulled)
    with pytest.raises(KeyboardInterrupt):
        main([*arguments, "--folder", str(tmp_path / "cut")])
    monkeypatch.setattr(command, "mean_nats", real)
    main([*arguments, "--folder", str(tmp_path / "cut")])
    assert trained() == whole
    (log,) = (tmp_path / "cut").glob("*/log.csv")
    with log.open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == [str(step) for step in range(1, 9)]


def test_weights_that_went_bad(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    folder = tmp_path / "autoregressive"
    folder.mkdir()
    name = model_name("nade")
    for suffix in (".json", ".safetensors"):
        (folder / f"{name}{suffix}").write_bytes((SHIPPED_FOLDER / f"{name}{suffix}").read_bytes())
    assert find_trained("nade") == folder / f"{name}.safetensors"  # a reader's own comes first
    (folder / f"{name}.safetensors").write_bytes(b"nothing")
    with pytest.raises(NotTrainedError, match="do not fit what their card says"):
        load_trained("nade")
    (folder / f"{name}.json").write_text("{}")
    with pytest.raises(NotTrainedError, match="do not fit"):
        load_trained("nade")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("order", "label"), [("raster", None), ("random", None), ("raster", 3)])
def test_the_program_prints_what_is_shown(kind, order, label, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    if kind == "independent" and order != "raster":
        order = "raster"
    model, card = load_trained(kind, order=order, with_labels=label is not None)
    picture = load_binary_digits().pictures("test")[7]
    shown = explain_likelihood(model, picture, label=label)
    path = str(SHIPPED_FOLDER / f"{card.name}.safetensors")
    source = write_autoregressive_script(card, picture.numpy(), weights=path, label=label)
    assert "vizcore" not in source.replace(path, "")
    printed = printed_numbers(run_script(source))
    assert printed == pytest.approx([shown.log_likelihood, shown.bits_per_pixel], abs=2e-3)


def test_costs_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    fvsbn = measure(load_trained("fvsbn")[0], timed=False)
    assert fvsbn.parameters == 64 * 64 + 64  # the unused half of the square is there too
    assert fvsbn.likelihood_multiply_adds == 64 * 64
    assert fvsbn.sample_multiply_adds == 64 * 64
    nade = measure(load_trained("nade")[0], timed=False)
    assert nade.likelihood_multiply_adds == nade.sample_multiply_adds == 2 * 64 * 128  # W and V, each once
    assert nade.naive_multiply_adds == 64 * nade.likelihood_multiply_adds
    made = measure(load_trained("made")[0], timed=False)
    assert made.parameters == 2 * 64 * 256 + 256 + 64
    assert made.likelihood_multiply_adds == 2 * 64 * 256  # one pass
    assert made.naive_multiply_adds == 64 * made.likelihood_multiply_adds  # D passes
    assert made.sample_multiply_adds <= made.likelihood_multiply_adds  # each unit once
