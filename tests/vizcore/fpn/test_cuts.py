"""Connections that are cut: what lies behind them changes, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.vizcore.fpn.detectors import CONFIG, make_detector
from vizcore import fpn
from vizcore.models.fcos import (
    FCOS,
    Detector,
)


def changed_levels(trace, other):
    return {name for name in trace.levels if not np.array_equal(trace.levels[name], other.levels[name])}


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ("top_down", {"P2", "P3", "P4"}),
        ("top_down:P2", {"P2"}),
        ("top_down:P3", {"P2", "P3"}),
        ("top_down:P4", {"P2", "P3", "P4"}),
        ("lateral:C2", {"P2"}),
        ("lateral:C3", {"P2", "P3"}),
        ("lateral:C4", {"P2", "P3", "P4"}),
        ("lateral:C5", {"P2", "P3", "P4", "P5", "P6"}),
    ],
)
def test_a_cut_changes_what_lies_behind_it_and_nothing_else(detector, trace, cut, expected):
    cut_trace = fpn.retrace(detector, trace, cuts={cut})
    assert changed_levels(trace, cut_trace) == expected
    assert cut_trace.cuts == {cut}
    assert cut_trace.stages.keys() == trace.stages.keys()
    for level in ("P2", "P3", "P4", "P5"):
        lateral, upsampled, merged = cut_trace.merge(level)
        assert np.array_equal(lateral + upsampled, merged)
        silent = ("top_down", f"top_down:{level}", *(["lateral:C5"] if level == "P4" else []))  # P5 alone is above P4
        assert upsampled.any() == (level != "P5" and cut not in silent)
        assert lateral.any() == (cut != f"lateral:C{level[1:]}")


def test_without_the_pathway_a_pyramid_is_separate_levels_with_the_same_weights(detector, trace):
    separate = FCOS(replace(CONFIG, neck="separate"))
    own = separate.state_dict()
    for name in own:
        parts = name.split(".")
        theirs = ".".join([*parts[:3], "0", *parts[3:]]) if parts[0] == "neck" else name
        own[name] = detector.fcos.state_dict()[theirs]
    separate.load_state_dict(own)
    cut = fpn.retrace(detector, trace, cuts={"top_down"})
    with torch.inference_mode():
        levels = separate.levels({name: torch.from_numpy(x)[None] for name, x in trace.stages.items()})
    for name, values in levels.items():  # to the last bits: the detector's weights lie channels innermost
        assert np.allclose(cut.levels[name], values[0].numpy(), rtol=1e-4, atol=1e-4)
        assert name in ("P5", "P6") or not np.allclose(trace.levels[name], values[0].numpy(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("neck", ["separate", "top"])
def test_other_necks_are_traced_too_even_from_a_pyramids_stages(detector, trace, photo, neck):
    other = Detector(make_detector(replace(CONFIG, neck=neck)), detector.backbone)
    own = fpn.trace_fpn(other, photo)
    assert tuple(own.levels) == other.fcos.config.levels
    assert set(own.stages) == set(trace.stages)
    for level in own.merged:
        lateral, upsampled, merged = own.merge(level)
        assert not upsampled.any()
        assert np.array_equal(lateral, merged)
    assert not any(maps.any() for maps in own.upsampled.values())
    taken_over = fpn.retrace(other, trace, cuts=())
    assert np.array_equal(taken_over.boxes, own.boxes)
    assert np.array_equal(taken_over.keep, own.keep)


def test_retrace_starts_from_the_recorded_stages(detector, trace, monkeypatch):
    def refuse(_x):
        raise AssertionError("the backbone ran")

    monkeypatch.setattr(detector.backbone, "stage_features", refuse)
    cut = fpn.retrace(detector, trace, cuts={"top_down"})
    healed = fpn.retrace(detector, cut, cuts=frozenset())
    assert not changed_levels(trace, healed)
    assert np.array_equal(healed.boxes, trace.boxes)
    assert np.array_equal(healed.keep, trace.keep)
    assert healed.seconds["backbone"] == trace.seconds["backbone"]
    assert not np.array_equal(cut.scores, trace.scores)


def test_a_cut_from_the_start_is_a_cut_afterwards(detector, photo, trace):
    cuts = {"top_down:P3", "lateral:C4"}
    at_once, later = fpn.trace_fpn(detector, photo, cuts=cuts), fpn.retrace(detector, trace, cuts=cuts)
    assert not changed_levels(at_once, later)
    assert np.array_equal(at_once.scores, later.scores)


def test_the_cuts_that_a_neck_has():
    names = ("top_down", "top_down:P4", "top_down:P3", "lateral:C5", "lateral:C4", "lateral:C3")
    assert fpn.possible_cuts(replace(CONFIG, finest=3)) == names
    assert fpn.possible_cuts(replace(CONFIG, neck="top")) == ("lateral:C5",)
    assert fpn.possible_cuts(replace(CONFIG, neck="separate", finest=4)) == ("lateral:C5", "lateral:C4")


@pytest.mark.parametrize("cut", ["", "top_down:P5", "lateral:P3", "lateral:C6", "backbone", "<script>"])
def test_an_unknown_cut_is_refused(detector, trace, cut):
    with pytest.raises(ValueError, match="cuts must be among"):
        fpn.retrace(detector, trace, cuts={cut})
