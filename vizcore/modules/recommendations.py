"""Which form for what, and the traps that both share: each line is measured."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from vizcore.modules.choice import BATCH, IN_FEATURES, OUT_FEATURES, NetworkChoice
from vizcore.modules.comparison import compare_networks
from vizcore.modules.measuring import error_of
from vizcore.modules.report import num_calls, num_distinct, num_running, num_values
from vizcore.seeding import seeded


@dataclass(frozen=True)
class Recommendation:
    """One line of "which for what", with what was measured for it.

    Attributes:
        need: What the learner wants to write, such as ``"weighted_layer"``.
        choose: ``"module"``, ``"functional"`` or ``"either"``.
        module: The measured value on the module's side; a number or torch's own error text.
        functional: The same on the functional side.
    """

    need: str
    choose: Literal["module", "functional", "either"]
    module: float | str
    functional: float | str


@dataclass(frozen=True)
class Trap:
    """A mistake that both forms allow, with what was measured for it.

    Attributes:
        name: Such as ``"parameter_list"``.
        mistaken: The measured value with the mistake; a number or torch's own error text.
        intended: The measured value without it.
    """

    name: str
    mistaken: float | str
    intended: float


def measure_recommendations(*, seed: int = 0) -> tuple[Recommendation, ...]:
    """Measures, need by need, why one of the two ways is the better one.

    Returns:
        One line per need. The values are counts, differences or torch's own error text:
        ``weighted_layer`` numbers that an optimiser would see; ``dropout`` different results in twenty passes in
        ``eval()``; ``batch_norm`` running values saved; ``activation`` numbers to save, and the difference of
        results; ``in_sequential`` torch's answer to ``nn.Sequential(nn.Linear(4, 8), …)``; ``computed_weight``
        torch's answer to a weight that another network computed, against the gradient norm that reaches that
        network; ``tied_weight`` numbers to learn in an autoencoder whose decoder uses the encoder's weight,
        transposed; ``inspect`` forward hooks that fire; ``loss`` the difference of the two cross entropies.
    """
    sound = NetworkChoice(registered=True, pass_training=True)
    naive = NetworkChoice()
    modules, functions = compare_networks(sound, seed=seed).module, compare_networks(naive, seed=seed).functional
    with seeded(seed):
        x, target = torch.randn(BATCH, IN_FEATURES), torch.randint(IN_FEATURES, (BATCH,))
        code = torch.randn(2)
        hyper = nn.Linear(2, OUT_FEATURES * IN_FEATURES)
    computed = hyper(code).view(OUT_FEATURES, IN_FEATURES)
    F.linear(x, computed).square().mean().backward()
    hyper_gradient = hyper.weight.grad
    assert hyper_gradient is not None

    def assign_computed() -> None:
        nn.Linear(IN_FEATURES, OUT_FEATURES).weight = computed  # type: ignore[assignment]

    def put_function() -> None:
        nn.Sequential(nn.Linear(IN_FEATURES, 8), F.relu)  # type: ignore[call-overload]

    encoder, decoder = nn.Linear(IN_FEATURES, 2, bias=False), nn.Linear(2, IN_FEATURES, bias=False)
    activation_difference = float((nn.ReLU()(x) - F.relu(x)).abs().max())
    loss_difference = nn.CrossEntropyLoss()(x, target) - F.cross_entropy(x, target)
    return (
        Recommendation("weighted_layer", "module", num_values(modules.parameters), num_values(functions.parameters)),
        Recommendation("dropout", "module", num_distinct(modules.passes_eval), num_distinct(functions.passes_eval)),
        Recommendation("batch_norm", "module", num_running(modules.state), num_running(functions.state)),
        Recommendation("in_sequential", "module", "", error_of(put_function)),
        Recommendation("inspect", "module", num_calls(modules.hook_calls), num_calls(functions.hook_calls)),
        Recommendation("computed_weight", "functional", error_of(assign_computed), float(hyper_gradient.norm())),
        Recommendation(
            "tied_weight", "functional", encoder.weight.numel() + decoder.weight.numel(), encoder.weight.numel()
        ),
        Recommendation("activation", "either", float(len(nn.ReLU().state_dict())), activation_difference),
        Recommendation("loss", "either", float(loss_difference), float(loss_difference)),
    )


def measure_traps(*, seed: int = 0) -> tuple[Trap, ...]:
    """Measures mistakes that neither form protects from.

    Returns:
        One line per trap: ``parameter_list`` numbers that ``parameters()`` finds in a Python list and in an
        ``nn.ParameterList``; ``eval_keeps_gradients`` the length of a gradient computed in ``eval()`` and how many
        tensors ``torch.no_grad()`` records instead; ``softmax_before_loss`` the cross entropy of softmax outputs
        and of logits; ``broadcast_loss`` the mean squared error of ``[N, 1]`` against ``[N]`` and of equal shapes;
        ``batch_of_one`` torch's answer to one sample in ``train()``, and the output's length in ``eval()``;
        ``forgotten_zero_grad`` the length of a weight's gradient after two ``backward()`` calls and after one.
    """
    with seeded(seed):
        layer, other = nn.Linear(IN_FEATURES, OUT_FEATURES), nn.Linear(IN_FEATURES, 1)
        norm = nn.BatchNorm1d(IN_FEATURES)
        x, target = torch.randn(BATCH, IN_FEATURES), torch.randint(OUT_FEATURES, (BATCH,))
        values = torch.randn(BATCH)

    class Holder(nn.Module):
        def __init__(self, weights: object) -> None:
            super().__init__()
            self.weights = weights

    in_list = Holder([layer.weight, layer.bias])
    in_parameter_list = Holder(nn.ParameterList([layer.weight, layer.bias]))
    layer.eval()
    layer(x).square().mean().backward()
    once = _gradient_length(layer)
    layer(x).square().mean().backward()
    twice = _gradient_length(layer)
    with torch.no_grad():
        recorded = int(layer(x).requires_grad)
        logits, column = layer(x), other(x)
        alone = norm.eval()(x[:1]).norm()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of the very mistake that is measured here
        broadcast = F.mse_loss(column, values)
    return (
        Trap("parameter_list", _count(in_list), _count(in_parameter_list)),
        Trap("eval_keeps_gradients", once, recorded),
        Trap("forgotten_zero_grad", twice, once),
        Trap(
            "softmax_before_loss",
            float(F.cross_entropy(logits.softmax(1), target)),
            float(F.cross_entropy(logits, target)),
        ),
        Trap("broadcast_loss", float(broadcast), float(F.mse_loss(column.squeeze(1), values))),
        Trap("batch_of_one", error_of(lambda: norm.train()(x[:1])), float(alone)),
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _gradient_length(layer: nn.Linear) -> float:
    assert layer.weight.grad is not None
    return float(layer.weight.grad.norm())
