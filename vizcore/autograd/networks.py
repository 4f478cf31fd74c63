"""The graph of a real network, sorted by module, so that it can be folded and unfolded.

A node belongs to the innermost module whose forward pass made it. Torch numbers nodes in the order of their making,
so it is enough to note the number at every beginning and end of a module's call.

Reference:
    K. He, X. Zhang, S. Ren, J. Sun, Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385 (ResNet);
    M. Tan, Q. Le, EfficientNet, ICML 2019, arXiv 1905.11946 (EfficientNet-Lite0 is its variant for phones).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from jaxtyping import Float
from torch import Tensor, nn

from vizcore.models.efficientnet_lite import EfficientNetLite0
from vizcore.seeding import seeded

NETWORKS: Mapping[str, str] = {"resnet18": "ResNet-18", "efficientnet_lite0": "EfficientNet-Lite0"}
IMAGE_SIZE = 64
BATCH = 2
NUM_CLASSES = 1000


@dataclass(frozen=True)
class NetworkNode:
    """A node of torch's graph.

    Attributes:
        name: Torch's own name, such as ``"ConvolutionBackward0"``.
        module: Path of the innermost module it belongs to, ``""`` for the network itself.
        parameter: Full name of the parameter an ``AccumulateGrad`` feeds, else ``""``.
        shape: Shape of its output, or of the parameter.
        grad_norm: L2 norm of the parameter's gradient; 0 for other nodes.
        call: Which call of its module made it, from 0: a ReLU may stand in two places.
    """

    name: str
    module: str
    parameter: str
    shape: tuple[int, ...]
    grad_norm: float
    call: int = 0


@dataclass(frozen=True)
class NetworkModule:
    """A module of the network.

    Attributes:
        path: As in ``named_modules()``, ``""`` for the network itself.
        parent: Path of the module around it; its own path for the network.
        type: Its class name.
        num_params: Numbers that it and all modules inside it learn.
        grad_norm: L2 norm of all their gradients taken together.
    """

    path: str
    parent: str
    type: str
    num_params: int
    grad_norm: float


@dataclass(frozen=True, eq=False)
class NetworkGraph:
    """A network's whole graph after one backward pass.

    Attributes:
        nodes: Inputs first, each node after those it depends on.
        edges: ``[E, 2]`` source and target; values flow from source to target.
        modules: In the order of ``named_modules()``.
    """

    nodes: tuple[NetworkNode, ...]
    edges: np.ndarray
    modules: tuple[NetworkModule, ...]


@dataclass(frozen=True, eq=False)
class ModuleSpans:
    """Which module ran while nodes were numbered.

    Attributes:
        starts: Sequence numbers at which another module took over, increasing.
        calls: The module that ran from there on, and which of its calls it was.
    """

    starts: list[int]
    calls: list[tuple[str, int]]

    def call_of(self, sequence_number: int) -> tuple[str, int]:
        """The innermost module that ran when torch gave out this number, and which call of it."""
        return self.calls[bisect.bisect_right(self.starts, sequence_number) - 1]


@contextmanager
def record_module_spans(model: nn.Module) -> Iterator[ModuleSpans]:
    """Notes, while its block runs, which module of a network makes which nodes.

    Args:
        model: The network whose forward pass the block runs.

    Yields:
        The spans, filled by the forward pass.
    """
    spans = ModuleSpans([0], [("", 0)])
    running = [("", 0)]
    num_calls: dict[str, int] = {}

    def note() -> None:
        spans.starts.append(torch.autograd._get_sequence_nr())  # type: ignore[attr-defined]
        spans.calls.append(running[-1])

    def enter(path: str) -> Any:
        def hook(module: nn.Module, inputs: Any) -> None:
            call = num_calls.get(path, 0)
            num_calls[path] = call + 1
            running.append((path, call))
            note()

        return hook

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        running.pop()
        note()

    handles = []
    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(enter(path)))
        handles.append(module.register_forward_hook(leave))
    try:
        yield spans
    finally:
        for handle in handles:
            handle.remove()


def extract_graph(output: Tensor, model: nn.Module, spans: ModuleSpans) -> NetworkGraph:
    """Reads the graph behind an output.

    Args:
        output: Any tensor that the network computed; its ``grad_fn`` is where the walk begins.
        model: The network.
        spans: What :func:`record_module_spans` noted during the forward pass.

    Returns:
        The graph; gradient norms are 0 where no ``backward()`` has filled ``.grad``.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    norms = _gradient_norms(model)
    order, inputs = _walk(output.grad_fn)
    nodes = []
    for function in order:
        variable = getattr(function, "variable", None)
        parameter = names.get(id(variable), "") if variable is not None else ""
        if variable is not None:
            (module, call), shape = (parameter.rpartition(".")[0], 0), tuple(variable.shape)
        else:
            module, call = spans.call_of(function._sequence_nr())
            shape = tuple(function._input_metadata[0].shape)
        name = function.name().rpartition("::")[2]
        nodes.append(NetworkNode(name, module, parameter, shape, norms.get(parameter, 0.0), call))
    place = {function: index for index, function in enumerate(order)}
    edges = [(place[source], place[target]) for target, sources in inputs.items() for source in sources]
    return NetworkGraph(tuple(nodes), np.array(edges, dtype=np.int64).reshape(-1, 2), _modules(model, norms))


def trace_network(name: str, *, seed: int = 0) -> NetworkGraph:
    """Builds one of the known networks with random weights, runs it forward and backward, and reads its graph.

    Args:
        name: A key of ``NETWORKS``.
        seed: Seed of weights, input and target.

    Returns:
        The graph of the cross entropy of two random 64 x 64 images, with the gradient norm of every parameter.
    """
    if name not in NETWORKS:
        raise ValueError(f"{name!r} is not one of {', '.join(NETWORKS)}")
    with seeded(seed):
        model = torchvision.models.resnet18(weights=None) if name == "resnet18" else EfficientNetLite0()
        images: Float[Tensor, "2 3 64 64"] = torch.randn(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
        target = torch.randint(NUM_CLASSES, (BATCH,))
        with torch.enable_grad(), record_module_spans(model.train()) as spans:
            loss = F.cross_entropy(model(images), target)
        loss.backward()
    return extract_graph(loss, model, spans)


def network_to_json(graph: NetworkGraph) -> dict[str, Any]:
    """Turns a network's graph into plain lists, numbers and strings, under the dataclasses' own names."""
    return {
        "nodes": [
            {
                "name": node.name,
                "module": node.module,
                "parameter": node.parameter,
                "shape": list(node.shape),
                "grad_norm": _finite(node.grad_norm),
                "call": node.call,
            }
            for node in graph.nodes
        ],
        "edges": [{"source": source, "target": target} for source, target in graph.edges.tolist()],
        "modules": [
            {
                "path": module.path,
                "parent": module.parent,
                "type": module.type,
                "num_params": module.num_params,
                "grad_norm": _finite(module.grad_norm),
            }
            for module in graph.modules
        ],
    }


def _walk(root: Any) -> tuple[list[Any], dict[Any, list[Any]]]:
    """Every function behind a root, inputs before users, and the inputs of each."""
    inputs: dict[Any, list[Any]] = {}
    order: list[Any] = []
    stack = [(root, False)]
    while stack:
        function, is_done = stack.pop()
        if is_done:
            order.append(function)
        elif function not in inputs:
            inputs[function] = [source for source, _ in function.next_functions if source is not None]
            stack.append((function, True))
            stack.extend((source, False) for source in reversed(inputs[function]) if source not in inputs)
    return order, inputs


def _gradient_norms(model: nn.Module) -> dict[str, float]:
    named = [(name, parameter.grad) for name, parameter in model.named_parameters() if parameter.grad is not None]
    norms = torch._foreach_norm([grad for _, grad in named]) if named else ()
    return {name: float(norm) for (name, _), norm in zip(named, norms, strict=True)}


def _modules(model: nn.Module, norms: Mapping[str, float]) -> tuple[NetworkModule, ...]:
    num_params: dict[str, int] = {}
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        path = name
        while path:
            path = path.rpartition(".")[0]
            num_params[path] = num_params.get(path, 0) + parameter.numel()
            squares[path] = squares.get(path, 0.0) + norms.get(name, 0.0) ** 2
    return tuple(
        NetworkModule(
            path,
            path.rpartition(".")[0],
            type(module).__name__,
            num_params.get(path, 0),
            math.sqrt(squares.get(path, 0.0)),
        )
        for path, module in model.named_modules()
    )


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
