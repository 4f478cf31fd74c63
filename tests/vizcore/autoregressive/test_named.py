"""The concept by names: pixels as text, flips, halves, and that each function says what its model says."""

import numpy as np
import pytest
import torch

from tests.scripts import run_script
from vizcore import autoregressive as ar
from vizcore.data.binary_digits import load_binary_digits

DIGIT = "0011" * 16


def test_pixels_as_text_there_and_back():
    assert ar.read_pixels("01.1", 4, free=True).tolist() == [0, 1, ar.FREE, 1]
    assert ar.write_pixels([0, 1, ar.FREE, 1]) == "01.1"


@pytest.mark.parametrize(
    ("text", "free", "said"),
    [("01", True, "pictures of 4 pixels"), ("01.1", False, ". is neither"), ("0121", True, "2 is neither")],
)
def test_what_is_no_picture_is_explained(text, free, said):
    with pytest.raises(ar.AutoregressiveError, match=said):
        ar.read_pixels(text, 4, free=free)


@pytest.mark.parametrize("order", ar.ORDERS)
def test_a_flip_keeps_what_came_before_and_counts_what_follows(order):
    drawing = ar.draw_picture("nade", order=order, seed=4)
    pixel = int(drawing.trace.order[9])
    given = ar.flipped(drawing.trace, pixel)
    assert sum(mark != "." for mark in given) == 10
    again = ar.draw_picture("nade", order=order, seed=4, given=given)
    known = again.trace.order[:9]
    assert (again.trace.picture[known] == drawing.trace.picture[known]).all()
    assert again.trace.picture[pixel] == 1 - drawing.trace.picture[pixel]
    assert (again.free == drawing.trace.picture).all()
    after = again.trace.order[10:]
    assert again.followers == int((again.trace.picture[after] != drawing.trace.picture[after]).sum())
    assert again.trace.exact


def test_a_flip_of_the_first_model_changes_nothing_else():
    drawing = ar.draw_picture("independent", seed=1)
    assert ar.draw_picture("independent", seed=1, given=ar.flipped(drawing.trace, 3)).followers == 0


def test_the_upper_half_stays_in_every_completion_and_is_exact_only_where_it_comes_first():
    given = ar.keep_upper_half(DIGIT, (8, 8))
    assert given == "0011" * 8 + "." * 32
    many = ar.complete_picture("made", given, num=5, seed=2)
    assert (many.pictures[:, :32] == np.array([0, 0, 1, 1] * 8)).all()
    assert len({picture.tobytes() for picture in many.pictures}) > 1
    assert many.exact
    assert not ar.complete_picture("made", given, num=1, order="reverse").exact


def test_the_run_can_be_watched_and_stopped():
    seen = []
    ar.draw_picture("fvsbn", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 64) for done in range(1, 65)]
    with pytest.raises(ar.SamplingCancelledError, match="after 3 of 64"):
        ar.draw_picture(
            "fvsbn",
            on_progress=lambda done, _total: seen.append(done),
            is_cancelled=lambda: seen[-1] == 3,
        )


def test_a_picture_costs_what_its_pixels_cost():
    data = load_binary_digits()
    picture, label = ar.unseen_picture(4)
    assert picture == ar.write_pixels(data.pictures("test")[4].long().tolist())
    assert label == int(data.labels_of("test")[4])
    assert ar.unseen_picture(4 + len(data.test)) == (picture, label)
    found = ar.explain_picture("nade", picture)
    assert found.log_likelihood == pytest.approx(ar.unseen_likelihoods("nade")[4], abs=1e-4)
    rows = ar.likelihood_rows("nade", picture)
    assert sum(row["log_probability_nats"] for row in rows) == pytest.approx(found.log_likelihood, abs=1e-4)
    assert [(row["row"], row["column"]) for row in rows[:9]] == [*((0, column) for column in range(8)), (1, 0)]


def test_both_classifiers_answer_with_probabilities():
    picture, label = ar.unseen_picture(7)
    generative = ar.classify_picture("nade", picture)
    reference = ar.fit_reference()
    for posterior in (generative.posterior[0], np.array(reference.posterior(picture))):
        assert posterior.sum() == pytest.approx(1)
        assert posterior.argmax() == label
    assert 0.9 < reference.accuracy < 1
    assert ar.card_of("nade", with_labels=True).accuracy > 0.9


@pytest.mark.parametrize("kind", ar.LEAK_KINDS)
def test_only_the_wrong_mask_leaks(kind):
    found = ar.leak_test(kind, size=(4, 4), layers=2)
    assert bool(found.leaks.any()) == (kind == "made_leak")
    if kind == "made_leak":  # ≤ lets an output see its own pixel, never a later one
        assert (found.leaks.nonzero()[0] == found.leaks.nonzero()[1]).all()
    rows = ar.dependency_rows(found)
    assert [row["seen"] + row["missing"] for row in rows] == list(range(16))


def test_four_gated_convolutions_of_five_see_everything_and_three_do_not():
    missing = [int(ar.leak_test("gated_pixelcnn", layers=layers, kernel=5).missing.sum()) for layers in (3, 4)]
    assert missing[0] > 0 == missing[1]


@pytest.mark.parametrize("order", ["raster", "columns"])
def test_sorted_masks_have_the_same_paths(order):
    first, last = ar.made_masks(size=(3, 3), order=order, hidden=20)
    rank = np.argsort(ar.pixel_order(order, (3, 3)).numpy())
    paths = last.astype(int) @ first.astype(int)
    assert (paths[rank[:, None] <= rank[None, :]] == 0).all()
    assert (np.diff(first.sum(1)) >= 0).all()


@pytest.mark.parametrize(("kind", "label"), [("made", None), ("nade", 7)])
def test_the_program_prints_the_likelihood(kind, label):
    picture, _label = ar.unseen_picture(7)
    model, _card = ar.load_trained(kind, with_labels=label is not None)
    labels = None if label is None else torch.tensor([label])
    expected = float(ar.log_likelihood(model, ar.read_pixels(picture, 64)[None], labels).detach()[0])
    printed = dict(
        line.split(": ") for line in run_script(ar.write_picture_script(kind, picture, label=label)).splitlines()
    )
    assert float(printed["log p(x)"]) == pytest.approx(expected, abs=1e-3)
