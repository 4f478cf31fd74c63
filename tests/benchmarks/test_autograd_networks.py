"""Reading ResNet-50's graph against torchviz on the same output: at most as long, layout included."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import torch
import torchvision
import torchviz

from vizcore.autograd.layout import place_nodes
from vizcore.autograd.networks import extract_graph, record_module_spans


def best_of(action: Callable[[], object], repeats: int = 15) -> float:
    """Shortest of several runs in milliseconds: the one that other processes disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def test_extraction_against_torchviz() -> None:
    model = torchvision.models.resnet50(weights=None)
    with record_module_spans(model) as spans:
        output = model(torch.zeros(1, 3, 64, 64))
    names = dict(model.named_parameters())

    def ours() -> None:
        graph = extract_graph(output, model, spans)
        place_nodes(len(graph.nodes), [(source, target) for source, target in graph.edges.tolist()])

    def theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torchviz compares versions with distutils
            torchviz.make_dot(output, params=names)

    mine, reference = best_of(ours), best_of(theirs)
    print(
        f"\nResNet-50 graph with layout: {mine:.2f} ms, torchviz {reference:.2f} ms, ratio {mine / reference:.2f} (≤ 1)"
    )
