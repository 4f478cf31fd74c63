"""What learns in the background: four layers, and a decoder with and without skip connections."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from pages.kit.pictures import SAMPLES
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.pages.upsampling.reading import own_photo, piece, press, script_of, wait_for_job
from vizcore import upsampling


def shorten(monkeypatch: pytest.MonkeyPatch, num_steps: int) -> list[tuple]:
    """Lets a training take so few steps; returns what each is called with."""
    train, calls = upsampling.train_upscalers, []

    def short(*args: object, **given: object) -> object:
        calls.append(args)
        return train(*args, **{**given, "num_steps": num_steps})

    monkeypatch.setattr(upsampling, "train_upscalers", short)
    return calls


def test_training_shows_what_it_measured_and_lends_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch, 3)
    at = open_page("upsampling", part="learn", num_steps="50")
    press(at, "Train")
    run = wait_for_job(at, "training")
    assert len(piece(at, "tiles")["tiles"]) == 2 + len(run.heads)
    assert any("bicubic’s 31.42 dB" in text.value for text in at.markdown)
    assert list(at.dataframe[0].value["PSNR"]) == [round(run.snapshots[-1].psnr[head], 3) for head in run.heads]
    at.session_state["upsampling_part"] = "grids"
    at.session_state["upsampling_weight"] = "learned"
    at.run()
    assert not at.exception
    assert f"w = torch.tensor({upsampling.learned_kernel(run).tolist()}" in script_of(at)


def test_a_learned_kernel_is_stamped_and_its_states_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch, 3)
    at = open_page("upsampling", part="learn", num_steps="50", kernel_size="5")
    press(at, "Train")
    run = wait_for_job(at, "training")
    last = len(run.snapshots) - 1
    assert link(at)["snapshot"] == str(last)
    at.slider(key="upsampling_snapshot").set_value(0).run()
    assert link(at)["snapshot"] == "0"
    shown = piece(at, "tiles")["tiles"][2:]
    assert [tile["note"] for tile in shown] == [f"PSNR {run.snapshots[0].psnr[head]:.2f} dB" for head in run.heads]
    at.session_state["upsampling_part"] = "shapes"
    at.session_state["upsampling_weight"] = "learned"
    at.run()
    assert not at.exception
    assert piece(at, "stepper")["layer"]["kernel_size"] == 3  # its own, whatever the control says
    assert link(at)["snapshot"] == "0"


def test_an_own_photo_judges_and_every_sample_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = shorten(monkeypatch, 1)
    own = own_photo()
    at = open_page("upsampling", part="learn", photo="own", state={"own_photo": own})
    press(at, "Train")
    run = wait_for_job(at, "training")
    [(photos, held_out)] = calls
    assert len(photos) == len(SAMPLES)
    np.testing.assert_array_equal(held_out, own.pixels)
    np.testing.assert_array_equal(run.original, upsampling.view_of(own.pixels))


def test_the_sample_that_judges_is_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = shorten(monkeypatch, 1)
    at = open_page("upsampling", part="learn", photo="coffee")
    press(at, "Train")
    wait_for_job(at, "training")
    [(photos, held_out)] = calls
    assert len(photos) == len(SAMPLES) - 1
    assert not any(np.array_equal(photo, held_out) for photo in photos)


def test_cancelling_keeps_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    train, cancelled = upsampling.train_upscalers, threading.Event()

    def slow(*args: object, **given: object) -> object:
        stop = given.pop("should_stop")
        steps = iter(range(1000))
        # The third step waits for the reader's cancel, so the test depends on no clock.
        return train(*args, **given, should_stop=lambda: next(steps) >= 3 and cancelled.wait(60) and stop())

    monkeypatch.setattr(upsampling, "train_upscalers", slow)
    at = open_page("upsampling", part="learn", num_steps="50")
    press(at, "Train")
    # The button lives in a fragment, which AppTest does not press: tests/browser does; here is what it sets.
    assert "Cancel" in [button.label for button in at.button]
    at.session_state["jobs"]["upsampling_training"].cancel.set()
    cancelled.set()
    assert wait_for_job(at, "training").stopped
    assert any("Canceled after 3 steps" in warning.value for warning in at.warning)


def test_what_was_learned_elsewhere_gives_way() -> None:
    """A training stays in its session: of a link from there the kernel cannot be had, and a state means nothing."""
    at = open_page("upsampling", part="grids", weight="learned", snapshot="3")
    assert [warning.value for warning in at.warning] == [
        "The link’s value for “weight” cannot be used; the default stands instead."
    ]
    assert link(at)["weight"] == "constant"
    assert "snapshot" not in link(at)


def test_both_decoders_are_compared_on_what_they_have_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    run = upsampling.run_decoder
    monkeypatch.setattr(upsampling, "run_decoder", lambda *args, **given: run(*args, **{**given, "num_steps": 2}))
    at = open_page("upsampling", part="decoder")
    press(at, "Train")
    outputs = wait_for_job(at, "decoder")
    sentence = f"IoU **{outputs[True].iou:.3f}** with skip connections, **{outputs[False].iou:.3f}** without"
    assert any(sentence in text.value for text in at.markdown)
    assert len(piece(at, "tiles")["tiles"]) == 4
