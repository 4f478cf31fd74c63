"""The one counter of costs: torch's own counter, every kind of layer by hand, and what must not be counted."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vizcore import costs
from vizcore.costs import Cost, count, count_parameters, measure, total


def counted_by_torch(network, *inputs):
    """Multiply-adds by torch's counter, which says two operations for each."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return counter.get_total_flops() / 2


def numbers(cost):
    return cost.parameters, cost.multiply_adds, cost.activation_bytes


LAYERS = {
    "convolution": (nn.Conv2d(6, 8, (3, 2), stride=2, padding=1), (2, 6, 9, 7)),
    "depth-wise": (nn.Conv2d(6, 6, 5, padding=2, groups=6, bias=False), (1, 6, 8, 5)),
    "grouped": (nn.Conv2d(6, 9, 3, dilation=2, groups=3), (1, 6, 8, 9)),
    "point-wise": (nn.Conv2d(6, 2, 1), (3, 6, 4, 5)),
    "one dimension": (nn.Conv1d(3, 5, 4), (2, 3, 11)),
    "transposed": (nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), (2, 6, 4, 5)),
    "transposed, grouped": (nn.ConvTranspose2d(6, 4, 4, stride=2, groups=2), (1, 6, 3, 5)),
    "linear": (nn.Linear(7, 3), (4, 7)),
    "linear, without a bias": (nn.Linear(7, 3, bias=False), (4, 7)),
    "linear, more dimensions": (nn.Linear(7, 3), (2, 5, 4, 7)),
    "bilinear map": (nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)), (3, 5)),
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_cost_what_torch_counts(name, device):
    layer, shape = LAYERS[name]
    layer = layer.to(device) if device == "cpu" else on_meta(layer)
    x = torch.zeros(shape, device=device)
    cost = count(layer, x)
    assert cost.multiply_adds == counted_by_torch(layer, x) > 0
    assert cost.parameters == sum(parameter.numel() for parameter in layer.parameters())


def on_meta(layer):
    """The same layer without contents; the original stays as it is."""
    return copy.deepcopy(layer).to("meta")


@settings(max_examples=40, deadline=None)
@given(
    groups=st.sampled_from([1, 2, 4]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    transposed=st.booleans(),
    size=st.tuples(st.integers(1, 3), st.integers(5, 9), st.integers(5, 9)),
)
def test_convolutions_cost_what_torch_counts(groups, kernel, stride, padding, transposed, size):
    make = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = make(4, 8, kernel, stride=stride, padding=padding if min(kernel) > padding else 0, groups=groups).to("meta")
    x = torch.empty(size[0], 4, *size[1:], device="meta")
    assert count(layer, x).multiply_adds == counted_by_torch(layer, x)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_by_hand(device, need_weights):
    # 5 queries of width 8 in two heads over 3 keys of a batch of 2: three projections and the one behind, 8·8 a token;
    # then each query with each key and each weight with a value, 4 numbers in each of two heads.
    layer = nn.MultiheadAttention(8, 2, batch_first=True, device=device).eval()
    queries, keys = torch.zeros(2, 5, 8, device=device), torch.zeros(2, 3, 8, device=device)

    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = layer

        def forward(self, queries, keys):
            return self.attention(queries, keys, keys, need_weights=need_weights)

    cost = count(Attend(), queries, keys)
    assert cost.multiply_adds == 2 * (64 * (5 + 3 + 3 + 5) + 2 * (5 * 3 * 4) * 2)
    assert cost.parameters == sum(parameter.numel() for parameter in layer.parameters())


def test_a_fused_encoder_costs_the_same_as_in_training():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.zeros(2, 5, 8)
    trained = count(layer.train(), x)
    # The bytes differ: fused attention writes no map of queries by keys.
    assert numbers(count(layer.eval(), x))[:2] == numbers(trained)[:2]
    # A token: 3·8·8 in, 8·8 out, 8·16 up and down; attention 5·5·8, twice; a batch of 2 times 5 tokens.
    assert trained.multiply_adds == 2 * (5 * (4 * 64 + 2 * 128) + 2 * 5 * 5 * 8)
    assert torch.backends.mha.get_fastpath_enabled()


def test_one_convolution_by_hand():
    # 3 → 8 channels, 3 × 3, stride 2: 2 × 2 × 8 outputs of 27 multiply-adds each, 4 bytes a number, 8 biases.
    layer = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    assert numbers(count(layer, torch.zeros(1, 3, 4, 4))) == (8 * 27 + 8, 32 * 27, 32 * 4)
    depthwise = nn.Conv2d(3, 3, 5, padding=2, groups=3, bias=False)
    assert numbers(count(depthwise, torch.zeros(1, 3, 4, 6))) == (75, 72 * 25, 72 * 4)
    # A transposed one scatters each of 4 · 6 input numbers of 3 channels through 2 · 5 · 5 weights.
    transposed = nn.ConvTranspose2d(3, 2, 5, bias=False)
    assert numbers(count(transposed, torch.zeros(1, 3, 4, 6))) == (150, 72 * 50, 2 * 8 * 10 * 4)
    assert count(depthwise.half(), torch.zeros(1, 3, 4, 6).half()).activation_bytes == 72 * 2


class Network(nn.Module):
    """Two blocks of which one runs twice, a layer that never runs, and a number of its own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
        self.block = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.unused = nn.Linear(100, 100)
        self.scale = nn.Parameter(torch.ones(5))

    def forward(self, x):
        x = F.avg_pool2d(self.stem(x).relu(), 2)
        return self.block(self.block(x)) * self.scale[0]


def test_what_runs_is_counted_and_nothing_else():
    network = Network().eval()
    cost = count(network, torch.zeros(1, 3, 4, 4))
    stem, block = 3 * 4 * 9, 4 * 4 * 9
    # Normalisation, pooling and the scale are no multiply-adds here, but their numbers took part.
    assert numbers(cost) == (stem + 8 + block + 5, stem * 16 + 2 * block * 4, 4 * (4 * 16 + 2 * 4 * 4))
    assert count_parameters(network) == cost.parameters + 100 * 101
    assert cost.seconds is None
    assert {name: numbers(layer) for name, layer in cost.layers.items()} == {
        "stem.0": (stem, stem * 16, 4 * 4 * 16),
        "stem.1": (8, 0, 0),
        "block": (block, 2 * block * 4, 2 * 4 * 4 * 4),
        "": (5, 0, 0),
    }
    parts = cost.by_part(lambda name: name.partition(".")[0] or "rest")
    assert list(parts) == ["stem", "block", "rest"]
    assert parts["stem"] == Cost(stem + 8, stem * 16, 4 * 4 * 16)
    assert total(parts) == cost
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_inference_mode_counts_the_same():
    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = Network().eval()
            self.head = nn.Linear(2, 3)

        @torch.inference_mode()
        def forward(self, x):
            return self.head(self.network(x))

    network, x = Inside(), torch.zeros(1, 3, 4, 4)
    plain = Inside.forward.__wrapped__
    inside = count(network, x)
    Inside.forward = plain
    assert inside == count(network, x)
    assert inside.multiply_adds == counted_by_torch(network, x)


def test_a_shared_layer_has_its_parameters_once():
    layer = nn.Linear(4, 4)
    cost = count(nn.Sequential(layer, layer), torch.zeros(1, 4))
    assert numbers(cost) == (20, 32, 32)


def test_a_failing_network_is_left_as_it_was():
    network = Network()
    with pytest.raises(RuntimeError):
        count(network, torch.zeros(1, 7, 4, 4))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert count(network.eval(), torch.zeros(1, 3, 4, 4)).multiply_adds > 0


def test_sums_and_multiples():
    first, second = Cost(3, 40, 500, seconds=1.0), Cost(1, 2, 3)
    assert first + second == Cost(4, 42, 503)
    # Passes share their parameters.
    assert first * 3 == Cost(3, 120, 1500)
    assert total({}) == Cost(0, 0, 0)


def test_runs_take_turns_and_progress_is_told(monkeypatch):
    clock, ran, told = [0.0], [], []
    durations = iter([3.0, 10.0, 2.0, 30.0])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: clock[0])

    def run(name):
        ran.append(name)
        clock[0] += next(durations)

    seconds = measure([lambda: run("a"), lambda: run("b")], repeats=2, work=[1, 3], report=told.append)
    assert ran == ["a", "b", "a", "b"]
    assert seconds == [2.0, 10.0]
    assert told == [1 / 8, 4 / 8, 5 / 8, 1.0]
