from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vizcore.autograd.networks import (
    NETWORKS,
    NetworkGraph,
    extract_graph,
    network_to_json,
    record_module_spans,
    trace_network,
)
from vizcore.autograd.packing import pack_network


@pytest.fixture(scope="module", params=list(NETWORKS))
def graph(request: pytest.FixtureRequest) -> NetworkGraph:
    return trace_network(request.param)


class Tiny(nn.Module):
    """Two calls of one activation, one functional step between modules, one step of the network's own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.softplus(self.body(x))
        return self.head(self.body[1](h)) * 2


def test_every_node_belongs_to_the_module_that_made_it() -> None:
    model = Tiny()
    with record_module_spans(model) as spans:
        output = model(torch.zeros(1, 3))
    nodes = [node for node in extract_graph(output, model, spans).nodes if not node.parameter]
    made = [(node.name, node.module, node.call) for node in nodes if node.name != "TBackward0"]
    assert made == [
        ("AddmmBackward0", "body.0", 0),
        ("ReluBackward0", "body.1", 0),
        ("SoftplusBackward0", "", 0),
        ("ReluBackward0", "body.1", 1),
        ("AddmmBackward0", "head", 0),
        ("MulBackward0", "", 0),
    ]


def test_hooks_are_gone_afterwards() -> None:
    model = Tiny()
    with record_module_spans(model):
        pass
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_inputs_come_first_and_edges_are_torchs_own(graph: NetworkGraph) -> None:
    assert (graph.edges[:, 0] < graph.edges[:, 1]).all()
    assert len(np.unique(graph.edges)) == len(graph.nodes)  # nothing hangs loose


def test_every_parameter_is_one_leaf_of_its_module(graph: NetworkGraph) -> None:
    leaves = [node for node in graph.nodes if node.parameter]
    assert {node.name for node in leaves} == {"AccumulateGrad"}
    assert len({node.parameter for node in leaves}) == len(leaves)
    assert all(node.parameter.rpartition(".")[0] == node.module for node in leaves)
    whole = next(module for module in graph.modules if module.path == "")
    assert sum(int(np.prod(node.shape)) for node in leaves) == whole.num_params


def test_resnet_18_has_its_published_size() -> None:
    graph = trace_network("resnet18")
    assert graph.modules[0].num_params == 11_689_512  # torchvision's table of classification weights
    names = [node.name for node in graph.nodes]
    assert names.count("ConvolutionBackward0") == 20  # 17 + 3 in the shortcuts
    assert sum(name.startswith("AddBackward") for name in names) == 8  # one sum a block


def test_gradient_norms_add_up_module_by_module(graph: NetworkGraph) -> None:
    for module in graph.modules:
        inside = [
            node.grad_norm
            for node in graph.nodes
            if node.parameter and (not module.path or f"{node.module}.".startswith(f"{module.path}."))
        ]
        assert module.grad_norm == pytest.approx(np.linalg.norm(inside), rel=1e-5)


def test_norms_are_torchs_own() -> None:
    model = Tiny()
    with record_module_spans(model) as spans:
        loss = model(torch.ones(2, 3)).square().mean()
    loss.backward()
    graph = extract_graph(loss, model, spans)
    for name, parameter in model.named_parameters():
        norm = next(node.grad_norm for node in graph.nodes if node.parameter == name)
        assert norm == pytest.approx(float(parameter.grad.norm()), rel=1e-6)


def test_without_backward_norms_are_zero() -> None:
    model = Tiny()
    with record_module_spans(model) as spans:
        output = model(torch.ones(2, 3))
    assert {module.grad_norm for module in extract_graph(output, model, spans).modules} == {0.0}


def test_every_module_path_has_its_parents(graph: NetworkGraph) -> None:
    paths = {module.path for module in graph.modules}
    assert {module.parent for module in graph.modules} <= paths
    assert {node.module for node in graph.nodes} <= paths


def test_json_is_plain_and_complete(graph: NetworkGraph) -> None:
    sent = json.loads(json.dumps(network_to_json(graph), allow_nan=False))
    assert len(sent["nodes"]) == len(graph.nodes)
    assert len(sent["edges"]) == len(graph.edges)
    assert sent["modules"][0] == {**sent["modules"][0], "path": "", "parent": ""}


def test_a_packed_network_is_its_graph_and_always_the_same_bytes() -> None:
    packed = pack_network("resnet18")
    assert json.loads(packed) == network_to_json(trace_network("resnet18"))
    assert pack_network("resnet18") == packed  # equal bytes are not sent to the browser again


def test_same_seed_same_graph_and_the_global_generator_rests() -> None:
    before = torch.get_rng_state()
    once, again, other = (trace_network("resnet18", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert once.modules == again.modules
    assert once.modules != other.modules


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(ValueError, match="resnet18"):
        trace_network("alexnet")
