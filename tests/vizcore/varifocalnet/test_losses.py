"""The three losses against torch, torchvision and the equation; what the browser and the script compute."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from tests.javascript import evaluate_javascript
from tests.scripts import printed_numbers, run_script
from vizcore.varifocalnet import (
    LOSSES,
    VarifocalNetError,
    compile_losses,
    focal_terms,
    least_varifocal,
    loss_curves,
    loss_surface,
    quality_focal_terms,
    varifocal_loss,
    write_losses_script,
)
from vizcore.varifocalnet.curves import loss_of_score

LOGITS = torch.linspace(-12, 12, 97, dtype=torch.float64)
UNIT = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.75, 1.0), (0.5, 0.0)])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_focal_loss_is_torchvisions(alpha, gamma, target):
    targets = torch.full_like(LOGITS, target)
    torch.testing.assert_close(
        focal_terms(LOGITS, targets, alpha=alpha, gamma=gamma),
        sigmoid_focal_loss(LOGITS, targets, alpha=alpha, gamma=gamma),
    )


@given(st.floats(-30, 30), st.floats(0, 1), st.floats(0, 2), st.floats(0, 4))
def test_the_varifocal_loss_is_the_papers_equation(logit, q, alpha, gamma):
    x, target = torch.tensor(logit, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)
    entropy = F.binary_cross_entropy_with_logits(x, target)
    weight = q if q > 0 else alpha * torch.sigmoid(x) ** gamma
    found = varifocal_loss(x, target, alpha=alpha, gamma=gamma)
    assert found.item() == pytest.approx(
        (weight * entropy).item(), rel=1e-7, abs=1e-14
    )  # near p = 0 both subtract from 1


def test_the_quality_focal_loss_is_its_equation():
    q = torch.linspace(0, 1, 97, dtype=torch.float64)
    entropy = F.binary_cross_entropy_with_logits(LOGITS, q, reduction="none")
    torch.testing.assert_close(quality_focal_terms(LOGITS, q), (q - LOGITS.sigmoid()) ** 2 * entropy)


def test_values_by_hand():
    # p = 1/2. A negative: 3/4 · 1/4 · ln 2; a positive with q = 1/2: 1/2 · ln 2, which is q H(q).
    found = varifocal_loss(torch.zeros(2), torch.tensor([0.0, 0.5]))
    assert found.tolist() == pytest.approx([3 / 16 * math.log(2), math.log(2) / 2])
    assert least_varifocal(torch.tensor([0.5, 0.0, 1.0])).tolist() == pytest.approx([math.log(2) / 2, 0, 0])


@given(UNIT, UNIT)
def test_a_positive_is_least_at_its_target_and_never_below_q_times_its_entropy(p, q):
    said, target = torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)
    least = least_varifocal(target).item()
    assert loss_of_score("varifocal", said, target, alpha=0.75, gamma=2).item() >= least - 1e-12
    logit = target.logit().requires_grad_()
    loss = varifocal_loss(logit, target)
    loss.backward()
    assert logit.grad is not None
    assert loss.item() == pytest.approx(least)
    assert logit.grad.item() == pytest.approx(0, abs=1e-12)
    assert loss_of_score("quality_focal", target, target, alpha=0.75, gamma=2).item() == pytest.approx(0, abs=1e-12)


def test_an_easy_positive_is_not_weighted_down():
    q = torch.tensor([1.0])
    sure = torch.tensor([3.0])
    entropy = F.binary_cross_entropy_with_logits(sure, q)
    assert varifocal_loss(sure, q).item() == pytest.approx(entropy.item())
    assert focal_terms(sure, q, alpha=1.0).item() < 0.01 * entropy.item()


def test_the_gradient_at_a_logit_of_0_is_a_half():
    # The loss of log σ at 0: its slope is σ(−0) = 1/2 from both sides.
    x = torch.zeros(1, requires_grad=True)
    varifocal_loss(x, torch.ones(1)).sum().backward()
    assert x.grad is not None
    assert x.grad.item() == -0.5


@pytest.mark.parametrize(
    ("logits", "targets", "options", "words"),
    [
        ([0.0], [1.5], {}, "from 0 to 1"),
        ([0.0], [-0.1], {}, "from 0 to 1"),
        ([0.0], [math.nan], {}, "from 0 to 1"),
        ([math.nan], [0.5], {}, "logit is not a number"),
        ([0.0, 1.0], [0.5], {}, "one shape"),
        ([0.0], [0.5], {"alpha": -1}, "alpha must be"),
        ([0.0], [0.5], {"gamma": math.nan}, "gamma must be"),
    ],
)
def test_what_has_no_loss_is_refused_in_a_sentence(logits, targets, options, words):
    with pytest.raises(VarifocalNetError, match=words):
        varifocal_loss(torch.tensor(logits), torch.tensor(targets), **options)


@pytest.mark.parametrize("q", [0.0, 0.3, 1.0])
def test_the_curves_are_the_losses_and_their_gradients_the_slopes(q):
    curves = loss_curves(q, resolution=401)
    for kind in LOSSES:
        slope = np.gradient(curves.loss[kind], curves.p)
        np.testing.assert_allclose(curves.gradient[kind][60:-60], slope[60:-60], atol=5e-3)
        targets = torch.full((401,), q, dtype=torch.float64)
        wanted = loss_of_score(kind, torch.from_numpy(curves.p), targets, alpha=0.75, gamma=2)
        np.testing.assert_allclose(curves.loss[kind], wanted)
    assert curves.loss["varifocal"].min() >= curves.least - 1e-12


def test_the_surface_holds_the_curves_as_rows():
    surface = loss_surface("varifocal", resolution=41)
    for row in (0, 20, 40):
        curve = loss_curves(float(surface.q[row]), resolution=41)
        np.testing.assert_allclose(surface.loss[row], curve.loss["varifocal"])


def test_what_has_no_curve_is_refused():
    with pytest.raises(VarifocalNetError, match="no loss 'mine'"):
        loss_surface("mine")
    with pytest.raises(VarifocalNetError, match="from 0 to 1"):
        loss_curves(1.2)
    with pytest.raises(VarifocalNetError, match="at most 1"):
        loss_curves(0.5, alpha=1.5)


def test_the_browser_computes_the_losses_and_their_gradients_as_torch_does():
    generator = np.random.default_rng(0)
    rows = generator.uniform(0.001, 0.999, (400, 2))
    rows[:100, 1] = 0
    source = compile_losses(alpha=0.6, gamma=1.5)
    for kind in LOSSES:
        p, q = (torch.tensor(column) for column in rows.T)
        p.requires_grad_()
        loss = loss_of_score(kind, p, q, alpha=0.6, gamma=1.5)
        (gradient,) = torch.autograd.grad(loss.sum(), p)
        found = evaluate_javascript(source, kind, rows)
        np.testing.assert_allclose(found[:, 0], loss.detach(), rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(found[:, 1], gradient, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.7), (0.6, 0.0), (0.5, 1.0)])
def test_the_script_prints_the_losses(p, q):
    said = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    wanted = []
    for kind in LOSSES:
        loss = loss_of_score(kind, said, torch.tensor(q, dtype=torch.float64), alpha=0.75, gamma=2)
        (gradient,) = torch.autograd.grad(loss, said)
        wanted += [loss.item(), gradient.item()]
    assert printed_numbers(run_script(write_losses_script(p, q))) == pytest.approx(wanted, rel=1e-6)
