"""Bayes over likelihoods by hand, and logistic regression against scikit-learn."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.vizcore.autoregressive.small_models import KINDS, random_model
from vizcore.autoregressive import (
    AutoregressiveError,
    IndependentPixels,
    classify,
    fit_independent,
    fit_logistic_regression,
    list_pictures,
    log_prior_of,
)
from vizcore.data.binary_digits import load_binary_digits


def test_bayes_by_hand():
    # One pixel, p(1 | 0) = 1/4, p(1 | 1) = 3/4, prior 2/3 and 1/3: a one speaks 2/3·1/4 : 1/3·3/4 = 2 : 3.
    model = IndependentPixels(torch.tensor([[-math.log(3)], [math.log(3)]], dtype=torch.float64))
    prior = torch.tensor([2 / 3, 1 / 3]).double().log()
    found = classify(model, torch.tensor([[1], [0]]), log_prior=prior)
    assert found.posterior[0].tolist() == pytest.approx([2 / 5, 3 / 5])
    assert found.posterior[1].tolist() == pytest.approx([6 / 7, 1 / 7])  # 2/3·3/4 : 1/3·1/4
    assert found.log_evidence.tolist() == pytest.approx([math.log(5 / 12), math.log(7 / 12)])
    assert found.labels.tolist() == [1, 0]
    assert found.accuracy(torch.tensor([1, 1])) == 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_label_and_picture_are_one_distribution(kind):
    model = random_model(kind, (2, 2), num_classes=3)
    found = classify(model, list_pictures(4))
    assert np.exp(found.log_evidence).sum() == pytest.approx(1)
    assert np.allclose(found.posterior.sum(1), 1)


def test_logistic_regression_is_scikit_learns():
    data = load_binary_digits()
    x, labels = data.pictures("train"), data.labels_of("train")
    ours = fit_logistic_regression(x, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(x.double().numpy(), labels.numpy())
    test = data.pictures("test")
    assert np.allclose(ours.posterior(test), reference.predict_proba(test.double().numpy()), atol=1e-3)
    assert ours.accuracy(test, data.labels_of("test")) > 0.9


def test_the_prior_counts():
    assert log_prior_of(torch.tensor([0, 0, 1]), num_classes=2).exp().tolist() == pytest.approx([3 / 5, 2 / 5])


def test_no_labels_no_classes():
    with pytest.raises(AutoregressiveError, match="neither draw a chosen digit nor classify"):
        classify(fit_independent(torch.ones(2, 4)), torch.ones(1, 4))
    with pytest.raises(AutoregressiveError, match="no picture"):
        fit_logistic_regression(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
