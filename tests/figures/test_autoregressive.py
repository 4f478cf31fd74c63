"""Figures of models of pixels, through their data."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from vizcore.autoregressive import (
    Evaluation,
    IndependentPixels,
    blind_spot,
    classify,
    dependencies,
    explain_likelihood,
    receptive_field,
    sample,
    trace_paths,
    trace_sampling,
    train,
)
from vizcore.autoregressive.training import Recipe
from vizcore.data.binary_digits import load_binary_digits
from vizcore.figures import autoregressive as figures
from vizcore.models.made import MADE

MODEL = MADE(6, (8,), seed=2)
SIZE = (2, 3)


def checked(figure: go.Figure) -> go.Figure:
    go.Figure(figure.to_dict())
    return figure


def test_a_picture_in_the_making_shows_what_is_drawn_and_what_is_expected():
    trace = trace_sampling(MODEL, 0, size=SIZE, num_futures=5)
    figure = checked(figures.plot_probabilities(trace, step=2))
    shown = np.asarray(figure.data[0].z).ravel()
    assert shown[:2].tolist() == trace.picture[:2].tolist()
    assert shown[2:].tolist() == pytest.approx(trace.futures[2, 2:].tolist())
    (mark,) = figure.layout.shapes
    assert (mark.x0, mark.y0) == (1.5, -0.5)  # pixel 2: row 0, column 2
    bare = trace_sampling(MODEL, 0, size=SIZE)
    shown = np.asarray(figures.plot_probabilities(bare, step=2).data[0].z).ravel()
    assert shown[2] == pytest.approx(bare.probabilities[2])
    assert np.isnan(shown[3:]).all()
    whole = figures.plot_probabilities(trace, step=99)
    assert np.asarray(whole.data[0].z).ravel().tolist() == trace.picture.tolist()
    assert not whole.layout.shapes


def test_samples_lie_in_rows_with_gaps():
    samples = sample(MODEL, 3)
    sheet = np.asarray(checked(figures.plot_samples(samples, size=SIZE, columns=2)).data[0].z)
    assert sheet.shape == (5, 7)
    assert sheet[3:, :3].ravel().tolist() == samples.pictures[2].tolist()
    assert np.isnan(sheet[2]).all()
    with pytest.raises(ValueError, match="column"):
        figures.plot_samples(samples, size=SIZE, columns=0)


def test_pictures_of_grey_stand_beside_one_another():
    pictures = np.arange(12).reshape(3, 2, 2) / 12
    sheet = np.asarray(checked(figures.plot_pictures(pictures, columns=5)).data[0].z)
    assert sheet.shape == (2, 8)  # three of them, and a gap after each but the last
    assert sheet[:, 3:5].tolist() == pictures[1].tolist()
    assert np.isnan(sheet[:, [2, 5]]).all()


def test_surprises_are_nats_and_ink_is_marked():
    found = explain_likelihood(IndependentPixels(torch.tensor([math.log(3), 0.0])), torch.tensor([0, 1]))
    heat = checked(figures.plot_surprises(found, size=(1, 2))).data[0]
    assert np.asarray(heat.z)[0].tolist() == pytest.approx([math.log(4), math.log(2)])
    assert np.asarray(heat.text)[0].tolist() == ["", "■"]


def test_dependencies_and_leaks_are_told_apart():
    figure = checked(figures.plot_dependencies(dependencies(MODEL), pixel=4, size=SIZE))
    seen = {trace.name: len(trace.x) for trace in figure.data}
    assert seen["Seen"] + seen["Allowed, not seen"] == 4
    assert seen["Leak"] == 0
    leaking = figures.plot_dependencies(dependencies(MADE(6, (16,), leak=True)), pixel=4, size=SIZE)
    assert {trace.name: len(trace.x) for trace in leaking.data}["Leak"] > 0


def test_a_field_and_its_blind_spot():
    where = {"pixel": (2, 2), "size": (5, 5)}
    field, blind = receptive_field(2, 3, **where), blind_spot(2, 3, **where)
    values = np.asarray(checked(figures.plot_field(field, blind, pixel=(2, 2))).data[0].z)
    assert (values == 1).sum() == field.sum()
    assert np.argwhere(values == 2).tolist() == [[1, 4]]
    assert values[2, 2] == 3


def test_masks_and_a_path():
    masks = [mask.numpy() for mask in MODEL.masks()]
    lit = trace_paths(MODEL, 0, 5)
    figure = checked(figures.plot_masks(masks, lit))
    for trace, mask, path in zip(figure.data, masks, lit, strict=True):
        assert np.array_equal(np.asarray(trace.z) == 2, path)
        assert np.array_equal(np.asarray(trace.z) > 0, mask)


def test_evaluations_carry_their_intervals():
    found = {"nade": Evaluation(17.0, 0.5, 0.4, 360), "made": Evaluation(17.2, 0.6, 0.4, 360)}
    (dots,) = checked(figures.plot_evaluations(found, translate=str.upper)).data
    assert list(dots.x) == [17.0, 17.2]
    assert list(dots.error_x.array) == [0.5, 0.6]
    assert list(dots.y) == ["NADE", "MADE"]


def test_curves_of_a_training():
    recipe = Recipe(2, 1e-2, 0.0, batch_size=256, hidden=4)
    trained = train("nade", load_binary_digits(), recipe=recipe)
    kept_back, learned = checked(figures.plot_training({"nade": trained.reports})).data
    assert list(kept_back.y) == [report.validation_nats for report in trained.reports]
    assert list(learned.y) == [report.train_nats for report in trained.reports]


def test_a_posterior_marks_the_truth():
    found = classify(IndependentPixels(torch.tensor([[-1.0], [1.0]])), torch.tensor([[1]]))
    (bars,) = checked(figures.plot_posterior(found, truth=1)).data
    assert list(bars.y) == pytest.approx(found.posterior[0].tolist())
    assert bars.marker.color[0] != bars.marker.color[1]
